package as_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/spec"
)

func half(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func TestADataJourneyFromPushToUserinfo(t *testing.T) {
	w := newWorld(t)
	x := w.dataConsent(w.a)
	g := w.push(w.a, w.objectClaims(w.a, dataScope(x)))
	if n, _ := g.json["expires_in"].(float64); g.status != http.StatusCreated || n < 60 || g.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("push: %d %s", g.status, g.body)
	}
	uri := g.text("request_uri")
	if again := w.open(w.a, uri); again.status != http.StatusOK || !strings.Contains(string(again.body), `id="login"`) {
		t.Fatalf("login page: %d %s", again.status, again.body)
	}
	page := w.signIn(w.open(w.a, uri), "ana") // the page is opened twice: nothing is used up
	for _, want := range []string{`id="consent"`, "Receptora aurora", "Saldos", "ana-1", "ana-2", "11111-1"} {
		if !strings.Contains(string(page.body), want) {
			t.Errorf("the consent page lacks %q", want)
		}
	}
	if strings.Contains(string(page.body), "ana-card") {
		t.Error("a card is offered although nobody asked for cards")
	}
	base, v := w.returned(w.submit(page, url.Values{"action": {"approve"}, "account": {"ana-1"}}))
	if base != w.a.redirect || v.Get("code") == "" || v.Get("state") != "state-1" || v.Has("access_token") {
		t.Fatalf("answer %s %v", base, v)
	}
	front := w.idToken(w.a, v.Get("id_token"))
	if front.String("c_hash") != half(v.Get("code")) || front.String("s_hash") != half("state-1") || front.String("nonce") != "nonce-1" || front.String("acr") != "urn:brasil:openbanking:loa2" {
		t.Errorf("front channel %v", front.Claims)
	}
	now, _ := w.engine.Get(x.ID)
	if now.Status != consent.Authorised || now.Owner != "ana" || !slices.Equal(now.Resources, []string{"ana-1"}) {
		t.Errorf("consent %+v", now)
	}
	tokens := w.redeem(w.a, v.Get("code"))
	if tokens.status != http.StatusOK || tokens.json["token_type"] != "Bearer" || tokens.json["expires_in"] != float64(900) || tokens.text("refresh_token") == "" || tokens.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("tokens: %d %s", tokens.status, tokens.body)
	}
	if scope := strings.Fields(tokens.text("scope")); !slices.Contains(scope, "consent:"+x.ID) || !slices.Contains(scope, "accounts") {
		t.Errorf("scope %v", scope)
	}
	back := w.idToken(w.a, tokens.text("id_token"))
	if back.String("sub") != front.String("sub") || back.String("nonce") != "nonce-1" {
		t.Errorf("back channel %v", back.Claims)
	}
	access := tokens.text("access_token")
	live, err := w.introspect(access, w.a.cert)
	if err != nil || live.Grant != spec.AuthorizationCode || live.ConsentID != x.ID || live.Customer != "ana" || live.Subject != front.String("sub") || !live.Has("accounts") {
		t.Fatalf("introspect %+v: %v", live, err)
	}
	info := w.do(w.server.MTLS(), http.MethodGet, mtls+"/userinfo", http.Header{"Authorization": {"bEARER " + access}}, nil, w.a.cert)
	if info.status != http.StatusOK || info.text("sub") != front.String("sub") || len(info.json) != 1 {
		t.Errorf("userinfo: %d %s", info.status, info.body)
	}
	if g := w.open(w.a, uri); g.status != http.StatusBadRequest {
		t.Errorf("the request_uri still works: %d", g.status)
	}
	want := []string{"hybrid-flow/server/redirect-target", "hybrid-flow/server/redirect-target", "hybrid-flow/server/authenticated", "hybrid-flow/server/redirect-to-client"}
	if !slices.Equal(w.outbox.kinds, want) || w.outbox.last["type"] != "AUTHORISED" || w.outbox.last["consentId"] != x.ID {
		t.Errorf("reported %v %v", w.outbox.kinds, w.outbox.last)
	}
}

