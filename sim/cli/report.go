package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/sim/report"
)

func (a *app) reportCommand() *cobra.Command {
	var md bool
	cmd := &cobra.Command{
		Use: "report FILE", Short: "Show a report again, verify it, or compare two",
		Example: `  ensaio report out/report.json
  ensaio report out --md                for a job page or a ticket
  ensaio report out/report.json -o page  all files again
  ensaio report verify out              do totals and verdict follow from the checks?
  ensaio report diff before after       the first line says whether it is a regression`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("report takes one file"), "see 'ensaio report --help'")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := open(args[0])
			if err != nil {
				return err
			}
			switch {
			case a.outDir != "":
				file, err := r.Write(a.outDir)
				if err != nil {
					return usage(err, "give a folder that can be written with -o")
				}
				a.printf("report %s\n", shellPath(file))
				return nil
			case a.asJSON:
				return r.JSON(a.out)
			case md:
				return r.Markdown(a.out)
			}
			for _, area := range r.Areas() {
				s := area.Summary
				a.area(&tally{name: area.Name, total: s.Total(), good: area.Good(), warned: s.Warn, skipped: s.Skip, bad: s.Total() - area.Good() - s.Skip})
			}
			a.verdict(r, "")
			return nil
		},
	}
	cmd.Flags().BoolVar(&md, "md", false, "Markdown")
	cmd.Flags().StringVarP(&a.outDir, "out", "o", "", "write report.json, junit.xml and report.html again, into this folder")
	cmd.AddCommand(a.availabilityCommand(), a.filingCommand(), &cobra.Command{
		Use: "verify FILE", Short: "Recompute totals and verdict from the checks",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := open(args[0])
			if err != nil {
				return err
			}
			wrong := report.Verify(r)
			if a.asJSON {
				if err := printJSON(a.out, map[string]any{"ok": len(wrong) == 0, "wrong": wrong, "verdict": r.Verdict}); err != nil {
					return err
				}
			} else {
				for _, w := range wrong {
					a.printf("%s %s\n", a.red("✗"), w)
				}
				if len(wrong) == 0 {
					a.printf("%s %d checks give the totals and the verdict %s\n", a.green("✓"), len(r.Checks), r.Verdict)
				}
			}
			if len(wrong) > 0 {
				return &Exit{Code: CodeFail, Err: fmt.Errorf("the report contradicts itself"), Silent: true}
			}
			return nil
		},
	}, &cobra.Command{
		Use: "diff A B", Short: "What B adds to A",
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			before, err := open(args[0])
			if err != nil {
				return err
			}
			after, err := open(args[1])
			if err != nil {
				return err
			}
			d := report.Diff(before, after)
			if a.asJSON {
				err = printJSON(a.out, d)
			} else {
				err = d.Print(a.out)
			}
			if err == nil && d.Regression {
				return &Exit{Code: CodeFail, Err: fmt.Errorf("regression"), Silent: true}
			}
			return err
		},
	})
	return cmd
}

func open(path string) (*report.Report, error) {
	r, err := report.Open(path)
	if err != nil {
		return nil, usage(err, "give a report.json, or the folder that holds it")
	}
	return r, nil
}
