package psu

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const back = "https://app.receptora-aurora.localhost:8443/cb"

// bank serves the pages of the reference institution as they are drawn there.
type bank struct {
	*httptest.Server
	mu    sync.Mutex
	posts []url.Values
	final string
}

func sample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../platform/as/screen/testdata/" + name + ".html")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func newBank(t *testing.T, confirm string) *bank {
	b := &bank{final: back + "#code=c&id_token=a.b.c&state=s%20t"}
	login, page := sample(t, "login"), sample(t, confirm)
	b.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/authorize" {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Secure: true, HttpOnly: true, Path: "/"})
			_, _ = io.WriteString(w, login)
			return
		}
		if c, err := r.Cookie("session"); err != nil || c.Value != "1" {
			http.Error(w, "no session", http.StatusBadRequest)
			return
		}
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, page)
			return
		}
		_ = r.ParseForm()
		b.mu.Lock()
		b.posts = append(b.posts, r.PostForm)
		b.mu.Unlock()
		switch action := r.PostForm.Get("action"); {
		case r.URL.Path == "/login" && action == "cancel", action == "deny":
			http.Redirect(w, r, back+"#error=access_denied&state=s", http.StatusSeeOther)
		case r.URL.Path == "/login" && r.PostForm.Get("password") != "senha":
			_, _ = io.WriteString(w, login)
		case r.URL.Path == "/login":
			http.Redirect(w, r, "/consent", http.StatusSeeOther)
		default:
			http.Redirect(w, r, b.final, http.StatusSeeOther)
		}
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *bank) robot() *Robot {
	roots := x509.NewCertPool()
	roots.AddCert(b.Certificate())
	return &Robot{Network: Network{CA: roots}, Username: "ana", Password: "senha", Back: []string{back}}
}

func (b *bank) last(t *testing.T) url.Values {
	t.Helper()
	if len(b.posts) == 0 {
		t.Fatal("nothing was posted")
	}
	return b.posts[len(b.posts)-1]
}

func TestApproveKeepsWhatThePageChose(t *testing.T) {
	b := newBank(t, "data")
	var seen []Page
	r := b.robot()
	r.Seen = func(p Page) { seen = append(seen, p) }
	to, err := r.Visit(context.Background(), b.URL+"/authorize?client_id=c&request_uri=urn:x")
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := url.ParseQuery(to.EscapedFragment()); v.Get("code") != "c" || v.Get("state") != "s t" {
		t.Errorf("came back with %q", to.Fragment)
	}
	if got := b.last(t); !slices.Equal(got["account"], []string{"a-1", "a-2"}) || got.Get("csrf") != "token" || got.Get("company") != "c-1" || got.Get("action") != "approve" {
		t.Errorf("posted %v", got)
	}
	if got := b.posts[0]; got.Get("csrf") != "csrf-1" || got.Get("username") != "ana" {
		t.Errorf("signed in with %v", got)
	}
	if len(seen) != 2 || strings.Contains(seen[0].Address, "request_uri") || Hooks(seen[1].HTML)["receiver"][0] != "Receptora Aurora" {
		t.Errorf("evidence is incomplete or tells secrets: %d pages", len(seen))
	}
}

func TestTheScriptIsFollowed(t *testing.T) {
	for name, c := range map[string]struct {
		page  string
		edit  func(*Robot)
		check func(*bank, url.Values) bool
		want  string
	}{
		"denies":              {"data", func(r *Robot) { r.Decision = Deny }, func(_ *bank, v url.Values) bool { return v.Get("action") == "deny" }, "access_denied"},
		"cancels at login":    {"data", func(r *Robot) { r.CancelAtLogin = true }, func(b *bank, v url.Values) bool { return len(b.posts) == 1 && v.Get("password") == "" }, "access_denied"},
		"wrong first":         {"data", func(r *Robot) { r.WrongFirst = true }, func(b *bank, _ url.Values) bool { return len(b.posts) == 3 && b.posts[0].Get("password") != "senha" }, "code"},
		"reduces accounts":    {"data", func(r *Robot) { r.Accounts = []string{"a-2"} }, func(_ *bank, v url.Values) bool { return slices.Equal(v["account"], []string{"a-2"}) }, "code"},
		"keeps none":          {"data", func(r *Robot) { r.Accounts = []string{} }, func(_ *bank, v url.Values) bool { return !v.Has("account") }, "code"},
		"by label":            {"payment", func(r *Robot) { r.Accounts = []string{"conta 2"} }, func(_ *bank, v url.Values) bool { return v.Get("account") == "a-2" }, "code"},
		"company by name":     {"data", func(r *Robot) { r.Company = "Oficina" }, func(_ *bank, v url.Values) bool { return v.Get("company") == "c-2" }, "code"},
		"preselected account": {"payment", func(*Robot) {}, func(_ *bank, v url.Values) bool { return v.Get("account") == "a-2" }, "code"},
		"decides by the page": {"payment", func(r *Robot) {
			r.Decide = func(f *Form) Decision {
				if f.Hook("amount") == "R$ 1.234.567,89" {
					return Deny
				}
				return Approve
			}
		}, func(_ *bank, v url.Values) bool { return v.Get("action") == "deny" }, "access_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, c.page)
			r := b.robot()
			c.edit(r)
			to, err := r.Visit(context.Background(), b.URL+"/authorize")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(to.Fragment, c.want) || !c.check(b, b.last(t)) {
				t.Errorf("came back with %q after %v", to.Fragment, b.posts)
			}
		})
	}
}

