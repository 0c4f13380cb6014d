package sim

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/suites/target"
)

func TestTheEcosystemIsReadyAndLeavesNothingBehind(t *testing.T) {
	started := time.Now()
	e, err := Start(t.Context(), Options{Seed: 1, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("ready after %v", time.Since(started).Round(time.Millisecond))
	files := e.files
	if _, err := os.Stat(e.TargetFile()); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(files); !os.IsNotExist(err) {
		t.Errorf("temporary files are left: %v", err)
	}
}

// stand starts an ecosystem for a test and reads the target file it wrote.
func stand(t *testing.T, seed int64) (*Ecosystem, *target.Target) {
	t.Helper()
	e, err := Start(t.Context(), Options{Seed: clock.Seed(seed)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	file, err := target.Load(e.TargetFile())
	if err != nil {
		t.Fatal(err)
	}
	return e, file
}
