package fault

import (
	"sync/atomic"
	"time"
)

// The numbers below are chosen so that exactly one figure of a load run moves: a tenth of the calls moves
// the 95th percentile and not the median, a fiftieth the 99th and not the 95th.
const (
	beyondHigh  = 1800 * time.Millisecond // the budget is 1500 ms
	beyondAll   = 5 * time.Second         // the longest budget is 4000 ms
	perConsent  = 250 * time.Millisecond
	worstSlope  = 6 * time.Second
	belowFloor  = 200 // requests a second; the least is 300
	leak        = 64 << 10
	mostLeaked  = 768 << 20
	pageOfTheOS = 4 << 10
)

// every makes an OnServe that acts on every nth call of a class, or with "" of all.
func every(n uint64, class string, bend func(*Serve)) func(*Serve) {
	seen := &atomic.Uint64{}
	return func(v *Serve) {
		if (class == "" || v.Class == class) && seen.Add(1)%n == 0 {
			bend(v)
		}
	}
}

// The area of performance (PERF-): seen under load alone, by the thresholds of a load profile.
var performance = []Defect{
	{Name: "perf/slow-class", Kind: Time, Rule: "PERF-01", Weight: Major, Profile: "regulatory",
		Symptom: "a tenth of the calls of class high take 1.8 s: beyond the budget at the 95th percentile",
		OnServe: every(10, "high", func(v *Serve) { v.Delay = beyondHigh })},
	{Name: "perf/slow-tail", Kind: Time, Rule: "PERF-02", Weight: Major, Profile: "regulatory",
		Symptom: "every fiftieth call takes 5 s: the 99th percentile is beyond every budget",
		OnServe: every(50, "", func(v *Serve) { v.Delay = beyondAll })},
	{Name: "perf/degrades", Kind: Time, Rule: "PERF-03", Weight: Major, Profile: "regulatory",
		Symptom: "each active consent of the caller adds 0.25 s to its calls",
		OnServe: func(v *Serve) { v.Delay = min(time.Duration(v.Consents)*perConsent, worstSlope) }},
	{Name: "perf/sheds-early", Kind: Time, Rule: "TRAF", Weight: Major, Profile: "regulatory",
		Symptom: "above 200 requests in a second calls are answered 529",
		OnServe: func(v *Serve) {
			if v.Second > belowFloor {
				v.Status = 529
			}
		}},
	{Name: "perf/leaks", Kind: Time, Rule: "PERF-04", Weight: Minor, Profile: "soak",
		Symptom: "each call keeps 64 KiB, up to 768 MiB, until the defect is disarmed",
		OnServe: func(v *Serve) {
			if v.Held() >= mostLeaked/leak {
				return
			}
			kept := make([]byte, leak)
			for i := 0; i < len(kept); i += pageOfTheOS {
				kept[i] = 1 // or the system would not spend the memory
			}
			v.Hold(kept)
		}},
}
