// Package cli is the command line: the verbs of the binary, their exit codes and their hints.
//
// It promises that nothing but a reached verdict "pass" makes `run` return 0, that every error a user
// can cause says what to try next, once, and that whatever is printed is also a field of the JSON form.
// It starts ecosystems through [World] and judges through package suites, and decides nothing itself.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/journal"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/check"
)

// Ecosystem is a running world.
type Ecosystem interface {
	// TargetFile is the target file that describes the ecosystem to the judge.
	TargetFile() string
	// Ready is the content of the ready file.
	Ready() any
	// Close ends everything that was started.
	Close() error
}

// StartOptions say which world to start.
type StartOptions struct {
	Dir      string // where keys and state are kept; "" keeps nothing
	PortBase int    // 0 takes free ports
	Seed     int64
	Defects  []string // armed once it stands
	Core     string   // the core behind the bank: "" in process, "http" across HTTP, or a connector's address
	Database string   // PostgreSQL URL of the bank's records; "" is SQLite in Dir, or memory
	Events   string   // URL of a NATS server for the bank's events; "" embeds one
	Release  string   // of the metrics platform's texts; "" is the current one
	Shout    bool     // every answer names the armed defects
	Reports  int      // how many reports the metrics platform remembers; 0 is its own measure
	Journal  int      // bytes of the record of exchanges; 0 is its own measure, less keeps none
	Log      *slog.Logger
}

// World is what the command line needs of the rest: how to start an ecosystem, and what there is in it.
type World struct {
	Start    func(context.Context, StartOptions) (Ecosystem, error)
	Defects  func() []fault.Defect // the whole catalogue, generated rows included
	Variants func() []fault.Defect // the control group: odd, but conformant
	Rules    func() []rule.Info
	Checks   func() []check.Check // nil means [suites.All]
	// Frame runs the checks of `run`; nil means inside Ginkgo.
	Frame suites.Frame
	// Executable names the program that child processes run; "" is this one. Child arguments come first.
	Executable string
	Arguments  []string
}

func (w World) checks() []check.Check {
	if w.Checks != nil {
		return w.Checks()
	}
	return suites.All()
}

func (w World) defects() []fault.Defect {
	if w.Defects == nil {
		return nil
	}
	return w.Defects()
}

func (w World) variants() []fault.Defect {
	if w.Variants == nil {
		return nil
	}
	return w.Variants()
}

func (w World) rules() []rule.Info {
	if w.Rules == nil {
		return nil
	}
	return w.Rules()
}

// app is one invocation.
type app struct {
	world  World
	in     io.Reader
	out    io.Writer
	err    io.Writer
	colour bool
	wide   bool // a person watches: lines may be rewritten

	asJSON  bool
	printed bool // the JSON document of this invocation is out: there is one, and trouble after it goes to err
	quiet   bool
	verbose int
	noColor bool
	seed    int64
	timeout time.Duration
	outDir  string
	target  string
}

// Main runs the command line of the process, and returns its exit code.
func Main(args []string, w World) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	return Run(ctx, args, w, os.Stdin, os.Stdout, os.Stderr)
}

// Run executes one command line and returns its exit code.
func Run(ctx context.Context, args []string, w World, in io.Reader, out, errOut io.Writer) int {
	a := &app{world: w, in: in, out: out, err: errOut}
	root := a.root()
	a.asJSON = slices.Contains(args, "--json") // also where no command is found to read it
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	return a.exit(ctx, err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "ensaio",
		Short: "A rehearsal of Open Finance Brasil: a whole ecosystem, and the judge that examines it",
		Long: `Ensaio is a whole Open Finance Brasil ecosystem in one binary, and the judge that examines it.

  ensaio run                      start an ecosystem and judge it
  ensaio run -t target.yaml       judge an environment of yours
  ensaio up                       start an ecosystem and leave it running

A rehearsal, not a certification.`,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := environment(cmd.Flags()); err != nil {
				return err
			}
			a.prepare()
			return nil
		},
	}
	f := root.PersistentFlags()
	f.BoolVar(&a.asJSON, "json", false, "print the machine form")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print the last line only")
	f.CountVarP(&a.verbose, "verbose", "v", "say more; twice for every exchange")
	f.BoolVar(&a.noColor, "no-color", false, "no colours")
	f.Int64Var(&a.seed, "seed", 1, "the number from which all repeatable choices derive")
	f.DurationVar(&a.timeout, "timeout", 0, "end everything after this time")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(err, "see '%s --help'", cmd.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(a.upCommand(), a.runCommand(), a.loadCommand(), a.proveCommand(), a.workerCommand(), a.doctorCommand(), a.listCommand(),
		a.explainCommand(), a.reportCommand(), a.defectCommand(), a.clockCommand(), a.versionCommand())
	return root
}

// environment lets ENSAIO_<FLAG> stand for a flag that was not given.
func environment(flags *pflag.FlagSet) error {
	var bad error
	flags.VisitAll(func(f *pflag.Flag) {
		name := "ENSAIO_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, set := os.LookupEnv(name)
		if !set || f.Changed || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil && bad == nil {
			bad = usage(fmt.Errorf("environment variable %s: %w", name, err), "unset it or give --%s", f.Name)
		}
	})
	return bad
}

func (a *app) prepare() {
	file, isFile := a.out.(*os.File)
	terminal := false
	if isFile {
		if st, err := file.Stat(); err == nil {
			terminal = st.Mode()&os.ModeCharDevice != 0
		}
	}
	_, refuses := os.LookupEnv("NO_COLOR")
	a.colour = terminal && !a.noColor && !refuses
	a.wide = terminal && os.Getenv("CI") == ""
}

// log is where the ecosystem's own log goes: nowhere unless asked for.
func (a *app) log() *slog.Logger {
	level := slog.LevelWarn
	switch {
	case a.verbose >= 2:
		level = slog.LevelDebug
	case a.verbose == 1:
		level = slog.LevelInfo
	}
	if a.verbose == 0 {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level, ReplaceAttr: journal.Guard}))
}

// bounded applies --timeout.
func (a *app) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.timeout > 0 {
		return context.WithTimeout(ctx, a.timeout)
	}
	return context.WithCancel(ctx)
}

func (a *app) printf(format string, args ...any) { _, _ = fmt.Fprintf(a.out, format, args...) }

// none refuses arguments with a hint.
func none(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(fmt.Errorf("%s takes no argument %q", cmd.CommandPath(), args[0]), "see '%s --help'", cmd.CommandPath())
	}
	return nil
}

var errNoWorld = errors.New("this build cannot start an ecosystem")

func (a *app) start(ctx context.Context, o StartOptions) (Ecosystem, error) {
	if a.world.Start == nil {
		return nil, &Exit{Code: CodeUsage, Err: errNoWorld, Hint: "give a target file with -t"}
	}
	if o.Log == nil {
		o.Log = a.log()
	}
	e, err := a.world.Start(ctx, o)
	if err != nil {
		var exit *Exit
		if errors.As(err, &exit) {
			return nil, err
		}
		return nil, &Exit{Code: CodeNotReady, Err: err, Hint: "try again with -v to see its log"}
	}
	return e, nil
}
