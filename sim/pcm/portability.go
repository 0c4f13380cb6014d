package pcm

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// portability holds the discard rules of credit-portability reports (sections 11 and 12.1). What a report
// owes of the portability itself is criticised afterwards, like additionalInfo.
var portability = rule.NewSet("pcm.portability",
	rule.Rule[*report]{ID: "PCM-PORTABILITY/has-required-fields", Weight: fault.Major, Text: "every field owed by the role is there", Check: hasPortabilityFields},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/fields-typed", Weight: fault.Major, Text: "every field has its JSON type", Check: typedPortability},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/only-its-fields", Weight: fault.Minor, Text: "there is no field that the role does not have", Check: noPortabilityAliens},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/ids-are-uuids", Weight: fault.Major, Text: "interaction, organisation, statement and portability ids are UUIDs", Check: uuidsOfPortability},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/values-listed", Weight: fault.Major, Text: "method, state, party and reason hold one of their values", Check: listedPortability},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/endpoint-listed", Weight: fault.Major, Text: "endpoint is one of credit portability", Check: endpointListed},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/client-reports-itself", Weight: fault.Critical,
		Text: "a report on the clients' path comes from the client organisation or its conglomerate", Check: requesterIs(false, fClientOrg)},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/server-reports-itself", Weight: fault.Critical,
		Text: "a report on the servers' path comes from the server organisation or its conglomerate", Check: requesterIs(true, fServerOrg)},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/client-known", Weight: fault.Major, Text: "the client organisation is in the directory", Check: inDirectory(fClientOrg)},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/server-known", Weight: fault.Major, Text: "the server organisation is in the directory", Check: inDirectory(fServerOrg)},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/statement-known", Weight: fault.Major, Text: "the software statement belongs to the client organisation", Check: statementKnown},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/has-interaction-id", Weight: fault.Major, Text: "the interaction id is there", Check: hasInteraction},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/interaction-id-not-nil", Weight: fault.Minor, Text: "the interaction id is not the nil UUID", Check: interactionNotNil},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/texts-plain", Weight: fault.Minor, Text: "correlationId and endpointUriPrefix keep their pattern", Check: plainPortability},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/timespan-positive", Weight: fault.Major, Text: "processTimespan is above zero", Check: timespanPositive},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/timespan-whole", Weight: fault.Minor, Text: "processTimespan is an integer", Check: wholeTimespan},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/status-in-range", Weight: fault.Major, Text: "statusCode is between 200 and 599", Check: statusInRange},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/timestamp-form", Weight: fault.Major, Text: "timestamp is written in UTC with milliseconds", Check: timestampForm},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/not-too-old", Weight: fault.Major, Text: "the call is at most seven days old", Check: notTooOld},
	rule.Rule[*report]{ID: "PCM-PORTABILITY/not-in-future", Weight: fault.Major, Text: "the call is not more than five minutes ahead", Check: notInFuture},
)

func hasPortabilityFields(_ context.Context, r *report) error {
	owed := []field{fTimestamp, fClientOrg, fServerOrg, fEndpoint, fStatus, fMethod}
	if !r.server {
		owed = append(owed, fStatement, fPrefix)
	}
	var m messages
	for f, v := range r.fields {
		empty := v.kind() == "string" && len(v) == 2 && field(f) != fCorrelation
		if empty || v.absent() && slices.Contains(owed, field(f)) {
			m = append(m, "Invalid type: "+fieldNames[f]+": Required")
		}
	}
	return m.orNil()
}

func typedPortability(_ context.Context, r *report) error {
	var m messages
	for f, v := range r.fields {
		if kind := v.kind(); !v.absent() && kind != fieldKinds[f] {
			m = append(m, "Invalid type: "+fieldNames[f]+": Expected "+fieldKinds[f]+", received "+kind)
		}
	}
	for i, n := range r.extra.names {
		if v := r.extra.values[i]; slices.Contains(portabilityFields, string(n)) && !v.absent() && v.kind() != "string" {
			m = append(m, "Invalid type: "+string(n)+": Expected string, received "+v.kind())
		}
	}
	return m.orNil()
}

