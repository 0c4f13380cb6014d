package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/ensaio/ensaio/platform/store"
)

func TestMain(m *testing.M) {
	if crashed() {
		return
	}
	goleak.VerifyTestMain(m)
}

// TestConformance holds every engine to the same sentences.
func TestConformance(t *testing.T) {
	t.Run("memory", func(t *testing.T) { conform(t, func(*testing.T) string { return "" }, false) })
	t.Run("sqlite", func(t *testing.T) {
		conform(t, func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "deep", "store.db") }, true)
	})
	t.Run("postgres", func(t *testing.T) {
		dsn := postgresDSN(t)
		var n atomic.Int64
		conform(t, func(t *testing.T) string { return ownSchema(t, dsn, int(n.Add(1))) }, true)
	})
}

func ownSchema(t *testing.T, dsn string, n int) string {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE SCHEMA " + schema(n)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db, err := sql.Open("pgx", dsn)
		if err == nil {
			db.Exec("DROP SCHEMA " + schema(n) + " CASCADE")
			db.Close()
		}
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema(n))
	u.RawQuery = q.Encode()
	return u.String()
}

func conform(t *testing.T, fresh func(*testing.T) string, durable bool) {
	ctx := context.Background()
	open := func(t *testing.T, url string) *store.Store {
		t.Helper()
		s, err := store.Open(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	ids := func(t *testing.T, s *store.Store, kind string) (out []string) {
		t.Helper()
		if err := s.Each(ctx, kind, func(r store.Record) error { out = append(out, r.ID+"="+string(r.Body)); return nil }); err != nil {
			t.Fatal(err)
		}
		return out
	}

	t.Run("keeps the last word on each record", func(t *testing.T) {
		s := open(t, fresh(t))
		must(t, s.Commit(ctx, store.Put("consent", "b", 1), store.Put("consent", "a", "é\u0000"), store.Put("client", "a", 3)))
		must(t, s.Commit(ctx, store.Put("consent", "b", 2), store.Put("consent", "gone", 1), store.Delete("consent", "gone"), store.Delete("consent", "never")))
		want(t, ids(t, s, "consent"), `a="é\u0000"`, "b=2")
		want(t, ids(t, s, "client"), "a=3")
		want(t, ids(t, s, "nothing"))
		must(t, s.Commit(ctx, store.Delete("consent", "a"), store.Put("consent", "B", 4)))
		want(t, ids(t, s, "consent"), "B=4", "b=2")
	})

	t.Run("tells events once and in order, numbered without reuse", func(t *testing.T) {
		s := open(t, fresh(t))
		told := s.Told()
		for i := range 5 {
			must(t, s.Commit(ctx, store.Emit("payment.settled", fmt.Sprint(i), int64(i), map[string]int{"n": i})))
		}
		<-told
		all, err := s.Events(ctx, 0, 10)
		must(t, err)
		if len(all) != 5 {
			t.Fatalf("got %d events, want 5", len(all))
		}
		for i, e := range all {
			if e.ID != fmt.Sprint(i) || e.Type != "payment.settled" || e.At != int64(i) || string(e.Data) != fmt.Sprintf(`{"n":%d}`, i) || (i > 0 && e.Seq <= all[i-1].Seq) {
				t.Fatalf("event %d came as %+v", i, e)
			}
		}
		rest, err := s.Events(ctx, all[1].Seq, 2)
		must(t, err)
		if len(rest) != 2 || rest[0].ID != "2" {
			t.Fatalf("after the second event got %+v", rest)
		}
		must(t, s.Prune(ctx, all[4].Seq))
		must(t, s.Commit(ctx, store.Emit("payment.settled", "next", 9, nil)))
		next, err := s.Events(ctx, 0, 10)
		must(t, err)
		if len(next) != 1 || next[0].Seq != all[4].Seq+1 {
			t.Fatalf("after pruning got %+v", next)
		}
	})

	t.Run("commits wholly or not at all", func(t *testing.T) {
		s := open(t, fresh(t))
		bad := store.Op{Put: &store.Record{Key: store.Key{Kind: "consent", ID: "x"}, Body: json.RawMessage("{")}}
		for _, ops := range [][]store.Op{{store.Put("consent", "a", 1), bad}, {store.Put("consent", "a", 1), {}}, {store.Put("consent", "", 1)}} {
			if err := s.Commit(ctx, ops...); !errors.Is(err, store.ErrOp) {
				t.Fatalf("got %v", err)
			}
		}
		want(t, ids(t, s, "consent"))
	})

	t.Run("shares transactions among concurrent commits", func(t *testing.T) {
		s := open(t, fresh(t))
		var wg sync.WaitGroup
		for w := range 32 {
			wg.Go(func() {
				for i := range 8 {
					if err := s.Commit(ctx, store.Put("n", fmt.Sprintf("%d-%d", w, i), i), store.Emit("n", "x", 0, nil)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := len(ids(t, s, "n")); n != 256 {
			t.Fatalf("found %d of 256 records", n)
		}
		events, err := s.Events(ctx, 0, 1000)
		must(t, err)
		if len(events) != 256 {
			t.Fatalf("found %d of 256 events", len(events))
		}
		if st := s.Stats(); st.Commits != 256 || st.Failed != 0 || st.Groups > 256 {
			t.Fatalf("counted %+v", st)
		}
	})

	t.Run("lets a reader commit what it reads", func(t *testing.T) {
		s := open(t, fresh(t))
		must(t, s.Commit(ctx, store.Put("n", "a", 1), store.Put("n", "b", 1)))
		must(t, s.Each(ctx, "n", func(r store.Record) error { return s.Commit(ctx, store.Put("n", r.ID, 2)) }))
		want(t, ids(t, s, "n"), "a=2", "b=2")
		stop := errors.New("enough")
		if err := s.Each(ctx, "n", func(store.Record) error { return stop }); !errors.Is(err, stop) {
			t.Fatalf("got %v", err)
		}
	})

	t.Run("refuses everything once closed", func(t *testing.T) {
		s := open(t, fresh(t))
		must(t, s.Close())
		must(t, s.Close())
		_, err := s.Events(ctx, 0, 1)
		for _, err := range []error{err, s.Commit(ctx, store.Put("a", "b", 1)), s.Prune(ctx, 1), s.Each(ctx, "a", nil)} {
			if !errors.Is(err, store.ErrClosed) {
				t.Fatalf("got %v", err)
			}
		}
	})

	if !durable {
		return
	}
	t.Run("finds everything again", func(t *testing.T) {
		url := fresh(t)
		s := open(t, url)
		must(t, s.Commit(ctx, store.Put("consent", "a", 1), store.Emit("consent.created", "a", 7, nil)))
		must(t, s.Close())
		s = open(t, url)
		want(t, ids(t, s, "consent"), "a=1")
		must(t, s.Commit(ctx, store.Emit("consent.created", "b", 8, nil)))
		events, err := s.Events(ctx, 0, 10)
		must(t, err)
		if len(events) != 2 || events[1].Seq != events[0].Seq+1 {
			t.Fatalf("got %+v", events)
		}
		all, err := store.Load[int](ctx, s, "consent")
		must(t, err)
		if all["a"] != 1 {
			t.Fatalf("loaded %v", all)
		}
	})
}

func TestSQLiteFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := store.Open(context.Background(), "sqlite:"+path)
	must(t, err)
	defer s.Close()
	must(t, s.Commit(context.Background(), store.Put("a", "b", 1)))
	files, err := filepath.Glob(path + "*")
	must(t, err)
	for _, f := range files {
		info, err := os.Stat(f)
		must(t, err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", f, info.Mode())
		}
	}
}

func TestOpenRefusesAnUnknownAddress(t *testing.T) {
	for _, url := range []string{"mysql://x", "sqlite:", "/tmp/x"} {
		if s, err := store.Open(context.Background(), url); err == nil {
			s.Close()
			t.Errorf("opened %q", url)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}
