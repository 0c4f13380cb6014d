package store

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// TestFullDiskAcknowledgesNothing fills the database to its limit, as a full disk would.
func TestFullDiskAcknowledgesNothing(t *testing.T) {
	ctx := context.Background()
	s, err := Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := s.engine.(*database)
	d.db.SetMaxOpenConns(1) // the limit belongs to a connection
	if _, err := d.db.Exec("PRAGMA max_page_count = 40"); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 8000)
	kept := 0
	for ; kept < 100; kept++ {
		if err = s.Commit(ctx, Put("n", string(rune('a'+kept)), big), Emit("n", "x", 0, nil)); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "full") || !strings.HasPrefix(err.Error(), "commit: ") {
		t.Fatalf("after %d commits: %v", kept, err)
	}
	found, err := Load[string](ctx, s, "n")
	if err != nil || len(found) != kept {
		t.Fatalf("found %d of %d acknowledged records: %v", len(found), kept, err)
	}
	events, err := s.Events(ctx, 0, 100)
	if err != nil || len(events) != kept {
		t.Fatalf("found %d of %d acknowledged events: %v", len(events), kept, err)
	}
	if _, err := d.db.Exec("PRAGMA max_page_count = 4000"); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(ctx, Put("n", "after", 1)); err != nil {
		t.Fatalf("space was made, still: %v", err)
	}
}
