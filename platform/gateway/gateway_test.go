package gateway_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/pki"
)

// TestEachRuleRefusesAloneAndOffLetsThrough is the table of the pipeline: the sentence, the call that
// breaks only that sentence, the refusal, and what the same call gets with the row off.
func TestEachRuleRefusesAloneAndOffLetsThrough(t *testing.T) {
	entity := `{"data":{"loggedUser":{"document":{"identification":"12345678909","rel":"CPF"}}}}`
	extend := func(w *world) request {
		return request{method: "POST", path: consents + "/" + w.consent + "/extends", body: entity,
			header: map[string]string{"x-fapi-customer-ip-address": "1.1.1.1", "x-customer-user-agent": "t"}}
	}
	without := func(q request, header string) request {
		q.header[header] = ""
		return q
	}
	for rule, row := range map[string]struct {
		make    func(*world) request
		refused string
		off     int
	}{
		"RS-HDR-01/has-interaction-id": {func(*world) request {
			return request{path: balances, header: map[string]string{"x-fapi-interaction-id": ""}}
		}, "400 PARAMETRO_INVALIDO", 200},
		"RS-HDR-01/interaction-id-is-uuid": {func(*world) request {
			return request{path: balances, header: map[string]string{"x-fapi-interaction-id": "12345"}}
		}, "400 PARAMETRO_INVALIDO", 200},
		"RS-HDR-05/accept": {func(*world) request { return request{path: balances, header: map[string]string{"Accept": "text/xml"}} }, "406 NAO_ACEITAVEL", 200},
		"RS-HDR-05/content-type": {func(w *world) request {
			q := extend(w)
			q.header["Content-Type"] = "text/plain"
			return q
		}, "415 FORMATO_NAO_SUPORTADO", 201},
		"RS-HDR-03/customer-ip": {func(w *world) request { return without(extend(w), "x-fapi-customer-ip-address") }, "400 PARAMETRO_INVALIDO", 201},
		"RS-HDR-03/user-agent":  {func(w *world) request { return without(extend(w), "x-customer-user-agent") }, "400 PARAMETRO_INVALIDO", 201},
		"RS-TOK-01/only-in-header": {func(*world) request {
			return request{path: balances + "?access_token=good", header: map[string]string{"Authorization": ""}}
		}, "401 UNAUTHORIZED", 200},
		"RS-TOK-03/client-credentials": {func(w *world) request { return request{path: consents + "/" + w.consent} }, "403 NAO_AUTORIZADO", 200},
		"RS-TOK-03/authorization-code": {func(w *world) request {
			q := extend(w)
			q.token = "client"
			return q
		}, "403 NAO_AUTORIZADO", 201},
		"RS-TOK-02/scope": {func(w *world) request {
			w.tokens["good"].Scopes = []string{"openid"}
			return request{path: balances}
		}, "403 NAO_AUTORIZADO", 200},
		"RS-TOK-02/permission": {func(w *world) request {
			w.grant(t, "few", "aurora", "p1", []string{"ACCOUNTS_READ", "ACCOUNTS_OVERDRAFT_LIMITS_READ", "RESOURCES_READ"}, []string{"a1"})
			return request{path: balances, token: "few"}
		}, "403 PERMISSAO_INSUFICIENTE", 200},
		"RS-DATA-01/consented": {func(*world) request { return request{path: accounts + "/a3/balances"} }, "403 RECURSO_NAO_CONSENTIDO", 200},
		"RS-DATA-02/available": {func(w *world) request {
			w.core.status = "TEMPORARILY_UNAVAILABLE"
			return request{path: accounts + "/a2/balances"}
		}, "403 STATUS_RESOURCE_TEMPORARILY_UNAVAILABLE", 200},
		"PAGE-01/page-is-positive":   {func(*world) request { return request{path: accounts + "?page=0"} }, "400 PARAMETRO_INVALIDO", 200},
		"PAGE-02/size-is-positive":   {func(*world) request { return request{path: accounts + "?page-size=x"} }, "400 PARAMETRO_INVALIDO", 200},
		"PAGE-03/size-has-a-maximum": {func(*world) request { return request{path: accounts + "?page-size=1001"} }, "422 PARAMETRO_INVALIDO", 200},
		"PAGE-04/page-exists":        {func(*world) request { return request{path: accounts + "?page=9"} }, "422 PAGE_NOT_FOUND", 200},
		"DATE-01/form": {func(*world) request {
			return request{path: past + "?fromBookingDate=2026-13-40&toBookingDate=2026-03-01"}
		}, "400 PARAMETRO_INVALIDO", 200},
		"DATE-02/both": {func(*world) request { return request{path: past + "?fromBookingDate=2026-03-01"} }, "422 PARAMETRO_INVALIDO", 200},
		"DATE-03/ordered": {func(*world) request {
			return request{path: past + "?fromBookingDate=2026-03-02&toBookingDate=2026-03-01"}
		}, "422 PARAMETRO_INVALIDO", 200},
		"DATE-04/recent-window": {func(*world) request {
			return request{path: current + "?fromBookingDate=2026-02-23&toBookingDate=2026-03-02"}
		}, "422 PARAMETRO_INVALIDO", 200},
		"FILTER-01/known-value": {func(*world) request { return request{path: accounts + "?accountType=PIGGY"} }, "422 PARAMETRO_INVALIDO", 200},
	} {
		t.Run(rule, func(t *testing.T) {
			w := open(t)
			q := row.make(w)
			r := w.do(t, q)
			a := decode(t, r)
			if len(a.Errors) != 1 || fmt.Sprintf("%d %s", r.StatusCode, a.Errors[0].Code) != row.refused {
				t.Fatalf("%d %+v, want %s", r.StatusCode, a.Errors, row.refused)
			}
			if got := w.seen[len(w.seen)-1].Rule; got != rule {
				t.Errorf("refused by %q", got)
			}
			if err := w.board.Arm("off:" + rule); err != nil {
				t.Fatal(err)
			}
			if r := w.do(t, q); r.StatusCode != row.off {
				t.Errorf("with the rule off: %d %+v", r.StatusCode, decode(t, r).Errors)
			}
		})
	}
}

