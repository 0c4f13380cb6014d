package sim_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim"
	"github.com/ensaio/ensaio/sim/spec"
)

// An ecosystem that was ended leaves no goroutine behind, whoever has used it and however.
func TestNothingRunsOnAfterClose(t *testing.T) {
	before := goleak.IgnoreCurrent()
	e, err := sim.Start(t.Context(), sim.Options{Seed: 6, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}

// raw is a connection on which anything can be said.
type raw struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// connect opens a TLS connection to a name of the ecosystem with a client certificate.
func connect(t *testing.T, r sim.Ready, c *tpp.Client, base, name string) *raw {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	if name == "" {
		name = u.Hostname()
	}
	conn, err := tls.Dial("tcp", "127.0.0.1:"+u.Port(), &tls.Config{RootCAs: roots(t, r), ServerName: name, MinVersion: tls.VersionTLS12,
		Certificates: []tls.Certificate{c.Config().Transport}, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(40 * time.Second))
	return &raw{t, conn, bufio.NewReader(conn)}
}

// answer reads what came; nil means that the connection was closed without one.
func (r *raw) answer() (*http.Response, string) {
	r.t.Helper()
	a, err := http.ReadResponse(r.r, nil)
	if err != nil {
		return nil, ""
	}
	defer func() { _ = a.Body.Close() }()
	b, _ := io.ReadAll(a.Body)
	return a, string(b)
}

func (r *raw) say(format string, args ...any) { _, _ = fmt.Fprintf(r.conn, format, args...) }

// Whatever arrives is answered with an error of the standard, or with the end of the connection, in
// bounded time; nothing breaks, and those who behave are served all the while.
func TestHostileTraffic(t *testing.T) {
	log := &noise{}
	_, r := inProcess(t, sim.Options{Seed: 8, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	c := party(t, r, 0, nil)
	bank := bankOf(t.Context(), t, r, c, 0)
	api := bank.ResourceBase
	host := mustHost(t, api)
	auth := mustHost(t, bank.Token)
	path := spec.Find("consents.create").FullPath()
	token, err := c.ClientCredentials(t.Context(), bank, "consents")
	if err != nil {
		t.Fatal(err)
	}
	head := func(path, host string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + token.AccessToken() +
			"\r\nX-Fapi-Interaction-Id: " + uuid.NewString() + "\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
	}
	chunks := func(x *raw, size int) {
		piece := strings.Repeat("x", 32<<10)
		for range size / len(piece) {
			if _, err := fmt.Fprintf(x.conn, "%x\r\n%s\r\n", len(piece), piece); err != nil {
				return
			}
		}
	}
	type answered struct {
		status []int // 0 is a closed connection
		form   string
	}
	standard := `"errors":[{"code":`
	for name, c := range map[string]struct {
		do   func(t *testing.T) (*http.Response, string)
		want answered
	}{
		"announced body too large": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			x.say("%sContent-Length: 1073741824\r\n\r\n{", head(path, host))
			return x.answer()
		}, answered{[]int{413}, standard}},
		"endless chunks": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			x.say("%sTransfer-Encoding: chunked\r\n\r\n", head(path, host))
			go chunks(x, 64<<20)
			return x.answer()
		}, answered{[]int{413, 0}, standard}},
		"endless chunks for the token": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, bank.Token, "")
			x.say("POST /token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n", auth)
			go chunks(x, 64<<20)
			return x.answer()
		}, answered{[]int{400, 413, 0}, `"error":`}},
		"slow header": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			x.say("GET / HTTP/1.1\r\nHost: ")
			return x.answer()
		}, answered{[]int{0, 408}, ""}},
		"slow body": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			x.say("%sContent-Length: 100\r\n\r\n{", head(path, host))
			return x.answer()
		}, answered{[]int{408, 0}, standard}},
		"slow form": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, bank.PAR, "")
			x.say("POST /par HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na=", auth)
			return x.answer()
		}, answered{[]int{400, 408, 0}, `"error":`}},
		"garbage instead of TLS": {func(t *testing.T) (*http.Response, string) {
			u, _ := url.Parse(api)
			conn, err := net.Dial("tcp", "127.0.0.1:"+u.Port())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			_, _ = conn.Write(bytes.Repeat([]byte{0x16, 3, 1, 0xff, 0xff, 7}, 20000))
			x := &raw{t, conn, bufio.NewReader(conn)}
			return x.answer()
		}, answered{[]int{0, 400}, ""}},
		"huge header": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			x.say("%sX-Long: %s\r\n\r\n", head(path, host), strings.Repeat("a", 80<<10))
			return x.answer()
		}, answered{[]int{431, 0}, ""}},
		"many headers": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			var b strings.Builder
			for i := range 9000 {
				fmt.Fprintf(&b, "A%d: b\r\n", i)
			}
			x.say("%s%s\r\n", head(path, host), b.String())
			return x.answer()
		}, answered{[]int{431, 0}, ""}},
		"HTTP/1.0 without host": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			x.say("GET / HTTP/1.0\r\n\r\n")
			return x.answer()
		}, answered{[]int{421, 400}, ""}},
		"HTTP/1.0": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			x.say("GET %s/nothing HTTP/1.0\r\nHost: %s\r\n\r\n", path, host)
			return x.answer()
		}, answered{[]int{400}, standard}},
		"another host than in the handshake": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "auth.banco-ensaio.localhost")
			x.say("%sContent-Length: 2\r\n\r\n{}", head(path, host))
			return x.answer()
		}, answered{[]int{421}, ""}},
		"a host of nobody": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			x.say("%sContent-Length: 2\r\n\r\n{}", head(path, "evil.example"))
			return x.answer()
		}, answered{[]int{421}, ""}},
		"two lengths": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			x.say("%sContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", head(path, host))
			return x.answer()
		}, answered{[]int{400, 0}, ""}},
		"a method of nobody": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			x.say("BREW %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
			return x.answer()
		}, answered{[]int{405}, standard}},
		"a deep body": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			body := strings.Repeat(`{"data":`, 20_000)
			x.say("%sContent-Length: %d\r\n\r\n%s", head(path, host), len(body), body)
			return x.answer()
		}, answered{[]int{400, 422}, standard}},
		"a body of zeros": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			x.say("%sContent-Length: 1000\r\n\r\n%s", head(path, host), strings.Repeat("\x00", 1000))
			return x.answer()
		}, answered{[]int{400, 422}, standard}},
		"an address with dots and escapes": {func(t *testing.T) (*http.Response, string) {
			x := connect(t, r, c, api, "")
			x.say("GET /open-banking/accounts/v2/accounts/..%%2f..%%00/balances?page=%%zz HTTP/1.1\r\nHost: %s\r\n\r\n", host)
			return x.answer()
		}, answered{[]int{400, 401, 404}, ""}},
		"the rest of the handshake never comes": {func(t *testing.T) (*http.Response, string) {
			u, _ := url.Parse(api)
			conn, err := net.Dial("tcp", "127.0.0.1:"+u.Port())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			_, _ = conn.Write([]byte{0x16, 3, 1, 2, 0, 1})
			return (&raw{t, conn, bufio.NewReader(conn)}).answer()
		}, answered{[]int{0}, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && strings.HasPrefix(name, "slow") {
				t.Skip("a slow client is waited for: up to fifteen seconds")
			}
			t.Parallel()
			began := time.Now()
			a, body := c.do(t)
			status := 0
			if a != nil {
				status = a.StatusCode
			}
			ok := false
			for _, want := range c.want.status {
				ok = ok || status == want
			}
			if !ok {
				t.Errorf("answered %d %s, want one of %v", status, body, c.want.status)
			}
			if a != nil && c.want.form != "" && !strings.Contains(strings.ReplaceAll(body, " ", ""), c.want.form) {
				t.Errorf("the answer %d is not of the standard's form: %.300s", status, body)
			}
			for _, inside := range []string{"goroutine", "/platform/", "panic", ".go:"} {
				if strings.Contains(body, inside) {
					t.Errorf("the answer tells internals: %.300s", body)
				}
			}
			if took := time.Since(began); took > 25*time.Second {
				t.Errorf("held a connection for %v", took)
			}
		})
	}
	t.Cleanup(func() { // after all of them, in spite of all of them
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := c.CreateConsent(ctx, bank, []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}, tpp.Person{CPF: ordinary(r)[0].CPF}); err != nil {
			t.Errorf("who behaves is not served: %v", err)
		}
		for _, line := range complaints(log.String()) {
			t.Error(line)
		}
	})
}

