package sim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim"
	"github.com/ensaio/ensaio/sim/spec"
)

// verify holds a fresh process against the memory.
func (m *memory) verify(t *testing.T, r sim.Ready) {
	t.Helper()
	began := time.Now()
	parties := map[int]*tpp.Client{}
	servers := map[int]*tpp.Server{}
	for i := range r.TPPs[:5] {
		parties[i] = party(t, r, i, m.note)
		servers[i] = bankOf(t.Context(), t, r, parties[i], i)
		defer parties[i].Close()
	}
	of := func(k *keptConsent) (*tpp.Client, *tpp.Server) {
		for i, c := range parties {
			if servers[i].ClientID != "" && servers[i].ClientID == k.consent.Server.ClientID {
				return c, servers[i]
			}
		}
		t.Fatalf("the registration %s is gone", k.consent.Server.ClientID)
		return nil, nil
	}
	for i, s := range m.software {
		s.verify(t, m, parties[i], *servers[i])
	}
	for _, p := range m.payments {
		c, _ := of(p.of)
		p.verify(t, c)
	}
	for _, k := range m.consents {
		c, server := of(k)
		k.verify(t, c, server)
	}
	for _, g := range m.bearers {
		for _, k := range m.consents {
			if k.consent.Server.ClientID != g.Server.ClientID || len(k.consent.Permissions) == 0 {
				continue
			}
			c, server := of(k)
			e := c.API(server, spec.Find("consents.read")).Token(g.AccessToken()).Param("consentId", k.consent.ID).Send(t.Context())
			if e.Status != 200 {
				t.Errorf("a token of before: %v", e)
			}
			break
		}
	}
	for _, id := range m.shown {
		e := parties[0].CredentialsRequest(servers[0], "consents").AssertionClaims(func(c map[string]any) { c["jti"] = id }).Send(t.Context())
		if e.Status != 401 {
			t.Errorf("an assertion that was shown before: %v", e)
		}
	}
	var books map[string]int64
	control(t, r, "GET", "/core/books", &books)
	sum := int64(0)
	for _, b := range books {
		sum += b
	}
	if sum != 0 {
		t.Errorf("the books sum to %d centavos", sum)
	}
	t.Logf("verified, with %d used assertions, in %v", len(m.shown), time.Since(began).Round(time.Millisecond))
}

func (s *keptSoftware) verify(t *testing.T, m *memory, c *tpp.Client, server tpp.Server) {
	t.Helper()
	if s.lost {
		return
	}
	if s.clientID != "" {
		server.ClientID, server.RegistrationToken, server.RegistrationURI = s.clientID, s.token, s.uri
		e, err := c.ReadRegistration(t.Context(), &server)
		switch {
		case err == nil:
			s.unclear = false
			if e.Text("client_id") != s.clientID {
				t.Errorf("registration %s reads as %s", s.clientID, e.Text("client_id"))
			}
			return
		case s.unclear && e.Status == 401:
			*s = keptSoftware{} // the deletion did happen
		default:
			t.Errorf("registration: %v", err)
			return
		}
	}
	// What is not registered can be; what may be, is either, and then its id is known to nobody.
	e, err := c.Register(t.Context(), &server)
	switch {
	case err == nil:
		*s = keptSoftware{clientID: server.ClientID, token: server.RegistrationToken, uri: server.RegistrationURI}
		m.given(t, s.clientID)
	case s.unclear && e != nil && e.Status == 400:
		s.lost = true
	default:
		t.Errorf("register again: %v", err)
	}
}

