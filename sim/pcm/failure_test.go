package pcm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

// TestTroubleForReporters strikes with each kind of failure that a reporter must survive.
func TestTroubleForReporters(t *testing.T) {
	clk := clock.Fixed(noon)
	p := start(t, Config{Clock: clk})
	token := bearer(t, p, orgA)
	code := func() int {
		return send(t, p, "POST", privatePath, token, encode(t, []object{clientReport(1)})).Code
	}
	for _, f := range []string{`{"kind":"throttle"}`, `{"kind":"maintenance"}`, `{"kind":"throttle","rate":-1}`, `{"kind":"lunch"}`} {
		if status := control(t, p, "POST", "/fail", f, nil); status != 400 {
			t.Errorf("%s: %d", f, status)
		}
	}
	control(t, p, "POST", "/fail", `{"kind":"throttle","rate":2}`, nil)
	if got := fmt.Sprint(code(), code(), code()); got != "200 207 429" {
		t.Errorf("throttled: %s", got)
	}
	clk.Advance(time.Second)
	if got := code(); got != 207 {
		t.Errorf("a second later: %d", got)
	}
	control(t, p, "DELETE", "/fail", "", nil)
	control(t, p, "POST", "/fail", `{"kind":"refuse","times":1}`, nil)
	if got := fmt.Sprint(code(), code()); got != "401 207" {
		t.Errorf("refused: %s", got)
	}
	control(t, p, "POST", "/fail", `{"kind":"expire"}`, nil)
	if got := code(); got != 401 {
		t.Errorf("expired: %d", got)
	}
	if token = bearer(t, p, orgA); code() != 207 {
		t.Error("a new token does not help")
	}
	control(t, p, "POST", "/fail", `{"kind":"timeout","times":1}`, nil)
	srv := httptest.NewServer(p.Handler())
	defer srv.Close()
	client := srv.Client()
	client.Timeout = 50 * time.Millisecond
	req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+privatePath, strings.NewReader("[]"))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "api.pcm.test"
	if res, err := client.Do(req); err == nil {
		res.Body.Close()
		t.Errorf("answered %d", res.StatusCode)
	}
}

func TestFunnelCountsHowFarConsentsCame(t *testing.T) {
	p := start(t, Config{})
	event := func(consent, path string) {
		o := object{"consentId": consent, "os": "LINUX", "osVersion": "6", "timestamp": "2026-09-15T11:59:00.000Z"}
		org := orgA
		for _, e := range spec.HybridEvents() {
			if e.Kind != "hybrid-flow/"+path {
				continue
			}
			if e.Side == spec.ServerSide {
				org = orgB
			}
			for _, f := range e.Fields {
				o[f] = map[string]string{"platform": "BROWSER", "clientOrgId": orgA, "serverOrgId": orgB, "uri_callback": "https://app.test/cb", "error": "access_denied"}[f]
				if f == "type" {
					o[f] = e.Types[0]
				}
			}
		}
		if status, got := post(t, p, org, HybridFlow+path, o); status != 200 {
			t.Fatalf("%+v", got)
		}
	}
	for i, e := range events[:4] {
		for n := range 4 - i {
			event(fmt.Sprintf("urn:x:%d", n), e.path)
		}
	}
	event("urn:x:3", events[3].path) // without what comes before
	var got struct {
		Steps []FunnelStep
		Gaps  map[string][]string
	}
	control(t, p, "GET", "/funnel?from=2026-09-15&to=2026-09-15", "", &got)
	var counts []int
	for _, s := range got.Steps {
		counts = append(counts, s.Consents)
	}
	if fmt.Sprint(counts) != "[0 4 3 2 2 0 0 0]" || got.Steps[2].Share != 75 || !reflect.DeepEqual(got.Gaps, map[string][]string{events[1].path: {"urn:x:3"}}) {
		t.Errorf("got %+v", got)
	}
	control(t, p, "GET", "/funnel?from=2026-09-16&to=2026-09-16", "", &got)
	if got.Steps[1].Consents != 0 {
		t.Errorf("another day: %+v", got)
	}
	for _, q := range []string{"/funnel?from=x", "/tickets?to=2020-01-01", "/closing?date=15", "/verdicts?month=9"} {
		var answer map[string]json.RawMessage
		if status := control(t, p, "GET", q, "", &answer); status != 400 || answer["error"] == nil {
			t.Errorf("%s: %d", q, status)
		}
	}
}

func TestTicketsOfAPeriod(t *testing.T) {
	clk := clock.Fixed(noon)
	p := start(t, Config{Clock: clk})
	o := with(clientReport(1), "timestamp", noon.Format(instant))
	o["additionalInfo"] = object{"consentId": "42"}
	post(t, p, orgA, privatePath, o)
	clk.Set(noon.AddDate(0, 0, 2))
	var got []Ticket
	control(t, p, "GET", "/tickets?from=2026-09-10&to=2026-09-20&org="+orgA, "", &got)
	if kindsOf(got) != "quality sla-95" || fmt.Sprintf("%s %s %v", got[0].Rows[0]["campo"], got[0].Rows[0]["veredito"], got[0].Rows[0]["contagem"]) != "consentId Invalido 1" || len(got[0].Rows) != 2 {
		t.Errorf("got %+v", got)
	}
}

// Who is nobody's customer at the institution was never to be converted: the request is in no step of the
// funnel, whichever side told first, and over a restart.
func TestTheFunnelLeavesOutStrangers(t *testing.T) {
	const consents = "/open-banking/consents/v3/consents"
	cfg := Config{Clock: clock.Fixed(noon), Dir: t.TempDir()}
	p := start(t, cfg)
	asked := func(n int, reason string, serverFirst bool) {
		id := fmt.Sprintf("urn:x:%d", n)
		client := with(with(with(clientReport(n), "endpoint", consents), "httpMethod", "POST"), "statusCode", 201)
		client["additionalInfo"] = object{"consentId": id, "personType": "PF"}
		server := with(with(with(serverReport(n), "endpoint", consents), "httpMethod", "POST"), "statusCode", 201)
		server["additionalInfo"] = object{"dropReason": reason}
		token := with(with(clientReport(100+n), "endpoint", "/token"), "httpMethod", "POST")
		token["endpointUriPrefix"], token["additionalInfo"] = "https://as.test/token", object{"consentId": id, "grantType": "AUTHORIZATION_CODE"}
		for i, o := range []object{client, server, token} {
			if i < 2 && serverFirst {
				o = []object{server, client}[i]
			}
			org := orgA
			if o["role"] == "SERVER" {
				org = orgB
			}
			if status, got := post(t, p, org, privatePath, o); status != 200 {
				t.Fatalf("%+v", got)
			}
		}
	}
	asked(1, "NONE", false)
	asked(2, "NO_CREDENTIAL", false)
	asked(3, "NO_CREDENTIAL", true)
	asked(4, "CREDENTIAL_UNAVAILABLE", true) // a customer who could not log in is one who was lost
	asked(5, "NO_AUTHORITY", false)
	for range 2 {
		f := p.Funnel(noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 1))
		if created, token := f.Steps[0], f.Steps[len(f.Steps)-1]; created != (FunnelStep{"created", 3, 100}) || token != (FunnelStep{"token", 3, 100}) || f.LeftOut != 2 {
			t.Errorf("%+v", f)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		p = start(t, cfg)
	}
}
