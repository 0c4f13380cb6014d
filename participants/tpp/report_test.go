package tpp

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/sim/spec"
)

// reports lists what reached the fake metrics platform under a path.
func (i *issuer) reports(t *testing.T, path string) (all []map[string]any) {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, q := range i.got {
		if q.URL.Path != path {
			continue
		}
		var batch []map[string]any
		if err := json.Unmarshal(q.Body, &batch); err != nil {
			t.Fatal(err)
		}
		all = append(all, batch...)
	}
	return all
}

func reporting(i *issuer) *Client {
	return i.client(func(cfg *Config) {
		cfg.PCM = PCMURLs{URL: "https://" + i.host, Token: "https://" + i.host + "/pcm-token/"}
	})
}

func TestEveryCallIsReportedAsTheClientSawIt(t *testing.T) {
	i := newIssuer(t)
	i.pcm = func(w http.ResponseWriter, r *request) {
		if r.URL.Path == "/pcm-token/" {
			if r.Cert != "own.tpp.test" || r.Form.Get("client_id") != software {
				t.Errorf("token asked by %q as %v", r.Cert, r.Form)
			}
			answer(w, 200, map[string]any{"access_token": "pcm", "expires_in": 21600})
			return
		}
		if r.Cert != "" || r.Header.Get("Authorization") != "Bearer pcm" {
			t.Errorf("reported with certificate %q and %q", r.Cert, r.Header.Get("Authorization"))
		}
		var batch []any
		if err := json.Unmarshal(r.Body, &batch); err != nil {
			t.Error(err)
		}
		for n := range batch {
			batch[n] = spec.Taken{Status: spec.ReportDiscarded, Message: "Unlisted endpoint"}
		}
		answer(w, 207, batch)
	}
	i.api = func(w http.ResponseWriter, r *request) {
		w.Header().Set("X-Fapi-Interaction-Id", uuid.NewString())
		answer(w, 200, map[string]any{"data": map[string]any{"status": "AUTHORISED", "availableAmount": map[string]any{}}})
	}
	c := reporting(i)
	s := i.server(c)
	ctx := context.Background()
	i.token["id_token"] = "x"
	g, err := c.grant(s, c.RefreshRequest(s, "rt").About("urn:bancoensaio:9").Send(ctx), &Consent{ID: "urn:bancoensaio:9"})
	if err != nil {
		t.Fatal(err)
	}
	c.API(s, spec.Find("accounts.balances")).Param("accountId", "acc-1").Token(g.AccessToken()).Query("x", "1").Send(ctx)
	c.API(s, spec.Find("consents.read")).Param("consentId", "urn:bancoensaio:9").Token("cc").Interaction("").Send(ctx)
	c.API(s, spec.Find("consents.create")).Token("cc").Body(ConsentBody([]string{"ACCOUNTS_READ"}, Person{CPF: "11144477735", CNPJ: "11222333000181"}, nil)).Send(ctx)
	c.API(s, spec.Find("common.status")).WithoutCertificate().Send(ctx) // of nobody: not reported
	c.RegisterRequest(s, "a.b.c").Send(ctx)
	p := c.PushedRequest(s, &Consent{ID: "urn:bancoensaio:9"})
	p.Send(ctx)
	if _, err := p.Visit(ctx, comesBack(redirect+"#error=access_denied&state="+p.State)); err != nil {
		t.Fatal(err)
	}
	if err := c.FlushReports(ctx); err != nil {
		t.Fatal(err)
	}
	got := i.reports(t, spec.PrivateReportPath)
	if len(got) != 5 {
		t.Fatalf("want 5 private reports, got %d", len(got))
	}
	for n, want := range []map[string]any{
		{"endpoint": "/token", "endpointUriPrefix": s.Token, "grantType": "REFRESH_TOKEN", "consentId": "urn:bancoensaio:9", "tokenId": c.tokenID("at-1")},
		{"endpoint": "/open-banking/accounts/v2/accounts/{accountId}/balances", "endpointUriPrefix": s.ResourceBase, "consentId": "urn:bancoensaio:9", "tokenId": c.tokenID("at-1")},
		{"endpoint": "/open-banking/consents/v3/consents/{consentId}", "status": "AUTHORISED", "journeyIsLinked": "FALSE", "consentId": "urn:bancoensaio:9"},
		{"endpoint": "/open-banking/consents/v3/consents", "httpMethod": "POST", "personType": "PJ"},
		{"endpoint": "/register", "webhookEnable": "FALSE", "statusCode": float64(204)},
	} {
		info, _ := got[n]["additionalInfo"].(map[string]any)
		for name, v := range want {
			if seen := got[n][name]; seen != v && info[name] != v {
				t.Errorf("report %d: %s is %v, want %v (%v)", n, name, seen, v, got[n])
			}
		}
		if _, err := uuid.Parse(got[n]["fapiInteractionId"].(string)); err != nil || got[n]["processTimespan"].(float64) <= 0 || got[n]["role"] != "CLIENT" ||
			got[n]["clientOrgId"] != clientOrg || got[n]["serverOrgId"] != bankOrg || got[n]["clientSSId"] != software || got[n]["timestamp"] != "2026-11-22T12:00:00.000Z" {
			t.Errorf("report %d: %v", n, got[n])
		}
	}
	all, _ := json.Marshal(got)
	for _, never := range []string{"11144477735", "11222333000181", "at-1\"", "acc-1"} {
		if strings.Contains(string(all), never) {
			t.Errorf("%s was told to the metrics platform", never)
		}
	}
	if sent := i.reports(t, spec.HybridFlowPath+"hybrid-flow/"+"client/redirect-to-server"); len(sent) != 1 || sent[0]["consentId"] != "urn:bancoensaio:9" || sent[0]["uriAuthorizationEndpoint"] != s.Authorization {
		t.Errorf("redirect reported as %v", sent)
	}
	if sent := i.reports(t, spec.HybridFlowPath+"hybrid-flow/"+"client/redirect-target-with-errors"); len(sent) != 1 || sent[0]["error"] != "access_denied" || sent[0]["platform"] != "BROWSER" {
		t.Errorf("return reported as %v", sent)
	}
	if reasons := c.ReportsRefused(); len(reasons) != 7 || reasons[0] != "Unlisted endpoint" {
		t.Errorf("refused %v", reasons)
	}
}

