package tpp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

// InventoryConfig is what an inventory needs.
type InventoryConfig struct {
	Organisation string
	Clock        *clock.Clock
	// Dir keeps the inventory; "" keeps it in memory.
	Dir string
	// Most bounds the consents that are remembered one by one; zero is 400,000, some 40 MB.
	Most int
	Log  *slog.Logger
}

// Inventory is an organisation's register of its data consents at all institutions: what it needs to say
// how many were live at the end of a day, and nothing else. It knows only what its clients were answered.
//
// Live is a consent whose code was exchanged for tokens, that did not end and whose time is not over. Its
// memory is bounded. A consent that came and went within a day leaves at once. What ended on another day,
// or was never authorised within two hours, leaves at the next sweep, once its days were told; a sweep
// happens whenever the remembered have doubled. When more than Most are live, the oldest are kept as counts
// by institution and last day: these still end by themselves on the right day, but no more when somebody
// revokes them, and [InventoryStats.Folded] says how many there are.
type Inventory struct {
	cfg InventoryConfig
	key []byte // of the customers' digests

	mu      sync.Mutex
	held    map[uint64]*holding
	places  []place
	folded  map[fold]int
	sweepAt int
	since   time.Time // the end of the last day before it was first opened
	told    time.Time // the end of the last day that was told
	stale   time.Time // what was learned since concerns days from here on that were told; zero is none
	stats   InventoryStats
	log     *inventoryLog // nil without directory
}

// InventoryStats says what is remembered.
type InventoryStats struct {
	Held    int   `json:"held"`    // consents remembered one by one, those that wait among them
	Folded  int   `json:"folded"`  // consents that are counts alone
	Unknown int64 `json:"unknown"` // told about consents that are not remembered
	Broken  int64 `json:"broken"`  // not written to the disk, and gone when the process ends
}

// holding is one consent. Times are milliseconds; zero is none.
type holding struct {
	born, from, until, ended int64
	customer                 uint64
	place                    uint16
	company                  bool
}

// place is where and through what consents are held.
type place struct{ Server, Software string }

// fold is a number of live consents by place, and the last end of a day at which they are live.
type fold struct {
	place uint16
	last  int64
}

const (
	mostHeld    = 400_000
	firstSweep  = 4096
	waitingKept = 2 * time.Hour
	endless     = int64(1<<63 - 1)
)

