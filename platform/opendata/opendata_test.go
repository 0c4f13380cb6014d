package opendata_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/opendata"
	"github.com/ensaio/ensaio/sim/spec"
)

var (
	since  = time.Date(2026, 3, 2, 12, 0, 0, 500_000_000, time.UTC)
	brands = []opendata.Brand{{Name: "Banco Ensaio", Company: "Banco Ensaio S.A.", CNPJ: "99999004000192"}, {Name: "Ensaio Digital", Company: "Banco Ensaio S.A.", CNPJ: "99999004000192"}}
)

func server(t testing.TB) *opendata.Server {
	t.Helper()
	s, err := opendata.New(opendata.Config{Brands: brands, Since: since})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(t testing.TB, s *opendata.Server, id, query string, header ...string) (*call.Answer, error) {
	t.Helper()
	o := spec.Find(id)
	if o == nil {
		t.Fatalf("no operation %s", id)
	}
	r := httptest.NewRequest(o.Method, o.FullPath()+query, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return s.Handle(t.Context(), &call.Call{Operation: o, Request: r, Base: "https://api.banco-ensaio.test", Now: since.Add(90 * time.Second)})
}

func operations() []*spec.Operation {
	var all []*spec.Operation
	for _, o := range spec.Operations() {
		if o.API.OpenData {
			all = append(all, o)
		}
	}
	return all
}

type body struct {
	Data  []map[string]any
	Links map[string]string
	Meta  struct{ TotalRecords, TotalPages int }
}

func read(t testing.TB, a *call.Answer) body {
	t.Helper()
	var b body
	if err := json.Unmarshal(a.Body, &b); err != nil {
		t.Fatalf("%v: %.200s", err, a.Body)
	}
	return b
}

// TestEveryAnswerIsTheContracts reads every page of every list, of several sizes, and holds it against the
// contract, where no member may be missing or too many.
func TestEveryAnswerIsTheContracts(t *testing.T) {
	s, all := server(t), operations()
	if len(all) != 30 {
		t.Errorf("%d operations", len(all))
	}
	for _, o := range all {
		described, err := o.Described()
		if err != nil {
			t.Fatal(err)
		}
		schema := described.Responses.Value("200").Value.Content.Get("application/json").Schema.Value
		for _, size := range []int{1, 3, 25, 1000} {
			t.Run(fmt.Sprintf("%s by %d", o.ID, size), func(t *testing.T) {
				seen, pages := map[string]bool{}, 1
				total := 0
				for n := 1; n <= pages; n++ {
					a, err := ask(t, s, o.ID, fmt.Sprintf("?page=%d&page-size=%d", n, size))
					if err != nil {
						t.Fatal(err)
					}
					var value any
					if err := json.Unmarshal(a.Body, &value); err != nil {
						t.Fatal(err)
					}
					if err := schema.VisitJSON(value, openapi3.SetSchemaRegexCompiler(spec.CompilePattern), openapi3.VisitAsResponse(), openapi3.MultiErrors()); err != nil {
						t.Fatalf("page %d: %v", n, err)
					}
					if alien := unknown(schema, value, ""); alien != "" {
						t.Fatalf("page %d: %s is not in the contract", n, alien)
					}
					b := read(t, a)
					total, pages = b.Meta.TotalRecords, b.Meta.TotalPages
					for _, r := range b.Data {
						text, _ := json.Marshal(r) // it was JSON
						if seen[string(text)] {
							t.Fatalf("page %d repeats %.300s", n, text)
						}
						seen[string(text)] = true
						if p, _ := r["participant"].(map[string]any); p["brand"] == "" || p["name"] != "Banco Ensaio S.A." || p["cnpjNumber"] != "99999004000192" {
							t.Fatalf("participant %v", r["participant"])
						}
					}
					for _, name := range []string{"first", "prev"} {
						if has := b.Links[name] != ""; has != (n > 1) {
							t.Errorf("page %d of %d: link %s %q", n, pages, name, b.Links[name])
						}
					}
					for _, name := range []string{"next", "last"} {
						if has := b.Links[name] != ""; has != (n < pages) {
							t.Errorf("page %d of %d: link %s %q", n, pages, name, b.Links[name])
						}
					}
					if want := fmt.Sprintf("https://api.banco-ensaio.test%s?page=%d&page-size=%d", o.FullPath(), n, size); b.Links["self"] != want {
						t.Errorf("self is %s", b.Links["self"])
					}
				}
				if len(seen) != total || total == 0 || pages != (total+size-1)/size {
					t.Errorf("%d records on %d pages, %d told", len(seen), pages, total)
				}
			})
		}
	}
}

// unknown finds a member that the schema does not know.
func unknown(s *openapi3.Schema, value any, at string) string {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			p := s.Properties[name]
			if p == nil {
				return at + "/" + name
			}
			if found := unknown(p.Value, member, at+"/"+name); found != "" {
				return found
			}
		}
	case []any:
		for _, item := range v {
			if found := unknown(s.Items.Value, item, at+"/[]"); found != "" {
				return found
			}
		}
	}
	return ""
}

