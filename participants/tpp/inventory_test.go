package tpp

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

const mine = "11111111-1111-4111-8111-111111111111"

// shelfOf is an inventory of its own, at noon of a day in Brasília.
func shelfOf(t *testing.T, edit func(*InventoryConfig)) (*Inventory, *clock.Clock) {
	t.Helper()
	clk := clock.Fixed(time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC))
	cfg := InventoryConfig{Organisation: mine, Clock: clk}
	if edit != nil {
		edit(&cfg)
	}
	return reopened(t, cfg), clk
}

func reopened(t *testing.T, cfg InventoryConfig) *Inventory {
	t.Helper()
	i, err := OpenInventory(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
	return i
}

func (i *Inventory) saw(event, consent string, at time.Time, until *time.Time) {
	i.Note(Sighting{Event: event, Organisation: mine, Software: "app", Server: "bank", Consent: consent, At: at, Until: until, Document: "11144477735"})
}

// shares brings a consent to life.
func (i *Inventory) shares(consent string, at time.Time, until *time.Time) {
	i.saw(Created, consent, at, until)
	i.saw(Granted, consent, at, nil)
}

func (i *Inventory) at(end time.Time) int {
	n := 0
	for _, p := range i.Stock(end)[0].Stock {
		n += p.Total
	}
	return n
}

func TestStockCountsWhatIsLiveAtTheEndOfADay(t *testing.T) {
	i, clk := shelfOf(t, nil)
	now := clk.Now()
	end := midnight(now).AddDate(0, 0, 1)
	soon := end.Add(12 * time.Hour)
	i.saw(Created, "waits", now, nil)
	i.shares("stays", now, nil)
	i.shares("runs out", now, &soon)
	i.shares("extended", now, &soon)
	i.saw(Bounded, "extended", now, nil)
	i.shares("came and went", now, nil)
	i.saw(Ended, "came and went", now, nil)
	i.shares("ends tomorrow", now, nil)
	i.saw(Ended, "ends tomorrow", end.Add(time.Hour), nil)
	i.saw(Ended, "refused", now, nil)
	i.Note(Sighting{Event: Created, Organisation: "other", Consent: "other's", At: now})
	i.Note(Sighting{Event: Created, Organisation: mine, Software: "second", Server: "bank", Consent: "of the second", At: now, Document: "99999004000192"})
	i.Note(Sighting{Event: Granted, Organisation: mine, Software: "second", Consent: "of the second", At: now})
	for n, want := range []int{0, 5, 3, 3} {
		if got := i.at(end.AddDate(0, 0, n-1)); got != want {
			t.Errorf("day %d: %d live, want %d", n, got, want)
		}
	}
	r := i.Stock(end)[0]
	if r.Date != "2026-03-10" || r.OrgID != mine || r.Role != spec.ClientSide || r.Scope != spec.StockScope || r.TotalCustomerPF != 1 || r.TotalCustomerPJ != 1 ||
		len(r.Stock) != 1 || r.Stock[0] != (spec.StockedPair{ClientOrgID: mine, ServerOrgID: "bank", Total: 5}) {
		t.Errorf("report %+v", r)
	}
	if s := i.Stats(); s.Held != 6 || s.Unknown != 1 {
		t.Errorf("held %+v; what came and went within a day must leave at once", s)
	}
	i.Note(Sighting{Event: Left, Organisation: mine, Software: "second", At: now})
	if got := i.at(end); got != 4 {
		t.Errorf("%d live after a software has left, want 4", got)
	}
}

func TestAnInventoryIsBounded(t *testing.T) {
	i, clk := shelfOf(t, func(c *InventoryConfig) { c.Most = 5000 })
	now := clk.Now()
	end := midnight(now).AddDate(0, 0, 1)
	until := end.AddDate(0, 0, 2).Add(time.Minute)
	for n := range 30_000 {
		i.shares(fmt.Sprint("live ", n), now.Add(time.Duration(n)), &until)
		i.shares(fmt.Sprint("brief ", n), now, nil)
		i.saw(Ended, fmt.Sprint("brief ", n), now, nil)
	}
	s := i.Stats()
	if s.Held > 5000 || s.Held+s.Folded != 30_000 {
		t.Errorf("remembered %+v of 30000", s)
	}
	for n, want := range []int{30_000, 30_000, 30_000, 0} {
		if got := i.at(end.AddDate(0, 0, n)); got != want {
			t.Errorf("day %d: %d live, want %d", n, got, want)
		}
	}
	i, clk = shelfOf(t, nil)
	for n := range 20_000 { // never authorised
		i.saw(Created, fmt.Sprint(n), clk.Now(), nil)
		clk.Advance(10 * time.Second)
	}
	if s := i.Stats(); s.Held > firstSweep {
		t.Errorf("%d that wait are remembered after days, the last %v matter", s.Held, waitingKept)
	}
}

func TestAnInventoryOutlivesItsProcess(t *testing.T) {
	var cfg InventoryConfig
	i, clk := shelfOf(t, func(c *InventoryConfig) {
		c.Dir, c.Most = filepath.Join(t.TempDir(), "consents"), 40
		cfg = *c
	})
	now := clk.Now()
	end := midnight(now).AddDate(0, 0, 1)
	soon := end.Add(-time.Hour)
	for n := range 60 {
		i.shares(fmt.Sprint(n), now.Add(time.Duration(n)*time.Millisecond), nil)
	}
	i.shares("runs out", now, &soon)
	i.saw(Ended, "59", now, nil)
	i.tell(end)
	before, told := i.Stock(end), i.told
	path := filepath.Join(cfg.Dir, "consents.jsonl")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(b, `{"e":"created","k":7`...), 0o600); err != nil { // killed while writing
		t.Fatal(err)
	}
	cfg.Clock = clk
	for range 2 { // as it was left, and as it was written anew
		again := reopened(t, cfg)
		if after := again.Stock(end); fmt.Sprint(after) != fmt.Sprint(before) || before[0].Stock[0].Total != 59 {
			t.Errorf("after the restart %v, before %v", after, before)
		}
		if !again.told.Equal(told) || !again.stale.IsZero() {
			t.Errorf("told until %v, again from %v; want %v and none", again.told, again.stale, told)
		}
	}
	if strings.Contains(string(b), "11144477735") {
		t.Error("a document is on the disk")
	}
	if err := os.WriteFile(path, []byte("{\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenInventory(cfg); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a damaged file is opened: %v", err)
	}
}
