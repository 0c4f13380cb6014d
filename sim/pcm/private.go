package pcm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// Participants is what the platform knows from the directory. Methods are called for every report and
// must be quick.
type Participants interface {
	// Organisation says whether an organisation is known.
	Organisation(id string) bool
	// Software returns the organisation a software statement belongs to.
	Software(id string) (organisation string, known bool)
	// SameGroup says whether two organisations belong to one conglomerate, so that one may report for
	// the other.
	SameGroup(a, b string) bool
}

// The ages a timestamp may have: seven days back, and five minutes ahead for clocks that differ.
const (
	oldest   = 7 * 24 * time.Hour
	furthest = 5 * time.Minute
)

const nilUUID = "00000000-0000-0000-0000-000000000000"

// messages joins the complaints of one rule about several fields.
type messages []string

func (m messages) Error() string { return strings.Join(m, ";") }

func (m messages) orNil() error {
	if len(m) == 0 {
		return nil
	}
	return m
}

// private holds the discard rules of private reports (fields of section 4, endpoints of section 6,
// messages of section 12.1, each in its first published form).
var private = rule.NewSet("pcm.private",
	rule.Rule[*report]{ID: "PCM-PRIVATE/has-required-fields", Weight: fault.Major,
		Text: "every field owed by the role is there", Check: hasRequired},
	rule.Rule[*report]{ID: "PCM-PRIVATE/fields-not-empty", Weight: fault.Minor,
		Text: "no field is an empty string", Check: notEmpty},
	rule.Rule[*report]{ID: "PCM-PRIVATE/fields-typed", Weight: fault.Major,
		Text: "every field has its JSON type", Check: typed},
	rule.Rule[*report]{ID: "PCM-PRIVATE/ids-are-uuids", Weight: fault.Major,
		Text: "interaction, organisation and statement ids are UUIDs", Check: uuids},
	rule.Rule[*report]{ID: "PCM-PRIVATE/values-listed", Weight: fault.Major,
		Text: "httpMethod and role hold one of their values", Check: listed},
	rule.Rule[*report]{ID: "PCM-PRIVATE/no-unknown-fields", Weight: fault.Major,
		Text: "there is no field that the role does not have", Check: noAliens},
	rule.Rule[*report]{ID: "PCM-PRIVATE/additional-info-filled", Weight: fault.Major,
		Text: "additionalInfo is not empty where content is owed", Check: hasContent},
	rule.Rule[*report]{ID: "PCM-PRIVATE/endpoint-listed", Weight: fault.Major,
		Text: "endpoint is one of the accepted templates", Check: endpointListed},
	rule.Rule[*report]{ID: "PCM-PRIVATE/client-reports-itself", Weight: fault.Critical,
		Text: "a CLIENT report comes from the client organisation or its conglomerate", Check: requesterIs(false, fClientOrg)},
	rule.Rule[*report]{ID: "PCM-PRIVATE/server-reports-itself", Weight: fault.Critical,
		Text: "a SERVER report comes from the server organisation or its conglomerate", Check: requesterIs(true, fServerOrg)},
	rule.Rule[*report]{ID: "PCM-PRIVATE/client-known", Weight: fault.Major,
		Text: "the client organisation is in the directory", Check: organisationKnown(fClientOrg, "Client organization ID")},
	rule.Rule[*report]{ID: "PCM-PRIVATE/server-known", Weight: fault.Major,
		Text: "the server organisation is in the directory", Check: organisationKnown(fServerOrg, "Server organization ID")},
	rule.Rule[*report]{ID: "PCM-PRIVATE/statement-known", Weight: fault.Major,
		Text: "the software statement belongs to the client organisation", Check: statementKnown},
	rule.Rule[*report]{ID: "PCM-PRIVATE/has-interaction-id", Weight: fault.Major,
		Text: "the interaction id is there, also for 408 and 500", Check: hasInteraction},
	rule.Rule[*report]{ID: "PCM-PRIVATE/interaction-id-not-nil", Weight: fault.Minor,
		Text: "the interaction id is not the nil UUID", Check: interactionNotNil},
	rule.Rule[*report]{ID: "PCM-PRIVATE/correlation-pattern", Weight: fault.Minor,
		Text: "correlationId keeps its pattern", Check: pattern(fCorrelation, 100)},
	rule.Rule[*report]{ID: "PCM-PRIVATE/prefix-pattern", Weight: fault.Minor,
		Text: "endpointUriPrefix keeps its pattern", Check: pattern(fPrefix, 200)},
	rule.Rule[*report]{ID: "PCM-PRIVATE/timespan-positive", Weight: fault.Major,
		Text: "processTimespan is above zero", Check: timespanPositive},
	rule.Rule[*report]{ID: "PCM-PRIVATE/status-in-range", Weight: fault.Major,
		Text: "statusCode is between 200 and 599", Check: statusInRange},
	rule.Rule[*report]{ID: "PCM-PRIVATE/timestamp-form", Weight: fault.Major,
		Text: "timestamp is written in UTC with milliseconds", Check: timestampForm},
	rule.Rule[*report]{ID: "PCM-PRIVATE/not-too-old", Weight: fault.Major,
		Text: "the call is at most seven days old", Check: notTooOld},
	rule.Rule[*report]{ID: "PCM-PRIVATE/not-in-future", Weight: fault.Major,
		Text: "the call is not more than five minutes ahead", Check: notInFuture},
)

