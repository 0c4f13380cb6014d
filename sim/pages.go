package sim

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/as/screen"
)

var (
	//go:embed pages.gohtml
	consoleText string
	//go:embed app.gohtml
	appText string
	//go:embed pages.css
	pageStyle string
	//go:embed app_landing.js
	landingScript string
)

var pageTemplates = template.Must(template.Must(template.New("pages").Funcs(template.FuncMap{
	"style":  func() template.CSS { return template.CSS(pageStyle) },   //nolint:gosec // our own embedded file, never input
	"script": func() template.JS { return template.JS(landingScript) }, //nolint:gosec // our own embedded file, never input
	"money":  screen.Money,
	"mask":   screen.Mask,
	"cpf":    dotted,
}).Parse(consoleText)).Parse(appText))

// policy is the Content-Security-Policy of our pages: the embedded style and the one embedded script, by
// what they are; forms go nowhere else; nothing is fetched, framed or loaded.
var policy = "default-src 'none'; style-src '" + digest(pageStyle) + "'; script-src '" + digest(landingScript) +
	"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// frame is what stands around every page: what is broken on purpose, and which day it is there.
type frame struct {
	Defects []string
	Now     string
	Stepped string
}

func (e *Ecosystem) frame() frame {
	f := frame{Defects: e.board.Seams().Armed(), Now: moment(e.clock.Now())}
	if offset := e.clock.Offset().Round(time.Second); offset != 0 {
		f.Stepped = span(offset)
	}
	return f
}

func moment(t time.Time) string {
	t = t.In(brasilia)
	return t.Format("02/01/2006 15:04:05")
}

// span writes a step of the clock in days, hours, minutes and seconds.
func span(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "−", -d
	}
	days := d / (24 * time.Hour)
	rest := d % (24 * time.Hour)
	switch {
	case days == 0:
		return sign + rest.String()
	case rest == 0:
		return sign + plural(int(days), "dia", "dias")
	}
	return sign + plural(int(days), "dia", "dias") + " e " + rest.String()
}

// show writes a page whole or not at all.
func (e *Ecosystem) show(w http.ResponseWriter, status int, name string, view any) {
	var b bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&b, name, view); err != nil {
		e.log.Error("a page could not be shown", "page", name, "error", err)
		http.Error(w, "erro interno", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // a browser that left hears nothing
}

// onlyAt lets only requests to one public name through, so that no other name that leads here by a trick
// of the name system has a page's powers.
func onlyAt(name string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, _ := strings.Cut(r.Host, ":"); !strings.EqualFold(host, name) {
			http.Error(w, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
