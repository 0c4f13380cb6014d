package pcm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/sim/spec"
)

// The bounds of a report's time (discard rules, 2026C).
const (
	oldestTaken = 7 * 24 * time.Hour
	newestTaken = 5 * time.Minute
)

// listed are the endpoints that reports may name.
var listed = func() map[string]bool {
	all := map[string]bool{}
	for _, e := range spec.PCMEndpoints() {
		all[e.Endpoint] = true
	}
	return all
}()

// member is the value of a JSON object's member as it stands there, without quotes. It looks no deeper
// than the text: that is enough for what this institution wrote itself, and costs a tenth of decoding.
func member(body []byte, name string) []byte {
	var key [40]byte
	k := append(append(append(key[:0], '"'), name...), '"', ':')
	i := bytes.Index(body, k)
	if i < 0 {
		return nil
	}
	v := body[i+len(k):]
	if len(v) > 0 && v[0] == '"' {
		v = v[1:]
		return v[:max(0, bytes.IndexByte(v, '"'))]
	}
	if end := bytes.IndexAny(v, ",}"); end >= 0 {
		v = v[:end]
	}
	return v
}

// flaw is what the platform would discard a report for, "" when nothing is found. A flawed report is sent
// all the same: the platform decides, and the flaw is ours to mend where it was made.
func flaw(kind string, body []byte, now time.Time) string {
	switch kind {
	case spec.KindPrivate, spec.KindOpenData:
		if !listed[string(member(body, "endpoint"))] {
			return "endpoint is not listed"
		}
		if code, err := strconv.Atoi(string(member(body, "statusCode"))); err != nil || code < 200 || code > 599 {
			return "statusCode is not between 200 and 599"
		}
		if took, err := strconv.ParseFloat(string(member(body, "processTimespan")), 64); err != nil || took <= 0 {
			return "processTimespan is not above zero"
		}
		if kind == spec.KindOpenData {
			return either(untimely(member(body, "timestamp"), now), absent(body, "clientIp"))
		}
		return either(untimely(member(body, "timestamp"), now), strange(body, "fapiInteractionId"), strange(body, "clientOrgId"), strange(body, "serverOrgId"), absent(body, "role"))
	case spec.KindPayments:
		reason := ""
		if s := member(body, "paymentStatus"); (string(s) == "RJCT" || string(s) == "CANC") && len(member(body, "statusReasonCode")) == 0 {
			reason = "statusReasonCode is missing of " + string(s)
		}
		return either(untimely(member(body, "eventDateTime"), now), strange(body, "clientOrgId"), absent(body, "paymentType"), absent(body, "consentId"), absent(body, "paymentId"), reason)
	case spec.KindStock:
		return either(absent(body, "date"), strange(body, "orgId"), absent(body, "role"), absent(body, "scope"))
	}
	for _, e := range spec.HybridEvents() {
		if e.Kind != kind {
			continue
		}
		for _, name := range append([]string{"consentId", "os", "osVersion"}, e.Fields...) {
			if found := absent(body, name); found != "" {
				return found
			}
		}
		return untimely(member(body, "timestamp"), now)
	}
	return ""
}

func either(found ...string) string {
	for _, f := range found {
		if f != "" {
			return f
		}
	}
	return ""
}

func absent(body []byte, name string) string {
	if len(member(body, name)) == 0 {
		return name + " is missing"
	}
	return ""
}

func strange(body []byte, name string) string {
	if v := member(body, name); len(v) != 36 || uuid.Validate(string(v)) != nil {
		return name + " is no UUID"
	}
	return ""
}

func untimely(text []byte, now time.Time) string {
	at, err := time.Parse(time.RFC3339, string(text))
	switch {
	case err != nil:
		return "its time is malformed"
	case at.Before(now.Add(-oldestTaken)):
		return "it is more than seven days old"
	case at.After(now.Add(newestTaken)):
		return "its time is in the future"
	}
	return ""
}

// mends are the reasons of discards that a report can be freed of without saying anything else than it
// did. What was wrong stays wrong of all others, and they become dead letters.
var mends = []struct {
	reason string // part of the platform's message, in lower case
	mend   func(report map[string]any, message string) bool
}{
	{"unrecognized key", func(r map[string]any, message string) bool {
		parts, cut := strings.Split(message, "'"), false
		for i := 1; i < len(parts); i += 2 {
			if _, there := r[parts[i]]; there {
				delete(r, parts[i])
				cut = true
			}
		}
		return cut
	}},
	{"correlationid", func(r map[string]any, _ string) bool {
		_, there := r["correlationId"]
		delete(r, "correlationId")
		return there
	}},
	{"processtimespan must be greater than zero", func(r map[string]any, _ string) bool {
		r["processTimespan"] = 0.001
		return true
	}},
	// Releases before 2026C take whole milliseconds alone.
	{"processtimespan must be an integer", whole}, {"processtimespan: expected integer", whole},
}

func whole(r map[string]any, _ string) bool {
	took, number := r["processTimespan"].(float64)
	r["processTimespan"] = max(1, math.Round(took))
	return number
}

// mend makes the report that is sent instead of a discarded one, nil when there is none.
func mend(sent json.RawMessage, message string) json.RawMessage {
	var r map[string]any
	if json.Unmarshal(sent, &r) != nil {
		return nil
	}
	for _, m := range mends {
		if strings.Contains(strings.ToLower(message), m.reason) && m.mend(r, message) {
			if text, err := json.Marshal(r); err == nil {
				return text
			}
		}
	}
	return nil
}

// inspect notes a flaw of a report that is about to leave, each kind of flaw once in the log.
func (r *Reporter) inspect(kind string, body []byte, now time.Time) {
	found := flaw(kind, body, now)
	if found == "" {
		return
	}
	r.stats.flawed.Add(1)
	text := fmt.Sprintf("%s: %s", kind, found)
	r.mu.Lock()
	known := r.flaws[text]
	r.flaws[text]++
	r.mu.Unlock()
	if known == 0 {
		r.cfg.Log.Warn("report with a flaw", "kind", kind, "flaw", found)
	}
}

// Flaws counts the flaws of reports that left, by kind and flaw: what the platform can be expected to
// discard. A sound institution has none.
func (r *Reporter) Flaws() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]int, len(r.flaws))
	for text, n := range r.flaws {
		all[text] = n
	}
	return all
}