func TestEveryAnswerCarriesTheCommonHeaders(t *testing.T) {
	w := open(t)
	for name, row := range map[string]struct {
		q      request
		status int
		echo   bool
	}{
		"success":        {request{path: balances}, 200, true},
		"no certificate": {request{path: balances, bare: true}, 401, true},
		"bad token":      {request{path: balances, token: "bad"}, 401, true},
		"forbidden":      {request{path: accounts + "/a3/balances"}, 403, true},
		"unknown id":     {request{path: accounts + "/zz/balances"}, 404, true},
		"foreign id":     {request{path: accounts + "/b1/balances"}, 404, true},
		"unknown path":   {request{path: "/open-banking/accounts/v2/nothing"}, 404, true},
		"other method":   {request{path: balances, method: "POST", body: "{}"}, 405, true},
		"head":           {request{path: balances, method: "HEAD"}, 405, true},
		"no id":          {request{path: balances, header: map[string]string{"x-fapi-interaction-id": ""}}, 400, false},
		"deleted":        {request{path: consents + "/" + w.grant(t, "x", "aurora", "p1", everything, nil), method: "DELETE", token: "client"}, 204, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.do(t, row.q)
			if r.StatusCode != row.status {
				t.Fatalf("status %d", r.StatusCode)
			}
			id := r.Header.Get("x-fapi-interaction-id")
			if (id == interaction) != row.echo || len(id) != 36 {
				t.Errorf("interaction id %q", id)
			}
			want := "2.5.1"
			if strings.HasPrefix(row.q.path, consents) {
				want = "3.3.1"
			}
			if got := r.Header.Get("x-v"); got != want {
				t.Errorf("x-v %q", got)
			}
			if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Date") != "Mon, 02 Mar 2026 12:00:30 GMT" {
				t.Errorf("%v", r.Header)
			}
			if row.status == 405 && r.Header.Get("Allow") != "GET" {
				t.Errorf("Allow %q", r.Header.Get("Allow"))
			}
			if row.status == 204 || row.q.method == "HEAD" {
				return
			}
			if got := r.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
				t.Errorf("Content-Type %q", got)
			}
			if a := decode(t, r); row.status >= 400 && (len(a.Errors) != 1 || a.Errors[0].Title == "" || a.Errors[0].Detail == "" || a.Meta["requestDateTime"] != "2026-03-02T12:00:30Z") {
				t.Errorf("%+v", a)
			}
		})
	}
	if r := w.do(t, request{path: "/elsewhere"}); r.StatusCode != 404 || r.Header.Get("x-v") != "" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
}

