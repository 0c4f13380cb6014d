package pcm

import (
	"context"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// request is an intake request on its way through the rules.
type request struct {
	http    *http.Request
	session bool
	allowed bool // within the rate
	body    raw
	count   int
	intake  *intake
	dialect *Dialect
	tooBig  bool
}

// intake is one of the endpoints that take reports.
type intake struct {
	operation string
	path      string
	kind      byte
	least     int
	most      int
	single    bool   // one object instead of an array
	malformed string // the message for a body of another shape
	event     *event
	needs     int // the switch under which it is there; alwaysThere
	judge     func(p *PCM, ctx context.Context, in *intake, list []verdict, s session, now time.Time)
}

const (
	alwaysThere = -1
	notArray    = "Invalid payload format: MUST be an array"
)

// intakes lists the endpoints that take reports, that of private reports first.
var intakes = listIntakes()

func listIntakes() []*intake {
	all := []*intake{
		{operation: "private", path: spec.PrivateReportPath, kind: kindPrivate, least: 1, most: maxReports, malformed: notArray, needs: alwaysThere, judge: (*PCM).judgeReports},
		{operation: "opendata", path: spec.OpenDataPath, kind: kindOpen, least: 1, most: maxReports, malformed: notArray, needs: alwaysThere, judge: (*PCM).judgeReports},
		{operation: "stock", path: spec.StockPath, kind: kindStock, least: 1, most: 1, single: true, malformed: "Report Invalid", needs: swStock, judge: (*PCM).judgeStock},
		{operation: "payments", path: spec.PaymentStatesPath, kind: kindStates, least: 1, most: maxReports, malformed: notArray, needs: swStates, judge: (*PCM).judgeStates},
		{operation: "portability", path: spec.PortabilityClientPath, kind: kindPortabilityClient, least: 1, most: maxReports, malformed: notArray, needs: swPortability, judge: (*PCM).judgeReports},
		{operation: "portability", path: spec.PortabilityServerPath, kind: kindPortabilityServer, least: 1, most: maxReports, malformed: notArray, needs: swPortability, judge: (*PCM).judgeReports},
	}
	for i := range events {
		all = append(all, &intake{operation: "hybrid-flow/" + events[i].path, path: HybridFlow + events[i].path, kind: kindHybrid + byte(i), most: maxEvents,
			malformed: "Report Invalid", event: &events[i], needs: alwaysThere, judge: (*PCM).judgeEvents})
	}
	return all
}

// one says whether the dialect wants one object here.
func (in *intake) one(d *Dialect) bool {
	return in.single || in.event != nil && d.on[swSingleEvents]
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
	rule.Rule[*request]{ID: "PCM-REQUEST/is-array", Weight: fault.Major, Text: "the body is an array of at least one item, or one object, as the endpoint asks",
		Check: func(_ context.Context, r *request) error {
			wanted := "array"
			if r.intake.one(r.dialect) {
				wanted = "object"
			}
			if !r.tooBig && (r.body.kind() != wanted || r.count < r.intake.least) {
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
