package fleet

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ensaio/ensaio/load"
	"github.com/ensaio/ensaio/load/pace"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is deterministic: the nth arrival is always the same operation, and takes the same time by the
// clock it is measured with.
type source struct {
	clock *clock.Clock
	mu    sync.Mutex
	due   []uint64
}

func (s *source) Shot(n uint64) load.Shot {
	s.mu.Lock()
	s.due = append(s.due, n)
	s.mu.Unlock()
	operation, class, status := "accounts.list", spec.Low, 200
	if n%3 == 0 {
		operation, class = "accounts.balances", spec.High
	}
	if n%50 == 0 {
		status = 429
	}
	took := 20*time.Millisecond + time.Duration(n%7)*10*time.Millisecond
	return load.Shot{Operation: operation, Class: class, Do: func(ctx context.Context) load.Outcome {
		if err := s.clock.Sleep(ctx, took); err != nil {
			return load.Outcome{Err: err}
		}
		return load.Outcome{Status: status}
	}}
}

func plan(t testing.TB, s load.Source) load.Plan {
	t.Helper()
	p, err := pace.Ramp(100, 300, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return load.Plan{Name: "test", Pacer: p, Source: s, Clock: clock.New()}
}

// crew runs n workers in this process.
func crew(t *testing.T, n int, prepare func(context.Context, Assignment) (load.Plan, func(), error)) (spawn func(context.Context, string) error, errs func() []error) {
	t.Helper()
	results := make(chan error, n)
	spawn = func(ctx context.Context, url string) error {
		for range n {
			go func() { results <- Work(ctx, Worker{URL: url, Prepare: prepare}) }()
		}
		return nil
	}
	return spawn, func() []error {
		var all []error
		for range n {
			all = append(all, <-results)
		}
		return all
	}
}

// A worker of another version would send other arrivals: it gets no share, and the others do not wait for ever.
func TestAWorkerOfAnotherVersionGetsNoShare(t *testing.T) {
	results := make(chan error, 2)
	run := func(gather time.Duration, workers int) error {
		spawn := func(ctx context.Context, url string) error {
			for _, build := range []string{"new", "old"} {
				go func() {
					results <- Work(ctx, Worker{URL: url, Build: build, Prepare: func(context.Context, Assignment) (load.Plan, func(), error) {
						p := plan(t, &source{clock: clock.New()})
						p.Pacer, _ = pace.Constant(50, 200*time.Millisecond)
						return p, nil, nil
					}})
				}()
			}
			return nil
		}
		_, err := Coordinate(t.Context(), Coordination{Workers: workers, Build: "new", Spawn: spawn, Clock: clock.New(), Gather: gather, Silence: 600 * time.Millisecond})
		return err
	}
	if err := run(10*time.Second, 1); err != nil {
		t.Errorf("the one that fits plays alone: %v", err)
	}
	// Who is refused says so; the other plays, or comes too late to hear more than the end.
	strange := 0
	for range 2 {
		if err := <-results; errors.Is(err, ErrBuild) {
			strange++
		}
	}
	if strange > 1 {
		t.Errorf("%d of two were refused", strange)
	}
	err := run(500*time.Millisecond, 2)
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "1 of 2") || !strings.Contains(err.Error(), "1 more came and are of another version") {
		t.Errorf("%v", err)
	}
	strange = 0
	for range 2 {
		if err := <-results; errors.Is(err, ErrBuild) {
			strange++
		}
	}
	if strange != 1 {
		t.Errorf("%d of two were refused", strange)
	}
}

func TestTwoWorkersMeasureWhatOneDoes(t *testing.T) {
	one := &source{clock: clock.New()}
	alone, err := load.Run(context.Background(), plan(t, one))
	if err != nil {
		t.Fatal(err)
	}
	two := &source{clock: clock.New()}
	spawn, errs := crew(t, 2, func(_ context.Context, a Assignment) (load.Plan, func(), error) {
		if string(a.Task) != "the task" {
			return load.Plan{}, nil, errors.New("another task: " + string(a.Task))
		}
		p := plan(t, two)
		p.Clock.Advance(90 * 24 * time.Hour) // the target's clock is ahead, which is no silence
		return p, nil, nil
	})
	snapshots := 0
	joint, err := Coordinate(context.Background(), Coordination{Workers: 2, Task: []byte("the task"), Spawn: spawn, Clock: clock.New(),
		Observe: func(s record.Snapshot) { snapshots++ }})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(errs()...); err != nil {
		t.Fatal(err)
	}
	if a, b := alone.Counts(), joint.Counts(); !maps.Equal(a, b) {
		t.Errorf("alone %v, together %v", a, b)
	}
	if a, b := alone.Codes(), joint.Codes(); !maps.Equal(a, b) {
		t.Errorf("alone %v, together %v", a, b)
	}
	// The same arrivals, each once, and each in the same slot of the schedule.
	slices.Sort(one.due)
	slices.Sort(two.due)
	if !slices.Equal(one.due, two.due) {
		t.Errorf("alone %d arrivals, together %d", len(one.due), len(two.due))
	}
	for i := range alone.Timeline {
		if a, b := alone.Timeline[i].Offered, joint.Timeline[i].Offered; a != b {
			t.Errorf("second %d: alone %d arrivals, together %d", i, a, b)
		}
	}
	if joint.Due != alone.Due || joint.Generator.Workers != 2 {
		t.Errorf("%d arrivals due of %d, %d workers", joint.Due, alone.Due, joint.Generator.Workers)
	}
	if snapshots == 0 {
		t.Error("no joint state was shown")
	}
}