// OpenInventory opens what dir holds, or an empty inventory. Days before the first opening are not told.
func OpenInventory(cfg InventoryConfig) (*Inventory, error) {
	if cfg.Clock == nil || cfg.Organisation == "" {
		return nil, fmt.Errorf("inventory: clock and organisation are required")
	}
	if cfg.Most == 0 {
		cfg.Most = mostHeld
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	i := &Inventory{cfg: cfg, held: map[uint64]*holding{}, folded: map[fold]int{}, sweepAt: firstSweep}
	if err := i.open(); err != nil {
		return nil, fmt.Errorf("inventory of %s: %w", cfg.Organisation, err)
	}
	return i, nil
}

// Note takes what a client learned. What belongs to another organisation is refused by being ignored.
func (i *Inventory) Note(s Sighting) {
	if s.Organisation != i.cfg.Organisation {
		return
	}
	l := line{Event: s.Event, Place: place{s.Server, s.Software}, At: s.At.UnixMilli(), Until: milli(s.Until)}
	if s.Event != Left {
		l.Key = keyOf(s.Consent)
	}
	if s.Event == Created {
		l.Customer, l.Company = i.digest(s.Document)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.apply(l) {
		i.write(l)
		if len(i.held) >= i.sweepAt || len(i.held) > i.cfg.Most {
			i.sweep()
		}
	}
}

// apply says whether the line changed anything.
func (i *Inventory) apply(l line) bool {
	if l.Event == Left {
		return i.leave(l)
	}
	h := i.held[l.Key]
	if l.Event == Created {
		if h != nil { // told twice, as a repeated request is
			return false
		}
		i.held[l.Key] = &holding{born: l.At, until: l.Until, customer: l.Customer, company: l.Company, place: i.placeOf(l.Place)}
		return true
	}
	if h == nil {
		i.stats.Unknown++
		return false
	}
	switch {
	case l.Event == Granted && h.from == 0 && h.ended == 0:
		h.from = l.At
		i.late(l.At)
	case l.Event == Bounded && h.until != l.Until:
		if h.from != 0 {
			i.late(min(orEndless(h.until), orEndless(l.Until)))
		}
		h.until = l.Until
	case l.Event == Ended && h.ended == 0:
		i.end(l.Key, h, l.At)
	default:
		return false
	}
	return true
}

// end closes a consent, and forgets it where no day ended while it was live.
func (i *Inventory) end(key uint64, h *holding, at int64) {
	h.ended = max(at, h.from, 1)
	if h.from == 0 || lastEnd(h.ended) < h.from {
		delete(i.held, key)
		return
	}
	i.late(h.ended)
}

// leave ends every consent of a software.
func (i *Inventory) leave(l line) bool {
	any := false
	for key, h := range i.held {
		if h.ended == 0 && i.places[h.place].Software == l.Place.Software && h.born <= l.At {
			i.end(key, h, l.At)
			any = true
		}
	}
	for f := range i.folded {
		if i.places[f.place].Software == l.Place.Software {
			delete(i.folded, f)
			any = true
		}
	}
	return any
}

// late notes that days from a moment on were told with other numbers than they have.
func (i *Inventory) late(at int64) {
	t := time.UnixMilli(at)
	if at != endless && t.Before(i.told) && (i.stale.IsZero() || t.Before(i.stale)) {
		i.stale = t
	}
}

func (i *Inventory) placeOf(p place) uint16 {
	n := slices.Index(i.places, p)
	if n < 0 {
		if len(i.places) == 1<<16-1 {
			return uint16(len(i.places) - 1) //nolint:gosec // bounded by the condition
		}
		n = len(i.places)
		i.places = append(i.places, p)
	}
	return uint16(n) //nolint:gosec // bounded above
}

// live says whether the consent was live at a moment.
func (h *holding) live(t int64) bool {
	return h.from != 0 && h.from <= t && (h.ended == 0 || t < h.ended) && t < orEndless(h.until)
}

// over says whether no end of a day after the moment finds it live.
func (h *holding) over(t int64) bool {
	return h.ended != 0 && h.ended <= t || orEndless(h.until) <= t
}

// sweep forgets what no day needs any more, and folds the oldest live consents when these alone are too many.
func (i *Inventory) sweep() {
	now, needed := i.cfg.Clock.Now().UnixMilli(), i.told.AddDate(0, 0, -correctable).UnixMilli()
	for key, h := range i.held {
		if h.over(needed) || h.from == 0 && (now-h.born > waitingKept.Milliseconds() || h.born-now > waitingKept.Milliseconds()) {
			delete(i.held, key)
		}
	}
	if len(i.held) > i.cfg.Most*9/10 {
		i.crowd(i.cfg.Most * 3 / 4)
	}
	i.sweepAt = max(firstSweep, 2*len(i.held))
}

// crowd leaves that many, the youngest.
func (i *Inventory) crowd(most int) {
	told := i.told.UnixMilli()
	maps.DeleteFunc(i.held, func(_ uint64, h *holding) bool { return h.over(told) })
	type aged struct {
		key  uint64
		born int64
	}
	all := make([]aged, 0, len(i.held))
	for key, h := range i.held {
		all = append(all, aged{key, h.born})
	}
	slices.SortFunc(all, func(a, b aged) int { return int(min(max(a.born-b.born, -1), 1)) })
	for _, a := range all[:max(0, len(all)-most)] {
		if h := i.held[a.key]; h.from != 0 && h.ended == 0 {
			i.folded[fold{h.place, lastEnd(h.until)}]++
		}
		delete(i.held, a.key)
	}
}

// lastEnd is the last end of a day before a moment, in milliseconds.
func lastEnd(until int64) int64 {
	if until == 0 {
		return endless
	}
	return midnight(time.UnixMilli(until - 1)).UnixMilli()
}

// Stock counts the live consents at each of some moments, each the end of a day, which the date names.
func (i *Inventory) Stock(ends ...time.Time) []spec.StockReport {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []spec.StockReport
	for _, end := range ends {
		t := end.UnixMilli()
		count, met := map[string]int{}, map[uint64]bool{}
		r := spec.StockReport{Date: dayBefore(end), OrgID: i.cfg.Organisation, Role: spec.ClientSide, Scope: spec.StockScope, Stock: []spec.StockedPair{}}
		for _, h := range i.held {
			if !h.live(t) {
				continue
			}
			count[i.places[h.place].Server]++
			if met[h.customer] {
				continue
			}
			met[h.customer] = true
			if h.company {
				r.TotalCustomerPJ++
			} else {
				r.TotalCustomerPF++
			}
		}
		for f, n := range i.folded {
			if t <= f.last {
				count[i.places[f.place].Server] += n
			}
		}
		for server, n := range count {
			r.Stock = append(r.Stock, spec.StockedPair{ClientOrgID: i.cfg.Organisation, ServerOrgID: server, Total: n})
		}
		slices.SortFunc(r.Stock, func(a, b spec.StockedPair) int { return strings.Compare(a.ServerOrgID, b.ServerOrgID) })
		all = append(all, r)
	}
	return all
}

// Stats says what is remembered.
func (i *Inventory) Stats() InventoryStats {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := i.stats
	s.Held = len(i.held)
	for _, n := range i.folded {
		s.Folded += n
	}
	return s
}

// digest hides a customer: a CPF, or the root of a company's CNPJ.
func (i *Inventory) digest(document string) (customer uint64, company bool) {
	if company = len(document) == 14; company {
		document = document[:8]
	}
	m := hmac.New(sha256.New, i.key)
	m.Write([]byte(document))
	return binary.BigEndian.Uint64(m.Sum(nil)), company
}

func keyOf(consent string) uint64 {
	sum := sha256.Sum256([]byte(consent))
	return binary.BigEndian.Uint64(sum[:])
}

func milli(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.UnixMilli()
}

func orEndless(t int64) int64 {
	if t == 0 {
		return endless
	}
	return t
}

// midnight is when the day of an instant began in Brasília.
func midnight(t time.Time) time.Time {
	y, m, d := t.In(brasilia).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, brasilia)
}

// dayBefore is the date of the day that ended at a moment.
func dayBefore(end time.Time) string { return end.Add(-1).In(brasilia).Format(time.DateOnly) }
