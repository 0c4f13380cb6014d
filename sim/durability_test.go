package sim_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

// What was acknowledged survives: the real binary is killed at chosen moments under load, started again
// on what it left, and held against everything it had answered. What was under way when it died may have
// happened or not, but only whole and only once.
func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	dir := t.TempDir()
	seed := clock.Seed(20261)
	if other, err := strconv.Atoi(os.Getenv("ENSAIO_KILLS_SEED")); err == nil {
		seed = clock.Seed(other)
	}
	chance := seed.Stream("kills")
	m := &memory{consents: map[string]*keptConsent{}, software: map[int]*keptSoftware{2: {}, 3: {}, 4: {}}, clientIDs: map[string]bool{}, served: map[string]bool{}}
	for range min(rounds, 3) { // the first start too may be cut short, at any point
		diesYoung(t, dir, time.Duration(chance.IntN(900))*time.Millisecond)
	}
	for round := range rounds {
		p := up(t, dir)
		m.verify(t, p.ready)
		quota := 40 + chance.IntN(160)
		m.live(t, p, quota, int64(seed)+int64(round))
		t.Logf("round %d: killed after %d answers; %d consents, %d payments, %d calls so far", round, quota, len(m.consents), len(m.payments), len(m.served))
		if round%3 == 2 {
			diesYoung(t, dir, time.Duration(chance.IntN(600))*time.Millisecond)
		}
		if t.Failed() {
			t.Fatalf("the process said:\n%s", p.said)
		}
	}
	p := up(t, dir)
	m.verify(t, p.ready)
	m.settle(t, p.ready)
	m.reported(t, p.ready)
	p.stop(t)
	for _, line := range complaints(p.said.String()) {
		t.Error(line)
	}
}

// A start that was cut short after a registration and before its note leaves a client that nobody knows
// the token of. The next start must do without it.
func TestAStartGoesOnAfterOneThatWasCutShort(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		e, err := sim.Start(t.Context(), sim.Options{Seed: 4, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "registrations.json")); err != nil {
			t.Fatal(err)
		}
	}
}

// diesYoung starts a process and kills it before, or just when, it is ready.
func diesYoung(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	p, lines := launch(t, dir, dir+"/ready.json")
	select {
	case <-lines:
	case <-time.After(after):
	}
	p.kill()
	for _, line := range complaints(p.said.String()) {
		t.Error(line)
	}
}

// memory is what the outside was told, and what it asked without hearing an answer.
type memory struct {
	mu       sync.Mutex
	consents map[string]*keptConsent
	payments []*keptPayment
	software map[int]*keptSoftware
	bearers  []*tpp.Grant    // client credentials
	shown    []string        // ids of the assertions that they were given for, all of the first client
	served   map[string]bool // interaction ids of answered API calls
	// clientIDs are all that were ever given: none is given twice.
	clientIDs map[string]bool
}

// given notes the id of a new registration.
func (m *memory) given(t *testing.T, id string) {
	t.Helper()
	m.locked(func() {
		if m.clientIDs[id] {
			t.Errorf("client id %s was given twice", id)
		}
		m.clientIDs[id] = true
	})
}

// keptConsent is a consent with the states it may be in: one, or two while a change has no answer.
type keptConsent struct {
	consent *tpp.Consent
	may     []string
	grant   *tpp.Grant
	revoked bool // the access token was revoked by itself
}

// keptPayment is one use of an idempotency key.
type keptPayment struct {
	of    *keptConsent
	key   string
	body  map[string]any
	order tpp.Order
	ids   []string // nil while nothing was acknowledged
}

type keptSoftware struct {
	clientID, token, uri string // of the registration, "" when there is none
	unclear              bool   // a change has no answer
	lost                 bool   // registered, but nobody was told its id
}