// portabilityFields are the members of a portability report beside those it shares with private ones.
var portabilityFields = []string{"portabilityId", "consentId", "creationDateTime", "creditPortabilityStatus", "statusUpdateDateTime", "rejectedBy", "rejectionReason", "errorCode"}

// oldPortabilityFields were there until 2025C, beside role.
var oldPortabilityFields = []string{"contractId", "originalContractTerm", "propositionTerm"}

func noPortabilityAliens(_ context.Context, r *report) error {
	var m messages
	alien := func(name string) { m = append(m, "property "+name+" should not exist") }
	not := []field{fInfo, fRole}
	if r.dialect.on[swPortabilityOld] {
		not = not[:1]
	}
	if r.server {
		not = append(not, fStatement, fPrefix)
	}
	for _, f := range not {
		if !r.fields[f].absent() {
			alien(fieldNames[f])
		}
	}
	for _, n := range r.extra.names {
		if name := string(n); !slices.Contains(portabilityFields, name) && (!r.dialect.on[swPortabilityOld] || !slices.Contains(oldPortabilityFields, name)) {
			alien(name)
		}
	}
	return m.orNil()
}

func uuidsOfPortability(ctx context.Context, r *report) error {
	if err := uuids(ctx, r); err != nil {
		return err
	}
	if b := r.extra.get("portabilityId").bytes(); len(b) > 0 && !isUUID(b) {
		return errors.New("Invalid format: portabilityId: Invalid uuid") // the published words
	}
	return nil
}

// listedPortability judges listed values wherever they are told, owed or not.
func listedPortability(ctx context.Context, r *report) error {
	if err := listed(ctx, r); err != nil {
		return err
	}
	var m messages
	for _, name := range [...]string{"creditPortabilityStatus", "rejectedBy", "rejectionReason"} {
		if v := r.extra.get(name); !v.absent() && v.kind() == "string" && !r.dialect.portabilityValue(name, string(v.bytes())) {
			m = append(m, name+" must be a valid enum value")
		}
	}
	return m.orNil()
}

// portabilityValue says whether a value is of a member's domain in the dialect.
func (d *Dialect) portabilityValue(name, value string) bool {
	number := endpoints.byName["/open-banking/credit-portability/v1/portabilities/{portabilityId}"].number
	return slices.ContainsFunc(d.duties[duty{number, false, "GET"}], func(o *obligation) bool { return o.Field == name && o.values[value] })
}

func inDirectory(f field) func(context.Context, *report) error {
	return func(_ context.Context, r *report) error {
		if id := r.fields[f].bytes(); r.known != nil && isUUID(id) && !r.known.Organisation(string(id)) {
			return errors.New(fieldNames[f] + " is not found in directory")
		}
		return nil
	}
}

func plainPortability(_ context.Context, r *report) error {
	var m messages
	for _, row := range [...]struct {
		field   field
		longest int
	}{{fCorrelation, 100}, {fPrefix, 200}} {
		if !isPlain(r.fields[row.field].bytes(), row.longest) {
			m = append(m, fieldNames[row.field]+" must match pattern /^[- /:_.',0-9a-zA-Z]*$/")
		}
	}
	return m.orNil()
}

func wholeTimespan(_ context.Context, r *report) error {
	if v := r.fields[fTimespan]; v.kind() == "number" && strings.ContainsAny(string(v), ".eE") {
		return errors.New("processTimespan must be an integer")
	}
	return nil
}

// paying are the endpoints whose client reports tell of payments, by number.
var paying = func() map[uint16]bool {
	m := map[uint16]bool{}
	for _, e := range endpoints.all[1:] {
		if strings.HasPrefix(e.name, "/open-banking/payments/") && strings.HasSuffix(e.name, "/pix/payments") && !strings.Contains(e.name, "/consents/") ||
			strings.HasPrefix(e.name, "/open-banking/automatic-payments/") && strings.Contains(e.name, "/pix/") {
			m[e.number] = e.list == spec.KindPrivate
		}
	}
	return m
}()
