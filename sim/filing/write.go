package filing

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/ensaio/ensaio/sim/file"
)

// Manifest says what was filed.
type Manifest struct {
	APIVersion    string         `json:"apiVersion"`
	Kind          string         `json:"kind"`
	Organisation  string         `json:"organisation"`
	Week          string         `json:"week"`
	Partial       bool           `json:"partial,omitempty"` // the week is not over
	Due           string         `json:"due"`               // when the week's sheets must have been sent
	Made          string         `json:"made"`
	Calls         int            `json:"calls"`
	Filings       []Filed        `json:"filings"`
	Disagreements []Disagreement `json:"disagreements"`
	Contradicted  []string       `json:"contradicted"` // consents whose stages contradict their order
	Note          string         `json:"note"`
}

// Filed is one document as it was written.
type Filed struct {
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	Period string   `json:"period"`
	Rows   int      `json:"rows"`
	Files  []string `json:"files"`
}

// Write writes every filing of the question into a folder, each as a workbook and each sheet as CSV
// (semicolons, decimal points, UTF-8), then filings.json, which it returns. A file is whole or not there.
func (b *Book) Write(dir string, q Question, now time.Time) (*Manifest, error) {
	m := &Manifest{APIVersion: "ensaio/v1", Kind: "Filings", Organisation: q.Organisation, Week: q.Week.String(), Partial: q.last() < q.Week.To, Due: q.Week.Due().Format(time.DateOnly),
		Made: now.UTC().Format(time.RFC3339), Calls: len(b.calls), Filings: []Filed{}, Disagreements: b.Disagreements(q.Week), Contradicted: b.Funnel(q.Week),
		Note: "A rehearsal: synthetic people, no filing."}
	for _, f := range append(b.Filings(q), differences(m.Disagreements, q)) {
		done := Filed{Name: f.Name, Title: f.Title, Period: f.Period, Rows: f.Rows(), Files: []string{f.Name + ".xlsx"}}
		book, err := f.workbook()
		if err != nil {
			return nil, fmt.Errorf("filing %s: %w", f.Name, err)
		}
		if err := file.Replace(filepath.Join(dir, f.Name+".xlsx"), book, 0o600); err != nil {
			return nil, fmt.Errorf("filing %s: %w", f.Name, err)
		}
		for _, s := range f.Sheets {
			name := f.Name + ".csv"
			if len(f.Sheets) > 1 {
				name = f.Name + "." + s.Name + ".csv"
			}
			text, err := s.csv()
			if err != nil {
				return nil, fmt.Errorf("filing %s: %w", name, err)
			}
			if err := file.Replace(filepath.Join(dir, name), text, 0o600); err != nil {
				return nil, fmt.Errorf("filing %s: %w", name, err)
			}
			done.Files = append(done.Files, name)
		}
		m.Filings = append(m.Filings, done)
	}
	if m.Disagreements == nil {
		m.Disagreements = []Disagreement{}
	}
	if m.Contradicted == nil {
		m.Contradicted = []string{}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("filings: %w", err)
	}
	if err := file.Replace(filepath.Join(dir, "filings.json"), append(text, '\n'), 0o600); err != nil {
		return nil, fmt.Errorf("filings: %w", err)
	}
	return m, nil
}

// differences is the oracle's list as a document.
func differences(list []Disagreement, q Question) Filing {
	s := Sheet{Name: "Divergencias", Columns: []string{"figura", "onde", "data", "clientOrgId", "serverOrgId", "qty_client", "qty_server", "evidencias", "quem_deve", "por_que"}}
	for _, d := range list {
		s.Rows = append(s.Rows, []any{d.What, d.Where, d.Day, d.Client, d.Server, d.ByClient, d.ByServer, strings.Join(d.Evidence, " | "), d.Owes, d.Why})
	}
	return Filing{Name: "divergencias", Title: "Divergências entre os dois lados", Period: q.Week.String(), Sheets: []Sheet{s}}
}

func (s Sheet) csv() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Comma = ';'
	if err := w.Write(s.Columns); err != nil {
		return nil, err
	}
	for _, row := range s.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = text(v)
		}
		if err := w.Write(cells); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

func (f Filing) workbook() ([]byte, error) {
	x := excelize.NewFile()
	defer func() { _ = x.Close() }()
	looks, err := newStyles(x)
	if err != nil {
		return nil, err
	}
	for i, s := range f.Sheets {
		if i == 0 {
			err = x.SetSheetName("Sheet1", s.Name)
		} else {
			_, err = x.NewSheet(s.Name)
		}
		if err == nil {
			err = s.fill(x, looks)
		}
		if err != nil {
			return nil, fmt.Errorf("sheet %s: %w", s.Name, err)
		}
	}
	out, err := x.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (s Sheet) fill(x *excelize.File, looks styles) error {
	w, err := x.NewStreamWriter(s.Name)
	if err != nil {
		return err
	}
	for i, c := range s.Columns {
		if err := w.SetColWidth(i+1, i+1, float64(min(48, max(12, len(c)+2)))); err != nil {
			return err
		}
	}
	if err := w.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	columns := make([]any, len(s.Columns))
	for i, c := range s.Columns {
		columns[i] = excelize.Cell{StyleID: looks.head, Value: c}
	}
	if err := w.SetRow("A1", columns); err != nil {
		return err
	}
	for i, row := range s.Rows {
		at, err := excelize.CoordinatesToCellName(1, i+2)
		if err != nil {
			return err
		}
		cells := make([]any, len(row))
		for j, v := range row {
			cells[j] = looks.typed(v)
		}
		if err := w.SetRow(at, cells); err != nil {
			return err
		}
	}
	return w.Flush()
}
