package cli

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheLogOfUp(t *testing.T) {
	w := toyWorld()
	var kept int
	w.Start = func(ctx context.Context, o StartOptions) (Ecosystem, error) {
		kept = o.Journal
		o.Log.Info("hello", "cpf", "76109277673")
		o.Log.Debug("came with Bearer abcdefghijklmnop of 761.092.776-73")
		if o.Log.Enabled(ctx, slog.LevelDebug) {
			o.Log.Debug("talkative")
		}
		return startToy(ctx, o)
	}
	file := filepath.Join(t.TempDir(), "bank.log")
	for _, c := range []struct {
		args             []string
		code, kept       int
		file, err, never string
	}{
		{[]string{"up", "--timeout", "1ms", "--log", file, "--journal", "1"}, CodePass, 1 << 20, `"msg":"hello"`, "", "talkative"},
		{[]string{"up", "--timeout", "1ms", "--log", file, "--log-level", "debug", "--journal", "0"}, CodePass, -1, `"msg":"talkative"`, "", "loud"},
		{[]string{"up", "--timeout", "1ms", "--log", "-", "--log-level", "warn"}, CodePass, 0, "", "", "hello"},
		{[]string{"up", "--timeout", "1ms", "--log", "-"}, CodePass, 0, "", `"msg":"hello"`, "talkative"},
		{[]string{"up", "--timeout", "1ms"}, CodePass, 0, "", "", "hello"},
		{[]string{"up", "--log-level", "loud"}, CodeUsage, 0, "", "debug, info, warn or error", ""},
		{[]string{"up", "--log", filepath.Join(file, "no")}, CodeUsage, 0, "", "hint:", ""},
		{[]string{"up", "--journal", "much"}, CodeUsage, 0, "", "MiB", ""},
	} {
		kept = 0
		_ = os.Remove(file)
		code, _, errOut := invoke(t, w, c.args...)
		b, _ := os.ReadFile(file)
		if code != c.code || kept != c.kept ||
			!strings.Contains(string(b), c.file) || !strings.Contains(errOut, c.err) || c.never != "" && strings.Contains(string(b)+errOut, c.never) {
			t.Errorf("%v: code %d, journal %d\nlog: %s\nerror output: %s", c.args, code, kept, b, errOut)
		}
		if strings.Contains(string(b)+errOut, "76109") || strings.Contains(string(b)+errOut, "761.09") || strings.Contains(string(b)+errOut, "abcdefghijkl") {
			t.Errorf("%v: a secret is in the log: %s%s", c.args, b, errOut)
		}
	}
}