// What two workers hand over makes the same report, to the last figure, as one recording of all of it; it takes
// several messages.
func TestRecordingsArriveWholeAndMergeExactly(t *testing.T) {
	const shots = 120_000
	begin := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	fill := func(share, shares int) *record.Recording {
		rec := record.New(begin, time.Minute, uint64(shots/shares))
		for n := share; n < shots; n += shares {
			due := time.Duration(n) * time.Minute / shots
			s := record.Sample{Operation: []string{"accounts.list", "accounts.balances", "token"}[n%3], Class: []spec.Class{spec.Low, spec.High, load.Security}[n%3],
				Due: due, Sent: due + 50*time.Microsecond, Status: 200}
			s.Done = s.Sent + time.Duration(uint64(n)*2654435761%900_000)*time.Microsecond // spread over 0.9 s, in no order
			if n%1000 == 7 {
				s.Status = 503
			}
			rec.Add(s)
		}
		rec.End(time.Minute, "")
		return rec
	}
	sent := make(chan int, 2)
	hand := func(ctx context.Context, url string) error {
		conn, err := connect(url, "worker")
		if err != nil {
			return err
		}
		defer conn.Close()
		m := &member{conn: conn, watch: clock.New()}
		if err := errors.Join(m.join(ctx), m.listen()); err != nil {
			return err
		}
		m.ready = true
		m.tell()
		<-m.start
		rec := fill(m.Share, m.Shares)
		b, err := rec.Encode()
		sent <- len(b)
		return errors.Join(err, m.hand(ctx, rec, "", false))
	}
	errs := make(chan error, 2)
	joint, err := Coordinate(context.Background(), Coordination{Workers: 2, Clock: clock.New(), Silence: time.Minute,
		Spawn: func(ctx context.Context, url string) error {
			for range 2 {
				go func() { errs <- hand(context.WithoutCancel(ctx), url) }()
			}
			return nil
		}})
	if err := errors.Join(err, <-errs, <-errs); err != nil {
		t.Fatal(err)
	}
	if size := <-sent; size <= chunk {
		t.Errorf("%d bytes: too few to take several messages", size)
	}
	identity := record.Identity{Thresholds: record.Budgets()}
	alone, together := fill(0, 1).Report(identity), joint.Report(identity)
	for _, r := range []*record.Report{alone, together} {
		r.Generator.Workers = 0
	}
	if !reflect.DeepEqual(alone, together) {
		t.Errorf("alone %+v\ntogether %+v", alone.Classes, together.Classes)
	}
}

func TestALostWorkerIsSaid(t *testing.T) {
	started := make(chan struct{})
	spawn := func(ctx context.Context, url string) error {
		go func() {
			_ = Work(ctx, Worker{URL: url, Prepare: func(context.Context, Assignment) (load.Plan, func(), error) {
				p := plan(t, &source{clock: clock.New()})
				p.Pacer, _ = pace.Constant(50, time.Hour)
				return p, nil, nil
			}})
			close(started)
		}()
		// The other one comes, is ready, and is never heard of again.
		conn, err := connect(url, "mute")
		if err != nil {
			return err
		}
		m := &member{conn: conn, watch: clock.New()}
		if err := m.join(ctx); err != nil {
			return err
		}
		m.ready = true
		m.tell()
		return conn.Flush()
	}
	// The greeting is answered by the loop that runs once Spawn has returned, so Spawn must not wait for it.
	joined := make(chan error, 1)
	rec, err := Coordinate(context.Background(), Coordination{Workers: 2, Clock: clock.New(), Silence: 1500 * time.Millisecond,
		Spawn: func(ctx context.Context, url string) error { go func() { joined <- spawn(ctx, url) }(); return nil }})
	if err := <-joined; err != nil {
		t.Fatal(err)
	}
	<-started
	if !errors.Is(err, ErrGone) {
		t.Fatalf("error %v", err)
	}
	if rec == nil {
		t.Fatal("what the other worker recorded is lost")
	}
	rep := rec.Report(record.Identity{})
	if rep.Verdict != record.VerdictNone || !rep.Partial || !strings.Contains(rep.Stopped, "not heard") {
		t.Errorf("verdict %s, partial %v: %s", rep.Verdict, rep.Partial, rep.Stopped)
	}
}

