package pcm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
)

// TestIndexAgainstModel enters, takes back and forgets reports at random, beside a map, while the numbers
// cross the place where their low halves begin anew.
func TestIndexAgainstModel(t *testing.T) {
	const keys = 3 * chunkSize
	dice := rand.New(rand.NewPCG(1, 2))
	b := newBook(chunkSize)
	b.first, b.next = 1<<32-2*chunkSize, 1<<32-2*chunkSize
	type side struct {
		key    [16]byte
		server bool
	}
	model := map[side]uint64{}
	key := func(i int) (k [16]byte) {
		binary.BigEndian.PutUint64(k[:], uint64(i)+1) // alike, as the ids of a careless reporter
		return k
	}
	for range 8 * chunkSize {
		s := side{key(dice.IntN(keys)), dice.IntN(2) == 0}
		n := b.add(record{key: s.key, serverSide: s.server, pos: 1, received: 1})
		model[s] = n
		if dice.IntN(4) == 0 {
			b.void(n)
			delete(model, s)
		}
		b.evict(0)
	}
	found := 0
	for i := range keys {
		for _, server := range []bool{false, true} {
			want := model[side{key(i), server}]
			if want < b.first {
				want = 0
			}
			if got := b.find(key(i), server); got != want {
				t.Fatalf("key %d server %v: number %d, want %d", i, server, got, want)
			}
			if want != 0 {
				found++
			}
		}
	}
	if b.first < 1<<32 || found == 0 || b.index.used != found {
		t.Errorf("from %d on %d are found, the index counts %d", b.first, found, b.index.used)
	}
}

func journeyEvent(n int) object {
	return object{"consentId": fmt.Sprintf("urn:bancoensaio:%d", n), "os": "ANDROID", "osVersion": "14", "timestamp": "2026-09-15T11:59:00.000Z", "platform": "APP", "clientOrgId": orgA}
}

// TestJourneysAloneAreBounded sends nothing but events and refusals: the log and what is remembered of it
// stay within the bound, before and after a restart.
func TestJourneysAloneAreBounded(t *testing.T) {
	dir := t.TempDir()
	p := start(t, Config{Keep: 1, Dir: dir})
	p.ledger.limit = 1 << 20
	const rounds = 70
	for round := range rounds {
		batch := make([]object, maxEvents)
		for i := range batch {
			batch[i] = journeyEvent(round*maxEvents + i)
			if i%4 == 0 {
				batch[i]["os"] = "BEOS"
			}
		}
		post(t, p, orgA, HybridFlow+"client/redirect-to-server", batch...)
	}
	held := func(p *PCM) (files int, consents int) {
		p.ledger.mu.Lock()
		defer p.ledger.mu.Unlock()
		return len(p.ledger.files), len(p.journeys.order)
	}
	// At most a chunk stays beside the one that fills, in files of a megabyte with some three thousand entries each.
	files, consents := held(p)
	if files > 12 || consents > 2*chunkSize || consents < maxEvents {
		t.Errorf("%d files, %d consents are held", files, consents)
	}
	if got := p.Journey("urn:bancoensaio:1"); len(got) != 0 {
		t.Errorf("the first journey is still there: %+v", got)
	}
	last := fmt.Sprintf("urn:bancoensaio:%d", rounds*maxEvents-1)
	if got := p.Journey(last); len(got) != 1 || got[0].Timestamp != "2026-09-15T11:59:00.000Z" || got[0].Organisation != orgA || len(got[0].Sent) == 0 {
		t.Errorf("the last journey is %+v", got)
	}
	d := p.Discards()
	if newest := d[len(d)-1]; string(newest.Sent) == "" || newest.Message == "" {
		t.Errorf("the newest refusal is %+v", newest)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p = start(t, Config{Keep: 1, Dir: dir})
	if _, again := held(p); again != consents || len(p.Journey(last)) != 1 {
		t.Errorf("%d consents after a restart, %d before", again, consents)
	}
}

// TestWhatNobodyCanAskForIsForgotten lets the ecosystem's clock pass the time that a verdict looks back.
func TestWhatNobodyCanAskForIsForgotten(t *testing.T) {
	clk := clock.Fixed(time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC))
	p := start(t, Config{Clock: clk})
	batch := make([]object, 4096)
	fill := func(from int) {
		for i := range batch {
			batch[i] = with(clientReport(from+i), "timestamp", clk.Now().Format(instant))
		}
		if status, _ := post(t, p, orgA, privatePath, batch...); status != 200 {
			t.Fatalf("got %d", status)
		}
	}
	for round := range 5 {
		fill(round * len(batch))
	}
	clk.Advance(129 * 24 * time.Hour)
	fill(5 * len(batch))
	if n := p.Summary().Reports; n != 6*len(batch) {
		t.Errorf("%d reports, of which none is old enough", n)
	}
	clk.Advance(2 * 24 * time.Hour)
	fill(6 * len(batch))
	if n := p.Summary().Reports; n != 3*len(batch) {
		t.Errorf("%d reports, want those of the last chunk", n)
	}
}

// TestARepetitionWaitsForTheFirst repeats a report while the first one is being kept: nobody can say yet
// whether it is a repetition. When keeping the first one fails, the second is taken.
func TestARepetitionWaitsForTheFirst(t *testing.T) {
	p := start(t, Config{})
	token := bearer(t, p, orgA)
	r := &report{dialect: p.Dialect(), kind: kindPrivate}
	r.read(raw(encode(t, clientReport(1))))
	first := []verdict{{record: p.book.record(r, kindPrivate, 1)}}
	if err := p.enter(t.Context(), first); err != nil || first[0].discarded {
		t.Fatalf("%v %+v", err, first)
	}
	body := encode(t, []object{clientReport(2), clientReport(1)})
	if w := send(t, p, "POST", privatePath, token, body); w.Code != http.StatusInternalServerError {
		t.Fatalf("while the first is kept: %d %s", w.Code, w.Body)
	}
	p.settleBatch(intakes[0], first, session{}, 0, 1, errors.New("disk full"))
	if w := send(t, p, "POST", privatePath, token, body); w.Code != http.StatusOK {
		t.Fatalf("after the first failed: %d %s", w.Code, w.Body)
	}
	if w := send(t, p, "POST", privatePath, token, body); w.Code != http.StatusMultiStatus {
		t.Fatalf("a real repetition: %d %s", w.Code, w.Body)
	}
	if n := p.Summary().Reports; n != 2 {
		t.Errorf("holds %d", n)
	}
}

// TestReasonsOfOldDaysMakeRoom fills the reasons of discards: those of the oldest day go, not those of today.
func TestReasonsOfOldDaysMakeRoom(t *testing.T) {
	var h history
	refuse := func(day time.Time, n int) {
		for i := range n {
			h.discard(Discard{At: day, Organisation: orgA, Kind: "private", Message: "Unlisted endpoint"}, raw(fmt.Sprintf(`{"endpoint":"/e/%d"}`, i)))
		}
	}
	first := time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)
	refuse(first, maxGroups-10)
	refuse(first.AddDate(0, 0, 1), 20)
	if got := len(h.discardsOf("2026-09-16")); got != 20 {
		t.Errorf("%d reasons of the newer day, want 20", got)
	}
	if got := len(h.discardsOf("2026-09-15")); got != 0 {
		t.Errorf("%d reasons of the older day are left", got)
	}
	refuse(first.AddDate(0, 0, 1), maxGroups+20)
	if got := len(h.discardsOf("2026-09-16")); got != maxGroups {
		t.Errorf("%d reasons of one day", got)
	}
}