func TestACertificateInAHeaderProvesNothing(t *testing.T) {
	authority, err := pki.Open("", clock.Fixed(start))
	if err != nil {
		t.Fatal(err)
	}
	id, err := authority.Transport(pki.Subject{Name: "x", OrganisationID: "o", SoftwareID: "s", CNPJ: "12345678000195", LegalName: "X", City: "Y", State: "SP", CommonName: "x.test"})
	if err != nil {
		t.Fatal(err)
	}
	w := open(t)
	q := request{path: balances, bare: true, header: map[string]string{
		"X-Client-Cert": url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.Certificate.Raw})))}}
	if r := w.do(t, q); r.StatusCode != 401 {
		t.Errorf("status %d", r.StatusCode)
	}
	if err := w.board.Arm("off:RS-MTLS-01/only-the-connection"); err != nil {
		t.Fatal(err)
	}
	if r := w.do(t, q); r.StatusCode != 200 {
		t.Errorf("with the rule off: %d", r.StatusCode)
	}
}

func TestTroubleInsideStaysInside(t *testing.T) {
	secret := "select * from people where cpf = 12345678909"
	for name, row := range map[string]struct {
		edit   func(*world)
		status int
	}{
		"panic":       {func(w *world) { w.core.hook = func(context.Context) error { panic(secret) } }, 500},
		"error":       {func(w *world) { w.core.err = errors.New(secret) }, 500},
		"unavailable": {func(w *world) { w.core.err = fmt.Errorf("%s: %w", secret, connector.ErrUnavailable) }, 503},
		"slow": {func(w *world) {
			w.core.hook = func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			}
		}, 504},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, func(c *gateway.Config) {
				if row.status == 504 {
					c.Budget = 20 * time.Millisecond
				}
			})
			row.edit(w)
			r := w.do(t, request{path: balances})
			if r.StatusCode != row.status {
				t.Fatalf("status %d", r.StatusCode)
			}
			a := decode(t, r)
			if text := fmt.Sprintf("%+v", a); strings.Contains(text, "select") || strings.Contains(text, "goroutine") || len(a.Errors) != 1 {
				t.Error(text)
			}
		})
	}
}

func TestBodiesAreBounded(t *testing.T) {
	w := open(t)
	r := w.do(t, request{method: "POST", path: consents, token: "client", body: strings.Repeat("x", 1<<20+1)})
	if r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", r.StatusCode)
	}
}

