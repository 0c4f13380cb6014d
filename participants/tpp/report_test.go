package tpp

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

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
		answer(w, 207, []any{map[string]any{"status": "DISCARDED", "message": "Unlisted endpoint"}})
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
	c.RegisterRequest(s, "a.b.c").Send(ctx)
	p := c.PushedRequest(s, &Consent{ID: "urn:bancoensaio:9"})
	p.Send(ctx)
	if _, err := p.Visit(ctx, comesBack(redirect+"#error=access_denied&state="+p.State)); err != nil {
		t.Fatal(err)
	}
	if err := c.FlushReports(ctx); err != nil {
		t.Fatal(err)
	}
	got := i.reports(t, privatePath)
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
	if sent := i.reports(t, hybridPath+"client/redirect-to-server"); len(sent) != 1 || sent[0]["consentId"] != "urn:bancoensaio:9" || sent[0]["uriAuthorizationEndpoint"] != s.Authorization {
		t.Errorf("redirect reported as %v", sent)
	}
	if sent := i.reports(t, hybridPath+"client/redirect-target-with-errors"); len(sent) != 1 || sent[0]["error"] != "access_denied" || sent[0]["platform"] != "BROWSER" {
		t.Errorf("return reported as %v", sent)
	}
	if reasons := c.ReportsRefused(); len(reasons) != 3 || reasons[0] != "Unlisted endpoint" {
		t.Errorf("refused %v", reasons)
	}
}

type comesBack string

func TestReportsOutliveAnOutage(t *testing.T) {
	i := newIssuer(t)
	status, tokens := 503, 0
	i.pcm = func(w http.ResponseWriter, r *request) {
		if r.URL.Path == "/pcm-token/" {
			tokens++
			answer(w, 200, map[string]any{"access_token": "pcm", "expires_in": 21600})
			return
		}
		answer(w, status, []any{})
	}
	i.api = func(w http.ResponseWriter, _ *request) { answer(w, 200, map[string]any{}) }
	c := reporting(i)
	s := i.server(c)
	ctx := context.Background()
	for range 3 {
		c.API(s, spec.Find("accounts.list")).Send(ctx)
	}
	if err := c.FlushReports(ctx); err == nil {
		t.Error("an outage was not told")
	}
	status = 401
	if err := c.FlushReports(ctx); err == nil || tokens != 2 {
		t.Errorf("a refused token was renewed %d times", tokens-1)
	}
	if waiting, lost := c.ReportsWaiting(); waiting != 3 || lost != 0 {
		t.Errorf("%d wait, %d lost", waiting, lost)
	}
	status = 200
	if err := c.FlushReports(ctx); err != nil {
		t.Fatal(err)
	}
	if waiting, _ := c.ReportsWaiting(); waiting != 0 {
		t.Errorf("%d still wait", waiting)
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
