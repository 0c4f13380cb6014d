package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/availability"
)

// logOf is a day with a call a minute, of which the first bad ones fail.
func logOf(bad int) string {
	var b strings.Builder
	b.WriteString("timestamp,duration_ms,method,endpoint,status\n")
	day, _ := availability.ParseDay("2027-03-01")
	for m := range 1360 {
		status := 200
		if m < bad {
			status = 503
		}
		fmt.Fprintf(&b, "%s,84.2,GET,/open-banking/accounts/v2/accounts/%d/balances,%d\n", day.Start().Add(time.Duration(m)*time.Minute).Format(time.RFC3339), m, status)
	}
	return b.String()
}

// inBrasilia is a log as institutions here keep it: local times, semicolons, decimal commas.
func inBrasilia(log string) string {
	return strings.NewReplacer("-03:00", "", ",", ";", ".", ",", "2027-03-01T", "01/03/2027 ").Replace(log)
}

func TestALogIsJudgedWithTheExitCodeOfItsVerdict(t *testing.T) {
	for _, c := range []struct {
		name, log string
		args      []string
		code      int
		says      string
	}{
		{"the page's example", logOf(30), nil, CodePass, "97.79 %"},
		{"exactly 95 %", logOf(68), nil, CodePass, "CONFORMING"},
		{"one minute more", logOf(69), nil, CodeFloor, "2027-03-01: 94.93 % available by traffic at /open-banking/accounts/v2/accounts/{accountId}/balances, and a day owes 95 %"},
		{"nothing usable", "a;b\n1;2\n", nil, CodeUsage, "names no columns"},
		{"outside the period", logOf(0), []string{"--to", "2027-02-28"}, CodeUsage, "outside the period"},
		{"nothing to judge", "timestamp,endpoint,status\n2027-03-01T12:00:00Z,/token,400\n", nil, CodeUsage, "nothing in the log can be judged"},
		{"local times", inBrasilia(logOf(30)), nil, CodeUsage, "--zone brasilia"},
		{"local times of Brasília", inBrasilia(logOf(30)), []string{"--zone", "brasilia"}, CodePass, "97.79 %"},
		{"a wrong zone", logOf(0), []string{"--zone", "here"}, CodeUsage, "brasilia, utc or -03:00"},
		{"more bad than good", logOf(0)[:400] + strings.Repeat("x\n", 100), nil, CodeUsage, "a verdict on the rest would be one on another record"},
		{"what next", logOf(69), nil, CodeFloor, "69 of 1360 minutes with calls were lost, from 00:00 to 01:08, and 68 may be"},
		{"a wrong day", logOf(0), []string{"--from", "yesterday"}, CodeUsage, "no day such as"},
		{"a wrong category", logOf(0), []string{"--category", "E"}, CodeUsage, "A, B, C and D"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			code := Run(t.Context(), append([]string{"report", "availability", "-"}, c.args...), World{}, strings.NewReader(c.log), &out, &errOut)
			if text := out.String() + errOut.String(); code != c.code || !strings.Contains(text, c.says) {
				t.Errorf("exit %d, want %d and %q:\n%s", code, c.code, c.says, text)
			}
		})
	}
}

func TestTheFilesOfALogAreWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	var out bytes.Buffer
	if code := Run(t.Context(), []string{"report", "availability", "-", "-o", dir, "--json"}, World{}, strings.NewReader(logOf(30)), &out, &out); code != CodePass {
		t.Fatalf("exit %d: %s", code, out.String())
	}
	file, err := os.ReadFile(filepath.Join(dir, "availability.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"printed": out.Bytes(), "written": file} {
		var r struct {
			Kind, Verdict string
			Endpoints     []struct {
				Traffic struct {
					Days []struct {
						Availability              float64
						Minutes, MinutesAvailable int
					}
				}
			}
		}
		if err := json.Unmarshal(text, &r); err != nil || r.Kind != "Availability" || r.Verdict != "conforming" || r.Endpoints[0].Traffic.Days[0].MinutesAvailable != 1330 {
			t.Errorf("%s: %v %+v", name, err, r)
		}
	}
	if page, err := os.ReadFile(filepath.Join(dir, "availability.html")); err != nil || !bytes.Contains(page, []byte("97.79 %")) {
		t.Errorf("the page lacks the figure: %v", err)
	}
}
