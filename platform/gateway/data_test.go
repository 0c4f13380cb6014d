package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/gateway"
)

func ids(t testing.TB, a answered, name string) []string {
	t.Helper()
	var items []map[string]any
	if err := json.Unmarshal(a.Data, &items); err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, it := range items {
		out = append(out, fmt.Sprint(it[name]))
	}
	return out
}

func TestListsHoldWhatWasChosenAndIsAvailable(t *testing.T) {
	w := open(t)
	check := func(path, member string, want ...string) answered {
		t.Helper()
		a := decode(t, w.do(t, request{path: path}))
		if got := ids(t, a, member); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
		return a
	}
	check(accounts, "accountId", "a1", "a2")
	check(list, "resourceId", "a1", "a2")
	w.core.status = "UNAVAILABLE"
	check(accounts, "accountId", "a1")
	check(list, "status", "AVAILABLE", "UNAVAILABLE")
	check(list, "type", "ACCOUNT", "ACCOUNT")

	w.grant(t, "registration", "aurora", "p1", []string{"CUSTOMERS_PERSONAL_IDENTIFICATIONS_READ", "RESOURCES_READ"}, nil)
	a := decode(t, w.do(t, request{path: list, token: "registration"}))
	if string(a.Data) != "[]" || a.Meta["totalPages"] != 0.0 || a.Meta["totalRecords"] != 0.0 {
		t.Errorf("%s %v", a.Data, a.Meta)
	}
}

func TestResourcesWaitForEveryApprover(t *testing.T) {
	w := open(t)
	w.core.approvers = 1
	id := w.grant(t, "joint", "aurora", "p1", everything, []string{"a1"})
	c, _ := w.engine.Get(id)
	if len(c.Approvals) != 0 {
		t.Fatal("approved at once")
	}
	waiting, err := w.engine.Create(t.Context(), consent.Consent{Kind: consent.Data, ClientID: "aurora", Permissions: everything})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.engine.Authorise(t.Context(), waiting.ID, consent.Decision{Owner: "p1", Resources: []string{"a1"}, Approvals: []string{"p9"}}); err != nil {
		t.Fatal(err)
	}
	w.tokens["joint"].ConsentID = waiting.ID
	if got := ids(t, decode(t, w.do(t, request{path: list, token: "joint"})), "status"); !slices.Equal(got, []string{"PENDING_AUTHORISATION"}) {
		t.Error(got)
	}
	if r := w.do(t, request{path: balances, token: "joint"}); r.StatusCode != 403 || decode(t, r).Errors[0].Code != "STATUS_RESOURCE_PENDING_AUTHORISATION" {
		t.Errorf("status %d", r.StatusCode)
	}
	if got := ids(t, decode(t, w.do(t, request{path: accounts, token: "joint"})), "accountId"); len(got) != 0 {
		t.Error(got)
	}
	if _, err := w.engine.Approve(t.Context(), waiting.ID, "p9"); err != nil {
		t.Fatal(err)
	}
	if r := w.do(t, request{path: balances, token: "joint"}); r.StatusCode != 200 {
		t.Errorf("status %d", r.StatusCode)
	}
}

func TestTheDatesOfTransactions(t *testing.T) {
	w := open(t)
	w.core.transactions = 4000
	days := func(query string) (first, last string, a answered) {
		t.Helper()
		a = decode(t, w.do(t, request{path: query}))
		got := ids(t, a, "transactionDateTime")
		if len(got) == 0 {
			return "", "", a
		}
		return got[0], got[len(got)-1], a
	}
	if f, l, _ := days(past); f != "2026-03-02" || l != "2026-03-02" {
		t.Errorf("today is %s to %s", f, l)
	}
	if f, l, _ := days(current + "?fromBookingDate=2026-02-24&toBookingDate=2026-03-02&page-size=1000"); f != "2026-03-02" || l != "2026-02-24" {
		t.Errorf("a week is %s to %s", f, l)
	}
	if _, l, _ := days(past + "?fromBookingDate=2024-01-01&toBookingDate=2026-03-02&page-size=1000&page=4"); l != "2025-03-02" {
		t.Errorf("a year ends at %s", l)
	}
	w.clock.Set(time.Date(2026, 3, 3, 1, 0, 0, 0, time.UTC)) // still the second of March in Brasília
	if f, _, _ := days(past); f != "2026-03-02" {
		t.Errorf("today is %s", f)
	}
}