// owedFields lists what both roles owe, then what only a CLIENT owes. The interaction id has its own rule.
var owedFields = [...]field{fEndpoint, fStatus, fMethod, fTimestamp, fTimespan, fClientOrg, fServerOrg, fRole, fStatement, fPrefix, fInfo}

const owedByBoth = 8

func hasRequired(_ context.Context, r *report) error {
	owed := owedFields[:]
	if r.server {
		owed = owed[:owedByBoth]
	}
	var m messages
	var missing []string
	for _, f := range owed {
		if r.fields[f].absent() {
			m, missing = append(m, "Invalid type: "+fieldNames[f]+": Required"), append(missing, fieldNames[f])
		}
	}
	if r.dialect.on[swOldWords] && missing != nil {
		return errors.New("Missing fields: '" + strings.Join(missing, "', '") + "'") // the published words
	}
	return m.orNil()
}

func notEmpty(_ context.Context, r *report) error {
	var m messages
	for f, v := range r.fields {
		if len(v) == 2 && v[0] == '"' && field(f) != fCorrelation {
			m = append(m, "Missing property, "+fieldNames[f]+" can't be empty")
		}
	}
	return m.orNil()
}

func typed(_ context.Context, r *report) error {
	var m messages
	for f, v := range r.fields {
		if kind := v.kind(); !v.absent() && kind != fieldKinds[f] {
			m = append(m, "Invalid type: "+fieldNames[f]+": Expected "+fieldKinds[f]+", received "+kind)
		}
	}
	whole := [...]field{fStatus, fTimespan}
	for i, f := range whole {
		if v := r.fields[f]; (i == 0 || r.dialect.on[swWholeTimespan]) && v.kind() == "number" && strings.ContainsAny(string(v), ".eE") {
			m = append(m, "Invalid type: "+fieldNames[f]+": Expected integer, received float")
		}
	}
	if m != nil && r.dialect.on[swOldWords] {
		return errors.New("Field type mismatch") // the published words
	}
	return m.orNil()
}

func uuids(_ context.Context, r *report) error {
	var m messages
	for _, f := range [...]field{fInteraction, fClientOrg, fServerOrg, fStatement} {
		if b := r.fields[f].bytes(); len(b) > 0 && !isUUID(b) {
			m = append(m, "Invalid format: "+fieldNames[f]+": Invalid uuid")
		}
	}
	return m.orNil()
}

func listed(_ context.Context, r *report) error {
	var m messages
	if b := r.fields[fMethod].bytes(); len(b) > 0 && r.method == "" {
		m = append(m, fmt.Sprintf("Invalid value: httpMethod: Invalid enum value. Expected 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH', received '%.20s'", b))
	}
	if b := r.fields[fRole].bytes(); len(b) > 0 && string(b) != "CLIENT" && string(b) != "SERVER" {
		m = append(m, fmt.Sprintf("Invalid value: role: Invalid enum value. Expected 'CLIENT' | 'SERVER', received '%.20s'", b))
	}
	if m != nil && r.dialect.on[swOldWords] {
		return errors.New("Invalid field value") // the published words
	}
	return m.orNil()
}

// noAliens names unknown members, and those of the CLIENT in a SERVER report.
func noAliens(_ context.Context, r *report) error {
	var alien []string
	for _, n := range r.extra.names {
		alien = append(alien, string(n))
	}
	if r.server {
		for _, f := range [...]field{fStatement, fPrefix} {
			if !r.fields[f].absent() {
				alien = append(alien, fieldNames[f])
			}
		}
	}
	if len(alien) == 0 {
		return nil
	}
	if r.dialect.on[swOldWords] {
		return errors.New("Additional property not allowed") // the published words
	}
	return errors.New("Invalid format: : Unrecognized key(s) in object: '" + strings.Join(alien, "', '") + "'") // the published words
}

