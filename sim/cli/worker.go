package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/target"
)

// job is what a child process is asked to try: one defect, or none for a clean run.
type job struct {
	Defect string     `json:"defect"`
	Stages [][]string `json:"stages"` // check ids; a later stage is tried when no check of the earlier ones noticed
	Keep   []string   `json:"keep"`   // ids whose failure is no reason to stop
	Seed   int64      `json:"seed"`
	// Clean is what checks came to where nothing was wrong.
	Clean map[string]report.Status `json:"clean,omitempty"`
}

// answer is what a child process found.
type answer struct {
	Defect   string `json:"defect"`
	Outcomes []seen `json:"outcomes"`
	Error    string `json:"error,omitempty"`
}

type workerSetup struct {
	Seed    int64  `json:"seed"`
	Specs   string `json:"specs"`
	Workers int    `json:"workers"`
}

// workerCommand is the child's side: an ecosystem of its own, jobs on standard input, answers on standard
// output, a JSON value a line.
func (a *app) workerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "prove-worker", Hidden: true, Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dec := json.NewDecoder(bufio.NewReader(a.in))
			enc := json.NewEncoder(a.out)
			var setup workerSetup
			if err := dec.Decode(&setup); err != nil {
				return &Exit{Code: CodeHarness, Err: fmt.Errorf("worker: %w", err)}
			}
			e, err := a.start(cmd.Context(), StartOptions{Seed: setup.Seed})
			if err != nil {
				return err
			}
			defer func() { _ = e.Close() }()
			t, err := a.load(e.TargetFile())
			if err != nil {
				return err
			}
			if err := enc.Encode(answer{}); err != nil {
				return err
			}
			for {
				var j job
				if err := dec.Decode(&j); err != nil {
					if errors.Is(err, io.EOF) {
						return nil
					}
					return &Exit{Code: CodeHarness, Err: fmt.Errorf("worker: %w", err)}
				}
				if err := enc.Encode(a.try(cmd.Context(), t, j, setup)); err != nil {
					return err
				}
			}
		},
	}
}

// try runs one job against the worker's ecosystem.
func (a *app) try(ctx context.Context, t *target.Target, j job, setup workerSetup) answer {
	out := answer{Defect: j.Defect, Outcomes: []seen{}}
	if j.Defect != "" {
		if err := arm(ctx, t, j.Defect); err != nil {
			out.Error = err.Error()
			return out
		}
		defer func() {
			if err := disarm(ctx, t, j.Defect); err != nil && out.Error == "" {
				out.Error = err.Error()
			}
		}()
	}
	all := a.world.checks()
	for _, ids := range j.Stages {
		var chosen []check.Check
		for _, c := range all {
			if slices.Contains(ids, c.ID) {
				chosen = append(chosen, c)
			}
		}
		if len(chosen) == 0 {
			continue
		}
		r, err := suites.Run(ctx, suites.Options{Target: t, Checks: chosen, Seed: j.Seed, Specs: setup.Specs, Workers: setup.Workers, Frame: suites.Direct})
		if err != nil {
			out.Error = err.Error()
			return out
		}
		stop := false
		for _, c := range r.Checks {
			s := seen{ID: c.ID, Status: c.Status, Headline: c.Headline()}
			out.Outcomes = append(out.Outcomes, s)
			stop = stop || (s.noticed(j.Clean) && !slices.Contains(j.Keep, s.ID))
		}
		if stop {
			break
		}
	}
	return out
}

// child is a worker process.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
	err tail
}

// tail keeps the last of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > 4096 {
		t.b = t.b[len(t.b)-4096:]
	}
	return len(p), nil
}

// spawn starts a worker and waits until its ecosystem is up.
func (a *app) spawn(ctx context.Context, setup workerSetup) (*child, error) {
	program := a.world.Executable
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("spawn: %w", err)
		}
	}
	c := &child{cmd: exec.CommandContext(ctx, program, append(slices.Clone(a.world.Arguments), "prove-worker")...)} //nolint:gosec // this very program
	c.cmd.Stderr = &c.err
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(os.Interrupt) }
	c.cmd.WaitDelay = childGrace
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("spawn: %w", err)
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("spawn: %w", err)
	}
	c.out = json.NewDecoder(stdout)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("spawn: %w", err)
	}
	var up answer
	if err := c.exchange(setup, &up); err != nil {
		c.end()
		return nil, err
	}
	return c, nil
}

// exchange sends one value and reads one answer.
func (c *child) exchange(ask, out any) error {
	if err := json.NewEncoder(c.in).Encode(ask); err != nil {
		return fmt.Errorf("child process: %w: %s", err, report.RedactText(string(c.err.b)))
	}
	if err := c.out.Decode(out); err != nil {
		_ = c.cmd.Wait()
		said, _, _ := strings.Cut(report.RedactText(string(c.err.b)), "\n")
		return fmt.Errorf("child process ended: %w: %s", err, said)
	}
	return nil
}

// end asks the worker to finish and waits for it.
func (c *child) end() {
	_ = c.in.Close()
	_ = c.cmd.Wait()
}
