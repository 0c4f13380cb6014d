package sim_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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
