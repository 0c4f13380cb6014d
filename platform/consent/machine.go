package consent

import (
	"encoding/json"
	"time"
)

// The events that move a consent. They are the names seen by the state-table seam.
const (
	eventCreate    = "create"
	eventAuthorise = "authorise"
	eventApprove   = "approve"
	eventReject    = "reject"
	eventRevoke    = "revoke"
	eventExpire    = "expire"
	eventConsume   = "consume"
	eventExtend    = "extend"
)

// step is one legal move. tells is the last part of the event told to the world: "consent.authorised".
type step struct {
	event, from, to, tells string
}

// machines are the state tables: data consents (consents v3) and Pix payment consents (payments v4 and v5).
var machines = map[Kind][]step{
	Data: {
		{eventCreate, "", Awaiting, "created"},
		{eventAuthorise, Awaiting, Authorised, "authorised"},
		{eventApprove, Authorised, Authorised, "approved"},
		{eventExtend, Authorised, Authorised, "extended"},
		{eventReject, Awaiting, Rejected, "rejected"},
		{eventRevoke, Authorised, Rejected, "revoked"},
		{eventExpire, Awaiting, Rejected, "expired"},
		{eventExpire, Authorised, Rejected, "expired"},
	},
	Payment: {
		{eventCreate, "", Awaiting, "created"},
		{eventAuthorise, Awaiting, Authorised, "authorised"},
		{eventAuthorise, Awaiting, Partially, "partially_accepted"},
		{eventApprove, Partially, Partially, "approved"},
		{eventApprove, Partially, Authorised, "authorised"},
		{eventConsume, Authorised, Consumed, "consumed"},
		{eventReject, Awaiting, Rejected, "rejected"},
		{eventReject, Partially, Rejected, "rejected"},
		{eventReject, Authorised, Rejected, "rejected"},
		{eventExpire, Awaiting, Rejected, "expired"},
		{eventExpire, Partially, Rejected, "expired"},
		{eventExpire, Authorised, Rejected, "expired"},
	},
}

func legal(k Kind, event, from, to string) bool {
	for _, s := range machines[k] {
		if s.event == event && s.from == from && s.to == to {
			return true
		}
	}
	return false
}

func tells(k Kind, event, to string) string {
	for _, s := range machines[k] {
		if s.event == event && s.to == to {
			return string(k) + "." + s.tells
		}
	}
	return string(k) + "." + event
}

// The waits of the standard (consents v3; payments 5.3).
const (
	dataWait       = 60 * time.Minute
	paymentWait    = 5 * time.Minute
	paymentConsume = 60 * time.Minute
)

// The reasons of a lapse.
const (
	ConsentExpired      = "CONSENT_EXPIRED"
	MaxDateReached      = "CONSENT_MAX_DATE_REACHED"
	AuthorisationLapsed = "TEMPO_EXPIRADO_AUTORIZACAO"
	ConsumptionLapsed   = "TEMPO_EXPIRADO_CONSUMO"
	ManuallyRejected    = "CUSTOMER_MANUALLY_REJECTED"
	ManuallyRevoked     = "CUSTOMER_MANUALLY_REVOKED"
)

// deadline tells when the consent lapses if nothing happens, and with which reason.
func (e *Engine) deadline(c *Consent) (at time.Time, code string, ok bool) {
	switch {
	case c.Kind == Data && c.Status == Awaiting:
		return c.Created.Add(e.seams.Lifetime("consent.awaiting", dataWait)), ConsentExpired, true
	case c.Kind == Data && c.Status == Authorised && c.Expires != nil:
		return c.Created.Add(e.seams.Lifetime("consent.validity", c.Expires.Sub(c.Created))), MaxDateReached, true
	case c.Kind == Payment && c.Status == Awaiting:
		return c.Created.Add(e.seams.Lifetime("payment-consent.awaiting", paymentWait)), AuthorisationLapsed, true
	case c.Kind == Payment && c.Status == Partially && c.Until != nil:
		return c.Created.Add(e.seams.Lifetime("payment-consent.partially", c.Until.Sub(c.Created))), AuthorisationLapsed, true
	case c.Kind == Payment && c.Status == Authorised:
		return c.Updated.Add(e.seams.Lifetime("payment-consent.authorised", paymentConsume)), ConsumptionLapsed, true
	}
	return time.Time{}, "", false
}

// brasilia is the zone of plain dates; Brazil has kept UTC-3 without summer time since 2019.
var brasilia = time.FixedZone("BRT", -3*60*60)

// approversUntil is the end of the wait for further approvers of a payment consent (payments 5.3): the
// end of the request's day for an immediate payment, of the day before the first settlement for a
// scheduled one.
func approversUntil(payment json.RawMessage, created time.Time) time.Time {
	var req struct {
		Payment struct {
			Schedule map[string]json.RawMessage `json:"schedule"`
		} `json:"payment"`
	}
	day := created.In(brasilia)
	first := ""
	if json.Unmarshal(payment, &req) == nil {
		for _, raw := range req.Payment.Schedule {
			var branch struct {
				Date      string   `json:"date"`
				StartDate string   `json:"startDate"`
				Dates     []string `json:"dates"`
			}
			if json.Unmarshal(raw, &branch) != nil {
				continue // additionalInformation of version 5 is text
			}
			for _, d := range append(branch.Dates, branch.Date, branch.StartDate) {
				if d != "" && (first == "" || d < first) {
					first = d
				}
			}
		}
	}
	if d, err := time.ParseInLocation(time.DateOnly, first, brasilia); err == nil {
		day = d.AddDate(0, 0, -1)
	}
	return time.Date(day.Year(), day.Month(), day.Day(), 23, 59, 59, 0, brasilia).UTC()
}
