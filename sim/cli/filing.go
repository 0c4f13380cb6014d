package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ensaio/ensaio/sim/availability"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/filing"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

type filingFlags struct {
	records, downtime, payments, consents []string
	week, organisation                    string
}

func (a *app) filingCommand() *cobra.Command {
	var f filingFlags
	cmd := &cobra.Command{
		Use: "mandatory", Short: "Make the reports that an institution owes, as XLSX and CSV",
		Long: `Makes the weekly and half-yearly reports of an institution from the records of its ecosystem: API
performance, availability by group, request volume, phase-3 monitoring, interoperability and consent
inventory. Beside them stands the oracle: it compares what the two sides of every call, consent and stock
told, and lists what disagrees (divergencias.csv, filings.json).

Records come from a running ecosystem (-t), or from files: --records takes JSON lines as the metrics
platform exports them, --downtime lines {"method","endpoint","date","downSeconds","plannedSeconds"},
--payments and --consents lines of the institution's books.

Exit codes: 0 filed, and both sides agree · 1 filed, and something disagrees · 2 usage, unreadable records ·
3 the ecosystem does not answer.`,
		Example: `  ensaio report mandatory -t target.yaml -o filings
  ensaio report mandatory --records export.jsonl --organisation <uuid> --week 2026-11-20 -o filings`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.mandatory(cmd.Context(), f) },
	}
	a.targetFlag(cmd)
	fl := cmd.Flags()
	fl.StringVarP(&a.outDir, "out", "o", "", "folder for the filings (default filings/<week>)")
	fl.StringVar(&f.week, "week", "", "a day of the week to file (default the last one with calls)")
	fl.StringVar(&f.organisation, "organisation", "", "whose filings, by organisation id (default the target's bank)")
	fl.StringArrayVar(&f.records, "records", nil, "file of exported records instead of a running ecosystem (may be repeated)")
	fl.StringArrayVar(&f.downtime, "downtime", nil, "file of downtime by endpoint and day (may be repeated)")
	fl.StringArrayVar(&f.payments, "payments", nil, "file of the institution's payments (may be repeated)")
	fl.StringArrayVar(&f.consents, "consents", nil, "file of the institution's consents (may be repeated)")
	return cmd
}

func (a *app) mandatory(parent context.Context, f filingFlags) error {
	ctx, cancel := a.bounded(parent)
	defer cancel()
	b := &filing.Book{}
	q := filing.Question{Organisation: f.organisation}
	if len(f.records) == 0 {
		t, err := a.running()
		if err != nil {
			return err
		}
		if err := gather(ctx, t, b); err != nil {
			return err
		}
		if q.Organisation == "" {
			q.Organisation = t.Bank.OrganisationID
		}
		q.APIs = offers(t)
	}
	for _, source := range []struct {
		files []string
		take  func(io.Reader) error
	}{{f.records, b.Read}, {f.downtime, lines(b.Down)}, {f.payments, lines(b.Paid)}, {f.consents, lines(b.Agreed)}} {
		for _, name := range source.files {
			if err := readFile(name, source.take); err != nil {
				return usage(fmt.Errorf("%s: %w", name, err), "see 'ensaio report mandatory --help' for the form of records")
			}
		}
	}
	if q.Organisation == "" {
		return usage(errors.New("whose filings?"), "give --organisation, or a target with -t")
	}
	from, newest, err := b.Span()
	if err != nil {
		return &Exit{Code: CodeIncomplete, Err: err, Hint: "make some calls first: 'ensaio run -t target.yaml accounts', or 'ensaio load'"}
	}
	last := newest
	if f.week != "" {
		day, err := time.Parse(time.DateOnly, f.week)
		if err != nil {
			return usage(fmt.Errorf("--week is %q", f.week), "give a day such as 2026-11-20")
		}
		last = filing.DayOf(day.Add(12 * time.Hour))
	}
	switch q.Week = filing.WeekOf(last); {
	case q.Week.To < from:
		return usage(fmt.Errorf("no record of the week %s: the first is of %s", q.Week, from), "give another --week")
	case q.Week.From > newest:
		return usage(fmt.Errorf("no record of the week %s: the last is of %s", q.Week, newest), "give another --week")
	}
	now := clock.New().Now()
	q.Until = max(newest, filing.DayOf(now)) // the clock of an ecosystem may be ahead
	dir := a.outDir
	if dir == "" {
		dir = filepath.Join("filings", q.Week.To.String())
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return usage(err, "give a folder that can be written with -o")
	}
	m, err := b.Write(dir, q, now)
	if err != nil {
		return usage(err, "give a folder that can be written with -o")
	}
	if a.asJSON {
		err = printJSON(a.out, m)
	} else {
		a.filed(m, dir)
	}
	if err == nil && len(m.Disagreements)+len(m.Contradicted) > 0 {
		return &Exit{Code: CodeFail, Err: errors.New("the two sides disagree"), Silent: true}
	}
	return err
}

