package pcm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestReportsOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	p := start(t, Config{Dir: dir})
	post(t, p, orgA, privatePath, clientReport(1), clientReport(2), with(clientReport(3), "statusCode", nil))
	post(t, p, orgB, privatePath, serverReport(1))
	before := p.Reports(Query{Interaction: interactionID(1)})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	// What a killed machine left half written was not answered and is dropped.
	logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	f, err := os.OpenFile(logs[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("torn"); err != nil {
		t.Fatal(err)
	}
	f.Close()

	p = start(t, Config{Dir: dir})
	after := p.Reports(Query{Interaction: interactionID(1)})
	if len(after) != 2 || after[0].Status != Paired || after[0].ReportID != before[0].ReportID || after[0].PairedReportID != after[1].ReportID {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if s := p.Summary(); s.Reports != 3 || s.ByStatus[Unpaired] != 1 || len(p.Discards()) != 1 {
		t.Errorf("got %+v", s)
	}
	if _, got := post(t, p, orgA, privatePath, clientReport(2)); got[0].Status != Discarded {
		t.Error("a repetition after the restart was accepted")
	}
	if _, got := post(t, p, orgB, privatePath, serverReport(2)); got[0].Status != Accepted {
		t.Errorf("got %+v", got)
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := p.Summary(); s.ByStatus[Paired] != 4 {
		t.Errorf("a report of before was not paired: %+v", s.ByStatus)
	}
}

func TestLogFilesComeAndGo(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		l, err := openLedger(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.limit = 100
		var at []position
		for i := range 10 {
			frame := appendEntry(nil, &entry{reporter: orgA, body: fmt.Appendf(nil, "%050d", i)})
			p, err := l.append(frame)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.commit(p + position(len(frame))); err != nil {
				t.Fatal(err)
			}
			at = append(at, p)
		}
		for i, p := range at {
			if e, err := l.at(p); err != nil || string(e.body) != fmt.Sprintf("%050d", i) {
				t.Errorf("entry %d reads as %+v: %v", i, e, err)
			}
		}
		if begins, err := l.forget(at[6]); err != nil || begins.file() != at[6].file() {
			t.Fatalf("the log begins at %x: %v", begins, err)
		}
		if _, err := l.at(at[0]); err == nil {
			t.Error("a forgotten file is still there")
		}
		if _, err := l.at(at[6]); err != nil {
			t.Errorf("too much was forgotten: %v", err)
		}
		if err := l.close(); err != nil {
			t.Fatal(err)
		}
		if dir == "" {
			if _, err := os.Stat(l.dir); !os.IsNotExist(err) {
				t.Errorf("%s was left behind: %v", l.dir, err)
			}
			continue
		}
		n := 0
		again, err := openLedger(dir, func(entry, position) { n++ })
		if err != nil {
			t.Fatal(err)
		}
		if n < 4 || n > 5 {
			t.Errorf("%d entries are found again", n)
		}
		again.close()
	}
}

func TestNothingIsAnsweredThatIsNotKept(t *testing.T) {
	p := start(t, Config{Dir: t.TempDir()})
	token := bearer(t, p, orgA)
	p.ledger.mu.Lock()
	p.ledger.files[p.ledger.current].Close() // as a disk that is gone
	p.ledger.mu.Unlock()
	if w := send(t, p, "POST", privatePath, token, encode(t, []object{clientReport(1)})); w.Code != 500 || w.Body.String() != `{"message":"Internal Server Error"}` {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if s := p.Summary(); s.Reports != 0 || p.book.index.used != 0 {
		t.Errorf("holds %+v", s)
	}
	if w := send(t, p, "POST", privatePath, token, encode(t, []object{clientReport(1)})); w.Code != 500 {
		t.Errorf("the second try was taken for a repetition: %d", w.Code)
	}
}

func TestConcurrentSidesAllPair(t *testing.T) {
	p := start(t, Config{Dir: t.TempDir()})
	const rounds, size = 8, 50
	var wg sync.WaitGroup
	for round := range rounds {
		for _, side := range []func(int) object{clientReport, serverReport} {
			wg.Go(func() {
				batch := make([]object, size)
				for i := range batch {
					batch[i] = side(round*size + i)
				}
				org := orgA
				if batch[0]["role"] == "SERVER" {
					org = orgB
				}
				if status, _ := post(t, p, org, privatePath, batch...); status != 200 {
					t.Errorf("got %d", status)
				}
			})
		}
	}
	wg.Wait()
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := p.Summary(); s.ByStatus[Paired] != 2*rounds*size {
		t.Errorf("got %v", s.ByStatus)
	}
}

func TestFailuresStrikeAsOftenAsAsked(t *testing.T) {
	p := start(t, Config{})
	srv := httptest.NewServer(p.Handler())
	defer srv.Close()
	token := bearer(t, p, orgA)
	n := 0
	try := func() (int, string) {
		n++
		req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+privatePath, strings.NewReader(string(encode(t, []object{clientReport(n)}))))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "api.pcm.test"
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := srv.Client().Do(req)
		if err != nil {
			return 0, ""
		}
		defer res.Body.Close()
		var b strings.Builder
		if _, err := fmt.Fprint(&b, json.NewDecoder(res.Body).Decode(new(any))); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, b.String()
	}
	for _, row := range []struct {
		failure Failure
		status  int
		kept    int
	}{
		{Failure{Kind: "down", Times: 1}, 0, 0},
		{Failure{Kind: "status", Status: 429, Times: 1}, 429, 0},
		{Failure{Kind: "status", Status: 500, Times: 1, On: "report"}, 500, 0},
		{Failure{Kind: "lost", Times: 1}, 0, 1},
		{Failure{Kind: "discard", Times: 1}, 207, 0},
		{Failure{Kind: "slow", Milliseconds: 1, Times: 1}, 200, 1},
		{Failure{Kind: "status", Status: 500, On: "token"}, 200, 1},
	} {
		before := p.Summary().Reports
		if err := p.Fail(row.failure); err != nil {
			t.Fatal(err)
		}
		if status, _ := try(); status != row.status {
			t.Errorf("%+v: got %d", row.failure, status)
		}
		if kept := p.Summary().Reports - before; kept != row.kept {
			t.Errorf("%+v: kept %d", row.failure, kept)
		}
		if row.failure.Times > 0 {
			if status, _ := try(); status != 200 {
				t.Errorf("after %+v: got %d", row.failure, status)
			}
		}
	}
	p.Recover()
	if err := p.Fail(Failure{Kind: "garbage", Times: 1}); err != nil {
		t.Fatal(err)
	}
	if _, decoded := try(); decoded == "<nil>" {
		t.Error("garbage was JSON")
	}
	for _, f := range []Failure{{Kind: "tired"}, {Kind: "status"}, {Kind: "down", On: "moon"}} {
		if p.Fail(f) == nil {
			t.Errorf("accepted %+v", f)
		}
	}
}

func TestControlAnswersAndSwitches(t *testing.T) {
	p := start(t, Config{})
	call := func(method, path, body string) (int, string) {
		w := httptest.NewRecorder()
		p.Control().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	post(t, p, orgA, privatePath, clientReport(1), object{})
	for path, want := range map[string]string{
		"/reports?status=unpaired&org=" + orgB: interactionID(1), "/reports?status=PAIRED": "[]", "/summary": `"UNPAIRED":1`,
		"/discards": "Required", "/requests": `"items":2`, "/journeys?consent=x": "[]", "/fail": "[]",
	} {
		if status, body := call("GET", path, ""); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := call("POST", "/fail", `{"status":503,"times":1}`); status != 200 || len(p.Failures()) != 1 {
		t.Errorf("got %d, %v", status, p.Failures())
	}
	if status, _ := call("DELETE", "/fail", ""); status != 204 || len(p.Failures()) != 0 {
		t.Errorf("got %d, %v", status, p.Failures())
	}
	for _, bad := range []string{`{"kind":"x"}`, "nonsense"} {
		if status, _ := call("POST", "/fail", bad); status != 400 {
			t.Errorf("%s got %d", bad, status)
		}
	}
	if status, _ := call("GET", "/reports?limit=0", ""); status != 400 {
		t.Errorf("got %d", status)
	}
}
