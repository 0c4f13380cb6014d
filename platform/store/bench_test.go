package store_test

import (
	"context"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/ensaio/ensaio/platform/store"
)

func BenchmarkCommit(b *testing.B) {
	for _, way := range []string{"memory", "sqlite"} {
		b.Run(way, func(b *testing.B) {
			url := ""
			if way == "sqlite" {
				url = "sqlite:" + filepath.Join(b.TempDir(), "store.db")
			}
			s, err := store.Open(context.Background(), url)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			var n atomic.Int64
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := strconv.FormatInt(n.Add(1), 10)
					if err := s.Commit(context.Background(), store.Put("consent", id, "x"), store.Emit("consent.created", id, 0, nil)); err != nil {
						b.Fatal(err)
					}
				}
			})
			st := s.Stats()
			b.ReportMetric(float64(st.Commits)/float64(st.Groups), "commits/group")
		})
	}
}