// offers names the APIs that a target declares; one that declares none offers all.
func offers(t *target.Target) map[string]bool {
	names := map[string]bool{}
	for _, api := range spec.APIs() {
		_, declared := t.APIs[api.Name]
		names[api.Name] = declared || len(t.APIs) == 0
	}
	return names
}

// filed tells what was written, and what disagrees.
func (a *app) filed(m *filing.Manifest, dir string) {
	if !a.quiet {
		a.printf("%s · week %s · due %s · %s of calls\n", a.bold("ensaio report mandatory"), m.Week, m.Due, availability.Count(m.Calls, "report"))
		for _, f := range m.Filings {
			a.printf("  %-28s %12s  %s\n", f.Name, availability.Count(f.Rows, "row"), f.Title)
		}
		const shown = 8
		for i, d := range m.Disagreements {
			if i == shown {
				a.printf("  … and %d more in divergencias.csv\n", len(m.Disagreements)-shown)
				break
			}
			a.printf("%s %s · %s · %s: client %d, server %d", a.red("✗"), d.Day, d.What, d.Where, d.ByClient, d.ByServer)
			if len(d.Evidence) > 0 {
				a.printf(" (%s)", d.Evidence[0])
			}
			a.printf("\n    %s\n", d.Why)
		}
		for i, c := range m.Contradicted {
			if i == shown {
				a.printf("  … and %d more in filings.json\n", len(m.Contradicted)-shown)
				break
			}
			a.printf("%s %s\n", a.red("✗"), c)
		}
	}
	if m.Partial {
		a.printf("%s the week is not over: these are its figures so far, not yet those to send\n", a.yellow("!"))
	}
	if n := len(m.Disagreements) + len(m.Contradicted); n > 0 {
		a.printf("%s both sides disagree in %s\n", a.red("✗"), availability.Count(n, "figure"))
	} else {
		a.printf("%s both sides tell the same\n", a.green("✓"))
	}
	a.printf("filings %s\n", shellPath(dir))
}

// gather takes the records out of a running ecosystem, once everything is reported.
func gather(ctx context.Context, t *target.Target, b *filing.Book) error {
	b.Known(filing.Organisation{ID: t.Bank.OrganisationID, Name: t.Name})
	for i := range t.Clients { // an organisation is named by the first of its programs
		c := &t.Clients[len(t.Clients)-1-i]
		b.Known(filing.Organisation{ID: c.OrganisationID, Name: c.Name, CNPJ: c.CNPJ})
	}
	for _, side := range []string{"reporter", "parties"} {
		if t.Capabilities.Of(side) == "" {
			continue
		}
		if err := control(ctx, t, side, http.MethodPost, "/flush", nil, nil); err != nil {
			return err
		}
	}
	if err := stream(ctx, t, "pcm", "/export", b.Read); err != nil {
		return err
	}
	if t.Capabilities.Bank == "" {
		return nil
	}
	if err := stream(ctx, t, "bank", "/books/payments", lines(b.Paid)); err != nil {
		return err
	}
	if err := stream(ctx, t, "bank", "/books/consents", lines(b.Agreed)); err != nil {
		return err
	}
	return stream(ctx, t, "bank", "/books/downtime", lines(b.Down))
}

// stream reads the answer of a control surface however long it is.
func stream(ctx context.Context, t *target.Target, capability, path string, take func(io.Reader) error) error {
	base := t.Capabilities.Of(capability)
	if base == "" {
		return usage(fmt.Errorf("%s does not declare the capability %s", t.Name, capability), "only ecosystems of ours have it: 'ensaio up'; or give --records")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(base, "/")+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: 30 * time.Second}}
	res, err := client.Do(req)
	if err != nil {
		return &Exit{Code: CodeNotReady, Err: fmt.Errorf("control: %w", err), Hint: "is the ecosystem still running?"}
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return &Exit{Code: CodeNotReady, Err: fmt.Errorf("control: %s answers %s", path, res.Status), Hint: "is it an ecosystem of this version?"}
	}
	if err := take(res.Body); err != nil {
		return &Exit{Code: CodeNotReady, Err: fmt.Errorf("control: %s: %w", path, err), Hint: "is the ecosystem still running?"}
	}
	return nil
}

// lines reads JSON lines of one type.
func lines[T any](take func(...T) error) func(io.Reader) error {
	return func(r io.Reader) error {
		scan := bufio.NewScanner(r)
		scan.Buffer(nil, 1<<20)
		for n := 1; scan.Scan(); n++ {
			if len(strings.TrimSpace(scan.Text())) == 0 {
				continue
			}
			var v T
			err := json.Unmarshal(scan.Bytes(), &v)
			if err == nil {
				err = take(v)
			}
			if err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
		}
		return scan.Err()
	}
}

func readFile(name string, take func(io.Reader) error) error {
	f, err := os.Open(name) //nolint:gosec // the user names it
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return take(f)
}
