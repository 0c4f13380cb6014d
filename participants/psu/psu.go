// Package psu is the customer: the person in front of the third party's page, who is sent to the bank,
// signs in, looks at what is asked, decides, and comes back.
//
// A [Robot] reads the pages as a browser would and knows nothing of the bank but its forms; a [Human]
// shows the address to a person and waits for the address they came back with. Both give the redirect to
// the third party as it was, query and fragment, and never follow it. A robot refuses to send its
// password anywhere but over https to the host it was sent to, and gives up after a bounded number of
// pages.
package psu

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
)

// Decision is what the customer does at the confirmation.
type Decision string

// The decisions. Leave abandons the journey on the confirmation page.
const (
	Approve Decision = "approve"
	Deny    Decision = "deny"
	Leave   Decision = "leave"
)

// The bounds of one visit.
const (
	maxPages = 20
	maxPage  = 2 << 20
)

// The ways in which a visit ends without a redirect.
var (
	ErrStopped   = errors.New("the bank ended the journey on a page of its own")
	ErrAbandoned = errors.New("the customer left")
	ErrLost      = errors.New("the customer went round in circles")
)

// Network is how a robot reaches the bank.
type Network struct {
	CA    *x509.CertPool
	Hosts map[string]string // public name to address, with or without port
	Clock *clock.Clock
}

// Page is one page seen: the evidence of a visit.
type Page struct {
	Address string // without query: request_uri and csrf values are secrets
	Status  int
	HTML    string
}

// Robot is a customer who acts by script. Its fields are the script; the zero decision approves. A Robot
// may make many visits at once: each has its own cookies.
type Robot struct {
	Network
	Username, Password string
	// Back lists the third party's redirect URIs: arriving at one of them ends the visit. When empty,
	// any redirect to another host ends it.
	Back []string

	WrongFirst    bool     // types a wrong password once
	CancelAtLogin bool     // cancels instead of signing in
	LeaveAtLogin  bool     // closes the page instead of signing in
	Decision      Decision // "" approves
	Accounts      []string // resource ids or parts of labels to keep; nil keeps what the page chose
	Company       string   // id or part of the label of the company to act for
	// Decide, when set, replaces Decision: it is given the confirmation page.
	Decide func(page *Form) Decision
	// Seen is told of every page, from the goroutine of the visit.
	Seen func(Page)
}

// Stopped is a visit that ended on a page instead of a redirect.
type Stopped struct{ Page Page }

// Error names the status, not the address.
func (s *Stopped) Error() string { return fmt.Sprintf("%v: status %d", ErrStopped, s.Page.Status) }

// Unwrap makes a Stopped an [ErrStopped].
func (s *Stopped) Unwrap() error { return ErrStopped }

// Visit opens an address and acts until the bank redirects to the third party, whose address it returns.
func (r *Robot) Visit(ctx context.Context, address string) (*url.URL, error) {
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "https" {
		return nil, fmt.Errorf("visit: the address is not https")
	}
	v := &visit{robot: r, home: at.Hostname(), client: r.browser()}
	defer v.client.CloseIdleConnections()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("visit: the address cannot be used")
	}
	for range maxPages {
		back, next, err := v.step(q)
		if back != nil || err != nil {
			return back, err
		}
		q = next
	}
	return nil, ErrLost
}

// visit is one journey through the bank's pages.
type visit struct {
	robot  *Robot
	client *http.Client
	home   string // host of the bank
	wrong  bool   // the wrong password was typed already
	signed bool   // the right credentials were sent
}

