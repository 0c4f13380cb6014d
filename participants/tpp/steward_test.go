package tpp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/sim/spec"
)

// at work: a steward whose reports gather in an outbox in memory.
func atWork(t *testing.T) (*Steward, *memory) {
	t.Helper()
	i := newIssuer(t)
	box := newMemory(1 << 20)
	c := i.client(func(cfg *Config) {
		cfg.PCM = PCMURLs{URL: "https://nowhere.test", Token: "https://nowhere.test/token/"}
		cfg.Outbox = box
	})
	inventory, err := OpenInventory(InventoryConfig{Organisation: clientOrg, Clock: c.cfg.Clock})
	if err != nil {
		t.Fatal(err)
	}
	return &Steward{inventory: inventory, client: c}, box
}

// told writes what is due and lists it: "date total".
func (s *Steward) says(t *testing.T, box *memory) string {
	t.Helper()
	before := len(box.list)
	if err := s.Write(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, k := range box.list[before:] {
		var r spec.StockReport
		if err := json.Unmarshal(k.Body, &r); err != nil || k.Kind != spec.KindStock {
			t.Fatalf("%s %s: %v", k.Kind, k.Body, err)
		}
		n := 0
		for _, p := range r.Stock {
			n += p.Total
		}
		said = append(said, fmt.Sprint(r.Date[8:], ":", n))
	}
	return strings.Join(said, " ")
}

func TestAStewardTellsEachDayOnce(t *testing.T) {
	s, box := atWork(t)
	clk := s.inventory.cfg.Clock // noon of 22 November
	day := 24 * time.Hour
	note := func(event string, at time.Time) {
		s.inventory.Note(Sighting{Event: event, Organisation: clientOrg, Server: "bank", Consent: "a", At: at})
	}
	for _, step := range []struct {
		what string
		do   func()
		want string
	}{
		{"a day that is not over", func() {}, ""},
		{"a day that is over", func() { clk.Advance(day) }, "22:0"},
		{"the same again", func() {}, ""},
		{"days stepped over", func() { note(Created, clk.Now()); note(Granted, clk.Now()); clk.Advance(3 * day) }, "23:1 24:1 25:1"},
		{"an end learned late", func() { note(Ended, clk.Now().Add(-2*day)) }, "24:0 25:0"},
		{"no more of it", func() {}, ""},
		{"a clock put back", func() { clk.Advance(-2 * day) }, "22:0 23:1"},
		{"and on", func() { clk.Advance(day) }, "24:0"},
		{"put back and stepped unseen", func() { clk.Advance(300 * day); _ = s.Write(); box.list = nil; clk.Advance(-299 * day) }, "22:0 23:1 24:0 25:0"},
	} {
		step.do()
		if got := s.says(t, box); got != step.want {
			t.Errorf("%s: %q, want %q", step.what, got, step.want)
		}
	}
}

func TestADayThatFoundNoRoomIsToldLater(t *testing.T) {
	s, box := atWork(t)
	s.inventory.cfg.Clock.Advance(24 * time.Hour)
	room := box.limit
	box.limit = 10
	if err := s.Write(); err == nil {
		t.Fatal("written where nothing fits")
	}
	box.limit = room
	if got := s.says(t, box); got != "22:0" {
		t.Errorf("told %q", got)
	}
}

func TestTheStockIsSentAloneWhenTheDayEnds(t *testing.T) {
	i := newIssuer(t)
	got := make(chan string, 10)
	i.pcm = func(w http.ResponseWriter, r *request) {
		if r.URL.Path == "/pcm-token/" {
			answer(w, 200, map[string]any{"access_token": "pcm", "expires_in": 21600})
			return
		}
		got <- r.URL.Path + " " + string(r.Body)
		answer(w, 200, spec.StockTaken{ReportID: uuid.NewString(), Status: spec.ReportAccepted})
	}
	c := reporting(i)
	inventory, err := OpenInventory(InventoryConfig{Organisation: clientOrg, Clock: c.cfg.Clock})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Employ(inventory, c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c.cfg.Clock.Advance(24 * time.Hour) // nobody asks: the steward notices
	want := fmt.Sprintf(`%s {"date":"2026-11-22","orgId":"%s","role":"CLIENT","scope":"DADOS","totalCustomerPF":0,"totalCustomerPJ":0,"consentsStockList":[]}`, spec.StockPath, clientOrg)
	if said := <-got; said != want {
		t.Errorf("got  %s\nwant %s", said, want)
	}
	if _, err := Employ(&Inventory{cfg: InventoryConfig{Organisation: "other"}}, c); err == nil {
		t.Error("a steward reports for another organisation")
	}
}

// What a client does is seen whatever way it does it; what it cannot know is not.
func TestAClientNotesWhatItLearns(t *testing.T) {
	i := newIssuer(t)
	var seen []Sighting
	c := i.client(func(cfg *Config) { cfg.Consents = noting(func(s Sighting) { seen = append(seen, s) }) })
	s := i.server(c)
	body := map[string]any{}
	status := 200
	i.api = func(w http.ResponseWriter, _ *request) {
		w.Header().Set("X-Fapi-Interaction-Id", uuid.NewString())
		answer(w, status, map[string]any{"data": body})
	}
	const id = "urn:bancoensaio:9"
	call := func(op string, answered int, data map[string]any) {
		body, status = data, answered
		r := c.API(s, spec.Find(op)).Token("cc")
		if op == "consents.create" {
			r.Body(ConsentBody([]string{"ACCOUNTS_READ"}, Person{CPF: "11144477735", CNPJ: "11222333000181"}, nil))
		} else {
			r.Param("consentId", id)
		}
		r.Send(t.Context())
	}
	now := c.cfg.Clock.Now()
	call("consents.create", 201, map[string]any{"consentId": id, "status": "AWAITING_AUTHORISATION", "expirationDateTime": stamp(now.AddDate(0, 1, 0))})
	call("consents.create", 422, nil)
	c.RedeemRequest(s, &Push{Verifier: "v"}, "code").About(id).Send(t.Context())
	c.RefreshRequest(s, "rt").About(id).Send(t.Context())
	call("consents.read", 200, map[string]any{"consentId": id, "status": "AUTHORISED"})
	call("consents.read", 200, map[string]any{"consentId": id, "status": "AWAITING_AUTHORISATION"})
	call("consents.read", 404, nil)
	call("consents.extend", 201, map[string]any{"consentId": id, "expirationDateTime": stamp(now.AddDate(0, 2, 0))})
	call("consents.read", 200, map[string]any{"consentId": id, "status": "REJECTED", "statusUpdateDateTime": stamp(now.Add(-time.Hour))})
	call("consents.delete", 204, nil)
	call("consents.delete", 422, nil)
	want := []string{
		"created until 2026-12-22 at 0s for 11222333000181", "granted at 0s", "bounded at 0s", "bounded until 2027-01-22 at 0s", "ended at -1h0m0s", "ended at 0s",
	}
	var got []string
	for _, x := range seen {
		text := x.Event
		if x.Until != nil {
			text += " until " + x.Until.Format(time.DateOnly)
		}
		if text += " at " + x.At.Sub(now).String(); x.Document != "" {
			text += " for " + x.Document
		}
		got = append(got, text)
		if x.Consent != id || x.Server != bankOrg || x.Organisation != clientOrg || x.Software != software {
			t.Errorf("%+v", x)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

type noting func(Sighting)

func (n noting) Note(s Sighting) { n(s) }

func TestACourierCarriesEverythingInOrder(t *testing.T) {
	var got []Sighting
	var calls atomic.Int32
	office := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 { // an office in trouble is asked again
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var list []Sighting
		if err := json.NewDecoder(r.Body).Decode(&list); err != nil || len(list) > mostCarried {
			t.Errorf("%d sightings: %v", len(list), err)
		}
		got = append(got, list...) // one request at a time
		w.WriteHeader(http.StatusNoContent)
	}))
	defer office.Close()
	c := NewCourier(office.URL, &http.Client{})
	for n := range 2500 {
		c.Note(Sighting{Event: Created, Consent: fmt.Sprint(n)})
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n, s := range got {
		if s.Consent != fmt.Sprint(n) {
			t.Fatalf("%d is %+v", n, s)
		}
	}
	if len(got) != 2500 {
		t.Errorf("%d came, want 2500", len(got))
	}
	c.Close()
	c.Note(Sighting{})
	if err := c.Flush(t.Context()); err == nil {
		t.Error("a courier that ended says that everything was taken")
	}
}
