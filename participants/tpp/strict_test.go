package tpp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/spec"
)

// Every lie an institution may tell in an id_token, and the demand that catches it.
var lies = map[string]struct {
	tell   func(*lie)
	demand string
}{
	"not encrypted":        {func(l *lie) { l.envelope = nil }, "TPP-06/encrypted"},
	"RSA-OAEP-256":         {func(l *lie) { l.envelope.Alg = "RSA-OAEP-256" }, "TPP-06/encrypted"},
	"RSA1_5":               {func(l *lie) { l.envelope.Alg = "RSA1_5" }, "TPP-06/encrypted"},
	"A128GCM":              {func(l *lie) { l.envelope.Enc = "A128GCM" }, "TPP-06/encrypted"},
	"another kid":          {func(l *lie) { l.envelope.To.ID = "nobody" }, "TPP-06/encrypted"},
	"embedded address":     {func(l *lie) { l.header["jku"] = "https://evil.example/jwks" }, "TPP-06/no-key-headers"},
	"another key":          {func(l *lie) { l.key = otherKey }, "TPP-07/signature"},
	"key under our kid":    {func(l *lie) { l.key = otherKey; l.header["kid"] = bankKey.ID }, "TPP-07/signature"},
	"RS256":                {func(l *lie) { l.alg = "RS256" }, "TPP-07/signature"},
	"none":                 {func(l *lie) { l.alg = "none" }, "TPP-07/signature"},
	"HS256":                {func(l *lie) { l.alg = "HS256" }, "TPP-07/signature"},
	"another issuer":       {func(l *lie) { l.claims["iss"] = "https://evil.example" }, "TPP-07/issuer"},
	"another audience":     {func(l *lie) { l.claims["aud"] = "client-2" }, "TPP-07/audience"},
	"further audience":     {func(l *lie) { l.claims["aud"] = []any{"client-1", "client-2"} }, "TPP-07/audience"},
	"no audience":          {func(l *lie) { delete(l.claims, "aud") }, "TPP-07/audience"},
	"another azp":          {func(l *lie) { l.claims["azp"] = "client-2" }, "TPP-07/authorised-party"},
	"expired":              {func(l *lie) { l.claims["exp"] = l.claims["exp"].(int64) - 3600 }, "TPP-07/not-expired"},
	"no exp":               {func(l *lie) { delete(l.claims, "exp") }, "TPP-07/not-expired"},
	"exp as text":          {func(l *lie) { l.claims["exp"] = "soon" }, "TPP-07/not-expired"},
	"old iat":              {func(l *lie) { l.claims["iat"] = l.claims["iat"].(int64) - 7200 }, "TPP-07/fresh"},
	"iat in the future":    {func(l *lie) { l.claims["iat"] = l.claims["iat"].(int64) + 7200 }, "TPP-07/fresh"},
	"no sub":               {func(l *lie) { delete(l.claims, "sub") }, "TPP-07/subject"},
	"another nonce":        {func(l *lie) { l.claims["nonce"] = "other" }, "TPP-07/nonce"},
	"no nonce":             {func(l *lie) { delete(l.claims, "nonce") }, "TPP-07/nonce"},
	"another code":         {func(l *lie) { l.claims["c_hash"] = Hash("other") }, "TPP-07/c-hash"},
	"no c_hash":            {func(l *lie) { delete(l.claims, "c_hash") }, "TPP-07/c-hash"},
	"another state":        {func(l *lie) { l.claims["s_hash"] = Hash("other") }, "TPP-07/s-hash"},
	"no s_hash":            {func(l *lie) { delete(l.claims, "s_hash") }, "TPP-07/s-hash"},
	"no acr":               {func(l *lie) { delete(l.claims, "acr") }, "TPP-07/acr"},
	"acr below":            {func(l *lie) { l.claims["acr"] = "urn:brasil:openbanking:loa1" }, "TPP-07/acr"},
	"whole hash of code":   {func(l *lie) { l.claims["c_hash"] = Challenge("code") }, "TPP-07/c-hash"},
	"array of none in aud": {func(l *lie) { l.claims["aud"] = []any{} }, "TPP-07/audience"},
}

