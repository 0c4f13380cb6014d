package cli

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"

	"github.com/ensaio/ensaio/sim/journal"
)

// logFlags say where an ecosystem's log goes.
type logFlags struct{ file, level string }

// open opens the log, which nothing secret passes into. Without a file it is nil, and -v decides.
func (l logFlags) open(a *app) (log *slog.Logger, end func(), err error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.level)); err != nil {
		return nil, nil, usage(fmt.Errorf("--log-level is %q", l.level), "give debug, info, warn or error")
	}
	switch l.file {
	case "":
		return nil, func() {}, nil
	case "-":
		return slog.New(journal.Log(a.err, level)), func() {}, nil
	}
	file, err := os.OpenFile(l.file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, usage(fmt.Errorf("log: %w", err), "give a path that can be written")
	}
	return slog.New(journal.Log(file, level)), func() { _ = file.Close() }, nil
}

// mebibytes is a size as a flag: 0 there is "none" here, which options spell as less than nothing.
type mebibytes int

func (m *mebibytes) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 64<<10 {
		return fmt.Errorf("want a number of MiB, not %q", s)
	}
	if *m = mebibytes(n << 20); n == 0 {
		*m = -1
	}
	return nil
}

func (m *mebibytes) String() string {
	switch n := int(*m); {
	case n == 0:
		return strconv.Itoa(journal.DefaultBytes >> 20)
	case n < 0:
		return "0"
	default:
		return strconv.Itoa(n >> 20)
	}
}

// Type names the kind of value in the help.
func (*mebibytes) Type() string { return "MiB" }
