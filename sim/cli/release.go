package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/sim/spec"
)

// release is the value of --pcm-release: a name that the metrics platform knows.
type release string

func (r *release) String() string { return string(*r) }

// Type names the value in the help.
func (*release) Type() string { return "release" }

// Set refuses a name that there is not.
func (r *release) Set(name string) error {
	known := spec.Releases()
	for _, k := range known {
		if strings.EqualFold(k, name) {
			*r = release(k)
			return nil
		}
	}
	return fmt.Errorf("there are %s", strings.Join(known, ", "))
}

// releaseFlag adds --pcm-release to a verb that starts an ecosystem.
func releaseFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().Var((*release)(into), "pcm-release", "release of its texts that the own ecosystem's metrics platform keeps: "+strings.Join(spec.Releases(), ", ")+" (default "+spec.CurrentRelease.String()+")")
}

// ours refuses flags that shape an ecosystem of our own where the target is somebody else's.
func (a *app) ours(cmd *cobra.Command, flags ...string) error {
	for _, name := range flags {
		if f := cmd.Flags().Lookup(name); a.target != "" && f != nil && f.Changed {
			return usage(fmt.Errorf("--%s shapes an ecosystem of our own, not the target %s", name, a.target), "leave it out, or leave -t out")
		}
	}
	return nil
}