func TestEveryBrandOffersSomethingEverywhere(t *testing.T) {
	s := server(t)
	for _, o := range operations() {
		a, err := ask(t, s, o.ID, "?page-size=1000")
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range brands {
			if !bytes.Contains(a.Body, []byte(`"brand":"`+b.Name+`"`)) {
				t.Errorf("%s: nothing of %s", o.ID, b.Name)
			}
		}
	}
	if _, err := opendata.New(opendata.Config{Since: since}); err == nil {
		t.Error("an institution without brands offers something")
	}
	one, err := opendata.New(opendata.Config{Brands: brands[:1], Since: since})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := ask(t, one, "channels.branches", "?page-size=1000"); err != nil || bytes.Contains(a.Body, []byte("Digital")) {
		t.Error("a brand that does not exist offers something", err)
	}
}

func TestImpossiblePagesAreRefused(t *testing.T) {
	s := server(t)
	for query, want := range map[string]int{
		"?page=0": 400, "?page=-1": 400, "?page=x": 400, "?page=99999999999": 400, "?page-size=0": 400, "?page-size=1001": 400, "?page-size=two": 400,
		"?page=1000": 404, "?page=2&page-size=1000": 404, "?page=2147483647&page-size=1000": 404,
	} {
		_, err := ask(t, s, "exchange.vet-values", query)
		var p *call.Problem
		if !errors.As(err, &p) || p.Status != want || len(p.Items) != 1 {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestBodiesAreSqueezedOnlyForWhoTakesIt(t *testing.T) {
	s := server(t)
	plain, err := ask(t, s, "channels.branches", "")
	if err != nil {
		t.Fatal(err)
	}
	for accept, want := range map[string]bool{
		"": false, "identity": false, "gzip": true, "GZIP;q=0.5": true, "gzip;q=0": false, "br, gzip": true, "*": true, "*;q=0": false,
		"gzip;q=0, *": false, "deflate": false, "gzip ; q = 0.000": false, "notgzip": false,
	} {
		a, err := ask(t, s, "channels.branches", "", "Accept-Encoding", accept)
		if err != nil {
			t.Fatal(err)
		}
		if a.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: vary %q", accept, a.Header.Get("Vary"))
		}
		body := a.Body
		if got := a.Header.Get("Content-Encoding"); (got == "gzip") != want || got != "" && got != "gzip" {
			t.Errorf("%q: content-encoding %q", accept, got)
		} else if want {
			r, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
			if len(a.Body)*4 > len(body) {
				t.Errorf("%d bytes squeezed to %d", len(body), len(a.Body))
			}
		}
		if !bytes.Equal(body, plain.Body) {
			t.Errorf("%q: another body", accept)
		}
	}
}

func TestWhoHasTheNewestIsToldOnlyThat(t *testing.T) {
	s := server(t)
	published, quoted := since.Truncate(time.Second), since.Add(90*time.Second).Truncate(time.Minute)
	for id, modified := range map[string]time.Time{"channels.branches": published, "exchange.online-rates": quoted} {
		for name, row := range map[string]struct {
			has    string
			status int
		}{
			"the same": {modified.Format(http.TimeFormat), 304}, "newer": {modified.Add(time.Hour).Format(http.TimeFormat), 304},
			"older": {modified.Add(-time.Second).Format(http.TimeFormat), 200}, "nonsense": {"yesterday", 200}, "nothing": {"", 200},
		} {
			a, err := ask(t, s, id, "", "If-Modified-Since", row.has, "Accept-Encoding", "gzip")
			if err != nil {
				t.Fatal(err)
			}
			if a.Status != row.status || a.Header.Get("Last-Modified") != modified.Format(http.TimeFormat) || (len(a.Body) == 0) != (a.Status == 304) {
				t.Errorf("%s, has %s: %d, last modified %s, %d bytes", id, name, a.Status, a.Header.Get("Last-Modified"), len(a.Body))
			}
		}
	}
	a, err := ask(t, s, "exchange.online-rates", "?page-size=1000")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range read(t, a).Data {
		if r["valueUpdateDateTime"] != call.Time(quoted) {
			t.Fatalf("quoted at %v", r["valueUpdateDateTime"])
		}
	}
}

// TestManyWaysToCutAList asks for more different pages than are kept, by many at once.
func TestManyWaysToCutAList(t *testing.T) {
	s := server(t)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for size := 1; size <= 200; size++ {
				a, err := ask(t, s, []string{"channels.branches", "exchange.online-rates"}[w%2], fmt.Sprintf("?page-size=%d", size))
				if err != nil || !strings.Contains(string(a.Body), fmt.Sprintf("page-size=%d\"", size)) {
					t.Errorf("size %d: %v", size, err)
					return
				}
				for n := 2; n <= 3 && size < 10; n++ {
					if _, err := ask(t, s, "channels.branches", fmt.Sprintf("?page=%d&page-size=%d", n, size)); err != nil {
						t.Errorf("page %d of size %d: %v", n, size, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestAnOperationOfNobodysIsNotFound(t *testing.T) {
	_, err := ask(t, server(t), "accounts.list", "")
	var p *call.Problem
	if !errors.As(err, &p) || p.Status != 404 {
		t.Error(err)
	}
}

// BenchmarkPage tells what a call costs whose page was asked for before, plain and squeezed, beside one
// whose page nobody asked for yet.
func BenchmarkPage(b *testing.B) {
	o := spec.Find("channels.branches")
	for _, kind := range []string{"kept", "kept, squeezed", "new"} {
		b.Run(kind, func(b *testing.B) {
			s := server(b)
			c := &call.Call{Operation: o, Request: httptest.NewRequest(o.Method, o.FullPath(), nil), Base: "https://api.banco-ensaio.test", Now: since}
			if strings.HasSuffix(kind, "squeezed") {
				c.Request.Header.Set("Accept-Encoding", "gzip")
			}
			for b.Loop() {
				if kind == "new" {
					s.Forget()
				}
				if _, err := s.Handle(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzCalls asks for pages and encodings that nobody thought of: an answer is whole, or a refusal that
// these contracts know.
func FuzzCalls(f *testing.F) {
	s := server(f)
	for _, seed := range []struct{ query, accept, since string }{
		{"page=1&page-size=3", "gzip;q=1", "Sun, 22 Nov 2026 00:00:00 GMT"}, {"page=0;page-size=9", ";;q=,gzip;q=x", "1"}, {"page-size=%", "*;q=0.0, gzip", ""},
	} {
		f.Add(seed.query, seed.accept, seed.since)
	}
	o := spec.Find("exchange.online-rates")
	f.Fuzz(func(t *testing.T, query, accept, since string) {
		r := httptest.NewRequest(o.Method, o.FullPath(), nil)
		r.URL.RawQuery = query
		r.Header["Accept-Encoding"], r.Header["If-Modified-Since"] = []string{accept}, []string{since}
		a, err := s.Handle(t.Context(), &call.Call{Operation: o, Request: r, Base: "https://api.banco-ensaio.test", Now: time.Date(2026, 3, 2, 13, 0, 0, 0, time.UTC)})
		var p *call.Problem
		switch {
		case errors.As(err, &p) && (p.Status == 400 || p.Status == 404):
		case err != nil:
			t.Fatal(err)
		case a.Status == 304 && len(a.Body) == 0:
		case a.Status != 200:
			t.Fatalf("status %d", a.Status)
		case a.Header.Get("Content-Encoding") == "" && !json.Valid(a.Body):
			t.Fatalf("%.100q", a.Body)
		case a.Header.Get("Content-Encoding") == "gzip" && !bytes.HasPrefix(a.Body, []byte{0x1f, 0x8b}):
			t.Fatalf("%.100q", a.Body)
		}
	})
}
