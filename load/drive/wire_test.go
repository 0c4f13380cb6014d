package drive

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/suites/target"
)

// server answers as a read of data does in size, over TLS with both protocols.
func server(t testing.TB, answer http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(answer)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s, roots
}

func wireTo(t testing.TB, s *httptest.Server, roots *x509.CertPool, h2 bool) (*wire, *url.URL) {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(u.Host, ":")
	w := newWire(&target.Target{Hosts: map[string]string{"example.com": "127.0.0.1"}}, roots, nil, clock.New(), 64, h2)
	t.Cleanup(w.close)
	u.Host = "example.com:" + port // a name of the test server's certificate, reached by the hosts map
	return w, u
}

func TestARequestGoesWhereTheTargetFileSays(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		s, roots := server(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Seen", r.Proto+" "+r.Host+" "+r.Header.Get("X-Fapi-Interaction-Id")+" "+string(body))
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"data":1}`))
		})
		w, u := wireTo(t, s, roots, h2)
		a, err := w.send(t.Context(), clock.New(), "POST", u, http.Header{"X-Fapi-Interaction-Id": {"id"}}, []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{false: "HTTP/1.1 ", true: "HTTP/2.0 "}[h2] + u.Host + " id hello"
		if a.status != 201 || a.header.Get("Seen") != want || a.body.String() != `{"data":1}` || a.took <= 0 {
			t.Errorf("%d %q %q, want %q", a.status, a.header.Get("Seen"), a.body, want)
		}
		a.release()
	}
}

func TestATargetThatNobodyCertifiesGetsNothing(t *testing.T) {
	asked := atomic.Bool{}
	s, _ := server(t, func(http.ResponseWriter, *http.Request) { asked.Store(true) })
	s.Config.ErrorLog = nil
	w, u := wireTo(t, s, x509.NewCertPool(), false)
	if _, err := w.send(t.Context(), clock.New(), "GET", u, http.Header{}, nil); err == nil || asked.Load() {
		t.Errorf("got %v", err)
	}
}

// One connection for each request under way beside one that all of them share, in turns.
func BenchmarkWire(b *testing.B) {
	body := []byte(`{"data":[` + strings.Repeat(`{"accountId":"92792126019929279212650822221989319252576"},`, 20) + `{}]}`)
	s, roots := server(b, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	one, u := wireTo(b, s, roots, false)
	two, _ := wireTo(b, s, roots, true)
	turn := func(w *wire, n int) time.Duration {
		var next atomic.Int64
		var all sync.WaitGroup
		clk := clock.New()
		began := clk.Now()
		for range 32 {
			all.Go(func() {
				for next.Add(1) <= int64(n) {
					a, err := w.send(context.Background(), clk, "GET", u, http.Header{"Accept": {"application/json"}}, nil)
					if err != nil || a.status != 200 {
						b.Error(err, a.status)
						return
					}
					a.release()
				}
			})
		}
		all.Wait()
		return clk.Now().Sub(began)
	}
	turn(one, 100)
	turn(two, 100)
	var h1, h2 time.Duration
	b.ResetTimer()
	for done := 0; done < b.N; done += 200 {
		n := min(200, b.N-done)
		h1 += turn(one, n)
		h2 += turn(two, n)
	}
	b.ReportMetric(float64(b.N)/h1.Seconds(), "h1-req/s")
	b.ReportMetric(float64(b.N)/h2.Seconds(), "h2-req/s")
	b.ReportMetric(h2.Seconds()/h1.Seconds(), "h1/h2")
}

func TestLoadGoesToNoHostThatTheTargetFileDoesNotName(t *testing.T) {
	s := &Source{target: &target.Target{Hosts: map[string]string{"matls.banco.example": "127.0.0.1:8443"}, Bank: target.Bank{Discovery: "https://auth.banco.example/.well-known/openid-configuration"}}}
	for address, named := range map[string]bool{"https://auth.banco.example/token": true, "https://matls.banco.example:8443/token": true, "": true,
		"https://auth.banco.example.evil.example/token": false, "https://127.0.0.1/token": false} {
		if err := s.named(address); (err == nil) != named {
			t.Errorf("%s: %v", address, err)
		}
	}
}