func TestEveryLieInAnIDTokenIsRefused(t *testing.T) {
	i := newIssuer(t)
	c := i.client()
	s := i.server(c)
	x := Expected{Server: s, Nonce: "nonce", Code: "code", State: "state", Front: true}
	for name, l := range lies {
		t.Run(name, func(t *testing.T) {
			told := i.truth("code", "state", "nonce")
			l.tell(told)
			raw := told.token(t)
			_, err := c.CheckIDToken(context.Background(), raw, x)
			if demand, ok := IsRefusal(err); !ok || demand != l.demand {
				t.Errorf("got %v, want a refusal for %s", err, l.demand)
			}
			// The saboteur that ignores the demand falls for it, where the token can be read at all.
			if strings.HasPrefix(name, "another kid") {
				return
			}
			if _, err := i.client(func(cfg *Config) { cfg.Ignore = []string{l.demand} }).CheckIDToken(context.Background(), raw, x); err != nil {
				t.Errorf("the saboteur noticed: %v", err)
			}
		})
	}
}

func TestASoundIDTokenIsAccepted(t *testing.T) {
	i := newIssuer(t)
	c := i.client()
	x := Expected{Server: i.server(c), Nonce: "nonce", Code: "code", State: "state", Front: true}
	for name, edit := range map[string]func(*lie){
		"plain":           func(*lie) {},
		"aud of one":      func(l *lie) { l.claims["aud"] = []any{"client-1"} },
		"azp":             func(l *lie) { l.claims["azp"] = "client-1" },
		"loa3":            func(l *lie) { l.claims["acr"] = "urn:brasil:openbanking:loa3" },
		"small clock lag": func(l *lie) { l.claims["iat"] = l.claims["iat"].(int64) + 20 },
	} {
		told := i.truth("code", "state", "nonce")
		edit(told)
		if tok, err := c.CheckIDToken(context.Background(), told.token(t), x); err != nil || tok.Subject() != "sub-1" || tok.Envelope["alg"] != jose.RSAOAEP {
			t.Errorf("%s: %v", name, err)
		}
	}
	told := i.truth("code", "", "nonce")
	delete(told.claims, "s_hash")
	x.State = ""
	if _, err := c.CheckIDToken(context.Background(), told.token(t), x); err != nil {
		t.Errorf("without state: %v", err)
	}
}

func TestDiscoveryIsValidated(t *testing.T) {
	for name, c := range map[string]struct {
		edit   func(map[string]any)
		demand string
	}{
		"another issuer": {func(d map[string]any) { d["issuer"] = "https://evil.example" }, "TPP-01/issuer-matches"},
		"no par":         {func(d map[string]any) { delete(d, "pushed_authorization_request_endpoint") }, "TPP-01/endpoints-present"},
		"plain token": {func(d map[string]any) {
			d["mtls_endpoint_aliases"] = map[string]any{"token_endpoint": "http://x/token"}
		}, "TPP-01/endpoints-present"},
		"par optional": {func(d map[string]any) { d["require_pushed_authorization_requests"] = "true" }, "TPP-01/par-announced"},
		"other method": {func(d map[string]any) { d["token_endpoint_auth_methods_supported"] = []any{"tls_client_auth"} }, "TPP-01/private-key-jwt"},
	} {
		i := newIssuer(t)
		c.edit(i.doc)
		_, err := i.client().Discover(context.Background(), i.institution(), "")
		if demand, _ := IsRefusal(err); demand != c.demand {
			t.Errorf("%s: got %v, want %s", name, err, c.demand)
		}
	}
	i := newIssuer(t)
	if s := i.server(i.client()); !strings.HasSuffix(s.Token, "/token") {
		t.Errorf("the mTLS alias was not preferred: %s", s.Token)
	}
}

// visitor is a customer who comes back with whatever the test says.
type visitor func(push *Push) string

func journey(t *testing.T, i *issuer, c *Client, come visitor) (*Push, *Answer, error) {
	t.Helper()
	s := i.server(c)
	p := c.PushedRequest(s, &Consent{ID: "urn:bancoensaio:1", Server: s, Scopes: []string{"accounts"}})
	if e := p.Send(context.Background()); !e.OK() {
		t.Fatal(e)
	}
	u, err := url.Parse(come(p))
	if err != nil {
		t.Fatal(err)
	}
	a := ReadAnswer(u)
	_, err = p.Check(context.Background(), a)
	return p, a, err
}