func TestAWorkerThatCannotPrepareEndsTheRunBeforeItBegins(t *testing.T) {
	sent := &source{clock: clock.New()}
	spawn, errs := crew(t, 2, func(_ context.Context, a Assignment) (load.Plan, func(), error) {
		if a.Share == 1 {
			return load.Plan{}, nil, errors.New("the target refuses our certificate")
		}
		return plan(t, sent), nil, nil
	})
	rec, err := Coordinate(context.Background(), Coordination{Workers: 2, Spawn: spawn, Clock: clock.New()})
	if !errors.Is(err, ErrWorker) || !strings.Contains(err.Error(), "certificate") || rec != nil {
		t.Errorf("error %v, recording %v", err, rec)
	}
	for _, err := range errs() {
		if err == nil {
			t.Error("a worker of a failed run reports success")
		}
	}
	if len(sent.due) > 0 {
		t.Errorf("%d requests were sent", len(sent.due))
	}
}

func TestWorkersWhoDoNotComeAreMissed(t *testing.T) {
	_, err := Coordinate(context.Background(), Coordination{Workers: 3, Clock: clock.New(), Gather: 10 * time.Millisecond, Silence: 60 * time.Millisecond})
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "0 of 3") {
		t.Errorf("error %v", err)
	}
}

func TestLoadDoesNotGoOnUnattended(t *testing.T) {
	address := make(chan string, 1)
	ended := make(chan error, 1)
	shooting := make(chan struct{}, 1)
	b, err := startBroker()
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	go func() {
		ended <- Work(context.Background(), Worker{URL: <-address, Prepare: func(context.Context, Assignment) (load.Plan, func(), error) {
			p := plan(t, &source{clock: clock.New()})
			p.Pacer, _ = pace.Constant(50, time.Hour)
			p.Observe = func(record.Snapshot) {
				select {
				case shooting <- struct{}{}:
				default:
				}
			}
			return p, nil, nil
		}})
	}()
	// A coordinator that dies without a word: its loop is left standing.
	conn, err := connect(b.url, "coordinator")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := &coordinator{Coordination: Coordination{Workers: 1, Clock: clock.New(), Gather: gather, Prepare: prepare, Silence: 1500 * time.Millisecond}, conn: conn, run: "r", workers: make([]worker, 1), watch: clock.New()}
	c.enter(gathering)
	if err := c.listen(); err != nil {
		t.Fatal(err)
	}
	address <- b.url
	for c.phase != running {
		select {
		case m := <-c.hellos:
			c.greet(m)
		case m := <-c.news:
			c.note(m)
		}
		c.proceed()
	}
	<-shooting
	if err := <-ended; !errors.Is(err, ErrUnattended) {
		t.Errorf("error %v", err)
	}
}

func TestAnInterruptedFleetKeepsWhatItMeasured(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("the user said stop")
	spawn, errs := crew(t, 2, func(context.Context, Assignment) (load.Plan, func(), error) {
		p := plan(t, &source{clock: clock.New()})
		p.Pacer, _ = pace.Constant(100, time.Hour)
		return p, nil, nil
	})
	// Spawned workers outlive the interruption here, as those on other machines do.
	rec, err := Coordinate(ctx, Coordination{Workers: 2, Clock: clock.New(), Observe: func(record.Snapshot) { cancel(why) },
		Spawn: func(_ context.Context, url string) error { return spawn(context.Background(), url) }})
	if !errors.Is(err, why) {
		t.Fatalf("error %v", err)
	}
	if err := errors.Join(errs()...); err != nil {
		t.Error(err)
	}
	if rec == nil || rec.Answered == 0 || rec.Stopped == "" {
		t.Errorf("recording %+v", rec)
	}
}

func TestTheEmbeddedServerAsksForItsToken(t *testing.T) {
	b, err := startBroker()
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	u, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	secret := u.User.Username()
	u.User = url.User("guess")
	_, err = connect(u.String(), "stranger")
	if err == nil {
		t.Fatal("a stranger was let in")
	}
	if strings.Contains(err.Error(), secret) {
		t.Error("the error tells the token")
	}
}
