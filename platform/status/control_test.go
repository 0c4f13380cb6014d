package status_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/status"
)

func (w *world) send(h http.Handler, method, path, body string) (int, map[string]any) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(method, path, strings.NewReader(body)))
	var answer any
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
			w.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	switch answer := answer.(type) {
	case map[string]any:
		return rec.Code, answer
	case []any:
		return rec.Code, map[string]any{"list": answer}
	}
	return rec.Code, nil
}

func TestTheControlPort(t *testing.T) {
	w := begin(t, noon)
	h := w.Control()
	for _, c := range []struct {
		method, path, body string
		status             int
		hint               string
	}{
		{"POST", "/failures", `{"operations":["accounts.*"],"status":503}`, 201, ""},
		{"POST", "/failures", `{"operations":["acounts.*"],"status":503}`, 400, "acounts"},
		{"POST", "/failures", `{"operation":["accounts.*"],"status":503}`, 400, "operation"},
		{"POST", "/failures", `{`, 400, "body"},
		{"DELETE", "/failures/nobody", "", 404, "no such"},
		{"DELETE", "/failures", "", 204, ""},
		{"POST", "/outages", `{"start":"2026-03-02T16:00:00Z","duration":"PT1H"}`, 201, ""},
		{"POST", "/outages", `{"start":"2026-03-02T14:00:00Z","duration":"PT1H"}`, 400, "announced before"},
		{"POST", "/outages", `{"start":"2026-03-02T16:00:00Z","duration":"1h"}`, 400, "PT2H30M"},
		{"PUT", "/outages/nobody", `{"start":"2026-03-02T16:00:00Z","duration":"PT1H"}`, 404, "no such"},
		{"DELETE", "/outages/nobody", "", 404, "no such"},
	} {
		code, answer := w.send(h, c.method, c.path, c.body)
		why, _ := answer["error"].(string)
		if code != c.status || !strings.Contains(why, c.hint) {
			t.Errorf("%s %s %s: %d %v", c.method, c.path, c.body, code, answer)
		}
	}
	_, all := w.send(h, "GET", "/outages", "")
	one, _ := all["list"].([]any)[0].(map[string]any)
	if one["state"] != "planned" || one["partial"] != false || one["end"] != "2026-03-02T17:00:00Z" {
		t.Errorf("listed as %v", one)
	}
	id, _ := one["id"].(string)
	w.clock.Advance(90 * time.Minute)
	if _, all = w.send(h, "GET", "/outages", ""); all["list"].([]any)[0].(map[string]any)["state"] != "running" {
		t.Errorf("while it lasts: %v", all)
	}
	if code, answer := w.send(h, "PUT", "/outages/"+id, `{"start":"2026-03-02T16:00:00Z","duration":"PT3H"}`); code != 200 || answer["end"] != "2026-03-02T19:00:00Z" {
		t.Errorf("prolonged: %d %v", code, answer)
	}
	if code, _ := w.send(h, "DELETE", "/outages/"+id, ""); code != 204 || len(w.Outages()) != 0 {
		t.Errorf("withdrawn: %d", code)
	}
	if code, answer := w.send(h, "GET", "/availability", ""); code != 200 || len(answer["today"].([]any)) == 0 || len(answer["status"].([]any)) != 1 {
		t.Errorf("at one glance: %d %v", code, answer)
	}
}

func TestSecurityEndpointsAreWatched(t *testing.T) {
	w := begin(t, noon)
	answer := http.StatusOK
	h := w.Security(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(answer) }))
	asks := func(path string) int {
		code, _ := w.send(h, "POST", path, "")
		return code
	}
	for _, path := range []string{"/token", "/token", "/par", "/register/abc", "/userinfo"} {
		if got := asks(path); got != 200 {
			t.Errorf("%s: %d", path, got)
		}
	}
	id := w.fail(status.Failure{Operations: []string{"token"}, Status: 503})
	if code, body := w.send(h, "POST", "/token", ""); code != 503 || body["error"] != "temporarily_unavailable" {
		t.Errorf("a token in trouble: %d %v", code, body)
	}
	if got := asks("/par"); got != 200 {
		t.Errorf("its neighbour: %d", got)
	}
	_ = w.Mend(t.Context(), id)
	w.announce(noon.Add(time.Minute), "PT1H")
	w.clock.Advance(2 * time.Minute)
	for path, want := range map[string]int{"/token": 503, "/par": 503, "/register": 503, "/userinfo": 200} {
		if got := asks(path); got != want {
			t.Errorf("%s in a total outage: %d", path, got)
		}
	}
	w.clock.Advance(time.Hour)
	answer = http.StatusInternalServerError
	asks("/par")
	w.clock.Advance(status.Period)
	w.is("PARTIAL_FAILURE")
	calls := map[string]int64{}
	for _, f := range w.Overview(t.Context()).Today {
		if path, own := strings.CutPrefix(f.Endpoint, "https://auth.bank.test"); own {
			calls[path] = f.Invocations.Today
		}
	}
	if calls["/token"] != 4 || calls["/par"] != 4 || calls["/register"] != 2 {
		t.Errorf("counted %v", calls)
	}
}
