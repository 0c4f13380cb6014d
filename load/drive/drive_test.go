package drive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is a source of operations that answer nothing but which variant they are.
func told(seed uint64, weights map[string]float64, variants int) (*Source, *[]string) {
	s := &Source{actions: map[string]*action{}, seed: seed}
	var asked []string
	for name := range weights {
		for v := range variants {
			s.add(name, spec.High, func(context.Context, uint64) load.Outcome {
				asked = append(asked, fmt.Sprint(name, v))
				return load.Outcome{Status: 200}
			})
		}
	}
	s.choice = s.choose(weights)
	return s, &asked
}

func play(s *Source, asked *[]string) []string {
	for i := range uint64(500) {
		s.Shot(i).Do(context.Background())
	}
	return *asked
}

func TestTheNthArrivalAsksTheSameForTheSameSeed(t *testing.T) {
	weights := map[string]float64{"a": 420, "b": 240, "c": 8}
	one := play(told(1, weights, 3))
	again := play(told(1, weights, 3))
	other := play(told(2, weights, 3))
	same := 0
	for i := range one {
		if one[i] != again[i] {
			t.Fatalf("arrival %d asks %s, then %s", i, one[i], again[i])
		}
		if one[i] == other[i] {
			same++
		}
	}
	if same == len(one) {
		t.Error("another seed asks the same")
	}
}

func TestTheMixIsThatOfTheWeights(t *testing.T) {
	weights := map[string]float64{"a": 420, "b": 240, "c": 8}
	s, _ := told(7, weights, 1)
	counts := map[string]float64{}
	const n = 200_000
	for i := range uint64(n) {
		counts[s.Shot(i).Operation]++
	}
	for name, w := range weights {
		want := w / 668
		if got := counts[name] / n; math.Abs(got-want) > 0.1*want {
			t.Errorf("%s is %.4f of the arrivals, want %.4f", name, got, want)
		}
		if math.Abs(s.Played()[name]-want) > 1e-9 {
			t.Errorf("%s is said to be %v", name, s.Played()[name])
		}
	}
}

func TestAWarmUpTakesArrivalsOfItsOwn(t *testing.T) {
	s, _ := told(3, map[string]float64{"a": 1, "b": 1, "c": 1}, 1)
	want := s.Shot(100).Operation + s.Shot(101).Operation + s.Shot(102).Operation
	s.warmed = 100
	if got := s.Shot(0).Operation + s.Shot(1).Operation + s.Shot(2).Operation; got != want {
		t.Errorf("after the warm-up %s, want %s", got, want)
	}
}

func TestAStockGivesWhatIsGoodAndCountsWhatIsMissing(t *testing.T) {
	clk := clock.Fixed(time.Unix(1_800_000_000, 0))
	spoilt := 0
	k := &stock{name: "thing", ready: make(chan piece, 2), life: 40 * time.Second, clock: clk, spoilt: func(any) { spoilt++ }}
	if !k.put("a") || !k.put("b") || k.put("c") {
		t.Error("the stock holds two")
	}
	if v, ok := k.take(); !ok || v != "a" {
		t.Errorf("got %v", v)
	}
	clk.Advance(time.Minute)
	if v, ok := k.take(); ok || spoilt != 1 || k.dry.Load() != 1 {
		t.Errorf("got %v that is a minute old, %d spoilt, %d missing", v, spoilt, k.dry.Load())
	}
}

func TestMakersKeepAStockFullAndSayWhyTheyCannot(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	fails := errors.New("the bank refuses")
	s := &Source{clock: clock.New()}
	good := s.stock("good", 3, 1, time.Minute, func(context.Context) (any, error) { return 1, nil })
	bad := s.stock("bad", 1, 1, time.Minute, func(context.Context) (any, error) { return nil, fails })
	for _, k := range s.stocks {
		s.behind.Go(func() { k.run(ctx) })
	}
	if err := good.filled(ctx); err != nil {
		t.Error(err)
	}
	if err := bad.filled(ctx); err == nil || bad.lastFailure() != fails.Error() {
		t.Errorf("got %v", err)
	}
	cancel()
	s.behind.Wait()
}

