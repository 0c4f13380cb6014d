package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/file"
)

func (a *app) availabilityCommand() *cobra.Command {
	var from, to, zone, category, server, name string
	cmd := &cobra.Command{
		Use: "availability [FILE…]", Short: "Judge a log of calls or probes as the monitoring does",
		Long: `Reads an institution's own log of calls (CSV with a header row, JSON lines or a JSON array, also under gzip),
probes of its status, or a metrics platform's export, and judges availability by probing and by traffic, response times, answers 529,
reporting and conversion by the published formulas. Several files are one record; "-" is the standard input.
Without a file it asks the ecosystem that runs here, or the one of -t, for both.

A call needs a timestamp with its zone (or --zone), an endpoint (template, path or address) and a status; a duration in
milliseconds, method, server, client, side (CLIENT or SERVER) and state of pairing are used where given.
A probe needs a timestamp and a code, and names the endpoints that were down. docs/availability.md has the
columns, their other names and the arithmetic.`,
		Example: `  ensaio report availability calls.csv
  ensaio report availability                                    of the ecosystem that runs here
  ensaio report availability calls.jsonl probes.csv -o out      also availability.html, a calendar
  ensaio report availability log.csv.gz --zone brasilia         times such as 01/03/2027 09:00:00
  ensaio report availability export.jsonl --from 2027-01-01 --to 2027-03-31 --category B --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			book := &availability.Book{}
			for _, bound := range []struct {
				flag, value string
				into        *availability.Day
			}{{"from", from, &book.From}, {"to", to, &book.To}} {
				if bound.value == "" {
					continue
				}
				d, err := availability.ParseDay(bound.value)
				if err != nil {
					return usage(fmt.Errorf("--%s: %w", bound.flag, err), "days are those of Brasília, YYYY-MM-DD")
				}
				*bound.into = d
			}
			if zone != "" {
				z, err := availability.ParseZone(zone)
				if err != nil {
					return usage(fmt.Errorf("--zone: %w", err), "write it as brasilia, utc or -03:00")
				}
				book.Zone = z
			}
			if book.To != 0 && book.From > book.To {
				return usage(fmt.Errorf("--from %s is after --to %s", book.From, book.To), "exchange them")
			}
			if a.outDir != "" {
				if err := writable(a.outDir); err != nil {
					return usage(err, "give a folder that can be written with -o")
				}
			}
			c := availability.Category(strings.ToUpper(category))
			if !c.Known() {
				return usage(fmt.Errorf("no category %q", category), "the categories at Pix are A, B, C and D")
			}
			input := &availability.Input{}
			var err error
			if len(args) > 0 {
				input, err = a.logs(book, args)
			} else {
				ctx, cancel := a.bounded(cmd.Context())
				defer cancel()
				err = a.records(ctx, book, input, &name, &server)
			}
			if err != nil {
				return err
			}
			r := book.Judge(availability.Options{Name: name, Category: c, Server: server, Input: input})
			return a.availability(r)
		},
	}
	a.targetFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "first day, YYYY-MM-DD in Brasília")
	f.StringVar(&to, "to", "", "last day, included")
	f.StringVar(&zone, "zone", "", "zone of times that name none: brasilia, utc or such as -03:00 (default: refuse them)")
	f.StringVar(&category, "category", "A", "category at Pix, by which services are judged: A, B, C or D")
	f.StringVar(&server, "server", "", "organisation that the probes are of and whose reporting is judged, where calls name several")
	f.StringVar(&name, "name", "", "name of the institution, for the page")
	f.StringVarP(&a.outDir, "out", "o", "", "write availability.json and availability.html into this folder")
	return cmd
}

// logs reads every file into the book.
func (a *app) logs(book *availability.Book, paths []string) (*availability.Input, error) {
	all := &availability.Input{}
	for _, path := range paths {
		log := a.in
		if path != "-" {
			f, err := os.Open(path)
			if err != nil {
				return nil, usage(err, "give a log in CSV or JSON lines")
			}
			defer func() { _ = f.Close() }()
			log = f
		}
		in, err := book.Read(log)
		if err != nil {
			hint := "see 'ensaio report availability --help' for what a log needs"
			switch {
			case errors.Is(err, availability.ErrMostlyBad):
				hint = "mend the log, or leave out what is none of it: a verdict on the rest would be one on another record"
			case in.Zoneless > 0:
				hint = "say which zone its times are of, as in --zone brasilia"
			case errors.Is(err, availability.ErrNothing) && in.Bad > 0:
				hint = fmt.Sprintf("refused: %s; %s", availability.Count(in.Bad, "line"), hint)
			}
			return nil, usage(fmt.Errorf("%s: %w", filepath.Base(path), err), "%s", hint)
		}
		all.Add(filepath.Base(path), in, len(paths) > 1)
	}
	return all, nil
}

// records reads what a running ecosystem has: the reports of both sides at its metrics platform, and the
// probes of its bank. Whose they are is named unless the caller did.
func (a *app) records(ctx context.Context, book *availability.Book, all *availability.Input, name, server *string) error {
	t, err := a.running()
	if err != nil {
		return err
	}
	if *name == "" {
		*name = t.Name
	}
	if *server == "" {
		*server = t.Bank.OrganisationID
	}
	for _, side := range []string{"reporter", "parties"} {
		if t.Capabilities.Of(side) == "" {
			continue
		}
		if err := control(ctx, t, side, http.MethodPost, "/flush", nil, nil); err != nil {
			return err
		}
	}
	for _, source := range []struct{ capability, path string }{{"pcm", "/export"}, {"bank", "/books/probes"}} {
		err := stream(ctx, t, source.capability, source.path, func(r io.Reader) error {
			in, err := book.Read(r)
			if in != nil {
				all.Add(source.capability+source.path, in, true)
			}
			if errors.Is(err, availability.ErrNothing) {
				return nil // the other one may have something
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) availability(r *availability.Report) error {
	var unwritten error
	if a.outDir != "" {
		unwritten = writeAvailability(r, a.outDir)
	}
	switch {
	case a.asJSON:
		if err := a.document(func(w io.Writer) error { return printJSON(w, r) }); err != nil {
			return err
		}
	case a.quiet:
		a.printf("%s\n", a.availabilityVerdict(r))
	default:
		var b bytes.Buffer
		r.Text(&b, a.verbose > 0)
		a.printf("%s\n%s\n", b.String(), a.availabilityVerdict(r))
		switch {
		case a.outDir != "" && unwritten == nil:
			a.printf("report %s\n", shellPath(filepath.Join(a.outDir, "availability.html")))
		case a.outDir == "" && r.Verdict == availability.NonConforming:
			a.printf("every day as a calendar: add -o <folder>; every endpoint here: -v\n")
		}
	}
	if unwritten != nil {
		return &Exit{Code: CodeHarness, Err: unwritten, Hint: unwrittenHint}
	}
	switch r.Verdict {
	case availability.Conforming, availability.Tolerated:
		return nil
	case availability.NonConforming:
		return &Exit{Code: CodeFloor, Err: errors.New("not conforming"), Silent: true}
	case availability.Undefined:
	}
	return usage(errors.New("nothing in the log can be judged"), "availability needs calls answered 2xx, 5xx, 408 or 422, or probes")
}

// writeAvailability writes both files, whole or not at all.
func writeAvailability(r *availability.Report, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, print := range map[string]func(io.Writer) error{"availability.json": r.JSON, "availability.html": r.HTML} {
		var b bytes.Buffer
		if err := print(&b); err != nil {
			return err
		}
		if err := file.Replace(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) availabilityVerdict(r *availability.Report) string {
	sentence := r.Sentence()
	switch r.Verdict {
	case availability.Conforming, availability.Tolerated:
		return a.green("CONFORMING") + "   " + sentence
	case availability.NonConforming:
		return a.red("NOT CONFORMING") + "   " + sentence
	case availability.Undefined:
	}
	return a.yellow("UNDEFINED") + "   " + sentence
}
