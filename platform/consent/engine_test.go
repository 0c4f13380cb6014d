package consent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
)

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// shelf is a store that remembers, for tests.
type shelf struct {
	mu      sync.Mutex
	records map[store.Key]store.Record
	events  []string
	fail    error
}

func (s *shelf) Commit(_ context.Context, ops ...store.Op) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	for _, o := range ops {
		switch {
		case o.Put != nil:
			s.records[o.Put.Key] = *o.Put
		case o.Emit != nil:
			s.events = append(s.events, o.Emit.Type)
		}
	}
	return nil
}

func (s *shelf) Each(_ context.Context, kind string, fn func(store.Record) error) error {
	for k, r := range s.records {
		if k.Kind == kind {
			if err := fn(r); err != nil {
				return err
			}
		}
	}
	return nil
}

type world struct {
	*consent.Engine
	clock *clock.Clock
	shelf *shelf
	board *fault.Board
}

func open(t testing.TB, defects ...fault.Defect) *world {
	t.Helper()
	w := &world{clock: clock.Fixed(start), shelf: &shelf{records: map[store.Key]store.Record{}}, board: fault.NewBoard(defects)}
	w.reopen(t)
	return w
}

func (w *world) reopen(t testing.TB) {
	t.Helper()
	e, err := consent.Open(context.Background(), consent.Config{Clock: w.clock, Seams: w.board.Seams(), Store: w.shelf, Namespace: "bancoensaio"})
	if err != nil {
		t.Fatal(err)
	}
	w.Engine = e
}