func TestWhatEndsWithoutARedirect(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*bank, *Robot)
		want string
	}{
		"leaves":                {func(_ *bank, r *Robot) { r.Decision = Leave }, ErrAbandoned.Error()},
		"leaves at login":       {func(_ *bank, r *Robot) { r.LeaveAtLogin = true }, ErrAbandoned.Error()},
		"wrong for good":        {func(_ *bank, r *Robot) { r.Password = "x" }, "refused the customer's username or password"},
		"an unfit account":      {func(_ *bank, r *Robot) { r.Accounts = []string{"a-3"} }, "does not let the customer choose"},
		"an unknown account":    {func(_ *bank, r *Robot) { r.Accounts = []string{"zz"} }, "offers no such account"},
		"another host":          {func(b *bank, _ *Robot) { b.final = "https://evil.example/cb#code=c" }, "led away to evil.example"},
		"another redirect path": {func(b *bank, _ *Robot) { b.final = back + "/deeper#code=c" }, "led away to app.receptora-aurora.localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, "data")
			r := b.robot()
			c.edit(b, r)
			if _, err := r.Visit(context.Background(), b.URL+"/authorize"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAnErrorPageIsEvidence(t *testing.T) {
	page := sample(t, "error")
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, page)
	}))
	defer s.Close()
	r := (&bank{Server: s}).robot()
	_, err := r.Visit(context.Background(), s.URL+"/authorize?request_uri=urn:secret")
	var stopped *Stopped
	if !errors.As(err, &stopped) || stopped.Page.Status != http.StatusBadRequest || !errors.Is(err, ErrStopped) {
		t.Fatalf("got %v", err)
	}
	if Hooks(stopped.Page.HTML)["what"][0] != "O pedido expirou" || strings.Contains(err.Error(), "secret") {
		t.Error("the page is not kept, or the address leaks")
	}
}

func TestThePasswordStaysAtTheBank(t *testing.T) {
	stolen := make(chan string, 1)
	evil := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen <- r.FormValue("password") }))
	defer evil.Close()
	trap := strings.Replace(sample(t, "login"), `action="/login"`, `action="http://`+strings.TrimPrefix(evil.URL, "https://")+`/login"`, 1)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, trap) }))
	defer s.Close()
	if _, err := (&bank{Server: s}).robot().Visit(context.Background(), s.URL); err == nil || len(stolen) > 0 {
		t.Errorf("the form leading away was followed: %v", err)
	}
	if _, err := (&Robot{}).Visit(context.Background(), "http://plain.example/authorize"); err == nil {
		t.Error("a plain address was visited")
	}
}

func TestAPersonIsAskedAgain(t *testing.T) {
	var told strings.Builder
	h := &Human{Name: "Ana", Tell: &told, Answers: bufio.NewReader(strings.NewReader("o quê?\n" + back + "#code=c\n"))}
	to, err := h.Visit(context.Background(), "https://auth.banco/authorize")
	if err != nil || to.Fragment != "code=c" {
		t.Fatalf("%v %v", to, err)
	}
	if !strings.Contains(told.String(), "https://auth.banco/authorize") || !strings.Contains(told.String(), "Cole de novo") {
		t.Error("the person was not told what to do")
	}
	if _, err := h.Visit(context.Background(), "https://auth.banco/authorize"); !errors.Is(err, io.EOF) {
		t.Errorf("got %v at the end of the input", err)
	}
}

func TestALineBegunIsTheNextVisitsAnswer(t *testing.T) {
	in, out := io.Pipe()
	h := &Human{Name: "Ana", Tell: io.Discard, Answers: bufio.NewReader(in)}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.Visit(ctx, "https://a"); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	go func() { _, _ = io.WriteString(out, back+"#code=d\n") }()
	if to, err := h.Visit(context.Background(), "https://b"); err != nil || to.Fragment != "code=d" {
		t.Fatalf("%v %v", to, err)
	}
}

func FuzzFindForm(f *testing.F) {
	f.Add(`<form id="login" action="/x"><input name=a value=b><button name=action value=continue>`)
	f.Add("<form action='::'><label><input type=checkbox name=account value=1 checked>x")
	base, err := url.Parse("https://bank.example/authorize")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, page string) {
		form, ok := findForm(page, base)
		if !ok {
			return
		}
		form.settle("account")
		_ = form.Choose("company", "x")
		if v := form.Press("approve"); v.Get("action") != "approve" {
			t.Error("the pressed button is not sent")
		}
	})
}