func (k *keptConsent) verify(t *testing.T, c *tpp.Client, server *tpp.Server) {
	t.Helper()
	k.consent.Server = server
	if _, err := c.ReadConsent(t.Context(), k.consent); err != nil {
		t.Errorf("consent acknowledged as %v: %v", k.may, err)
		return
	}
	if !slices.Contains(k.may, k.consent.Status) {
		t.Errorf("consent acknowledged as %v is %s", k.may, k.consent.Status)
	}
	k.may = []string{k.consent.Status}
	if k.grant == nil || len(k.consent.Permissions) == 0 {
		return
	}
	k.grant.Server = server
	read := func() int {
		return c.API(server, spec.Find("accounts.list")).With(k.grant).Send(t.Context()).Status
	}
	want := 200
	if k.consent.Status != "AUTHORISED" || k.revoked {
		want = 401
	}
	if got := read(); got != want {
		t.Errorf("the access token of a consent that is %s (token revoked: %t) gives %d", k.consent.Status, k.revoked, got)
	}
	err := c.Refresh(t.Context(), k.grant)
	if k.consent.Status != "AUTHORISED" {
		var failure *tpp.Failure
		if !errors.As(err, &failure) || failure.Exchange.Status != 400 {
			t.Errorf("the refresh token of a consent that is %s: %v", k.consent.Status, err)
		}
		return
	}
	if err != nil {
		t.Errorf("refresh token: %v", err)
		return
	}
	k.revoked = false
	if got := read(); got != 200 {
		t.Errorf("the refreshed token gives %d", got)
	}
}

func (p *keptPayment) verify(t *testing.T, c *tpp.Client) {
	t.Helper()
	again, err := p.send(t.Context(), c) // the same key, whether it was answered or not
	if err != nil {
		t.Errorf("payment asked again: %v", err)
		return
	}
	if p.ids != nil && !slices.Equal(p.ids, again.IDs) {
		t.Errorf("payment %v is %v when asked again", p.ids, again.IDs)
	}
	p.ids, p.of.may = again.IDs, []string{"CONSUMED"}
	e, err := c.Act(t.Context(), p.of.grant.Server, spec.Find("payments.consent-payments"), func(r *tpp.APICall) { r.Param("consentId", p.of.consent.ID) })
	list, _ := e.Field("data").([]any)
	if err != nil || e.Status != 200 || len(list) != 1 || e.Text("data.0.paymentId") != p.ids[0] {
		t.Errorf("the payments of a consent that paid once: %v, %v, %d of them", e, err, len(list))
	}
}

// settle waits for the end of every payment and holds what left the bank against what was ordered.
func (m *memory) settle(t *testing.T, r sim.Ready) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	clients := map[string]*tpp.Client{}
	for i := range 2 {
		clients[r.TPPs[i].Clients[0].ClientID] = party(t, r, i, m.note)
	}
	want := int64(0)
	for _, p := range m.payments {
		k := &tpp.Payment{Consent: p.of.consent, IDs: p.ids, Statuses: make([]string, 1), Seen: []string{""}}
		if err := clients[p.of.consent.Server.ClientID].Await(ctx, k); err != nil {
			t.Errorf("payment %s: %v", p.ids[0], err)
			return
		}
		if k.Statuses[0] != "ACSC" {
			t.Errorf("payment %s ended as %s", p.ids[0], k.Statuses[0])
			continue
		}
		var whole, part int64
		if _, err := fmt.Sscanf(p.order.Amount, "%d.%02d", &whole, &part); err != nil {
			t.Fatal(err)
		}
		want += whole*100 + part
	}
	var books map[string]int64
	control(t, r, "GET", "/core/books", &books)
	if books["spi"] != want || books["transit"] != 0 {
		t.Errorf("%d payments of %d centavos together; %d left the bank and %d are under way", len(m.payments), want, books["spi"], books["transit"])
	}
}

// reported holds the metrics platform against the calls that were answered: each once, none lost.
func (m *memory) reported(t *testing.T, r sim.Ready) {
	t.Helper()
	var stats struct{ Waiting, Discarded int }
	control(t, r, "POST", "/reporter/flush", &stats)
	if stats.Waiting != 0 {
		t.Errorf("%d reports wait after all were sent", stats.Waiting)
	}
	var dead []struct{ Reason string }
	control(t, r, "GET", "/reporter/dead", &dead)
	for _, d := range dead {
		t.Errorf("a report was discarded: %s", d.Reason)
	}
	var list []struct {
		Interaction string `json:"fapiInteractionId"`
	}
	control(t, r, "GET", "/pcm/reports?role=SERVER&limit=10000", &list)
	times := map[string]int{}
	for _, e := range list {
		times[e.Interaction]++
	}
	if len(list) >= 10000 {
		t.Fatal("more reports than one question shows")
	}
	for id := range m.served {
		if times[id] != 1 {
			t.Errorf("the answered call %s has %d reports", id, times[id])
		}
	}
	t.Logf("%d answered calls, %d reports", len(m.served), len(list))
}
