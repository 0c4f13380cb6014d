package pcm

import (
	"net/http"
	"strings"
	"testing"
)

func TestWholeRequestFailures(t *testing.T) {
	big := make([]object, maxReports+1)
	for i := range big {
		big[i] = object{}
	}
	header := func(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }
	for _, row := range []struct {
		rule    string
		status  int
		message string
		body    []byte
		edit    func(*http.Request)
	}{
		{"PCM-REQUEST/token", 401, "Unauthorized", encode(t, []object{clientReport(1)}), header("Authorization", "Bearer nonsense")},
		{"PCM-REQUEST/accepts-json", 406, "Content type not accepted", encode(t, []object{clientReport(1)}), header("Accept", "text/html")},
		{"PCM-REQUEST/is-json", 415, "Unsupported Media Type", encode(t, []object{clientReport(1)}), header("Content-Type", "text/plain")},
		{"PCM-REQUEST/is-array", 400, "Invalid payload format: MUST be an array", encode(t, clientReport(1)), header("X", "y")},
		{"PCM-REQUEST/batch-limit", 413, "Record limit exceeded", encode(t, big), header("X", "y")},
	} {
		t.Run(row.rule, func(t *testing.T) {
			p := start(t, Config{})
			w := send(t, p, "POST", privatePath, bearer(t, p, orgA), row.body, row.edit)
			if w.Code != row.status || w.Body.String() != `{"message":"`+row.message+`"}` {
				t.Errorf("got %d %.200s", w.Code, w.Body)
			}
			if p.Summary().Reports != 0 {
				t.Error("something was kept")
			}
			p = start(t, Config{Seams: off(t, row.rule)})
			w = send(t, p, "POST", privatePath, bearer(t, p, orgA), row.body, row.edit)
			if w.Code != 200 && w.Code != 207 {
				t.Errorf("with the rule off: %d %.200s", w.Code, w.Body)
			}
		})
	}
	t.Run("not JSON at all", func(t *testing.T) {
		p := start(t, Config{})
		for _, body := range []string{"", "[", "[{]", "null", "[]"} {
			if w := send(t, p, "POST", privatePath, bearer(t, p, orgA), []byte(body)); w.Code != 400 {
				t.Errorf("%q got %d", body, w.Code)
			}
		}
		if w := send(t, p, "POST", HybridFlow+"server/authenticated", bearer(t, p, orgA), []byte("{}")); w.Code != 400 || !strings.Contains(w.Body.String(), "Report Invalid") {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
		if w := send(t, p, "POST", HybridFlow+"server/authenticated", bearer(t, p, orgA), []byte("[]")); w.Code != 200 {
			t.Errorf("an empty list of events got %d", w.Code)
		}
	})
	t.Run("too many requests", func(t *testing.T) {
		p := start(t, Config{Rate: 3})
		token := bearer(t, p, orgA)
		for i := range 4 {
			w := send(t, p, "POST", privatePath, token, encode(t, []object{clientReport(i)}))
			if want := []int{200, 200, 200, 429}[i]; w.Code != want {
				t.Errorf("request %d got %d", i, w.Code)
			}
		}
		if w := send(t, p, "GET", privatePath+interactionID(0), token, nil); w.Code != 429 || w.Body.String() != `{"message":"Too Many Requests"}` {
			t.Errorf("a read beyond the rate got %d %s", w.Code, w.Body)
		}
	})
	t.Run("unknown places", func(t *testing.T) {
		p := start(t, Config{})
		for _, path := range []string{"/", "/report-api/v2/report", "/token/"} {
			if w := send(t, p, "POST", path, bearer(t, p, orgA), nil); w.Code != 404 {
				t.Errorf("%s got %d", path, w.Code)
			}
		}
	})
}
