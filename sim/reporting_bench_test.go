//go:build unix

package sim_test

import (
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/sim"
	"github.com/ensaio/ensaio/sim/spec"
)

// What the reports of the bank cost a data read: the same read of two banks in turns, of which one tells
// the metrics platform nothing. Its way takes the append alone; the machine pays for the delivery, the
// platform's validation, pairing and disk as well, all of which are elsewhere in life.
func BenchmarkDataReadReporting(b *testing.B) {
	for _, place := range []string{"memory", "durable"} {
		b.Run(place, func(b *testing.B) {
			options := func(silent bool) sim.Options {
				o := sim.Options{Seed: 3, Unreported: silent}
				if place == "durable" {
					o.Dir = b.TempDir()
				}
				return o
			}
			telling, silent := measure(b, options(false)), measure(b, options(true))
			with, without := telling.list(), silent.list()
			flush := func() time.Duration {
				began := spent()
				if _, err := post(b.Context(), telling.ready.Control+"/reporter/flush", ""); err != nil {
					b.Fatal(err)
				}
				return spent() - began
			}
			work := func(n int, read func() error) time.Duration {
				began := spent()
				drive(b, n, read)
				return spent() - began
			}
			const turn = 500
			drive(b, turn, with)
			drive(b, turn, without)
			flush()
			var path, whole, off, on, delivered []float64 // of each turn
			b.ResetTimer()
			for done := 0; done < b.N; done += turn {
				n := min(turn, b.N-done)
				var silence time.Duration
				if len(path)%2 == 0 { // neither is always the first
					silence = work(n, without)
				}
				reporting := work(n, with)
				delivery := flush()
				if len(path)%2 == 1 {
					silence = work(n, without)
				}
				each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
				off, on, delivered = append(off, each(silence)), append(on, each(reporting)), append(delivered, each(delivery))
				path = append(path, 100*(reporting.Seconds()/silence.Seconds()-1))
				whole = append(whole, 100*((reporting+delivery).Seconds()/silence.Seconds()-1))
			}
			// Processor time, of the middle turn: a machine that is busy with something else stretches the wall's.
			b.ReportMetric(middle(off), "cpu-µs/read-off")
			b.ReportMetric(middle(on), "cpu-µs/read-on")
			b.ReportMetric(middle(path), "%-in-path")
			b.ReportMetric(middle(delivered), "cpu-µs/report-delivered")
			b.ReportMetric(middle(whole), "%-of-machine")
		})
	}
}

// spent is the processor time of this process so far.
func spent() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // of this process it always answers
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func middle(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// list is a read of the accounts, ready to be sent.
func (m *measured) list() func() error {
	address, token := m.bank.ResourceBase+spec.Find("accounts.list").FullPath(), "Bearer "+m.grant.AccessToken()
	return func() error {
		q, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		q.Header = http.Header{"Authorization": {token}, "Accept": {"application/json"}, "X-Fapi-Interaction-Id": {uuid.NewString()}}
		a, body, err := exchange(m.pool, q)
		if err == nil && a.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", a.Status, body)
		}
		return err
	}
}
