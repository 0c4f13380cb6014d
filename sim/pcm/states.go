package pcm

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// payState is a payment state report on its way through the rules.
type payState struct {
	info
	at      time.Time // eventDateTime; zero when malformed
	now     time.Time
	known   Participants
	dialect *Dialect
}

func (s *payState) read(body raw) {
	s.info.read(body)
	s.at, _ = moment(s.get("eventDateTime").bytes())
}

var payStateFields = [...]string{"eventDateTime", "paymentType", "clientOrgId", "consentId", "paymentId", "paymentStatus"}

var paymentID = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9\-]{0,99}$`)

// payTypes is the domain of paymentType in the dialect. WITHDRAW and CHANGE came with 2026C; "SCHEDULE"
// stands in the definition of 2025C.
func (d *Dialect) payTypes() string {
	types := "AUTOMATIC IMMEDIATE RECURRENT SCHEDULED SWEEPING"
	switch d.release.String() {
	case "2026C":
		types += " WITHDRAW CHANGE"
	case "2025C":
		types += " SCHEDULE"
	}
	return types
}

// stateRules holds the discard rules of payment states (sections 10 and 12.1).
var stateRules = rule.NewSet("pcm.payments",
	rule.Rule[*payState]{ID: "PCM-STATE/has-required-fields", Weight: fault.Major, Text: "every field of a payment state but the reason is there",
		Check: func(_ context.Context, s *payState) error {
			var m messages
			for _, name := range payStateFields {
				if s.get(name).absent() {
					m = append(m, "Invalid type: "+name+": Required")
				}
			}
			return m.orNil()
		}},
	rule.Rule[*payState]{ID: "PCM-STATE/fields-not-empty", Weight: fault.Minor, Text: "no field is an empty string",
		Check: func(_ context.Context, s *payState) error {
			var m messages
			for _, name := range payStateFields {
				if v := s.get(name); v.kind() == "string" && len(v) == 2 {
					m = append(m, name+" should not be empty")
				}
			}
			return m.orNil()
		}},
	rule.Rule[*payState]{ID: "PCM-STATE/fields-typed", Weight: fault.Major, Text: "every field is a text",
		Check: func(_ context.Context, s *payState) error {
			var m messages
			for i, name := range s.names {
				if v := s.values[i]; !v.absent() && v.kind() != "string" {
					m = append(m, string(name)+" must be a string")
				}
			}
			return m.orNil()
		}},
	rule.Rule[*payState]{ID: "PCM-STATE/client-is-uuid", Weight: fault.Major, Text: "clientOrgId is a UUID",
		Check: func(_ context.Context, s *payState) error {
			if b := s.get("clientOrgId").bytes(); len(b) > 0 && !isUUID(b) {
				return errors.New("clientOrgId must be a UUID")
			}
			return nil
		}},
	rule.Rule[*payState]{ID: "PCM-STATE/client-known", Weight: fault.Major, Text: "the client organisation is in the directory",
		Check: func(_ context.Context, s *payState) error {
			if b := s.get("clientOrgId").bytes(); s.known != nil && isUUID(b) && !s.known.Organisation(string(b)) {
				return errors.New("OrganisationId doesn't exist on Directory") // the published words
			}
			return nil
		}},
	rule.Rule[*payState]{ID: "PCM-STATE/status-listed", Weight: fault.Major, Text: "paymentStatus is a final or the scheduled state",
		Check: func(_ context.Context, s *payState) error {
			if v := s.get("paymentStatus"); filled(v) && !oneOf("ACSC RJCT CANC SCHD")(v) {
				return errors.New("paymentStatus must be one of the following values: ACSC, RJCT, CANC, SCHD")
			}
			return nil
		}},
	rule.Rule[*payState]{ID: "PCM-STATE/type-listed", Weight: fault.Major, Text: "paymentType holds one of its values",
		Check: func(_ context.Context, s *payState) error {
			if v := s.get("paymentType"); filled(v) && !oneOf(s.dialect.payTypes())(v) {
				return errors.New("paymentType must be one of the following values: " + strings.ReplaceAll(s.dialect.payTypes(), " ", ", "))
			}
			return nil
		}},
	rule.Rule[*payState]{ID: "PCM-STATE/consent-id-is-urn", Weight: fault.Major, Text: "consentId is a URN of at most 100 characters",
		Check: func(_ context.Context, s *payState) error {
			if b := s.get("consentId").bytes(); len(b) > 0 && (len(b) > 100 || !urn.Match(b)) {
				return errors.New("consentId need match with regex")
			}
			return nil
		}},
	rule.Rule[*payState]{ID: "PCM-STATE/payment-id-form", Weight: fault.Major, Text: "paymentId keeps its pattern",
		Check: func(_ context.Context, s *payState) error {
			if b := s.get("paymentId").bytes(); len(b) > 0 && !paymentID.Match(b) {
				return errors.New("paymentId must match pattern /" + paymentID.String() + "/")
			}
			return nil
		}},
	rule.Rule[*payState]{ID: "PCM-STATE/time-form", Weight: fault.Major, Text: "eventDateTime is written in UTC with milliseconds",
		Check: func(_ context.Context, s *payState) error {
			if filled(s.get("eventDateTime")) && s.at.IsZero() {
				return errors.New("Invalid format: eventDateTime: Invalid date") // the published words
			}
			return nil
		}},
	rule.Rule[*payState]{ID: "PCM-STATE/not-too-old", Weight: fault.Major, Text: "the event is at most seven days old",
		Check: func(_ context.Context, s *payState) error {
			if !s.at.IsZero() && s.now.Sub(s.at) > oldest {
				return errors.New("EventDateTime must not be older than 7 days") // the published words
			}
			return nil
		}},
	rule.Rule[*payState]{ID: "PCM-STATE/not-later", Weight: fault.Major, Text: "the event is not after its report",
		Check: func(_ context.Context, s *payState) error {
			if s.at.After(s.now) {
				return errors.New("eventDateTime must not be later than the report")
			}
			return nil
		}},
)

// judgeStates applies the item rules to payment states.
func (p *PCM) judgeStates(ctx context.Context, _ *intake, list []verdict, _ session, now time.Time) {
	st := &payState{now: now, known: p.cfg.Known, dialect: p.Dialect()}
	for i := range list {
		v := &list[i]
		st.read(v.body)
		if breaches := stateRules.CheckAll(ctx, p.cfg.Seams, st); breaches != nil {
			v.discarded, v.message = true, join(breaches)
		}
		v.payment = st.get("paymentId").bytes()
	}
}

// lookupState answers GET of a payment's state: the newest that the asking organisation told.
func (p *PCM) lookupState(w http.ResponseWriter, r *http.Request) {
	s, ok := p.reader(w, r)
	if !ok {
		return
	}
	d := p.Dialect()
	if told, there := p.payments.newest(r.PathValue("id"), s.organisation, p.cfg.Clock.Now().Add(-d.shownAfter)); there && d.on[swStates] {
		body, _ := json.Marshal(told.PaymentState) // texts only
		p.answer(w, r, "payments", http.StatusOK, extended(body, map[string]any{
			"reportId": told.id, "status": Accepted, "createdAt": told.received.Format(instant), "updatedAt": told.received.Format(instant)}))
		return
	}
	p.refuse(w, r, "payments", http.StatusNotFound, "Not Found")
}

// The codes of statusReasonCode, from the tables of rejections.
var stateReasons = func() map[string]map[string]bool {
	of := map[string]map[string]bool{"CANC": {"CANCELADO_AGENDAMENTO": true, "CANCELADO_PENDENCIA": true, "CANCELADO_MULTIPLAS_ALCADAS": true}, "RJCT": {}}
	for _, o := range spec.Obligations() {
		for _, e := range o.Endpoints {
			if o.Field == "rejectionReasonCode" && strings.Contains(e, "/pix/") {
				for _, v := range o.Values {
					of["RJCT"][v] = true
				}
			}
		}
	}
	return of
}()

// toldState is one state that a holder told of a payment.
type toldState struct {
	id       string
	reporter string
	received time.Time
	at       time.Time
	spec.PaymentState
}

func (t *toldState) reasonFault() string {
	switch domain := stateReasons[t.PaymentStatus]; {
	case domain == nil:
		return ""
	case t.StatusReasonCode == "":
		return "statusReasonCode is missing"
	case !domain[t.StatusReasonCode]:
		return "statusReasonCode " + t.StatusReasonCode + " is not one of " + t.PaymentStatus
	}
	return ""
}