func TestLimits(t *testing.T) {
	w := open(t, func(c *gateway.Config) { c.Limits = gateway.Limits{Minute: true, Month: true} })
	get := func(token, path string, want int) *http.Response {
		t.Helper()
		r := w.do(t, request{path: path, token: token})
		if r.StatusCode != want {
			t.Fatalf("%s: status %d, want %d: %+v", path, r.StatusCode, want, decode(t, r).Errors)
		}
		return r
	}
	w.grant(t, "boreal", "boreal", "p1", everything, []string{"a1", "a2"})
	for range 10 {
		get("good", accounts+"/a1?page=x", 200) // no list: page means nothing
		if w.Calls() == 8 {
			break
		}
	}
	get("good", accounts+"/a1", 423)
	get("good", accounts+"/a2", 200)   // another resource
	get("boreal", accounts+"/a1", 200) // another origin
	for range 20 {
		get("good", past+"?fromBookingDate=x&toBookingDate=x", 400) // failures are free
	}
	first := decode(t, get("good", past+"?fromBookingDate=2026-02-20&toBookingDate=2026-03-02", 200))
	for range 20 {
		get("good", strings.TrimPrefix(first.Links["next"], base), 200) // paging is free
	}
	for range 7 {
		get("good", past, 200)
	}
	get("good", past, 423)
	get("good", strings.TrimPrefix(first.Links["next"], base), 200)
	get("good", strings.TrimPrefix(first.Links["self"], base), 423) // the first page is no further page
	w.clock.Advance(61 * time.Minute)                               // the key has lost its life, and counts again
	get("good", strings.TrimPrefix(first.Links["next"], base), 423)
	w.clock.Advance(30 * 24 * time.Hour)
	get("good", past, 200)

	w.SetLimits(gateway.Limits{Minute: true})
	w.ResetCounts()
	for range 1000 {
		get("good", accounts, 200)
	}
	r := get("good", accounts, 429)
	for name, want := range map[string]string{"Retry-After": "30", "X-Rate-Limit": "1000", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Time": "30"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s %q", name, got)
		}
	}
	get("boreal", accounts, 200)
	for range 1100 {
		get("good", list, 200) // exempt
	}
	w.clock.Advance(30 * time.Second)
	get("good", accounts, 200)

	w.SetLimits(gateway.Limits{PerSecond: 3})
	w.ResetCounts()
	for range 3 {
		get("good", balances, 200)
	}
	if r := get("good", balances, 529); r.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", r.Header.Get("Retry-After"))
	}
	w.clock.Advance(time.Second)
	get("good", balances, 200)
}

func TestWhatLimitsLeaveAloneIsARowEach(t *testing.T) {
	for rule, row := range map[string]struct {
		path string
		want int // status of the 260th call
	}{
		"TRAF-01/exempt-apis":       {list, 200},
		"OPER-01/paging-is-free":    {"", 200},
		"OPER-02/failures-are-free": {past + "?fromBookingDate=x&toBookingDate=x", 400},
	} {
		t.Run(rule, func(t *testing.T) {
			w := open(t, func(c *gateway.Config) { c.Limits = gateway.Limits{Month: true} })
			last := func() int {
				w.ResetCounts()
				path := row.path
				if path == "" {
					path = strings.TrimPrefix(decode(t, w.do(t, request{path: past + "?fromBookingDate=2026-02-20&toBookingDate=2026-03-02"})).Links["next"], base)
				}
				status := 0
				for range 260 {
					status = w.do(t, request{path: path}).StatusCode
				}
				if rule == "OPER-01/paging-is-free" {
					status = w.do(t, request{path: past}).StatusCode
				}
				return status
			}
			if got := last(); got != row.want {
				t.Fatalf("status %d", got)
			}
			if err := w.board.Arm("off:" + rule); err != nil {
				t.Fatal(err)
			}
			if got := last(); got != 423 {
				t.Errorf("with the rule off: %d", got)
			}
		})
	}
}

func TestEveryProvedCallIsReported(t *testing.T) {
	w := open(t)
	w.do(t, request{path: balances})
	w.do(t, request{path: accounts + "/a3/balances"})
	w.do(t, request{path: "/elsewhere"})
	if len(w.outbox) != 2 {
		t.Fatalf("%d reports", len(w.outbox))
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(w.outbox[1]), &m); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"fapiInteractionId": interaction, "endpoint": "/open-banking/accounts/v2/accounts/{accountId}/balances", "statusCode": 403.0, "httpMethod": "GET",
		"timestamp": "2026-03-02T12:00:30.000Z", "clientOrgId": "org-aurora", "serverOrgId": "org-bank", "role": "SERVER",
	} {
		if m[name] != want {
			t.Errorf("%s is %v", name, m[name])
		}
	}
	if ms, _ := m["processTimespan"].(float64); ms <= 0 {
		t.Errorf("processTimespan %v", m["processTimespan"])
	}
}
