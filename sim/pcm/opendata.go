package pcm

import (
	"context"
	"errors"
	"net/netip"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// open holds the discard rules of open-data reports (section 4.3); those about shared fields are the
// same sentences as for private reports, with ids of their own.
var open = rule.NewSet("pcm.opendata",
	rule.Rule[*report]{ID: "PCM-OPEN/has-required-fields", Weight: fault.Major, Text: "every field of an open-data report is there",
		Check: func(_ context.Context, r *report) error {
			var m messages
			for _, f := range [...]field{fEndpoint, fStatus, fMethod, fTimestamp, fTimespan, fInfo} {
				if r.fields[f].absent() {
					m = append(m, "Invalid type: "+fieldNames[f]+": Required")
				}
			}
			return m.orNil()
		}},
	rule.Rule[*report]{ID: "PCM-OPEN/only-its-fields", Weight: fault.Minor, Text: "there is no field of a private report, nor an unknown one",
		Check: func(_ context.Context, r *report) error {
			var m messages
			for _, f := range [...]field{fRole, fInteraction, fClientOrg, fServerOrg, fCorrelation, fStatement, fPrefix} {
				if r.fields[f] != nil {
					m = append(m, "property "+fieldNames[f]+" should not exist")
				}
			}
			for _, n := range r.extra.names {
				m = append(m, "property "+string(n)+" should not exist")
			}
			return m.orNil()
		}},
	rule.Rule[*report]{ID: "PCM-OPEN/fields-not-empty", Weight: fault.Minor, Text: "no field is an empty string", Check: notEmpty},
	rule.Rule[*report]{ID: "PCM-OPEN/fields-typed", Weight: fault.Major, Text: "every field has its JSON type", Check: typed},
	rule.Rule[*report]{ID: "PCM-OPEN/endpoint-listed", Weight: fault.Major, Text: "endpoint is one of the open-data endpoints",
		Check: func(_ context.Context, r *report) error {
			if r.endpoint == nil && len(r.fields[fEndpoint].bytes()) > 0 {
				return errors.New("Unlisted endpoint: endpoint: endpoint must be listed") // the published words
			}
			return nil
		}},
	rule.Rule[*report]{ID: "PCM-OPEN/method-listed", Weight: fault.Minor, Text: "httpMethod holds one of its values", Check: listed},
	rule.Rule[*report]{ID: "PCM-OPEN/has-client-ip", Weight: fault.Minor, Text: "additionalInfo tells the caller's address",
		Check: func(_ context.Context, r *report) error {
			if v := r.fields[fInfo]; v.kind() != "object" {
				return nil
			}
			if _, err := netip.ParseAddr(r.info.get("clientIp").text()); err != nil {
				return errors.New("additionalInfo should not be empty")
			}
			return nil
		}},
	rule.Rule[*report]{ID: "PCM-OPEN/timespan-positive", Weight: fault.Major, Text: "processTimespan is above zero", Check: timespanPositive},
	rule.Rule[*report]{ID: "PCM-OPEN/status-in-range", Weight: fault.Major, Text: "statusCode is between 200 and 599", Check: statusInRange},
	rule.Rule[*report]{ID: "PCM-OPEN/timestamp-form", Weight: fault.Major, Text: "timestamp is written in UTC with milliseconds", Check: timestampForm},
	rule.Rule[*report]{ID: "PCM-OPEN/not-too-old", Weight: fault.Major, Text: "the call is at most seven days old", Check: notTooOld},
	rule.Rule[*report]{ID: "PCM-OPEN/not-in-future", Weight: fault.Major, Text: "the call is not more than five minutes ahead", Check: notInFuture},
)

// open makes a record one without counterpart: open-data reports are never paired, and belong to the
// organisation that sent them.
func (r *record) open(reporter uint32) {
	r.key, r.serverSide, r.server = [16]byte{}, true, reporter
}
