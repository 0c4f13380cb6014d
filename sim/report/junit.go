package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class      string           `xml:"classname,attr"`
	Name       string           `xml:"name,attr"`
	Time       string           `xml:"time,attr"`
	Properties *junitProperties `xml:"properties"`
	Skipped    *junitNote       `xml:"skipped"`
	Error      *junitNote       `xml:"error"`
	Failure    *junitNote       `xml:"failure"`
	Out        string           `xml:"system-out,omitempty"`
}

type junitProperties struct {
	List []junitProperty `xml:"property"`
}

type junitNote struct {
	Message string `xml:"message,attr,omitempty"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report for machines that read JUnit: one suite per area, the check's id as class name,
// rules and severity as properties.
func (r *Report) JUnit(w io.Writer) error {
	top := junitSuites{Name: clean("ensaio " + r.Target.Name), Time: seconds(r.DurationMs)}
	for _, area := range r.Areas() {
		s := junitSuite{Name: area.Name, Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05")}
		s.Properties = []junitProperty{{"verdict", string(r.Verdict)}, {"seed", fmt.Sprint(r.Seed)},
			{"profile", r.Selection.Profile}, {"defects", strings.Join(r.Defects, " ")}, {"notice", Notice}}
		var ms int64
		for _, c := range area.Checks {
			k := junit(c)
			s.Tests++
			ms += c.DurationMs
			switch {
			case k.Failure != nil:
				s.Failures++
			case k.Error != nil:
				s.Errors++
			case k.Skipped != nil:
				s.Skipped++
			}
			s.Cases = append(s.Cases, k)
		}
		s.Time = seconds(ms)
		top.Tests += s.Tests
		top.Failures += s.Failures
		top.Errors += s.Errors
		top.Skipped += s.Skipped
		top.Suites = append(top.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(top); err != nil {
		return fmt.Errorf("junit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junit(c Check) junitCase {
	k := junitCase{Class: clean(c.ID), Name: clean(c.Name), Time: seconds(c.DurationMs)}
	props := []junitProperty{{"severity", c.Severity}, {"plan", c.Plan}, {"status", string(c.Status)}}
	for _, rule := range c.Rules {
		props = append(props, junitProperty{"rule", clean(rule)})
	}
	k.Properties = &junitProperties{props}
	text := clean(c.Text())
	switch c.Status {
	case Fail, Fixed:
		k.Failure = &junitNote{Message: clean(c.Headline()), Type: string(c.Status), Text: text}
	case Error, Unavailable:
		k.Error = &junitNote{Message: clean(c.Headline()), Type: string(c.Status), Text: text}
	case Skip, Review, KnownFail:
		k.Skipped = &junitNote{Message: clean(string(c.Status) + ": " + c.Headline())}
	case Warn:
		k.Out = text
	case Pass:
	}
	return k
}

func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }

// clean drops what XML 1.0 cannot carry.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || (r < 0x20 && r != '\n' && r != '\t' && r != '\r') || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, s)
}
