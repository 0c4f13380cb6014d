package filing

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// A cell of a sheet is a string, an int, a float64, or one of these two, which a spreadsheet knows as what
// they are and a CSV file writes as the published layouts do.
type (
	// reais is an amount of money in centavos: "10.05".
	reais int64
	// date is a civil day in one of the layouts that the sheets ask for.
	date struct {
		day    Day
		layout string // of package time
	}
)

func (r reais) String() string {
	sign := ""
	if r < 0 {
		sign, r = "-", -r
	}
	return fmt.Sprintf("%s%d.%02d", sign, r/100, r%100)
}

func (d date) String() string { return d.day.Start().Format(d.layout) }

const brazilian = "02/01/2006"

func iso(d Day) date { return date{d, time.DateOnly} }

// text is a cell as CSV has it. A text that a spreadsheet would compute is kept from it by an apostrophe:
// some of the records come from others.
func text(cell any) string {
	switch v := cell.(type) {
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		if v != "" && strings.ContainsRune("=+-@\t\r", rune(v[0])) {
			return "'" + v
		}
		return v
	}
	return fmt.Sprint(cell)
}

// styles are the looks of a workbook.
type styles struct{ head, money, iso, brazilian int }

func newStyles(x *excelize.File) (s styles, err error) {
	for _, style := range []struct {
		into *int
		look *excelize.Style
	}{
		{&s.head, &excelize.Style{Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"DDE3EA"}}}},
		{&s.money, &excelize.Style{NumFmt: 2}}, // 0.00
		{&s.iso, &excelize.Style{CustomNumFmt: format("yyyy-mm-dd")}},
		{&s.brazilian, &excelize.Style{CustomNumFmt: format("dd/mm/yyyy")}},
	} {
		if *style.into, err = x.NewStyle(style.look); err != nil {
			return s, err
		}
	}
	return s, nil
}

func format(s string) *string { return &s }

// typed is a cell as a workbook has it: dates and amounts are numbers that look like what they are.
func (s styles) typed(cell any) any {
	switch v := cell.(type) {
	case reais:
		return excelize.Cell{StyleID: s.money, Value: float64(v) / 100}
	case date:
		look := s.iso
		if v.layout == brazilian {
			look = s.brazilian
		}
		civil := v.day.Start()
		return excelize.Cell{StyleID: look, Value: time.Date(civil.Year(), civil.Month(), civil.Day(), 0, 0, 0, 0, time.UTC)}
	}
	return cell
}
