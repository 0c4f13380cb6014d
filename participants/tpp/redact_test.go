package tpp

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/sim/spec"
)

func TestReportsOfExchangesHoldNoSecret(t *testing.T) {
	i := newIssuer(t)
	var exchanges []*Exchange
	c := i.client(func(cfg *Config) { cfg.Record = func(e *Exchange) { exchanges = append(exchanges, e) } })
	s := i.server(c)
	i.token["refresh_token"], i.token["id_token"] = "refresh-secret", i.truth("c", "s", "n").token(t)
	i.api = func(w http.ResponseWriter, _ *request) {
		w.Header().Set("Set-Cookie", "session=cookie-secret")
		w.Header().Set("Location", redirect+"#code=code-secret&state=state-secret")
		compact, err := newJWS(bankKey, map[string]any{"data": map[string]any{"cpf": "111.444.777-35", "status": "ACSC", "cnpj": "12ABC34501DE35"}}).Sign()
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write([]byte(compact))
	}
	ctx := context.Background()
	p := c.PushedRequest(s, nil)
	p.Send(ctx)
	c.RedeemRequest(s, p, "code-secret").Send(ctx)
	order := Order{Payer: Person{CPF: "11144477735"}, Amount: "1.00"}
	c.API(s, spec.Find("payments.consent-create")).Token("bearer-secret").Query("access_token", "query-secret").Body(order.ConsentBody(i.clk.Now())).Send(ctx)
	c.RegisterRequest(s, "software.statement.secret").Send(ctx)

	var kept strings.Builder
	for _, e := range exchanges {
		b, err := json.Marshal(struct {
			URL, Line             string
			RequestHeader, Header http.Header
			RequestBody, Body     string
			Sent, Got             map[string]any
		}{e.Redacted().URL, e.Redacted().String(), e.Redacted().RequestHeader, e.Redacted().Header, string(e.Redacted().RequestBody), string(e.Redacted().Body), e.Redacted().RequestClaims, e.Redacted().Claims})
		if err != nil {
			t.Fatal(err)
		}
		kept.Write(b)
	}
	for _, secret := range []string{"bearer-secret", "refresh-secret", "code-secret", "state-secret", "cookie-secret", "query-secret", "statement.secret", "at-1", "eyJ", p.Verifier, p.Nonce,
		"11144477735", "111.444.777-35", "12ABC34501DE35", "request_uri:1"} {
		if strings.Contains(kept.String(), secret) {
			t.Errorf("%q is still there", secret)
		}
	}
	for _, shape := range []string{"ACSC", "payments/v5/consents", "code id_token", "authorization_code", "S256"} {
		if !strings.Contains(kept.String(), shape) {
			t.Errorf("%q is gone: a report would tell nothing", shape)
		}
	}
	if e := exchanges[len(exchanges)-2]; e.RequestHeader.Get("Authorization") != "Bearer bearer-secret" || e.Claims == nil {
		t.Error("redaction changed the original")
	}
}

func (b comesBack) Visit(context.Context, string) (*url.URL, error) { return url.Parse(string(b)) }

func FuzzReadAnswer(f *testing.F) {
	f.Add("https://app/cb#code=a&state=b&id_token=c")
	f.Add("https://app/cb?code=%zz#")
	f.Add("#%")
	f.Fuzz(func(t *testing.T, address string) {
		u, err := url.Parse(address)
		if err != nil {
			return
		}
		a := ReadAnswer(u)
		if a.InQuery && u.Fragment != "" {
			t.Error("a fragment was passed over for the query")
		}
		_ = redactURL(address)
	})
}

func FuzzRedactBody(f *testing.F) {
	f.Add([]byte(`{"a":[{"cpf":"11144477735"}]}`))
	f.Add([]byte("a=1&code=2"))
	f.Add([]byte("eyJhbGciOiJub25lIn0.eyJhIjoxfQ."))
	f.Fuzz(func(t *testing.T, body []byte) {
		for run := range strings.FieldsFuncSeq(string(redactBody(body)), func(r rune) bool { return r < '0' || r > '9' }) {
			if len(run) == 11 {
				t.Errorf("a CPF got through: %s", run)
			}
		}
	})
}
