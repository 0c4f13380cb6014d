package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/target"
)

func (a *app) doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look whether a target can be judged; change nothing",
		Long: `Looks at everything that can be looked at before a test request is sent: the file, names, TLS,
certificates, directory, metadata, keys, software statement, registration, tokens, people. A problem found here is one of
configuration or reach, never of conformance.`,
		Example: "  ensaio doctor\n  ensaio doctor -t bank.yaml --json",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := a.bounded(cmd.Context())
			defer cancel()
			t, err := a.running()
			if err != nil {
				return err
			}
			return a.doctor(ctx, t)
		},
	}
	a.targetFlag(cmd)
	return cmd
}

func (a *app) doctor(ctx context.Context, t *target.Target) error {
	findings := target.Doctor(ctx, t)
	good, broken, configuration := 0, 0, false
	for _, f := range findings {
		switch f.State {
		case target.Good:
			good++
		case target.Broken:
			broken++
			configuration = configuration || f.Configuration
		case target.NotTried:
		}
	}
	if a.asJSON {
		if err := printJSON(a.out, map[string]any{"target": t.Name, "ok": broken == 0, "findings": findings}); err != nil {
			return err
		}
	} else {
		if !a.quiet {
			for _, f := range findings {
				a.printf("%s\n", a.finding(f))
			}
			a.printf("\n")
		}
		if broken == 0 {
			a.printf("%s   %d ok: %s can be judged\n", a.green("READY"), good, t.Name)
		} else {
			a.printf("%s   %d of %d in order\n", a.red("NOT READY"), good, good+broken)
		}
	}
	if broken == 0 {
		return nil
	}
	code := CodeNotReady
	if configuration {
		code = CodeUsage
	}
	return &Exit{Code: code, Err: fmt.Errorf("%d findings", broken), Silent: true}
}

func (a *app) finding(f target.Finding) string {
	switch f.State {
	case target.Good:
		return "  " + a.green("✓") + " " + f.Name + a.dim("  "+f.Detail)
	case target.Broken:
		return "  " + a.red("✗") + " " + f.Name + "\n      cause   " + f.Cause + "\n      remedy  " + f.Remedy
	case target.NotTried:
	}
	return "  " + a.dim("– "+f.Name+"  "+f.Detail)
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print version and suite digest", Args: none,
		RunE: func(*cobra.Command, []string) error {
			checks := a.world.checks()
			v := map[string]any{"version": suites.Version, "build": suites.Build(), "suite": suites.Digest(checks), "checks": len(checks)}
			if a.asJSON {
				return printJSON(a.out, v)
			}
			a.printf("ensaio %s · suite %s · %d checks\n", suites.Build(), v["suite"], len(checks))
			return nil
		},
	}
}

// printJSON writes the machine form of a verb.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