func TestTheAuthorizationResponseIsJudged(t *testing.T) {
	i := newIssuer(t)
	c := i.client()
	good := func(p *Push) url.Values {
		return url.Values{"code": {"code"}, "state": {p.State}, "id_token": {i.truth("code", p.State, p.Nonce).token(t)}}
	}
	for name, x := range map[string]struct {
		come visitor
		want string
	}{
		"sound":           {func(p *Push) string { return redirect + "#" + good(p).Encode() }, ""},
		"in the query":    {func(p *Push) string { return redirect + "?" + good(p).Encode() }, "TPP-07/fragment"},
		"code in both":    {func(p *Push) string { return redirect + "?code=x#" + good(p).Encode() }, "TPP-07/fragment"},
		"another address": {func(p *Push) string { return "https://evil.example/cb#" + good(p).Encode() }, "TPP-07/fragment"},
		"access token":    {func(p *Push) string { return redirect + "#access_token=x&" + good(p).Encode() }, "TPP-07/fragment"},
		"another state":   {func(p *Push) string { v := good(p); v.Set("state", "x"); return redirect + "#" + v.Encode() }, "TPP-07/state"},
		"no state":        {func(p *Push) string { v := good(p); v.Del("state"); return redirect + "#" + v.Encode() }, "TPP-07/state"},
		"no id_token":     {func(p *Push) string { v := good(p); v.Del("id_token"); return redirect + "#" + v.Encode() }, "TPP-07/fragment"},
		"error, no state": {func(*Push) string { return redirect + "#error=access_denied" }, "TPP-07/state"},
	} {
		_, _, err := journey(t, i, c, x.come)
		if demand, _ := IsRefusal(err); demand != x.want || (x.want == "") != (err == nil) {
			t.Errorf("%s: got %v, want %q", name, err, x.want)
		}
	}
	_, _, err := journey(t, i, c, func(p *Push) string {
		return redirect + "#error=access_denied&error_description=n%C3%A3o&state=" + p.State
	})
	var denied *Denied
	if !errors.As(err, &denied) || denied.Answer.Error != "access_denied" || denied.Answer.Description != "não" {
		t.Errorf("got %v", err)
	}
}

