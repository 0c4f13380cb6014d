package relay

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/ensaio/ensaio/platform/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func start(t *testing.T, cfg Config) *Relay {
	t.Helper()
	cfg.Source = "urn:ensaio:test"
	r, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func emit(t *testing.T, s *store.Store, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		if err := s.Commit(t.Context(), store.Emit("consent.authorised", fmt.Sprintf("urn:bancoensaio:%d", i), 1_700_000_000_123, map[string]int{"n": i})); err != nil {
			t.Fatal(err)
		}
	}
}

func await(t *testing.T, r *Relay, seq int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := r.Await(ctx, seq); err != nil {
		t.Fatalf("at event %d: %v", r.Published(), err)
	}
}

// read returns the ids in the stream and its last message.
func read(t *testing.T, r *Relay) (ids []string, last *jetstream.RawStreamMsg) {
	t.Helper()
	conn, err := r.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "ENSAIO")
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
		if last, err = stream.GetMsg(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, last.Header.Get("ce-id"))
	}
	return ids, last
}

func TestEventsArriveOnceAndInOrder(t *testing.T) {
	for _, place := range []string{"memory", "disk"} {
		t.Run(place, func(t *testing.T) {
			s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"))
			dir := ""
			if place == "disk" {
				dir = t.TempDir()
			}
			emit(t, s, 1, 3)
			r := start(t, Config{Store: s, Dir: dir})
			emit(t, s, 4, 600)
			await(t, r, 600)
			ids, last := read(t, r)
			if len(ids) != 600 || ids[0] != "1" || ids[599] != "600" {
				t.Fatalf("the stream holds %d events", len(ids))
			}
			h := last.Header
			if h.Get("ce-specversion") != "1.0" || h.Get("ce-type") != "consent.authorised" || h.Get("ce-source") != "urn:ensaio:test" ||
				h.Get("ce-subject") != "urn:bancoensaio:600" || h.Get("ce-time") != "2023-11-14T22:13:20.123Z" || last.Subject != "ENSAIO.consent.authorised" {
				t.Errorf("got %s %v", last.Subject, h)
			}
			var data struct{ N int }
			if err := json.Unmarshal(last.Data, &data); err != nil || data.N != 600 {
				t.Errorf("got %s", last.Data)
			}
			if place == "memory" {
				return
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			emit(t, s, 601, 605)
			r = start(t, Config{Store: s, Dir: dir})
			await(t, r, 605)
			if ids, _ := read(t, r); len(ids) != 605 || ids[604] != "605" {
				t.Errorf("after a restart the stream holds %d events", len(ids))
			}
		})
	}
}

func TestAnExternalBrokerMayComeLater(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	s := open(t, "")
	emit(t, s, 1, 5)
	r := start(t, Config{Store: s, URL: fmt.Sprintf("nats://127.0.0.1:%d", port)})
	broker, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	t.Cleanup(func() { broker.Shutdown(); broker.WaitForShutdown() })
	await(t, r, 5)
	if ids, _ := read(t, r); strings.Join(ids, ",") != "1,2,3,4,5" {
		t.Errorf("got %v", ids)
	}
	r.Close()
}

func TestPublishedEventsLeaveTheStore(t *testing.T) {
	s := open(t, "")
	r := start(t, Config{Store: s, Keep: 10})
	emit(t, s, 1, 35)
	await(t, r, 35)
	emit(t, s, 36, 40)
	await(t, r, 40)
	r.Close()
	left, err := s.Events(t.Context(), 0, 100)
	if err != nil || len(left) > 25 || len(left) < 10 {
		t.Errorf("%d events are left: %v", len(left), err)
	}
}

// BenchmarkEmbeddedBroker measures what starting the embedded broker adds to the resident memory.
func BenchmarkEmbeddedBroker(b *testing.B) {
	for b.Loop() {
		s, err := store.Open(b.Context(), "")
		if err != nil {
			b.Fatal(err)
		}
		before := resident(b)
		r, err := Start(Config{Store: s, Source: "urn:ensaio:test"})
		if err != nil {
			b.Fatal(err)
		}
		for i := range 10_000 {
			if err := s.Commit(b.Context(), store.Emit("consent.authorised", "x", 0, i)); err != nil {
				b.Fatal(err)
			}
		}
		if err := r.Await(b.Context(), 10_000); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(resident(b)-before)/1024, "added-MB")
		r.Close()
		s.Close()
	}
}

func resident(b *testing.B) int {
	b.Helper()
	f, err := os.Open("/proc/self/status")
	if err != nil {
		b.Skip("resident memory is only known on Linux")
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kb int
		if n, _ := fmt.Sscanf(lines.Text(), "VmRSS: %d kB", &kb); n == 1 {
			return kb
		}
	}
	return 0
}
