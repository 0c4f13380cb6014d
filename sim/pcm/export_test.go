package pcm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/sim/spec"
)

func exported(t *testing.T, p *PCM, query string) (lines []spec.Exported) {
	t.Helper()
	w := httptest.NewRecorder()
	p.Control().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/export"+query, nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for in := bufio.NewScanner(bytes.NewReader(w.Body.Bytes())); in.Scan(); {
		var l spec.Exported
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v", in.Bytes(), err)
		}
		lines = append(lines, l)
	}
	return lines
}

func summed(lines []spec.Exported) string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Kind+" "+l.State)
	}
	return strings.Join(all, ", ")
}

// TestExportTellsAllThatIsHeld reads the log back while it grows and after a restart, whole and behind a
// line already read.
func TestExportTellsAllThatIsHeld(t *testing.T) {
	dir := t.TempDir()
	p := start(t, Config{Dir: dir})
	post(t, p, orgA, privatePath, clientReport(1), with(clientReport(2), "endpoint", "/x"), clientReport(3))
	post(t, p, orgB, privatePath, serverReport(1))
	post(t, p, orgA, HybridFlow+"client/redirect-to-server", object{"consentId": urnOne, "os": "ANDROID", "osVersion": "14",
		"timestamp": "2026-09-15T11:59:00.000Z", "platform": "APP", "clientOrgId": orgA})
	post(t, p, orgB, spec.OpenDataPath, object{"endpoint": "/open-banking/channels/v2/branches", "statusCode": 200, "httpMethod": "GET",
		"timestamp": "2026-09-15T11:59:00.000Z", "processTimespan": 3, "additionalInfo": object{"clientIp": "192.0.2.7"}})
	const whole = "private PAIRED, private UNPAIRED, private PAIRED, hybrid ACCEPTED, opendata SINGLE"
	all := exported(t, p, "")
	if got := summed(all); got != whole {
		t.Fatalf("got %s", got)
	}
	if l := all[0]; l.Reporter != orgA || l.Received != "2026-09-15T12:00:00.000Z" || l.Path != privatePath || !strings.Contains(string(l.Report), interactionID(1)) || !isUUID([]byte(l.ReportID)) {
		t.Errorf("got %+v", l)
	}
	if got := summed(exported(t, p, "?discarded=true")); got != strings.Replace(whole, "PAIRED,", "PAIRED, private DISCARDED,", 1) {
		t.Errorf("with discards: %s", got)
	}
	if got := summed(exported(t, p, fmt.Sprintf("?kind=private&after=%d", all[0].Number))); got != "private UNPAIRED, private PAIRED" {
		t.Errorf("after the first: %s", got)
	}
	if got := exported(t, p, fmt.Sprintf("?after=%d", all[4].Number)); len(got) != 0 {
		t.Errorf("after the last: %v", got)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, Config{Dir: dir})
	if got := exported(t, again, ""); summed(got) != whole || got[4].Number != all[4].Number {
		t.Errorf("after a restart: %s", summed(got))
	}
	w := httptest.NewRecorder()
	again.Control().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/export?kind=funnel", nil))
	if w.Code != 400 || !strings.Contains(w.Body.String(), "portability") {
		t.Errorf("an unknown kind: %d %s", w.Code, w.Body)
	}
}
