package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/sim/file"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/target"
)

func (a *app) upCommand() *cobra.Command {
	var o StartOptions
	var ready string
	var l logFlags
	cmd := &cobra.Command{
		Use: "up", Short: "Start an ecosystem and keep it running until interrupted",
		Long: `Starts the whole ecosystem on loopback: a bank, the directory, third parties, the metrics platform and
customers. It is ready, and says so, only when a real consent journey has succeeded.`,
		Example: `  ensaio up
  ensaio up --dir ./world --port-base 8440        keys and state survive a restart
  ensaio up --ready-file ready.json               for scripts: written whole, when ready
  ensaio up --log bank.log --log-level debug      what happens, without tokens and documents
  ensaio up --pcm-release 2025D                   a metrics platform that keeps an older release
  ensaio up --defect par/accepts-missing-exp      broken on purpose`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Seed, o.Shout = a.seed, true
			log, end, err := l.open(a)
			if err != nil {
				return err
			}
			defer end()
			o.Log = log
			return a.up(cmd, o, ready)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "", "folder for keys and state; without it everything is new and forgotten")
	f.IntVar(&o.PortBase, "port-base", 0, "first of the ports to listen on; 0 takes free ones")
	f.StringVar(&o.Core, "core", "", "core behind the bank: empty is ours, \"http\" ours across its HTTP port, an address your connector")
	f.StringVar(&o.Database, "database", "", "PostgreSQL URL for the bank's records; without it SQLite in --dir, or memory")
	f.StringVar(&o.Events, "events", "", "URL of a NATS server for the bank's events; without it one is embedded")
	f.StringArrayVar(&o.Defects, "defect", nil, "arm a defect from the start (may be repeated)")
	f.StringVar(&l.file, "log", "", "write a log in JSON lines to this file, \"-\" for standard error; without it there is none")
	f.StringVar(&l.level, "log-level", "info", "least level of the log: debug, info, warn or error")
	f.Var((*mebibytes)(&o.Journal), "journal", "MiB that the record of exchanges may take; 0 keeps none")
	releaseFlag(cmd, &o.Release)
	f.StringVar(&ready, "ready-file", "", "write this file when a consent journey has succeeded")
	return cmd
}

func (a *app) up(cmd *cobra.Command, o StartOptions, ready string) error {
	ctx, cancel := a.bounded(cmd.Context())
	defer cancel()
	if ready != "" {
		if err := os.Remove(ready); err != nil && !os.IsNotExist(err) {
			return usage(fmt.Errorf("ready file: %w", err), "give a path that can be written")
		}
	}
	e, err := a.start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	if ready != "" {
		if err := writeJSON(ready, e.Ready()); err != nil {
			return usage(fmt.Errorf("ready file: %w", err), "give a path that can be written")
		}
		defer func() { _ = os.Remove(ready) }()
	}
	forget := remember(e.TargetFile())
	defer forget()
	if a.asJSON {
		if err := json.NewEncoder(a.out).Encode(e.Ready()); err != nil {
			return err
		}
	} else {
		a.welcome(e, o.Defects)
	}
	<-ctx.Done()
	if !a.quiet && !a.asJSON {
		a.printf("stopping\n")
	}
	return nil
}

func (a *app) welcome(e Ecosystem, defects []string) {
	t, err := target.Load(e.TargetFile())
	if err != nil {
		a.printf("ready · target %s\n", e.TargetFile())
		return
	}
	a.printf("%s is up · seed %d · %s\n", a.bold(t.Name), a.seed, report.Notice)
	if len(defects) > 0 {
		a.printf("%s\n", a.red("broken on purpose: "+strings.Join(defects, ", ")))
	}
	if a.quiet {
		return
	}
	a.printf("  bank       %s\n  directory  %s\n", t.Bank.Discovery, t.Directory.Participants)
	if clock := t.Capabilities.Clock; clock != "" {
		a.printf("  control    %s\n", strings.TrimSuffix(clock, "/clock"))
	}
	if screens, ok := e.(interface{ Console() string }); ok {
		a.printf("  console    %s   (open it in a browser)\n", screens.Console())
	}
	if p := t.With("ordinary"); len(p) > 0 {
		a.printf("  customer   %s / %s\n", t.Text(p[0].Username), t.Text(p[0].Password))
	}
	a.printf("\nnext, in another terminal:\n  ensaio run -t %s\n  ensaio clock advance 90d\n  ensaio defect list\n", shellPath(e.TargetFile()))
}

func shellPath(path string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && !strings.HasPrefix(rel, "..") {
			return rel
		}
	}
	return path
}

// writeJSON writes a file whole or not at all.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return file.Replace(path, append(b, '\n'), 0o600)
}

// pointer is the file that tells later commands of this user where the running ecosystem is.
func pointer() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "ensaio", "current"), nil
}

// remember notes the running ecosystem and returns what forgets it.
func remember(file string) (forget func()) {
	path, err := pointer()
	if err != nil || os.MkdirAll(filepath.Dir(path), 0o700) != nil || os.WriteFile(path, []byte(file), 0o600) != nil {
		return func() {}
	}
	return func() {
		if b, err := os.ReadFile(path); err == nil && string(b) == file {
			_ = os.Remove(path)
		}
	}
}

// running returns the target of -t, or else of the ecosystem that runs.
func (a *app) running() (*target.Target, error) {
	file := a.target
	if file == "" {
		path, err := pointer()
		if err == nil {
			var b []byte
			if b, err = os.ReadFile(path); err == nil {
				file = string(b)
			}
		}
		if err != nil {
			return nil, &Exit{Code: CodeNotReady, Err: fmt.Errorf("no ecosystem is running here"), Hint: "start one with 'ensaio up', or name a target with -t"}
		}
	}
	return a.load(file)
}

func (a *app) load(file string) (*target.Target, error) {
	t, err := target.Load(file)
	if err != nil {
		return nil, usage(err, "the format is described by 'ensaio explain target'")
	}
	return t, nil
}

func (a *app) targetFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&a.target, "target", "t", "", "target file; without it the ecosystem that runs here")
}