func TestRedeemChecksTheSecondIDToken(t *testing.T) {
	i := newIssuer(t)
	c := i.client()
	p, a, err := journey(t, i, c, func(p *Push) string {
		return redirect + "#" + url.Values{"code": {"code"}, "state": {p.State}, "id_token": {i.truth("code", p.State, p.Nonce).token(t)}}.Encode()
	})
	if err != nil {
		t.Fatal(err)
	}
	front, err := p.Check(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	second := i.truth("code", p.State, p.Nonce)
	i.token["refresh_token"], i.token["id_token"] = "rt", second.token(t)
	g, err := c.Redeem(context.Background(), p, a.Code, front)
	if err != nil || g.AccessToken() != "at-1" || g.ConsentID() != "urn:bancoensaio:1" {
		t.Fatal(err)
	}
	sent := i.last("/token").Form
	if Challenge(sent.Get("code_verifier")) != p.object.Claims["code_challenge"] || sent.Get("redirect_uri") != redirect {
		t.Errorf("sent %v", sent)
	}
	second.claims["sub"] = "somebody else"
	i.token["id_token"] = second.token(t)
	if _, err := c.Redeem(context.Background(), p, a.Code, front); !isDemand(err, "TPP-07/subject") {
		t.Errorf("another subject: %v", err)
	}
	delete(second.claims, "sub")
	second.claims["sub"], second.claims["at_hash"] = "sub-1", Hash("other")
	i.token["id_token"] = second.token(t)
	if _, err := c.Redeem(context.Background(), p, a.Code, front); !isDemand(err, "TPP-07/at-hash") {
		t.Errorf("another at_hash: %v", err)
	}
	i.token["access_token"], i.token["refresh_token"] = "at-2", "rt-2"
	if err := c.Refresh(context.Background(), g); !isDemand(err, "TPP-05/same-refresh-token") {
		t.Errorf("rotation: %v", err)
	}
	delete(i.token, "refresh_token")
	if err := c.Refresh(context.Background(), g); err != nil || g.AccessToken() != "at-2" || g.RefreshToken != "rt" {
		t.Errorf("refresh: %v", err)
	}
	i.token["token_type"] = "mac"
	if err := c.Refresh(context.Background(), g); !isDemand(err, "TPP-07/token-type") {
		t.Errorf("token type: %v", err)
	}
}

func isDemand(err error, want string) bool { d, _ := IsRefusal(err); return d == want }

func TestSignedAnswersAreJudged(t *testing.T) {
	i := newIssuer(t)
	op := spec.Find("payments.read")
	for name, x := range map[string]struct {
		edit func(*JWS)
		want string
	}{
		"sound":            {func(*JWS) {}, ""},
		"aud of one":       {func(j *JWS) { j.Claims["aud"] = []any{clientOrg} }, ""},
		"RS256":            {func(j *JWS) { j.Alg = "RS256" }, "TPP-10/signed"},
		"none":             {func(j *JWS) { j.Alg = "none" }, "TPP-10/signed"},
		"another key":      {func(j *JWS) { j.SignedBy(otherKey) }, "TPP-10/signed"},
		"broken":           {func(j *JWS) { j.Broken = true }, "TPP-10/signed"},
		"plain":            {func(j *JWS) { j.Compact = `{"data":{"status":"ACSC"}}` }, "TPP-10/signed"},
		"another issuer":   {func(j *JWS) { j.Claims["iss"] = clientOrg }, "TPP-10/issuer"},
		"another audience": {func(j *JWS) { j.Claims["aud"] = bankOrg }, "TPP-10/audience"},
		"old":              {func(j *JWS) { j.Claims["iat"] = i.clk.Now().Unix() - 200 }, "TPP-10/fresh"},
		"from the future":  {func(j *JWS) { j.Claims["iat"] = i.clk.Now().Unix() + 200 }, "TPP-10/fresh"},
		"no jti":           {func(j *JWS) { delete(j.Claims, "jti") }, "TPP-10/jti"},
		"repeated jti":     {func(j *JWS) { j.Claims["jti"] = "same" }, "TPP-10/jti"},
	} {
		t.Run(name, func(t *testing.T) {
			c := i.client()
			c.keys.first("same")
			s := i.server(c)
			i.api = func(w http.ResponseWriter, r *request) {
				j := newJWS(bankKey, map[string]any{"iss": bankOrg, "aud": clientOrg, "iat": i.clk.Now().Unix(), "jti": uuid.NewString(), "data": map[string]any{"status": "ACSC"}})
				x.edit(j)
				compact, err := j.Sign()
				if err != nil {
					t.Error(err)
				}
				w.Header().Set("X-Fapi-Interaction-Id", r.Header.Get("X-Fapi-Interaction-Id"))
				w.Header().Set("Content-Type", "application/jwt")
				_, _ = w.Write([]byte(compact))
			}
			e := c.API(s, op).Param("paymentId", "p").Token("at").Send(context.Background())
			err := c.CheckAnswer(context.Background(), s, e)
			if demand, _ := IsRefusal(err); demand != x.want || (x.want == "") != (err == nil) {
				t.Errorf("got %v, want %q", err, x.want)
			}
			if x.want == "" && e.Text("data.status") != "ACSC" {
				t.Error("the claims are not read")
			}
		})
	}
}

func TestAnInteractionIDMustComeBack(t *testing.T) {
	i := newIssuer(t)
	i.api = func(w http.ResponseWriter, _ *request) {
		w.Header().Set("X-Fapi-Interaction-Id", uuid.NewString())
		answer(w, 200, map[string]any{"data": []any{}})
	}
	c := i.client()
	s := i.server(c)
	e := c.API(s, spec.Find("accounts.list")).Send(context.Background())
	if err := c.CheckAnswer(context.Background(), s, e); !isDemand(err, "TPP-04/echo-matches") {
		t.Errorf("got %v", err)
	}
}

func TestARefusedTokenIsRefreshedOnce(t *testing.T) {
	i := newIssuer(t)
	refuse := 1
	i.api = func(w http.ResponseWriter, r *request) {
		w.Header().Set("X-Fapi-Interaction-Id", r.Header.Get("X-Fapi-Interaction-Id"))
		if refuse > 0 {
			refuse--
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, 200, map[string]any{"data": []any{map[string]any{"accountId": r.Header.Get("Authorization")}}})
	}
	c := i.client()
	g := &Grant{Server: i.server(c), Consent: &Consent{ID: "urn:x:1"}, RefreshToken: "rt", access: "old"}
	list, err := c.Accounts(context.Background(), g)
	if err != nil || len(list) != 1 || list[0]["accountId"] != "Bearer at-1" {
		t.Fatalf("%v %v", list, err)
	}
	refuse = 2
	if _, err := c.Accounts(context.Background(), g); err == nil {
		t.Error("a token refused twice was taken for good")
	}
	var failure *Failure
	refuse = 9
	if _, err := c.Accounts(context.Background(), g); !errors.As(err, &failure) || failure.Exchange.Status != http.StatusUnauthorized {
		t.Errorf("got %v", err)
	}
}