func (w *world) make(t testing.TB, kind consent.Kind, edit func(*consent.Consent)) *consent.Consent {
	t.Helper()
	c := consent.Consent{Kind: kind, ClientID: "aurora", CPF: "12345678909"}
	if edit != nil {
		edit(&c)
	}
	made, err := w.Create(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (w *world) authorise(t testing.TB, id string, approvals ...string) *consent.Consent {
	t.Helper()
	c, err := w.Authorise(context.Background(), id, consent.Decision{By: "customer", Channel: "authorization", Owner: "p1", Resources: []string{"a1"}, Approvals: approvals})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) status(t testing.TB, id, want, reason string) *consent.Consent {
	t.Helper()
	c, ok := w.Get(id)
	if !ok || c.Status != want {
		t.Fatalf("want %s, got %+v", want, c)
	}
	switch {
	case reason == "" && c.Rejection != nil, reason != "" && (c.Rejection == nil || c.Rejection.Code != reason):
		t.Fatalf("want reason %q, got %+v", reason, c.Rejection)
	}
	return c
}

func TestIdentifiersAreNamespacedAndUnguessable(t *testing.T) {
	w, seen := open(t), map[string]bool{}
	form := regexp.MustCompile(`^urn:bancoensaio:[0-9a-f]{32}$`)
	for range 200 {
		id := w.make(t, consent.Data, nil).ID
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}

func TestTimeEndsEveryWait(t *testing.T) {
	year := start.AddDate(1, 0, 0)
	until := start.Add(90 * time.Minute)
	payment := json.RawMessage(`{"payment":{"date":"2026-03-02"}}`)
	scheduled := json.RawMessage(`{"payment":{"schedule":{"custom":{"dates":["2026-03-20","2026-03-10"]},"additionalInformation":"x"}}}`)
	authorised := func(w *world, id string) { w.authorise(t, id) }
	partially := func(w *world, id string) { w.authorise(t, id, "second") }
	nothing := func(*world, string) {}
	for name, row := range map[string]struct {
		kind    consent.Kind
		edit    func(*consent.Consent)
		prepare func(*world, string)
		lives   time.Duration
		status  string // while it lives
		reason  string
	}{
		"data waits an hour":                       {consent.Data, nil, nothing, time.Hour, consent.Awaiting, consent.ConsentExpired},
		"data lives to its expiry":                 {consent.Data, func(c *consent.Consent) { c.Expires = &until }, authorised, 90 * time.Minute, consent.Authorised, consent.MaxDateReached},
		"data lives a year":                        {consent.Data, func(c *consent.Consent) { c.Expires = &year }, authorised, year.Sub(start), consent.Authorised, consent.MaxDateReached},
		"payment waits five minutes":               {consent.Payment, nil, nothing, 5 * time.Minute, consent.Awaiting, consent.AuthorisationLapsed},
		"payment is consumed within the hour":      {consent.Payment, nil, authorised, time.Hour, consent.Authorised, consent.ConsumptionLapsed},
		"immediate payment waits to the day's end": {consent.Payment, func(c *consent.Consent) { c.Payment = payment }, partially, 15*time.Hour - time.Second, consent.Partially, consent.AuthorisationLapsed},
		"scheduled waits to the day before":        {consent.Payment, func(c *consent.Consent) { c.Payment = scheduled }, partially, 7*24*time.Hour + 15*time.Hour - time.Second, consent.Partially, consent.AuthorisationLapsed},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			id := w.make(t, row.kind, row.edit).ID
			row.prepare(w, id)
			w.clock.Advance(row.lives - time.Second)
			w.status(t, id, row.status, "")
			w.clock.Advance(time.Second)
			c := w.status(t, id, consent.Rejected, row.reason)
			if c.Rejection.By != "ASPSP" || !c.Updated.Equal(start.Add(row.lives)) {
				t.Errorf("by %s at %s", c.Rejection.By, c.Updated)
			}
			last := c.History[len(c.History)-1]
			if last.By != "time" || last.From != row.status || last.To != consent.Rejected {
				t.Errorf("history %+v", last)
			}
			if w.Active() != 0 {
				t.Errorf("%d active", w.Active())
			}
		})
	}
}

func TestMachinesRefuseEveryOtherMove(t *testing.T) {
	ctx := context.Background()
	moves := map[string]func(*world, string) error{
		"authorise": func(w *world, id string) error {
			_, err := w.Authorise(ctx, id, consent.Decision{})
			return err
		},
		"reject": func(w *world, id string) error {
			_, err := w.Reject(ctx, id, consent.Rejection{By: "USER"}, "customer", "core")
			return err
		},
		"consume": func(w *world, id string) error { _, err := w.Consume(ctx, id); return err },
		"extend":  func(w *world, id string) error { _, err := w.Extend(ctx, id, consent.Extension{}); return err },
		"approve": func(w *world, id string) error { _, err := w.Approve(ctx, id, ""); return err },
	}
	reach := map[string]func(*world, string){
		consent.Awaiting:   func(*world, string) {},
		consent.Partially:  func(w *world, id string) { w.authorise(t, id, "second") },
		consent.Authorised: func(w *world, id string) { w.authorise(t, id) },
		consent.Consumed:   func(w *world, id string) { w.authorise(t, id); _, _ = w.Consume(ctx, id) },
		consent.Rejected: func(w *world, id string) {
			_, _ = w.Reject(ctx, id, consent.Rejection{By: "USER", Code: "X"}, "customer", "core")
		},
	}
	legal := map[consent.Kind]map[string][]string{
		consent.Data: {
			consent.Awaiting: {"authorise", "reject"}, consent.Authorised: {"reject", "extend"}, consent.Rejected: nil,
		},
		consent.Payment: {
			consent.Awaiting: {"authorise", "reject"}, consent.Partially: {"approve", "reject"},
			consent.Authorised: {"consume", "reject"}, consent.Consumed: nil, consent.Rejected: nil,
		},
	}
	for kind, states := range legal {
		for state, allowed := range states {
			for event, do := range moves {
				t.Run(fmt.Sprintf("%s/%s/%s", kind, state, event), func(t *testing.T) {
					w := open(t)
					id := w.make(t, kind, nil).ID
					reach[state](w, id)
					if c, _ := w.Get(id); c.Status != state {
						t.Fatalf("cannot reach %s: %+v", state, c)
					}
					err := do(w, id)
					if want := slices.Contains(allowed, event); want != (err == nil) {
						t.Fatalf("allowed %v, got %v", want, err)
					}
					if err != nil && !errors.Is(err, consent.ErrState) {
						t.Fatalf("not a matter of state: %v", err)
					}
				})
			}
		}
	}
}

func TestSeveralApprovers(t *testing.T) {
	w, ctx := open(t), context.Background()
	id := w.make(t, consent.Payment, nil).ID
	w.authorise(t, id, "second", "third")
	w.status(t, id, consent.Partially, "")
	if _, err := w.Approve(ctx, id, "stranger"); err == nil {
		t.Error("a stranger approved")
	}
	if _, err := w.Approve(ctx, id, "third"); err != nil {
		t.Fatal(err)
	}
	w.status(t, id, consent.Partially, "")
	if _, err := w.Approve(ctx, id, ""); err != nil {
		t.Fatal(err)
	}
	c := w.status(t, id, consent.Authorised, "")
	if len(c.Approvals) != 0 || !slices.Equal(c.Approved, []string{"third", "second"}) || !c.Expires.Equal(start.Add(time.Hour)) {
		t.Errorf("%+v", c)
	}
}

func TestRevocationNamesItsReason(t *testing.T) {
	w, ctx := open(t), context.Background()
	early, late := w.make(t, consent.Data, nil).ID, w.make(t, consent.Data, nil).ID
	w.authorise(t, late)
	for _, id := range []string{early, late} {
		if _, err := w.Reject(ctx, id, consent.Rejection{By: "USER"}, "client:aurora", "api"); err != nil {
			t.Fatal(err)
		}
	}
	w.status(t, early, consent.Rejected, consent.ManuallyRejected)
	w.status(t, late, consent.Rejected, consent.ManuallyRevoked)
}

func TestExtensionChangesOnlyTheExpiry(t *testing.T) {
	w, ctx := open(t), context.Background()
	first, second := start.AddDate(0, 1, 0), start.AddDate(0, 2, 0)
	id := w.make(t, consent.Data, func(c *consent.Consent) { c.Expires = &first; c.Permissions = []string{"RESOURCES_READ"} }).ID
	before := w.authorise(t, id)
	after, err := w.Extend(ctx, id, consent.Extension{Expires: &second, CPF: "1", IP: "2", UserAgent: "3"})
	if err != nil {
		t.Fatal(err)
	}
	x := after.Extensions[0]
	if !after.Expires.Equal(second) || !x.Previous.Equal(first) || !x.Requested.Equal(start) || !after.Updated.Equal(before.Updated) || !slices.Equal(after.Permissions, before.Permissions) {
		t.Errorf("%+v", after)
	}
	if len(before.Extensions) != 0 || !before.Expires.Equal(first) {
		t.Error("a published consent changed")
	}
}

func TestConsentsSurviveARestart(t *testing.T) {
	w := open(t)
	waiting, live := w.make(t, consent.Data, nil).ID, w.make(t, consent.Payment, nil).ID
	w.authorise(t, live)
	w.reopen(t)
	w.status(t, waiting, consent.Awaiting, "")
	w.status(t, live, consent.Authorised, "")
	if w.Active() != 1 || w.ActiveOf("aurora") != 1 || w.ActiveOf("boreal") != 0 {
		t.Errorf("active %d", w.Active())
	}
	want := []string{"consent.created", "payment-consent.created", "payment-consent.authorised"}
	if !slices.Equal(w.shelf.events, want) {
		t.Errorf("told %v", w.shelf.events)
	}
}

func TestNothingIsVisibleThatIsNotDurable(t *testing.T) {
	w, ctx := open(t), context.Background()
	id := w.make(t, consent.Data, nil).ID
	told := 0
	w.OnChange(func(*consent.Consent) { told++ })
	w.shelf.fail = errors.New("disk full")
	if _, err := w.Authorise(ctx, id, consent.Decision{}); err == nil {
		t.Error("authorised without a record")
	}
	if _, err := w.Create(ctx, consent.Consent{Kind: consent.Data}); err == nil {
		t.Error("created without a record")
	}
	w.status(t, id, consent.Awaiting, "")
	if told != 0 {
		t.Errorf("told %d times", told)
	}
}

func TestListenersMayAskBack(t *testing.T) {
	w := open(t)
	var seen []string
	w.OnChange(func(c *consent.Consent) {
		now, _ := w.Get(c.ID)
		seen = append(seen, now.Status)
	})
	id := w.make(t, consent.Data, nil).ID
	w.clock.Advance(2 * time.Hour)
	w.Get(id)
	if !slices.Equal(seen, []string{consent.Awaiting, consent.Rejected}) {
		t.Error(seen)
	}
}

func TestOneOfManyWins(t *testing.T) {
	w, ctx := open(t), context.Background()
	id := w.make(t, consent.Payment, nil).ID
	w.authorise(t, id)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 16 {
		wg.Go(func() {
			if _, err := w.Consume(ctx, id); err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d consumed it", won)
	}
}

func TestSeamsBendTheMachineAndTheClock(t *testing.T) {
	born := fault.Defect{Name: "consents/born-authorised", Kind: fault.State, OnTransition: func(v *fault.Transition) {
		if v.Machine == "consent" && v.Event == "create" {
			v.To = consent.Authorised
		}
	}}
	deaf := fault.Defect{Name: "consents/revocation-without-effect", Kind: fault.State, OnTransition: func(v *fault.Transition) {
		if v.Event == "revoke" {
			v.To = v.From
		}
	}}
	slow := fault.Defect{Name: "consents/never-times-out", Kind: fault.Time, OnLifetime: func(v *fault.Lifetime) {
		if v.Of == "consent.awaiting" {
			v.Duration = 1000 * time.Hour
		}
	}}
	w := open(t, born, deaf, slow)
	arm := func(name string) {
		t.Helper()
		w.board.Disarm()
		if err := w.board.Arm(name); err != nil {
			t.Fatal(err)
		}
	}
	arm(born.Name)
	id := w.make(t, consent.Data, nil).ID
	w.status(t, id, consent.Authorised, "")
	arm(deaf.Name)
	if _, err := w.Reject(context.Background(), id, consent.Rejection{By: "USER"}, "client:x", "api"); err != nil {
		t.Fatal(err)
	}
	w.status(t, id, consent.Authorised, "")
	arm(slow.Name)
	late := w.make(t, consent.Data, nil).ID
	w.clock.Advance(2 * time.Hour)
	w.status(t, late, consent.Awaiting, "")
	w.board.Disarm()
	w.status(t, late, consent.Rejected, consent.ConsentExpired)
}

func BenchmarkGet(b *testing.B) {
	for _, n := range []int{100, 1_000_000} {
		e, err := consent.Open(context.Background(), consent.Config{Clock: clock.Fixed(start), Namespace: "b"})
		if err != nil {
			b.Fatal(err)
		}
		ids := make([]string, n)
		for i := range ids {
			c, err := e.Create(context.Background(), consent.Consent{Kind: consent.Data})
			if err != nil {
				b.Fatal(err)
			}
			ids[i] = c.ID
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, ok := e.Get(ids[i%n]); !ok {
					b.Fatal("lost")
				}
				i += 7919
			}
		})
	}
}