type comesBack string

// Every way in which the platform can fail, one after the other: no report is lost, and none is taken
// for refused that had arrived before.
func TestReportsOutliveATroubledPlatform(t *testing.T) {
	i := newIssuer(t)
	var asked []string
	trouble := []func(w http.ResponseWriter, items int){
		func(w http.ResponseWriter, _ int) { answer(w, 503, map[string]any{"message": "away"}) },
		func(w http.ResponseWriter, _ int) { answer(w, 401, map[string]any{"message": "Unauthorized"}) },
		func(w http.ResponseWriter, _ int) { _, _ = w.Write([]byte("<html>maintenance</html>")) },
		func(w http.ResponseWriter, _ int) { answer(w, 207, []any{}) },
		func(_ http.ResponseWriter, _ int) { panic(http.ErrAbortHandler) },
		func(w http.ResponseWriter, items int) {
			all := make([]spec.Taken, items)
			for n := range all {
				all[n] = spec.Taken{Status: spec.ReportAccepted}
			}
			all[0] = spec.Taken{Status: spec.ReportDiscarded, Message: "Duplicated report"}
			answer(w, 207, all)
		},
	}
	i.pcm = func(w http.ResponseWriter, r *request) {
		if strings.HasPrefix(r.URL.Path, "/pcm-token") {
			asked = append(asked, r.URL.Path)
			answer(w, 200, map[string]any{"access_token": "pcm", "expires_in": 21600})
			return
		}
		var batch []spec.Report
		if err := json.Unmarshal(r.Body, &batch); err != nil {
			t.Error(err)
		}
		next := trouble[0]
		trouble = trouble[1:]
		next(w, len(batch))
	}
	i.api = func(w http.ResponseWriter, _ *request) { answer(w, 200, map[string]any{}) }
	c := reporting(i)
	s := i.server(c)
	ctx := t.Context()
	for range 3 {
		c.API(s, spec.Find("accounts.list")).Send(ctx)
	}
	stepPauses(i, c)
	if err := c.FlushReports(ctx); err != nil {
		t.Fatal(err)
	}
	if got := c.ReportStats(); got != (ReportStats{Accepted: 2, Repeated: 1, Failures: 4}) {
		t.Errorf("%+v", got)
	}
	if len(trouble) != 0 || len(asked) != 2 || asked[1] != "/pcm-token-fresh/" {
		t.Errorf("%d troubles left, tokens from %v", len(trouble), asked)
	}
}