func TestAPaymentJourney(t *testing.T) {
	w := newWorld(t)
	x := w.paymentConsent(w.a)
	page := w.submit(w.open(w.a, w.pushed(w.a, paymentScope(x))), url.Values{"username": {"ana"}, "password": {"senha+codigo"}, "action": {"continue"}})
	for _, want := range []string{"R$ 10,00", "***.982.247-**", "R$ 1.234,56", "conta indisponível"} {
		if !strings.Contains(string(page.body), want) {
			t.Errorf("the payment page lacks %q", want)
		}
	}
	_, v := w.returned(w.submit(page, url.Values{"action": {"approve"}, "account": {"ana-1"}}))
	if acr := w.idToken(w.a, v.Get("id_token")).String("acr"); acr != "urn:brasil:openbanking:loa3" {
		t.Errorf("two factors give %s", acr)
	}
	now, _ := w.engine.Get(x.ID)
	if now.Status != consent.Authorised || !strings.Contains(string(now.Debtor), "111111") {
		t.Fatalf("consent %+v", now)
	}
	if o := w.core.foreseen[0]; o.Amount != "10.00" || o.Debtor.Number != "111111" || o.Customer != "ana" {
		t.Errorf("foreseen %+v", o)
	}
	tokens := w.redeem(w.a, v.Get("code"))
	refresh := tokens.text("refresh_token")
	if refresh == "" || w.refresh(w.a, refresh).status != http.StatusOK {
		t.Fatalf("tokens: %d %s", tokens.status, tokens.body)
	}
	if _, err := w.engine.Consume(t.Context(), x.ID); err != nil {
		t.Fatal(err)
	}
	if g := w.refresh(w.a, refresh); g.code() != "invalid_grant" {
		t.Errorf("refresh after the consent is consumed: %d %s", g.status, g.body)
	}
	if g := w.own(w.a, "payments"); g.status != http.StatusOK {
		t.Errorf("client credentials: %d %s", g.status, g.body)
	}
	// Who lost the answer to the payment asks again with the same token, also after a restart.
	w.restart()
	if _, err := w.introspect(tokens.text("access_token"), w.a.cert); err != nil {
		t.Errorf("the token of a consumed payment consent after a restart: %v", err)
	}
	if g := w.refresh(w.a, refresh); g.code() != "invalid_grant" {
		t.Errorf("refresh after the consent is consumed, and a restart: %d %s", g.status, g.body)
	}
	w.clock.Advance(2 * time.Hour)
	w.granted(w.a)
	revoked := w.dataConsent(w.a)
	w.revoke(revoked) // lets those go whose time is over
	kept := 0
	if err := w.store.Each(t.Context(), "grant", func(store.Record) error { kept++; return nil }); err != nil {
		t.Fatal(err)
	}
	if kept != 1 {
		t.Errorf("%d grants are kept, want the one that lives", kept)
	}
}

func TestARefusedPaymentSaysWhy(t *testing.T) {
	for reason, edit := range map[string]func(*world, *consent.Consent) url.Values{
		"SALDO_INSUFICIENTE": func(w *world, _ *consent.Consent) url.Values {
			w.core.verdict = connector.Verdict{Reason: "SALDO_INSUFICIENTE"}
			return url.Values{"account": {"ana-1"}}
		},
		"VALOR_ACIMA_LIMITE": func(w *world, _ *consent.Consent) url.Values {
			w.core.verdict = connector.Verdict{Reason: "VALOR_ACIMA_LIMITE"}
			return url.Values{"account": {"ana-1"}}
		},
		"CONTA_NAO_PERMITE_PAGAMENTO": func(*world, *consent.Consent) url.Values { return url.Values{"account": {"ana-2"}} },
		"CONTAS_ORIGEM_DESTINO_IGUAIS": func(_ *world, x *consent.Consent) url.Values {
			x.Payment = []byte(strings.Replace(string(x.Payment), "999999", "111111", 1))
			return url.Values{"account": {"ana-1"}}
		},
		"REJEITADO_USUARIO": func(*world, *consent.Consent) url.Values { return url.Values{"action": {"deny"}} },
	} {
		t.Run(reason, func(t *testing.T) {
			w := newWorld(t)
			var f url.Values
			x := w.paymentConsent(w.a, func(x *consent.Consent) { f = edit(w, x) })
			if !f.Has("action") {
				f.Set("action", "approve")
			}
			_, v := w.returned(w.submit(w.signIn(w.open(w.a, w.pushed(w.a, paymentScope(x))), "ana"), f))
			now, _ := w.engine.Get(x.ID)
			if v.Get("error") != "access_denied" || v.Get("state") != "state-1" || now.Status != consent.Rejected || now.Rejection.Code != reason {
				t.Errorf("%v, %s %+v", v, now.Status, now.Rejection)
			}
		})
	}
}

