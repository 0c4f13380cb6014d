// Package screen renders the pages that a customer of the institution sees during a redirect journey.
//
// It promises that every element the experience guide makes mandatory for the transmitter of data and
// for the holder of the account is on the page, each under a stable hook (data-ofb), that any text from
// outside is escaped, that no page needs a script, and that every page says it is a simulation. It
// decides nothing: what may be shown and what happens on a click belongs to the authorization server.
package screen

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed pages
var pages embed.FS

// Screens renders pages. It is safe for concurrent use.
type Screens struct {
	login, data, payment, failure *template.Template
	style                         template.CSS
	styleHash                     string
}

// New parses the embedded pages.
func New() (*Screens, error) {
	css, err := pages.ReadFile("pages/style.css")
	if err != nil {
		return nil, fmt.Errorf("read style: %w", err)
	}
	sum := sha256.Sum256(css)
	s := &Screens{
		style:     template.CSS(css), //nolint:gosec // our own embedded file, never input
		styleHash: "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
	}
	frame := template.New("frame.html").Funcs(template.FuncMap{
		"style": func() template.CSS { return s.style },
		"join":  strings.Join,
	})
	if frame, err = frame.ParseFS(pages, "pages/frame.html"); err != nil {
		return nil, fmt.Errorf("parse frame: %w", err)
	}
	for name, into := range map[string]**template.Template{"login": &s.login, "data": &s.data, "payment": &s.payment, "error": &s.failure} {
		clone, err := frame.Clone()
		if err != nil {
			return nil, fmt.Errorf("clone frame: %w", err)
		}
		if *into, err = clone.ParseFS(pages, "pages/"+name+".html"); err != nil {
			return nil, fmt.Errorf("parse %s page: %w", name, err)
		}
	}
	return s, nil
}

// Login writes the sign-in page (AU-01..AU-03): the bank's own form, nothing of the consent on it.
func (s *Screens) Login(w io.Writer, v LoginView) error { return render(w, s.login, v) }

// Consent writes the confirmation of data sharing (CF-01..CF-17).
func (s *Screens) Consent(w io.Writer, v DataView) error { return render(w, s.data, v) }

// Payment writes the confirmation of a payment (PM-10..PM-19, SC-06).
func (s *Screens) Payment(w io.Writer, v PaymentView) error { return render(w, s.payment, v) }

// Error writes a page that says what happened, why, and what to do (section 6 of the guide).
func (s *Screens) Error(w io.Writer, v ErrorView) error { return render(w, s.failure, v) }

// Policy is the Content-Security-Policy that fits the pages: no script, only the embedded style, no
// frames. returnTo names the origins a form's answer may redirect to, such as the third party's.
func (s *Screens) Policy(returnTo ...string) string {
	return "default-src 'none'; style-src '" + s.styleHash + "'; img-src https:; base-uri 'none'; frame-ancestors 'none'; form-action " +
		strings.Join(append([]string{"'self'"}, returnTo...), " ")
}

// render writes a page whole or not at all: a customer never sees half a consent.
func render(w io.Writer, t *template.Template, view any) error {
	var b bytes.Buffer
	if err := t.Execute(&b, view); err != nil {
		return fmt.Errorf("render %s: %w", t.Name(), err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
