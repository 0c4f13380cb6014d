package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/load/drive"
	"github.com/ensaio/ensaio/load/fleet"
	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/load/record"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/target"
)

// loadWorkerCommand is the worker's side of a run that several processes share.
func (a *app) loadWorkerCommand() *cobra.Command {
	var url string
	var wait time.Duration
	var f loadFlags
	cmd := &cobra.Command{
		Use: "worker --nats URL", Short: "Take part in a load run that another process coordinates", Args: none,
		Long: `Waits for 'ensaio load --nats URL --workers N' at the same NATS server, prepares the target for itself, and sends
its share of the requests. What was measured goes to the coordinator. With -t it reads a target file of its own, where
the coordinator's path is not good on this machine. It sends at most what --max-rate and --max-duration allow here,
whoever coordinates.

The address may stand in ENSAIO_NATS, so that a token in it is on no command line.`,
		Example: "  ensaio load worker --nats nats://10.0.0.5:4222 -t bank.yaml --yes 'Banco Exemplo'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if url == "" {
				return usage(errors.New("a worker needs the address of a NATS server"), "give --nats URL, or set ENSAIO_NATS")
			}
			ctx, cancel := a.bounded(cmd.Context())
			defer cancel()
			a.say("waiting for a coordinator, at most %v", wait)
			err := drive.Work(ctx, url, wait, func(path string, p *profile.Profile) (*target.Target, error) {
				if err := f.bounds(p); err != nil {
					return nil, err
				}
				if a.target != "" {
					path = a.target
				}
				t, err := a.load(path)
				if err != nil {
					return nil, err
				}
				if err := a.confirm(ctx, t, f.yes); err != nil {
					return nil, err
				}
				a.say("%s at %s: preparing, then sending a share of %.0f a second for %v", p.Name, t.Name, p.Pacer.Highest(), p.Length())
				return t, nil
			}, a.log())
			if err == nil {
				a.say("done: the coordinator has what was measured")
			}
			return crewless(err)
		},
	}
	a.targetFlag(cmd)
	cmd.Flags().Lookup("target").Usage = "target file of this machine; without it the coordinator's path"
	cmd.Flags().StringVar(&url, "nats", "", "NATS server or cluster of the coordinator")
	cmd.Flags().DurationVar(&wait, "wait", 10*time.Minute, "how long to wait for a coordinator")
	cmd.Flags().StringVar(&f.yes, "yes", "", "name of the target, to confirm load at hosts that are not on this machine")
	cmd.Flags().Float64Var(&f.maxRate, "max-rate", maxRate, "the highest rate of the whole run that a coordinator may ask for")
	cmd.Flags().DurationVar(&f.maxDuration, "max-duration", maxDuration, "the longest time that a coordinator may ask for")
	return cmd
}

// say tells in a line what a worker does: whoever started it on a machine far away has nothing else to look at.
func (a *app) say(format string, args ...any) {
	if !a.quiet && !a.asJSON {
		a.printf(format+"\n", args...)
	}
}

// crewless turns the ends of a shared run into exits.
func crewless(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fleet.ErrMissing), errors.Is(err, fleet.ErrGone), errors.Is(err, fleet.ErrUnattended), errors.Is(err, fleet.ErrWorker), errors.Is(err, fleet.ErrBuild):
		return &Exit{Code: CodeNotReady, Err: err, Hint: "are coordinator and workers at the same NATS server, and do all of them reach the target?"}
	}
	var exit *Exit
	if errors.As(err, &exit) {
		return err
	}
	return &Exit{Code: CodeNotReady, Err: err, Hint: "see 'ensaio load worker --help'"}
}

// crew plays the profile with several processes: children of this one where no NATS server is named.
func (a *app) crew(ctx context.Context, t *target.Target, o drive.Options, x drive.Session, f loadFlags) (*record.Report, error) {
	c := drive.Crew{Workers: max(f.workers, 1), URL: f.nats}
	var children sync.WaitGroup
	defer children.Wait()
	if f.nats == "" {
		c.Spawn = func(ctx context.Context, url string) error { return a.hire(ctx, url, c.Workers, f, &children) }
	}
	rep, err := drive.Coordinate(ctx, t, o, x, c)
	if rep == nil && err != nil {
		var unready *drive.Unprepared
		if errors.As(err, &unready) && ctx.Err() == nil {
			return nil, crewless(unready.Cause)
		}
	}
	return rep, err
}

// hire starts workers as processes of their own. The address is in their environment: it holds a token.
func (a *app) hire(ctx context.Context, url string, n int, f loadFlags, children *sync.WaitGroup) error {
	program := a.world.Executable
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return fmt.Errorf("worker: %w", err)
		}
	}
	args := append(slices.Clone(a.world.Arguments), "load", "worker", "--wait", "30s", "--max-rate", fmt.Sprint(f.maxRate), "--max-duration", f.maxDuration.String())
	if f.yes != "" {
		args = append(args, "--yes", f.yes)
	}
	for range n {
		var said tail
		cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // this very program
		cmd.Env = append(os.Environ(), "ENSAIO_NATS="+url)
		cmd.Stderr = &said
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = childGrace
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("worker: %w", err)
		}
		children.Go(func() {
			if err := cmd.Wait(); err != nil && ctx.Err() == nil && a.verbose > 0 {
				_, _ = fmt.Fprintf(a.err, "worker: %v: %s\n", err, strings.TrimSpace(report.RedactText(string(said.b))))
			}
		})
	}
	return nil
}
