package sim

import (
	"log/slog"
	"os"
	"testing"
	"time"
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