func TestPagesPartitionTheList(t *testing.T) {
	w := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		w.core.transactions = rapid.IntRange(0, 400).Draw(rt, "records")
		size := rapid.IntRange(1, 120).Draw(rt, "size")
		next := past + fmt.Sprintf("?fromBookingDate=2026-01-01&toBookingDate=2026-03-02&page-size=%d&creditDebitIndicator=CREDITO", size)
		used := max(size, 25)
		var all []string
		for page := 1; ; page++ {
			r := w.do(t, request{path: next})
			if r.StatusCode != 200 {
				rt.Fatalf("%s: status %d", next, r.StatusCode)
			}
			a := decode(t, r)
			items := ids(t, a, "transactionId")
			all = append(all, items...)
			wantPrev, more := page > 1, page*used < w.core.transactions
			if (a.Links["prev"] != "") != wantPrev || (a.Links["first"] != "") != wantPrev || (a.Links["next"] != "") != more || a.Links["last"] != "" {
				rt.Fatalf("page %d of %d/%d: %v", page, w.core.transactions, used, a.Links)
			}
			if !strings.HasPrefix(a.Links["self"], base+past+"?page="+fmt.Sprint(page)+"&page-size="+fmt.Sprint(used)+"&") || !strings.Contains(a.Links["self"], "creditDebitIndicator=CREDITO") {
				rt.Fatalf("self %s", a.Links["self"])
			}
			if !more {
				break
			}
			if len(items) != used {
				rt.Fatalf("page %d holds %d of %d", page, len(items), used)
			}
			next = strings.TrimPrefix(a.Links["next"], base)
		}
		if len(all) != w.core.transactions || len(slices.Compact(slices.Sorted(slices.Values(all)))) != len(all) {
			rt.Fatalf("%d records became %d", w.core.transactions, len(all))
		}
	})
}

func TestCountedListsNameTheirEnd(t *testing.T) {
	w := open(t)
	a := decode(t, w.do(t, request{path: accounts + "?page-size=1"}))
	if a.Meta["totalRecords"] != 2.0 || a.Meta["totalPages"] != 1.0 || a.Links["next"] != "" || a.Links["last"] != "" || !strings.Contains(a.Links["self"], "page-size=25&pagination-key=") {
		t.Errorf("%v %v", a.Meta, a.Links)
	}
	a = decode(t, w.do(t, request{path: "/open-banking/customers/v2/personal/qualifications"}))
	if len(a.Meta) != 1 || a.Links["self"] != base+"/open-banking/customers/v2/personal/qualifications" {
		t.Errorf("%v %v", a.Meta, a.Links)
	}
}

func TestSeamsOfReads(t *testing.T) {
	w := open(t)
	w.grant(t, "other", "boreal", "p2", everything, []string{"b1"})
	for name, row := range map[string]struct {
		path   string
		before int
	}{
		"data/leaks-other-customer":       {accounts + "/b1/balances", 404},
		"data/leaks-unconsented-resource": {accounts + "/a3/balances", 403},
	} {
		if r := w.do(t, request{path: row.path}); r.StatusCode != row.before {
			t.Errorf("%s: status %d", name, r.StatusCode)
		}
		if err := w.board.Arm(name); err != nil {
			t.Fatal(err)
		}
		if r := w.do(t, request{path: row.path}); r.StatusCode != 200 {
			t.Errorf("%s: armed, status %d", name, r.StatusCode)
		}
		w.board.Disarm()
	}
	if err := w.board.Arm("data/list-leaks"); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, decode(t, w.do(t, request{path: accounts})), "accountId"); !slices.Contains(got, "a3") {
		t.Error(got)
	}
	w.board.Disarm()
	if err := w.board.Arm("resources/lists-unconsented"); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, decode(t, w.do(t, request{path: list})), "resourceId"); !slices.Contains(got, "a3") {
		t.Error(got)
	}
}

// discard is a writer that keeps nothing, so that a benchmark weighs the gateway alone.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

type sink struct{}

func (sink) Append(string, []byte) error { return nil }

func BenchmarkRead(b *testing.B) {
	for _, consents := range []int{100, 1_000_000} {
		w := open(b, func(c *gateway.Config) { c.Observe, c.Outbox = nil, sink{} })
		for i := range consents - 1 {
			if _, err := w.engine.Create(b.Context(), consent.Consent{Kind: consent.Data, ClientID: "crowd", CPF: fmt.Sprint(i)}); err != nil {
				b.Fatal(err)
			}
		}
		for name, path := range map[string]string{"balances": balances, "transactions": current + "?fromBookingDate=2026-02-24&toBookingDate=2026-03-02"} {
			b.Run(fmt.Sprintf("%s/%d", name, consents), func(b *testing.B) {
				b.ReportAllocs()
				r := w.prepare(request{path: path})
				out := &discard{header: http.Header{}}
				for b.Loop() {
					w.ServeHTTP(out, r)
					if out.status != 200 {
						b.Fatal(out.status)
					}
				}
			})
		}
	}
}