// A 400 that is not in the platform's form is somebody else's: the report waits, and is no discard.
func TestAStrangersRefusalLosesNothing(t *testing.T) {
	i := newIssuer(t)
	refusals := []string{"<html>bad request</html>", "{}", ""}
	i.pcm = func(w http.ResponseWriter, r *request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/pcm-token"):
			answer(w, 200, map[string]any{"access_token": "pcm", "expires_in": 21600})
		case len(refusals) > 0:
			w.WriteHeader(400)
			_, _ = w.Write([]byte(refusals[0]))
			refusals = refusals[1:]
		default:
			answer(w, 200, []spec.Taken{{Status: spec.ReportAccepted}})
		}
	}
	i.api = func(w http.ResponseWriter, _ *request) { answer(w, 200, map[string]any{}) }
	c := reporting(i)
	c.API(i.server(c), spec.Find("accounts.list")).Send(t.Context())
	stepPauses(i, c)
	if err := c.FlushReports(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.ReportStats(); got != (ReportStats{Accepted: 1, Failures: 3}) {
		t.Errorf("%+v", got)
	}
}

// stepPauses moves the clock over every pause after a failure.
func stepPauses(i *issuer, c *Client) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			c.out.mu.Lock()
			moved, problem := c.out.moved, c.out.problem
			c.out.mu.Unlock()
			if problem != nil {
				i.clk.Advance(time.Minute)
			}
			select {
			case <-moved:
			case <-c.out.ended:
				return
			}
		}
	}()
	i.t.Cleanup(func() { c.Close(); <-over })
}

// A platform that stays away keeps a flush until its context ends, and then is named.
func TestAFlushSaysWhyItCouldNot(t *testing.T) {
	i := newIssuer(t)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	i.pcm = func(w http.ResponseWriter, _ *request) {
		if n++; n == 2 {
			cancel()
		}
		answer(w, 500, map[string]any{})
	}
	c := reporting(i)
	c.Report(spec.Report{Role: spec.ClientSide})
	stepPauses(i, c)
	if err := c.FlushReports(ctx); err == nil || !strings.Contains(err.Error(), "answered 500") {
		t.Errorf("got %v", err)
	}
	if s := c.ReportStats(); s.Waiting != 1 || s.Accepted != 0 || s.Problem == "" {
		t.Errorf("%+v", s)
	}
}

// Reports that fit nowhere are counted, and take nothing of those that wait.
func TestABacklogIsBoundedAndSaysSo(t *testing.T) {
	m := newMemory(100)
	for range 3 {
		_ = m.Append(private, make([]byte, 40))
	}
	if err := m.Append(private, make([]byte, 40)); err == nil || m.Len() != 2 || m.Last() != 2 {
		t.Errorf("%v, %d wait", err, m.Len())
	}
	if err := m.Ack(1); err != nil || m.Len() != 1 || m.Append(private, make([]byte, 40)) != nil {
		t.Errorf("%v: %d wait", err, m.Len())
	}
	if list, err := m.Next(t.Context(), 9); err != nil || len(list) != 2 || list[0].Seq != 2 || list[1].Seq != 3 {
		t.Errorf("%v %v", list, err)
	}
}

// What one report costs the call it is about.
func BenchmarkReport(b *testing.B) {
	c := &Client{out: &reporter{on: true, box: newMemory(1 << 40)}}
	r := spec.Report{FapiInteractionID: uuid.NewString(), Endpoint: "/open-banking/accounts/v2/accounts", StatusCode: 200, HTTPMethod: "GET", Timestamp: spec.At(time.Unix(1, 0)),
		ProcessTimespan: 12.5, ClientOrgID: clientOrg, ServerOrgID: bankOrg, Role: spec.ClientSide, ClientSSID: software, EndpointURIPrefix: "https://api.bank.test",
		AdditionalInfo: []byte(`{"consentId":"urn:bancoensaio:9","tokenId":"c9ng8aKzxNXm"}`)}
	b.ReportAllocs()
	for b.Loop() {
		c.Report(r)
		if c.out.box.Len() == 10_000 {
			_ = c.out.box.Ack(c.out.box.Last())
		}
	}
}

func TestNothingIsReportedWithoutAPlatform(t *testing.T) {
	i := newIssuer(t)
	c := i.client()
	c.PushedRequest(i.server(c), nil).Send(context.Background())
	if err := c.FlushReports(context.Background()); err != nil {
		t.Error(err)
	}
	if waiting, _ := c.ReportsWaiting(); waiting != 0 {
		t.Error("reports wait for nobody")
	}
}