func TestWhoIsNotTheCustomerIsTurnedAway(t *testing.T) {
	for name, c := range map[string]struct {
		edit    func(*consent.Consent)
		user    string
		form    url.Values
		data    string
		payment string
	}{
		"another person":     {nil, "bia", nil, "INTERNAL_SECURITY_REASON", "AUTENTICACAO_DIVERGENTE"},
		"no such company":    {func(x *consent.Consent) { x.CNPJ = "11222333000181" }, "ana", nil, "INTERNAL_SECURITY_REASON", "AUTENTICACAO_DIVERGENTE"},
		"acts for a company": {func(x *consent.Consent) { x.CPF = "52998224725" }, "bia", url.Values{"company": {"11222333000181"}, "action": {"approve"}}, "INTERNAL_SECURITY_REASON", "AUTENTICACAO_DIVERGENTE"},
		"another company": {func(x *consent.Consent) { x.CPF, x.CNPJ = "52998224725", "11222333000181" }, "bia",
			url.Values{"company": {"11444777000161"}, "action": {"approve"}}, "INTERNAL_SECURITY_REASON", "AUTENTICACAO_DIVERGENTE"},
		"says no":          {nil, "ana", url.Values{"action": {"deny"}}, "CUSTOMER_MANUALLY_REJECTED", "REJEITADO_USUARIO"},
		"cancels at login": {nil, "", nil, "CUSTOMER_MANUALLY_REJECTED", "REJEITADO_USUARIO"},
	} {
		for _, kind := range []consent.Kind{consent.Data, consent.Payment} {
			t.Run(name+"/"+string(kind), func(t *testing.T) {
				w := newWorld(t)
				edit := c.edit
				if edit == nil {
					edit = func(*consent.Consent) {}
				}
				x, scope, code := w.dataConsent(w.a, edit), "", c.data
				scope = dataScope(x)
				if kind == consent.Payment {
					x, code = w.paymentConsent(w.a, edit), c.payment
					scope = paymentScope(x)
				}
				page := w.open(w.a, w.pushed(w.a, scope))
				var g got
				if c.user == "" {
					g = w.submit(page, url.Values{"action": {"cancel"}})
				} else if g = w.signIn(page, c.user); c.form != nil {
					g = w.submit(g, c.form)
				}
				base, v := w.returned(g)
				now, _ := w.engine.Get(x.ID)
				if base != w.a.redirect || v.Get("error") != "access_denied" || v.Get("state") != "state-1" || v.Has("code") || now.Status != consent.Rejected || now.Rejection.Code != code {
					t.Errorf("%v, %s %+v", v, now.Status, now.Rejection)
				}
			})
		}
	}
}

func TestSeveralApprovers(t *testing.T) {
	w := newWorld(t)
	x := w.dataConsent(w.a)
	page := w.signIn(w.open(w.a, w.pushed(w.a, dataScope(x))), "ana")
	if !strings.Contains(string(page.body), "Caio Sintético") {
		t.Error("the page does not say who else must approve")
	}
	w.submit(page, url.Values{"action": {"approve"}, "account": {"ana-1", "ana-2"}})
	if now, _ := w.engine.Get(x.ID); now.Status != consent.Authorised || !slices.Equal(now.Approvals, []string{"caio"}) {
		t.Errorf("data: %+v", now)
	}
	p := w.paymentConsent(w.a, func(x *consent.Consent) { x.CPF, x.CNPJ = "52998224725", "11444777000161" })
	v := w.authorised(w.a, w.pushed(w.a, paymentScope(p)), "bia", "usina-1")
	if now, _ := w.engine.Get(p.ID); now.Status != consent.Partially || now.Owner != "usina" {
		t.Errorf("payment: %+v", now)
	}
	if g := w.redeem(w.a, v.Get("code")); g.status != http.StatusOK {
		t.Errorf("redeem: %d %s", g.status, g.body)
	}
}

