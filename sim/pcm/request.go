package pcm

import (
	"context"
	"mime"
	"net/http"
	"strings"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// request is an intake request on its way through the rules.
type request struct {
	http    *http.Request
	session bool
	allowed bool // within the rate
	body    raw
	count   int
	intake  *intake
	tooBig  bool
}

// intake is one of the endpoints that take arrays.
type intake struct {
	operation string
	kind      byte
	least     int
	most      int
	malformed string // the message for a body that is no array
	event     *event
}

var (
	privateIntake = &intake{operation: "private", kind: kindPrivate, least: 1, most: maxReports, malformed: "Invalid payload format: MUST be an array"}
	openIntake    = &intake{operation: "opendata", kind: kindOpen, least: 1, most: maxReports, malformed: "Invalid payload format: MUST be an array"}
)

func hybridIntake(e *event) *intake {
	n := byte(0)
	for i := range events {
		if &events[i] == e {
			n = byte(i)
		}
	}
	return &intake{operation: "hybrid-flow/" + e.path, kind: kindHybrid + n, most: maxEvents, malformed: "Report Invalid", event: e}
}

func refused(status int, message string) error {
	return &problem{status, string(append(appendText([]byte(`{"message":`), message), '}'))}
}

// requestRules are the whole-request failures of section 3, in the order in which a request meets them.
var requestRules = rule.NewSet("pcm.request",
	rule.Rule[*request]{ID: "PCM-REQUEST/token", Weight: fault.Critical, Text: "a live access token is there",
		Check: func(_ context.Context, r *request) error {
			if !r.session {
				return refused(http.StatusUnauthorized, "Unauthorized")
			}
			return nil
		}},
	rule.Rule[*request]{ID: "PCM-REQUEST/rate", Weight: fault.Minor, Text: "one organisation sends at most 300 requests per second",
		Check: func(_ context.Context, r *request) error {
			if !r.allowed {
				return refused(http.StatusTooManyRequests, "Too Many Requests")
			}
			return nil
		}},
	rule.Rule[*request]{ID: "PCM-REQUEST/accepts-json", Weight: fault.Minor, Text: "the caller accepts JSON",
		Check: func(_ context.Context, r *request) error {
			if !acceptsJSON(r.http.Header.Get("Accept")) {
				return refused(http.StatusNotAcceptable, "Content type not accepted")
			}
			return nil
		}},
	rule.Rule[*request]{ID: "PCM-REQUEST/is-json", Weight: fault.Minor, Text: "the content type is JSON",
		Check: func(_ context.Context, r *request) error {
			if media, _, err := mime.ParseMediaType(r.http.Header.Get("Content-Type")); err != nil || media != "application/json" {
				return refused(http.StatusUnsupportedMediaType, "Unsupported Media Type")
			}
			return nil
		}},
	rule.Rule[*request]{ID: "PCM-REQUEST/is-array", Weight: fault.Major, Text: "the body is an array of at least one item, where one is asked for",
		Check: func(_ context.Context, r *request) error {
			if !r.tooBig && (r.body.kind() != "array" || r.count < r.intake.least) {
				return refused(http.StatusBadRequest, r.intake.malformed)
			}
			return nil
		}},
	rule.Rule[*request]{ID: "PCM-REQUEST/batch-limit", Weight: fault.Minor, Text: "there are at most 5000 reports, or 1000 events",
		Check: func(_ context.Context, r *request) error {
			if r.tooBig || r.count > r.intake.most {
				return refused(http.StatusRequestEntityTooLarge, "Record limit exceeded")
			}
			return nil
		}},
)

func acceptsJSON(accept string) bool {
	if accept == "" {
		return true
	}
	for part := range strings.SplitSeq(accept, ",") {
		media, _, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err == nil && (media == "*/*" || media == "application/*" || media == "application/json") {
			return true
		}
	}
	return false
}