// step loads one page and returns either the way back, or the next request.
func (v *visit) step(q *http.Request) (back *url.URL, next *http.Request, err error) {
	q.Header.Set("Accept", "text/html,application/xhtml+xml")
	q.Header.Set("Accept-Language", "pt-BR")
	q.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Ensaio (cliente simulado)")
	a, err := v.client.Do(q)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the address holds secrets
		}
		return nil, nil, fmt.Errorf("visit %s: %w", q.URL.Hostname(), err)
	}
	defer func() { _ = a.Body.Close() }()
	if a.StatusCode/100 == 3 {
		to, err := a.Location()
		if err != nil {
			return nil, nil, fmt.Errorf("visit %s: redirect without an address", q.URL.Hostname())
		}
		if v.robot.isBack(to, v.home) {
			return to, nil, nil
		}
		if to.Scheme != "https" || to.Hostname() != v.home {
			return nil, nil, fmt.Errorf("visit %s: led away to %s", q.URL.Hostname(), to.Hostname())
		}
		next, err = http.NewRequestWithContext(q.Context(), http.MethodGet, to.String(), nil)
		return nil, next, err
	}
	body, err := io.ReadAll(io.LimitReader(a.Body, maxPage))
	if err != nil {
		return nil, nil, fmt.Errorf("visit %s: %w", q.URL.Hostname(), err)
	}
	page := Page{Address: q.URL.Scheme + "://" + q.URL.Host + q.URL.Path, Status: a.StatusCode, HTML: string(body)}
	if v.robot.Seen != nil {
		v.robot.Seen(page)
	}
	form, ok := findForm(page.HTML, q.URL)
	if !ok {
		return nil, nil, &Stopped{page}
	}
	if form.Action.Scheme != "https" || form.Action.Hostname() != v.home {
		return nil, nil, fmt.Errorf("visit %s: a form leads away to %s", v.home, form.Action.Hostname())
	}
	values, err := v.act(form)
	if err != nil {
		return nil, nil, err
	}
	return v.submit(q, form, values)
}

func (v *visit) submit(q *http.Request, form *Form, values url.Values) (*url.URL, *http.Request, error) {
	next, err := http.NewRequestWithContext(q.Context(), http.MethodPost, form.Action.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return nil, nil, fmt.Errorf("visit %s: the form's address cannot be used", v.home)
	}
	next.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	next.Header.Set("Origin", q.URL.Scheme+"://"+q.URL.Host)
	return nil, next, nil
}

// act fills a form in as the script says.
func (v *visit) act(form *Form) (url.Values, error) {
	r := v.robot
	if form.ID == "login" {
		return v.login(form)
	}
	decision := r.Decision
	if r.Decide != nil {
		decision = r.Decide(form)
	}
	switch decision {
	case "", Approve:
		if r.Accounts != nil {
			if err := form.Choose("account", r.Accounts...); err != nil {
				return nil, err
			}
		} else {
			form.settle("account")
		}
		if r.Company != "" {
			if err := form.Choose("company", r.Company); err != nil {
				return nil, err
			}
		} else {
			form.settle("company")
		}
		return form.Press("approve"), nil
	case Deny:
		return form.Press("deny"), nil
	case Leave:
		return nil, ErrAbandoned
	}
	return nil, fmt.Errorf("the customer knows no decision %q", decision)
}

func (v *visit) login(form *Form) (url.Values, error) {
	r := v.robot
	if r.LeaveAtLogin {
		return nil, ErrAbandoned
	}
	if r.CancelAtLogin {
		return form.Press("cancel"), nil
	}
	if v.signed {
		return nil, errors.New("the bank refused the customer's username or password")
	}
	password := r.Password
	if r.WrongFirst && !v.wrong {
		v.wrong = true
		password = "not-" + r.Password
	} else {
		v.signed = true
	}
	form.Values.Set("username", r.Username)
	form.Values.Set("password", password)
	return form.Press("continue"), nil
}

// isBack says whether an address is the third party's.
func (r *Robot) isBack(to *url.URL, home string) bool {
	if len(r.Back) == 0 {
		return to.Hostname() != home
	}
	for _, uri := range r.Back {
		if u, err := url.Parse(uri); err == nil && u.Scheme == to.Scheme && u.Host == to.Host && u.Path == to.Path {
			return true
		}
	}
	return false
}

func (r *Robot) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // New fails never without options
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: r.CA}
	if r.Clock != nil {
		t.Time = r.Clock.Now
	}
	return &http.Client{
		Jar:           jar,
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DialContext: r.dial, TLSClientConfig: t, TLSHandshakeTimeout: 10 * time.Second},
	}
}

func (r *Robot) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && r.Hosts[host] != "" {
		address = r.Hosts[host]
		if _, _, err := net.SplitHostPort(address); err != nil {
			address = net.JoinHostPort(address, port)
		}
	}
	d := net.Dialer{Timeout: 10 * time.Second}
	return d.DialContext(ctx, network, address)
}
