package status

import (
	"math/bits"
	"net/http"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

// set is a set of endpoints by number.
type set []uint64

func (s *set) add(i int) {
	for len(*s) <= i/64 {
		*s = append(*s, 0)
	}
	(*s)[i/64] |= 1 << (i % 64)
}

func (s set) has(i int) bool { return i/64 < len(s) && s[i/64]&(1<<(i%64)) != 0 }

func (s set) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

func (s *set) join(o set) {
	for len(*s) < len(o) {
		*s = append(*s, 0)
	}
	for i, w := range o {
		(*s)[i] |= w
	}
}

func (s set) without(o set) {
	for i := range min(len(s), len(o)) {
		s[i] &^= o[i]
	}
}

// holds says whether everything in o is in s.
func (s set) holds(o set) bool {
	for i, w := range o {
		if i >= len(s) && w != 0 || i < len(s) && w&^s[i] != 0 {
			return false
		}
	}
	return true
}

func (s set) equal(o set) bool {
	for i := range max(len(s), len(o)) {
		var a, b uint64
		if i < len(s) {
			a = s[i]
		}
		if i < len(o) {
			b = o[i]
		}
		if a != b {
			return false
		}
	}
	return true
}

func (s set) each(fn func(i int)) {
	for at, w := range s {
		for ; w != 0; w &= w - 1 {
			fn(at*64 + bits.TrailingZeros64(w))
		}
	}
}

// endpoint is one address of the institution: the methods of a path are one endpoint, as in the metrics.
type endpoint struct {
	number     int
	path       string
	url        string
	api        string
	operations []string

	mu      sync.Mutex
	days    [kept]day
	seconds [16]struct {
		at    int64
		calls uint32
	}
	windows [2]window
}

// day holds what was counted of one endpoint on one day.
type day struct {
	Number     int64         `json:"-"`
	Calls      int64         `json:"calls"`
	Errors     int64         `json:"errors,omitempty"`
	Rejections int64         `json:"rejections,omitempty"`
	Took       time.Duration `json:"took"`
	Peak       uint32        `json:"peak"`
}

// window holds how the calls went that were answered between two probes.
type window struct {
	slot         int64
	well, failed uint32
}

// kept is today and the seven days that metrics tell of.
const kept = 8

// remembered is for how many days it is known what was down: a quarter, and its edges.
const remembered = 92

// securityPaths are the security endpoints that the monitoring judges as it does data endpoints.
var securityPaths = []struct{ id, path string }{{"token", "/token"}, {"par", "/par"}, {"register", "/register"}}

// security names their group.
const security = "security"

// survey lists the endpoints in the order of the registry.
func (s *Service) survey() {
	s.byOp = map[string]*endpoint{}
	byPath := map[string]*endpoint{}
	add := func(id, path, url, api string) *endpoint {
		p := byPath[url]
		if p == nil {
			p = &endpoint{number: len(s.endpoints), path: path, url: url, api: api}
			byPath[url] = p
			s.endpoints = append(s.endpoints, p)
		}
		p.operations = append(p.operations, id)
		s.byOp[id] = p
		return p
	}
	for _, a := range s.cfg.APIs {
		for _, o := range a.Operations {
			p := add(o.ID, o.FullPath(), s.cfg.API+o.FullPath(), a.Name+" "+a.Major())
			if s.cfg.NeedsCore != nil && s.cfg.NeedsCore(o) {
				s.needCore.add(p.number)
			}
			if o.Method != http.MethodGet {
				s.writing.add(p.number)
			}
		}
	}
	if s.cfg.MTLS != "" {
		for _, e := range securityPaths {
			s.writing.add(add(e.id, e.path, s.cfg.MTLS+e.path, security).number)
		}
	}
}

// speaksOfItself says whether an operation tells of the institution's state: such calls are answered
// through every outage, and only a failure that names them reaches them.
func speaksOfItself(api *spec.API) bool { return api.Family == "discovery" || api.Family == "admin" }

// count takes a call in: a few additions under the endpoint's own lock. It returns the window in which
// the call failed, or 0.
func (p *endpoint) count(number int64, at time.Time, took time.Duration, x observation, sw *fault.Seams) int64 {
	trouble := x.status >= 400 && x.trouble(sw)
	second, slot := at.Unix(), slotOf(at.Add(took))
	p.mu.Lock()
	defer p.mu.Unlock()
	d := &p.days[index(number)]
	if d.Number != number {
		*d = day{Number: number}
	}
	d.Calls++
	d.Took += took
	switch {
	case x.status == http.StatusLocked, x.status == http.StatusTooManyRequests, x.status == overloaded:
		d.Rejections++
	case x.status >= 500:
		d.Errors++
	}
	// A call may be answered seconds after it began, so that the last ones stay open.
	n := &p.seconds[second&15]
	if n.at != second {
		n.at, n.calls = second, 0
	}
	n.calls++
	d.Peak = max(d.Peak, n.calls)
	w := &p.windows[slot&1]
	if w.slot != slot {
		*w = window{slot: slot}
	}
	switch {
	case trouble:
		w.failed++
		return slot
	case x.status < 400 || x.status == http.StatusUnprocessableEntity:
		w.well++
	}
	return 0
}

func index(day int64) int { return int(((day % kept) + kept) % kept) }

// failing says whether more than five of a hundred calls answered in the slot failed.
func (p *endpoint) failing(slot int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.windows[slot&1]
	return w.slot == slot && w.failed*20 > w.well+w.failed
}

// forgive forgets the failures of the open windows.
func (p *endpoint) forgive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.windows = [2]window{}
}

// on is what was counted on a day.
func (p *endpoint) on(number int64) day {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := p.days[index(number)]; d.Number == number {
		return d
	}
	return day{Number: number}
}

// forget drops days after the given one: the clock was set back.
func (p *endpoint) forget(after int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.days {
		if p.days[i].Number > after {
			p.days[i] = day{}
		}
	}
	p.windows = [2]window{}
}
