package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim"
	"github.com/ensaio/ensaio/sim/spec"
)

// post asks the control port and gives back what it says, where that is a success.
func post(ctx context.Context, address, body string) ([]byte, error) {
	return ask(ctx, http.MethodPost, address, body)
}

func ask(ctx context.Context, method, address, body string) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, method, address, bytes.NewBufferString(body))
	if err != nil {
		return nil, err
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Body.Close() }()
	answer, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode/100 != 2 {
		err = &refusedByControl{a.Status, string(answer)}
	}
	return answer, err
}

type refusedByControl struct{ status, text string }

func (e *refusedByControl) Error() string { return e.status + ": " + e.text }

// The metrics platform is killed again and again while both sides report calls without pause: in the end
// each call was reported once by each side, and the two agree.
func TestAKilledMetricsPlatformMissesNothing(t *testing.T) {
	_, r := inProcess(t, sim.Options{Seed: 5, Dir: t.TempDir()})
	if _, err := post(t.Context(), r.Control+"/bank/limits", `{"minute":false,"month":false,"perSecond":0}`); err != nil {
		t.Fatal(err)
	}
	cfg := party(t, r, 0, nil).Config()
	cfg.PCM = tpp.PCMURLs{URL: r.PCM.URL, Token: r.PCM.Token}
	client, err := tpp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	bank := bankOf(t.Context(), t, r, client, 0)
	own, err := client.ClientCredentials(t.Context(), bank, "consents")
	if err != nil {
		t.Fatal(err)
	}

	const calls, kills, readers = 1200, 4, 4
	var made sync.Map // interaction ids
	var begun, ended atomic.Int64
	var work, reporting sync.WaitGroup
	for range readers {
		work.Go(func() {
			for begun.Add(1) <= calls {
				x := client.API(bank, spec.Find("consents.read")).Param("consentId", "urn:bancoensaio:nobody").Token(own.AccessToken()).Send(t.Context())
				if x.Err != nil {
					t.Error(x.Err)
				}
				made.Store(x.Interaction(), true)
				ended.Add(1)
			}
		})
	}
	// Batches leave all the time, so that a kill meets some on their way.
	over, stop := context.WithCancel(t.Context())
	defer stop()
	reporting.Go(func() {
		for over.Err() == nil {
			_ = client.FlushReports(over)
		}
	})
	reporting.Go(func() {
		for over.Err() == nil {
			_, _ = post(over, r.Control+"/reporter/flush", "") // it may well fail: the platform is away
		}
	})
	for n := range int64(kills) {
		for ended.Load() < (n+1)*calls/(kills+1) && begun.Load() <= calls {
			if _, err := ask(t.Context(), http.MethodGet, r.Control+"/reporter/stats", ""); err != nil { // lets the others work
				t.Fatal(err)
			}
		}
		if _, err := post(t.Context(), r.Control+"/pcm/restart", `{"away":"5ms"}`); err != nil {
			t.Fatal(err)
		}
	}
	work.Wait()
	stop()
	reporting.Wait()
	end, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := client.FlushReports(end); err != nil {
		t.Fatal(err)
	}
	if _, err := post(end, r.Control+"/reporter/flush", ""); err != nil {
		t.Fatal(err)
	}

	lines, err := ask(t.Context(), http.MethodGet, r.Control+"/pcm/export?kind=private&discarded=true", "")
	if err != nil {
		t.Fatal(err)
	}
	seen, repeated := map[string]map[spec.Side]int{}, 0
	for line := range bytes.Lines(lines) {
		var e spec.Exported
		var of spec.Report
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(e.Report, &of); err != nil {
			t.Fatal(err)
		}
		if _, ours := made.Load(of.FapiInteractionID); !ours {
			continue
		}
		if e.State == spec.ReportDiscarded {
			repeated++ // sent again after an answer that was lost, and refused as a repetition
			continue
		}
		if seen[of.FapiInteractionID] == nil {
			seen[of.FapiInteractionID] = map[spec.Side]int{}
		}
		seen[of.FapiInteractionID][of.Role]++
		if e.State != spec.ReportPaired {
			t.Errorf("%s of %s is %s", of.Role, of.FapiInteractionID, e.State)
		}
	}
	if len(seen) != calls {
		t.Errorf("%d calls were reported, %d made", len(seen), calls)
	}
	for id, of := range seen {
		if of[spec.ClientSide] != 1 || of[spec.ServerSide] != 1 {
			t.Errorf("%s was reported %v times", id, of)
		}
	}
	answer, err := ask(t.Context(), http.MethodGet, r.Control+"/reporter/stats", "")
	if err != nil {
		t.Fatal(err)
	}
	var stats struct{ Failures, Repeated, Discarded, Waiting, Lost int64 }
	if err := json.Unmarshal(answer, &stats); err != nil {
		t.Fatal(err)
	}
	mine := client.ReportStats()
	if stats.Discarded+stats.Lost+mine.Discarded+mine.Lost != 0 || stats.Waiting+int64(mine.Waiting) != 0 {
		t.Errorf("bank %+v, client %+v", stats, mine)
	}
	if stats.Failures+mine.Failures == 0 {
		t.Error("no kill was noticed by anybody: nothing was tried")
	}
	t.Logf("%d calls, %d kills; failed attempts: bank %d, client %d; arrived before the answer was lost: bank %d, client %d; refused repetitions %d",
		calls, kills, stats.Failures, mine.Failures, stats.Repeated, mine.Repeated, repeated)
}