func hasContent(_ context.Context, r *report) error {
	if v := r.fields[fInfo]; v.kind() == "object" && len(r.info.names) == 0 && r.owesContent() {
		return errors.New("additionalInfo should not be empty")
	}
	return nil
}

func endpointListed(_ context.Context, r *report) error {
	if r.endpoint == nil && len(r.fields[fEndpoint].bytes()) > 0 {
		return errors.New("Unlisted endpoint") // the published words
	}
	return nil
}

// group says whether the reporter may speak for an organisation of its conglomerate.
func (r *report) group(org string) bool {
	return r.known != nil && r.dialect.on[swConglomerates] && r.known.SameGroup(r.reporter, org)
}

func requesterIs(server bool, f field) func(context.Context, *report) error {
	return func(_ context.Context, r *report) error {
		org := r.fields[f].bytes()
		if r.server != server || len(org) == 0 || r.reporter == "" || strings.EqualFold(string(org), r.reporter) {
			return nil
		}
		if r.group(string(org)) {
			return nil
		}
		return errors.New("Requester id mismatch with " + fieldNames[f]) // the published words
	}
}

func organisationKnown(f field, label string) func(context.Context, *report) error {
	return func(_ context.Context, r *report) error {
		if id := r.fields[f].bytes(); r.known != nil && isUUID(id) && !r.known.Organisation(string(id)) {
			return errors.New("Invalid value: " + label + " not in directory") // the published words
		}
		return nil
	}
}

func statementKnown(_ context.Context, r *report) error {
	id := r.fields[fStatement].bytes()
	if r.known == nil || r.server || !isUUID(id) {
		return nil
	}
	org, found := r.known.Software(string(id))
	if client := r.fields[fClientOrg].text(); !found || (!strings.EqualFold(org, client) && !r.known.SameGroup(org, client)) {
		return errors.New("Invalid value: Client SSID not found in combined org IDs") // the published words
	}
	return nil
}

// single says whether the dialect takes this failure of a client without an interaction id: nothing can be
// its counterpart then.
func (r *report) single() bool {
	return !r.dialect.on[swInteractionOwed] && !r.server && (r.status == 408 || r.status >= 500)
}

func hasInteraction(_ context.Context, r *report) error {
	if !r.fields[fInteraction].absent() || r.single() {
		return nil
	}
	if r.status == 408 || r.status == 500 {
		return errors.New("Invalid field value fapiInteractionId can't be empty for status 408 or 500") // the published words
	}
	return errors.New("fapiInteractionId is not provided")
}

func interactionNotNil(_ context.Context, r *report) error {
	if string(r.fields[fInteraction].bytes()) == nilUUID {
		return errors.New(`fapiInteractionId mismatch. Ensure the ID is not "` + nilUUID + `"`)
	}
	return nil
}

func pattern(f field, longest int) func(context.Context, *report) error {
	return func(_ context.Context, r *report) error {
		if !isPlain(r.fields[f].bytes(), longest) {
			return errors.New("Invalid format: " + fieldNames[f] + ": Invalid " + fieldNames[f] + " format") // the published words
		}
		return nil
	}
}

func timespanPositive(_ context.Context, r *report) error {
	if ms, ok := r.fields[fTimespan].number(); ok && ms <= 0 {
		return errors.New("processTimespan must be greater than zero")
	}
	return nil
}

func statusInRange(_ context.Context, r *report) error {
	if r.fields[fStatus].kind() == "number" && (r.status < 200 || r.status > 599) {
		return errors.New("statusCode must be between 200 and 599")
	}
	return nil
}

func timestampForm(_ context.Context, r *report) error {
	if len(r.fields[fTimestamp].bytes()) > 0 && r.at.IsZero() {
		return errors.New("Invalid format: timestamp: Invalid date") // the published words
	}
	return nil
}

func notTooOld(_ context.Context, r *report) error {
	if !r.at.IsZero() && r.now.Sub(r.at) > oldest {
		return errors.New("Report is too old") // the published words
	}
	return nil
}

func notInFuture(_ context.Context, r *report) error {
	if r.dialect.on[swFutureDiscarded] && !r.at.IsZero() && r.at.Sub(r.now) > furthest {
		return errors.New("Timestamp is in the future, timestamp of report is in the future") // the published words
	}
	return nil
}