func TestTokensAreRenewedAheadOnTheTargetsClock(t *testing.T) {
	clk := clock.Fixed(time.Unix(1_800_000_000, 0))
	k := newKeeper(clk, slog.New(slog.DiscardHandler))
	renewed := make(chan int, 8)
	n := 0
	b := &bearer{renew: func(context.Context) (string, time.Duration, error) {
		n++
		renewed <- n
		if n == 2 {
			return "", 0, errors.New("not now")
		}
		return fmt.Sprint("token-", n), 300 * time.Second, nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := k.keep(ctx, b); err != nil || b.now.Load().header[0] != "Bearer token-1" {
		t.Fatal(err)
	}
	<-renewed
	ended := make(chan struct{})
	go func() { k.run(ctx); close(ended) }()
	clk.Advance(201 * time.Second) // a third of its life is left
	<-renewed
	for third := false; !third; { // the failed one is tried again
		clk.Advance(again)
		select {
		case got := <-renewed:
			third = got == 3
		default:
		}
	}
	cancel()
	<-ended
	if k.failed.Load() != 1 || k.lastFailure() != "not now" {
		t.Errorf("%d failures: %s", k.failed.Load(), k.lastFailure())
	}
}

// A bank that comes back without its tokens gives others at once; one that refuses those too is not hammered.
func TestARefusedTokenIsRenewedBeforeItsTime(t *testing.T) {
	clk := clock.Fixed(time.Unix(1_800_000_000, 0))
	k := newKeeper(clk, slog.New(slog.DiscardHandler))
	renewed := make(chan int, 8)
	n := 0
	b := &bearer{renew: func(context.Context) (string, time.Duration, error) {
		n++
		renewed <- n
		return fmt.Sprint("token-", n), 300 * time.Second, nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := k.keep(ctx, b); err != nil {
		t.Fatal(err)
	}
	<-renewed
	first := b.now.Load()
	ended := make(chan struct{})
	go func() { k.run(ctx); close(ended) }()
	k.refuse(b, first)
	if got := <-renewed; got != 2 {
		t.Errorf("renewal %d", got)
	}
	for b.now.Load() == first {
		runtime.Gosched()
	}
	k.refuse(b, first) // an answer that was under way
	if b.refused.Load() {
		t.Error("the new token is held to be refused")
	}
	k.refuse(b, b.now.Load())
	for b.refused.Load() {
		runtime.Gosched()
	}
	select {
	case <-renewed:
		t.Error("asked again at once")
	default:
	}
	for third := false; !third; {
		clk.Advance(again)
		select {
		case got := <-renewed:
			third = got == 3
		default:
		}
	}
	cancel()
	<-ended
}

func TestARenewalWaitsForASecondWithRoom(t *testing.T) {
	clk := clock.Fixed(time.Unix(1_800_000_000, 0))
	k := newKeeper(clk, slog.New(slog.DiscardHandler))
	answers := []int{529, 529, 200}
	asked := make(chan struct{}, len(answers))
	b := &bearer{renew: func(context.Context) (string, time.Duration, error) {
		status := answers[0]
		answers = answers[1:]
		asked <- struct{}{}
		if status != 200 {
			return "", 0, fmt.Errorf("token: %w", &tpp.Failure{Exchange: &tpp.Exchange{Status: status}})
		}
		return "token", 300 * time.Second, nil
	}}
	kept := make(chan error, 1)
	go func() { kept <- k.keep(t.Context(), b) }()
	for done := false; !done; {
		select {
		case <-asked:
			clk.Advance(turn)
		case err := <-kept:
			if err != nil || len(answers) != 0 || k.failed.Load() != 0 {
				t.Errorf("%v, %d answers left, %d failures", err, len(answers), k.failed.Load())
			}
			done = true
		default:
			clk.Advance(time.Millisecond) // it may not have lain down yet
		}
	}
	if _, err := insist(t.Context(), clk, func(context.Context) (int, error) {
		return 0, &tpp.Failure{Exchange: &tpp.Exchange{Status: 503}}
	}); full(err) || err == nil {
		t.Errorf("another failure: %v", err)
	}
}

func TestAnswersAreHeldAgainstTheStops(t *testing.T) {
	second := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	stops := []*stop{
		{scheduled: true, from: second(10), to: second(20)},
		{Trouble: profile.Trouble{Operations: []string{"accounts.*"}}, from: second(30), to: second(40)},
	}
	for _, c := range []struct {
		name            string
		at              float64
		op              string
		status          int
		outside, inside float64
	}{
		{"served before", 5, "accounts.list", 200, 0, 0},
		{"refused before", 5, "accounts.list", 503, 1, 0},
		{"refused on the edge", 9.5, "accounts.list", 503, 0, 0},
		{"refused in it", 15, "resources.list", 503, 0, 0},
		{"served in it", 15, "resources.list", 200, 0, 1},
		{"served on the edge", 19.5, "resources.list", 200, 0, 0},
		{"another operation", 35, "resources.list", 200, 0, 0},
		{"another operation refused", 35, "resources.list", 500, 1, 0},
		{"no answer at all", 25, "accounts.list", 0, 1, 0},
	} {
		l := newLedger(time.Time{})
		l.names, l.index = []string{c.op, "accounts.list"}, map[string]uint16{}
		l.calls = []entry{{0, int16(c.status), second(c.at), time.Millisecond}, {1, 503, second(15), 0}}
		got := l.stopped(stops)
		if got[0].Value != c.outside || got[1].Value != c.inside || (got[0].Outcome == record.Crossed) != (c.outside > 0) {
			t.Errorf("%s: %v outside, %v inside", c.name, got[0].Value, got[1].Value)
		}
	}
	never := newLedger(time.Time{})
	if got := never.stopped(stops); got[1].Outcome != record.Crossed {
		t.Error("a bank that was never stopped passes")
	}
}

func TestTheStatusMustFollow(t *testing.T) {
	one := &stop{from: 10 * time.Second, to: 50 * time.Second}
	see := func(code string, seconds ...int) (out []sight) {
		for _, n := range seconds {
			out = append(out, sight{time.Duration(n) * time.Second, availability.Probe{Code: code}})
		}
		return out
	}
	for _, c := range []struct {
		name       string
		seen       []sight
		began, end string
	}{
		{"in time", append(append(see("OK", 0, 12), see(availability.PartialFailure, 30, 52)...), see("OK", 75)...), record.OK, record.OK},
		{"late", append(append(see("OK", 0, 12), see(availability.PartialFailure, 48)...), see("OK", 95)...), record.Crossed, record.Crossed},
		{"never", see("OK", 0, 30, 60), record.Crossed, record.OK},
		{"for ever", append(see("OK", 0), see(availability.Unavailable, 20, 60, 100)...), record.OK, record.Crossed},
		{"as the wrong thing", append(see(availability.ScheduledOutage, 20, 40), see("OK", 60)...), record.Crossed, record.OK},
		{"nothing published", nil, record.Withheld, record.Withheld},
		{"not looked at for long enough", append(append(see("OK", 0, 12), see(availability.PartialFailure, 30)...), see(availability.PartialFailure, 55)...), record.OK, record.Withheld},
	} {
		s := &Source{profile: &profile.Profile{}}
		s.profile.Thresholds.Follows = 35e9
		v := newVigil(s, time.Time{})
		v.seen = c.seen
		if got := v.followed(one); got[0].Outcome != c.began || got[1].Outcome != c.end {
			t.Errorf("%s: %s and %s, want %s and %s", c.name, got[0].Outcome, got[1].Outcome, c.began, c.end)
		}
	}
}

// A stop that was over before the status had to say it shows nothing, unless the status did.
func TestAShortStopNeedNotBePublished(t *testing.T) {
	one := &stop{from: 10 * time.Second, to: 18 * time.Second}
	for _, c := range []struct {
		code string
		at   int
		want string
	}{{availability.OK, 20, record.Withheld}, {availability.Unavailable, 16, record.OK}} {
		s := &Source{profile: &profile.Profile{}}
		s.profile.Thresholds.Follows = 35e9
		v := newVigil(s, time.Time{})
		for _, n := range []int{0, c.at, 60} {
			v.seen = append(v.seen, sight{time.Duration(n) * time.Second, availability.Probe{Code: availability.OK}})
		}
		v.seen[1].Code = c.code
		if got := v.followed(one)[0]; got.Outcome != c.want {
			t.Errorf("%s at %d s: %s %s, want %s", c.code, c.at, got.Outcome, got.Reason, c.want)
		}
	}
}

// What is only slowed down still answers.
func TestASlowedCallMayBeServed(t *testing.T) {
	slowed := []*stop{{Trouble: profile.Trouble{Delay: 2e9}, from: 10 * time.Second, to: 20 * time.Second}}
	l := newLedger(time.Time{})
	l.names, l.calls = []string{"accounts.list"}, []entry{{0, 200, 15 * time.Second, time.Second}, {0, 503, 16 * time.Second, time.Second}}
	for _, v := range l.stopped(slowed) {
		if v.Outcome != record.OK {
			t.Errorf("%s: %s", v.Name, v.Reason)
		}
	}
}

// A step of the schedule that did not come about leaves nothing to be judged.
func TestAStepThatFailsIsNoPass(t *testing.T) {
	s := &Source{profile: &profile.Profile{Schedule: []profile.Step{{For: 1e9, Failure: &profile.Trouble{}}}}, target: &target.Target{}, clock: clock.New()}
	tr := s.troubles(s.clock.Now(), &Session{Say: t.Logf})
	tr.run(t.Context())
	if got := tr.findings(); len(got) != 1 || got[0].Outcome != record.Withheld || got[0].Reason == "" {
		t.Errorf("%+v", got)
	}
}

func TestMemoryThatGrowsIsSeen(t *testing.T) {
	limit := 1.3
	s := &Source{profile: &profile.Profile{}}
	s.profile.Thresholds.Memory = &limit
	for _, c := range []struct {
		name   string
		grows  float64
		n      int
		expect string
	}{{"flat", 0, 40, record.OK}, {"leaks", 5e6, 40, record.Crossed}, {"too short", 0, 5, record.Withheld}} {
		v := newVigil(s, time.Time{})
		for i := range c.n {
			v.memory = append(v.memory, reading{0, 100e6 + c.grows*float64(i) + 1e6*float64(i%3)})
		}
		if got := v.grown(); got.Outcome != c.expect {
			t.Errorf("%s: %s, %v", c.name, got.Outcome, got.Value)
		}
	}
}

func TestMembersAreFoundWithoutReadingTheWhole(t *testing.T) {
	body := []byte(`{"data": {"status" : "AUTHORISED","consentId":"urn:x:1","n":5}}`)
	for member, want := range map[string]string{"status": "AUTHORISED", "consentId": "urn:x:1", "n": "", "absent": ""} {
		if got := text(body, member); got != want {
			t.Errorf("%s is %q, want %q", member, got, want)
		}
	}
	if got := figure("# TYPE x gauge\nx 1.5e+07\nx_total 3\n", "x"); got != 1.5e7 {
		t.Errorf("got %v", got)
	}
	if iso(90*time.Minute+5*time.Second) != "PT1H30M5S" || iso(0) != "PT0S" {
		t.Error(iso(90*time.Minute + 5*time.Second))
	}
}

// A failure that could not be taken back at its time is taken back at the end.
func TestWhatWasNotMendedIsMendedAtTheEnd(t *testing.T) {
	asked := 0
	bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer bank.Close()
	s := &Source{profile: &profile.Profile{}, target: &target.Target{}, clock: clock.New()}
	s.target.Capabilities.Bank = bank.URL
	tr := s.troubles(s.clock.Now(), &Session{})
	one := &stop{id: "1"}
	tr.add(one)
	if err := tr.mend(t.Context(), one); err == nil {
		t.Fatal("nothing was refused")
	}
	tr.end()
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}