func mustHost(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// What is personal or secret is in no log, at any level, though journeys, payments and refusals pass.
func TestLogsNameNobody(t *testing.T) {
	log := &noise{}
	_, r := inProcess(t, sim.Options{Seed: 9, Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	var secrets []string
	c := party(t, r, 0, func(e *tpp.Exchange) {
		for _, member := range []string{"access_token", "refresh_token", "id_token", "registration_access_token"} {
			if v := e.Text(member); v != "" {
				secrets = append(secrets, v)
			}
		}
	})
	bank := bankOf(t.Context(), t, r, c, 0)
	who := ordinary(r)[1]
	customer := robot(t, r, who, c.Config().RedirectURIs)
	customer.WrongFirst = true
	g, err := c.Share(t.Context(), bank, []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}, tpp.Person{CPF: who.CPF}, customer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Accounts(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	order := tpp.Order{Payer: tpp.Person{CPF: who.CPF}, Amount: "3.21", Creditor: tpp.Creditor{Name: "Loja Simulada", Document: "99999008000151",
		Account: tpp.Account{ISPB: "99999008", Issuer: "0001", Number: "1234567890", Type: "CACC"}}}
	if _, err := c.Pay(t.Context(), bank, order, customer); err != nil {
		t.Fatal(err)
	}
	// Refusals of every kind, with the person's data in the places that logs like to repeat.
	for _, path := range []string{"/open-banking/accounts/v2/accounts/" + who.CPF + "/balances", "/" + who.CPF, "/token?cpf=" + who.CPF} {
		q, err := http.NewRequestWithContext(t.Context(), "GET", bank.ResourceBase+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+g.AccessToken())
		q.Header.Set("X-Fapi-Interaction-Id", who.CPF)
		pool := wire(c.Config().Transport, roots(t, r), r.Hosts)
		if _, _, err := exchange(pool, q); err != nil {
			t.Fatal(err)
		}
		pool.CloseIdleConnections()
	}
	if _, err := c.DeleteConsent(t.Context(), g.Consent); err != nil {
		t.Fatal(err)
	}
	said := log.String()
	if !strings.Contains(said, "accounts.list") {
		t.Fatal("nothing was logged")
	}
	for _, p := range r.Customers {
		for what, v := range map[string]string{"CPF": p.CPF, "CNPJ": p.CNPJ, "password": p.Password, "name": p.Name} {
			if v != "" && strings.Contains(said, v) {
				t.Errorf("the log names a %s: %s", what, line(said, v))
			}
		}
	}
	if strings.Contains(said, order.Creditor.Document) {
		t.Errorf("the log names the creditor: %s", line(said, order.Creditor.Document))
	}
	for _, s := range secrets {
		if strings.Contains(said, s) {
			t.Errorf("a token is in the log: %s", line(said, s))
		}
	}
	if jwt := regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.`).FindString(said); jwt != "" {
		t.Errorf("a signed token is in the log: %s", line(said, jwt))
	}
}

func line(text, with string) string {
	for l := range strings.Lines(text) {
		if strings.Contains(l, with) {
			return l
		}
	}
	return ""
}