func TestACompanyOfOne(t *testing.T) {
	w := newWorld(t)
	x := w.dataConsent(w.a, func(x *consent.Consent) { x.CPF, x.CNPJ = "52998224725", "11222333000181" })
	v := w.authorised(w.a, w.pushed(w.a, dataScope(x)), "bia", "loja-1")
	if now, _ := w.engine.Get(x.ID); v.Get("code") == "" || now.Owner != "loja" || len(now.Approvals) != 0 {
		t.Errorf("%v %+v", v, now)
	}
}

func TestTheLoginCanBeTriedAgainButNotForEver(t *testing.T) {
	w := newWorld(t)
	x := w.dataConsent(w.a)
	page := w.open(w.a, w.pushed(w.a, dataScope(x)))
	for range 4 {
		if page = w.submit(page, url.Values{"username": {"ana"}, "password": {"errada"}}); page.status != http.StatusUnauthorized || !strings.Contains(string(page.body), "incorretos") {
			t.Fatalf("%d %s", page.status, page.body)
		}
	}
	_, v := w.returned(w.submit(page, url.Values{"username": {"ana"}, "password": {"errada"}}))
	if now, _ := w.engine.Get(x.ID); v.Get("error") != "access_denied" || now.Status != consent.Awaiting {
		t.Errorf("%v %s", v, now.Status)
	}
}

func TestWhoComesTooLateIsSentBack(t *testing.T) {
	w := newWorld(t)
	x := w.dataConsent(w.a)
	page := w.open(w.a, w.pushed(w.a, dataScope(x)))
	w.clock.Advance(61 * time.Minute)
	_, v := w.returned(w.signIn(page, "ana"))
	if v.Get("error") != "access_denied" {
		t.Error(v)
	}
}

func TestAPageOfAnotherBrowserIsNotObeyed(t *testing.T) {
	w := newWorld(t)
	page := w.open(w.a, w.pushed(w.a, dataScope(w.dataConsent(w.a))))
	w.cookies = map[string]string{"__Host-ensaio": strings.Repeat("x", 43)}
	if g := w.signIn(page, "ana"); g.status != http.StatusBadRequest {
		t.Errorf("%d", g.status)
	}
}

func TestARequestUriDiesAtItsTime(t *testing.T) {
	w := newWorld(t)
	uri := w.pushed(w.a, dataScope(w.dataConsent(w.a)))
	w.clock.Advance(89 * time.Second)
	if g := w.open(w.a, uri); g.status != http.StatusOK {
		t.Errorf("refused before its time: %d", g.status)
	}
	w.clock.Advance(2 * time.Second)
	if g := w.open(w.a, uri); g.status != http.StatusBadRequest || g.header.Get("Location") != "" {
		t.Errorf("accepted after its time: %d", g.status)
	}
}

func TestWhatIsOutsideTheObjectCountsForNothing(t *testing.T) {
	w := newWorld(t)
	x := w.dataConsent(w.a)
	claims := w.objectClaims(w.a, dataScope(x))
	delete(claims, "state")
	f := w.asserted(w.a, url.Values{"request": {w.sign(claims, w.a.sig)}, "state": {"outside"}, "nonce": {"outside"}, "redirect_uri": {w.a.second}})
	g := w.form("/par", f, w.a.cert)
	if g.status != http.StatusCreated {
		t.Fatalf("%d %s", g.status, g.body)
	}
	page := w.visit(url.Values{"client_id": {w.a.id}, "request_uri": {g.text("request_uri")}, "state": {"url"}, "redirect_uri": {w.a.second}})
	base, v := w.returned(w.submit(w.signIn(page, "ana"), url.Values{"action": {"approve"}, "account": {"ana-1"}}))
	id := w.idToken(w.a, v.Get("id_token"))
	if base != w.a.redirect || v.Has("state") || id.Claims["s_hash"] != nil || id.String("nonce") != "nonce-1" {
		t.Errorf("%s %v %v", base, v, id.Claims)
	}
}

func TestMoreScopeThanNeededIsReduced(t *testing.T) {
	w := newWorld(t)
	x := w.dataConsent(w.a)
	v := w.authorised(w.a, w.pushed(w.a, "consent:"+x.ID+" payments resources credit-cards-accounts accounts openid"), "ana", "ana-1")
	g := w.redeem(w.a, v.Get("code"))
	if g.status != http.StatusOK || strings.Contains(g.text("scope"), "payments") {
		t.Errorf("%d %s", g.status, g.body)
	}
}