func (m *memory) locked(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func (m *memory) may(k *keptConsent, states ...string) { m.locked(func() { k.may = states }) }

// load is one round of work against a process that will die of it.
type load struct {
	*memory
	t      *testing.T
	ctx    context.Context
	ready  sim.Ready
	chance *rand.Rand // of this worker
	dead   *atomic.Bool
	party  *tpp.Client
	bank   *tpp.Server
	who    sim.ReadyCustomer
}

// live drives load from several sides until the process was killed after so many answers.
func (m *memory) live(t *testing.T, p *process, quota int, round int64) {
	var left atomic.Int64
	var dead atomic.Bool
	left.Store(int64(quota))
	record := func(e *tpp.Exchange) {
		if e.Err != nil {
			return
		}
		m.note(e)
		if left.Add(-1) == 0 {
			dead.Store(true)
			_ = p.cmd.Process.Kill()
		}
	}
	customers := ordinary(p.ready)
	var all sync.WaitGroup
	start := func(i int, seed int64, story func(l *load)) {
		c := party(t, p.ready, i, record)
		w := &load{memory: m, t: t, ctx: t.Context(), ready: p.ready, chance: rand.New(rand.NewPCG(uint64(round), uint64(seed))), dead: &dead, party: c,
			bank: bankOf(t.Context(), t, p.ready, c, i), who: customers[int(seed)%len(customers)]}
		all.Go(func() {
			for !dead.Load() {
				story(w)
			}
			c.Close()
		})
	}
	start(0, 1, (*load).share)
	start(0, 2, (*load).share)
	start(0, 3, (*load).pay)
	start(1, 4, (*load).pay)
	start(1, 5, (*load).pay)
	for i := range m.software {
		start(i, int64(10+i), func(l *load) { l.enrol(i) })
	}
	all.Wait()
	<-p.ended
	for _, line := range complaints(p.said.String()) {
		t.Error(line)
	}
}

// note keeps the interaction of every answered call of an API.
func (m *memory) note(e *tpp.Exchange) {
	if e.Operation != nil && e.Err == nil {
		m.locked(func() { m.served[e.Interaction()] = true })
	}
}

// died says whether an error is the kill's; any other is a failure.
func (l *load) died(step string, err error) bool {
	if err == nil {
		return false
	}
	if !l.dead.Load() {
		l.t.Errorf("%s: %v", step, err)
		l.dead.Store(true)
	}
	return true
}

// begin takes a consent through the customer's approval.
func (l *load) begin(k *tpp.Consent) *keptConsent {
	kept := &keptConsent{consent: k, may: []string{"AWAITING_AUTHORISATION"}}
	l.locked(func() { l.consents[k.ID] = kept })
	if l.chance.IntN(5) == 0 {
		return nil // left waiting
	}
	l.may(kept, "AWAITING_AUTHORISATION", "AUTHORISED")
	g, err := l.party.Authorise(l.ctx, k, robot(l.t, l.ready, l.who, l.party.Config().RedirectURIs))
	if l.died("authorise", err) {
		return nil
	}
	l.locked(func() { kept.may, kept.grant = []string{"AUTHORISED"}, g })
	return kept
}

// share is the story of a data consent.
func (l *load) share() {
	k, err := l.party.CreateConsent(l.ctx, l.bank, []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}, tpp.Person{CPF: l.who.CPF})
	if l.died("create consent", err) {
		return
	}
	kept := l.begin(k)
	if kept == nil {
		return
	}
	for range l.chance.IntN(4) {
		_, err := l.party.Read(l.ctx, kept.grant, spec.Find("accounts.list"), nil, nil)
		if l.died("read accounts", err) {
			return
		}
	}
	switch l.chance.IntN(5) {
	case 0, 1:
		l.may(kept, "AUTHORISED", "REJECTED")
		if _, err := l.party.DeleteConsent(l.ctx, k); !l.died("revoke consent", err) {
			l.may(kept, "REJECTED")
		}
	case 2:
		if err := l.party.Revoke(l.ctx, l.bank, kept.grant.AccessToken()); !l.died("revoke token", err) {
			l.locked(func() { kept.revoked = true })
		}
	case 3:
		g, err := l.party.ClientCredentials(l.ctx, l.bank, "consents")
		if !l.died("token", err) {
			l.locked(func() { l.bearers = append(l.bearers, g) })
			l.party.ForgetTokens()
		}
		id := uuid.NewString()
		if e := l.party.CredentialsRequest(l.bank, "consents").AssertionClaims(func(c map[string]any) { c["jti"] = id }).Send(l.ctx); e.Err == nil && e.Status == 200 {
			l.locked(func() { l.shown = append(l.shown, id) })
		}
	}
}

// pay is the story of a payment.
func (l *load) pay() {
	order := tpp.Order{Payer: tpp.Person{CPF: l.who.CPF}, Amount: fmt.Sprintf("%d.%02d", l.chance.IntN(9), 1+l.chance.IntN(99)),
		Creditor: tpp.Creditor{Name: "Loja Simulada", Document: "99999008000151",
			Account: tpp.Account{ISPB: "99999008", Issuer: "0001", Number: "1234567890", Type: "CACC"}}}
	k, err := l.party.CreatePaymentConsent(l.ctx, l.bank, order)
	if l.died("create payment consent", err) {
		return
	}
	kept := l.begin(k)
	if kept == nil || l.chance.IntN(6) == 0 {
		return
	}
	paid := &keptPayment{of: kept, key: uuid.NewString(), body: l.party.PaymentBody(order), order: order}
	l.locked(func() {
		kept.may = []string{"AUTHORISED", "CONSUMED"}
		l.payments = append(l.payments, paid)
	})
	made, err := paid.send(l.ctx, l.party)
	if l.died("pay", err) {
		return
	}
	l.locked(func() { kept.may, paid.ids = []string{"CONSUMED"}, made.IDs })
}

func (p *keptPayment) send(ctx context.Context, c *tpp.Client) (*tpp.Payment, error) {
	return c.CreatePayment(ctx, p.of.grant, p.order, func(r *tpp.APICall) { r.Idempotency(p.key).Body(p.body) })
}

// enrol is the story of a registration.
func (l *load) enrol(i int) {
	s := l.software[i]
	if s.lost {
		_, err := l.party.DirectoryToken(l.ctx)
		l.died("directory token", err)
		return
	}
	server := *l.bank
	if s.clientID == "" {
		s.unclear = true
		if _, err := l.party.Register(l.ctx, &server); l.died("register", err) {
			return
		}
		s.clientID, s.token, s.uri, s.unclear = server.ClientID, server.RegistrationToken, server.RegistrationURI, false
		l.given(l.t, s.clientID)
	}
	server.ClientID, server.RegistrationToken, server.RegistrationURI = s.clientID, s.token, s.uri
	for range 2 + l.chance.IntN(4) {
		if _, err := l.party.ReadRegistration(l.ctx, &server); l.died("read registration", err) {
			return
		}
	}
	if l.chance.IntN(3) == 0 {
		return
	}
	s.unclear = true
	if _, err := l.party.DeleteRegistration(l.ctx, &server); l.died("delete registration", err) {
		return
	}
	*s = keptSoftware{}
}

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
