package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/suites/target"
)

// control calls a control surface and decodes the answer into out.
func control(ctx context.Context, t *target.Target, capability, method, path string, body, out any) error {
	base := t.Capabilities.Of(capability)
	if base == "" {
		return usage(fmt.Errorf("%s does not declare the capability %s", t.Name, capability), "only ecosystems of ours have it: 'ensaio up'")
	}
	var payload bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&payload).Encode(body); err != nil {
			return fmt.Errorf("control: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(base, "/")+path, &payload)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return &Exit{Code: CodeNotReady, Err: fmt.Errorf("control: %w", err), Hint: "is the ecosystem still running?"}
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return &Exit{Code: CodeNotReady, Err: fmt.Errorf("control: %w", err)}
	}
	if res.StatusCode >= 300 {
		var said struct{ Error string }
		_ = json.Unmarshal(b, &said)
		if said.Error == "" {
			said.Error = fmt.Sprintf("status %d", res.StatusCode)
		}
		return usage(fmt.Errorf("%s", said.Error), "see 'ensaio list defects', 'ensaio clock --help'")
	}
	if out != nil {
		if err := json.Unmarshal(b, out); err != nil {
			return fmt.Errorf("control: %w", err)
		}
	}
	return nil
}

type armed struct {
	Armed []string `json:"armed"`
}

func arm(ctx context.Context, t *target.Target, name string) error {
	return control(ctx, t, "defects", http.MethodPost, "", map[string]string{"name": name}, nil)
}

// armedAt lists what is armed at a target that can be broken; a target that cannot has nothing.
func armedAt(ctx context.Context, t *target.Target) ([]string, error) {
	if t.Capabilities.Defects == "" {
		return nil, nil
	}
	var now armed
	err := control(ctx, t, "defects", http.MethodGet, "", nil, &now)
	return now.Armed, err
}

func disarm(ctx context.Context, t *target.Target, name string) error {
	path := ""
	if name != "" {
		path = "/" + name
	}
	return control(ctx, t, "defects", http.MethodDelete, path, nil, nil)
}

func (a *app) defectCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "defect", Short: "Break a running ecosystem on purpose, and mend it",
		Example: "  ensaio defect list\n  ensaio defect on par/accepts-missing-exp\n  ensaio defect off --all",
	}
	after := func(cmd *cobra.Command, t *target.Target) error {
		names, err := armedAt(cmd.Context(), t)
		if err != nil {
			return err
		}
		now := armed{names}
		if a.asJSON {
			return printJSON(a.out, now)
		}
		if len(now.Armed) == 0 {
			a.printf("%s no defect is armed at %s\n", a.green("✓"), t.Name)
			return nil
		}
		a.printf("%s %s is broken on purpose: %s\n", a.red("✗"), t.Name, strings.Join(now.Armed, ", "))
		return nil
	}
	list := &cobra.Command{
		Use: "list", Short: "The catalogue, and what is armed", Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var now []string
			if t, err := a.running(); err == nil {
				now, _ = armedAt(cmd.Context(), t) // the catalogue is worth showing without it
			}
			return a.listDefects(nil, now)
		},
	}
	on := &cobra.Command{
		Use: "on NAME…", Short: "Arm defects", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := a.running()
			if err != nil {
				return err
			}
			for _, name := range args {
				if err := arm(cmd.Context(), t, name); err != nil {
					return err
				}
			}
			return after(cmd, t)
		},
	}
	var all bool
	off := &cobra.Command{
		Use: "off [NAME…]", Short: "Disarm defects",
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usage(fmt.Errorf("defect off takes names, or --all"), "see 'ensaio defect list'")
			}
			t, err := a.running()
			if err != nil {
				return err
			}
			if all {
				args = []string{""}
			}
			for _, name := range args {
				if name != "" && !a.knows(name) {
					return usage(fmt.Errorf("no defect %q", name), "see 'ensaio defect list'")
				}
				if err := disarm(cmd.Context(), t, name); err != nil {
					return err
				}
			}
			return after(cmd, t)
		},
	}
	off.Flags().BoolVar(&all, "all", false, "all of them")
	for _, sub := range []*cobra.Command{list, on, off} {
		a.targetFlag(sub)
		cmd.AddCommand(sub)
	}
	cmd.RunE = noVerb
	return cmd
}

func (a *app) knows(name string) bool {
	known := a.world.defects()
	if len(known) == 0 {
		return true
	}
	for _, d := range append(known, a.world.variants()...) {
		if d.Name == name || (d.Kind == fault.Off && "off:"+d.Rule == name) {
			return true
		}
	}
	return false
}

func noVerb(cmd *cobra.Command, args []string) error {
	err := fmt.Errorf("%s needs a verb", cmd.CommandPath())
	if len(args) > 0 {
		err = fmt.Errorf("%s does not know %q", cmd.CommandPath(), args[0])
	}
	return usage(err, "see '%s --help'", cmd.CommandPath())
}

func (a *app) clockCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "clock", Short: "Read and step the clock of a running ecosystem",
		Example: "  ensaio clock now\n  ensaio clock advance 90d\n  ensaio clock set 2027-03-01T12:00:00Z\n  ensaio clock reset",
		RunE:    noVerb,
	}
	move := func(use, short, method string, body func(arg string) (any, error)) *cobra.Command {
		sub := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(strings.Count(use, " "))}
		sub.RunE = func(cmd *cobra.Command, args []string) error {
			t, err := a.running()
			if err != nil {
				return err
			}
			var ask any
			if body != nil {
				if ask, err = body(args[0]); err != nil {
					return err
				}
			}
			var state struct {
				Now           time.Time `json:"now"`
				OffsetSeconds float64   `json:"offsetSeconds"`
			}
			if err := control(cmd.Context(), t, "clock", method, "", ask, &state); err != nil {
				return err
			}
			if a.asJSON {
				return printJSON(a.out, state)
			}
			a.printf("%s", state.Now.UTC().Format(time.RFC3339))
			if offset := time.Duration(state.OffsetSeconds) * time.Second; offset != 0 {
				a.printf("  (%+.1f days from the machine's clock)", offset.Hours()/24)
			}
			a.printf("\n")
			return nil
		}
		a.targetFlag(sub)
		return sub
	}
	cmd.AddCommand(
		move("now", "What time it is there", http.MethodGet, nil),
		move("advance DURATION", "Step forward: 90d, 1h30m, 45s", http.MethodPost, func(arg string) (any, error) {
			return map[string]string{"advance": arg}, nil
		}),
		move("set TIME", "Step to a time: 2027-03-01 or 2027-03-01T12:00:00Z", http.MethodPost, func(arg string) (any, error) {
			for _, layout := range []string{time.RFC3339, time.DateOnly} {
				if t, err := time.Parse(layout, arg); err == nil {
					return map[string]string{"set": t.UTC().Format(time.RFC3339)}, nil
				}
			}
			return nil, usage(fmt.Errorf("%q is no time", arg), "write 2027-03-01 or 2027-03-01T12:00:00Z")
		}),
		move("reset", "Back to the machine's clock", http.MethodDelete, nil),
	)
	return cmd
}
