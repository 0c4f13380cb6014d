package pcm

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// event is one of the six steps of a consent journey that are reported apart from the calls.
type event struct {
	path     string // below /report-api/v2/hybrid-flow/
	server   bool
	types    string // values of the field type, when the step has one
	platform bool   // platform is owed
	owes     []string
}

var events = []event{
	{path: "client/redirect-to-server", platform: true},
	{path: "server/redirect-target", server: true, types: "AWAITING_HANDOFF AWAITING_USER_AUTH AWAITING_REDIRECT_TO_APP"},
	{path: "server/authenticated", server: true, platform: true},
	{path: "server/redirect-to-client", server: true, types: "AUTHORISED REJECTED", platform: true, owes: []string{"uri_callback"}},
	{path: "client/redirect-target-with-errors", platform: true, owes: []string{"error"}},
	{path: "client/redirect-target-without-errors", platform: true},
}

// HybridFlow is the path before the name of each consent journey event.
const HybridFlow = "/report-api/v2/hybrid-flow/"

// step is one reported journey event on its way through the rules.
type step struct {
	event    *event
	body     raw
	names    []string
	values   map[string]raw
	at       time.Time
	reporter string
	now      time.Time
	known    Participants
	dialect  *Dialect
}

func (s *step) read(e *event, body raw) {
	s.event, s.body, s.names, s.values = e, body, s.names[:0], map[string]raw{}
	if body.kind() == "object" {
		members(body, func(k []byte, v raw) {
			if string(k) == "Platform" && s.dialect != nil && s.dialect.on[swSingleEvents] { // so spelt in 1.0.2
				k = []byte("platform")
			}
			s.names = append(s.names, string(k))
			s.values[string(k)] = v
		})
	}
	s.at, _ = moment(s.values["timestamp"].bytes())
}

// party is the field with the reporter's own organisation.
func (s *step) party() string {
	if s.event.server {
		return "serverOrgId"
	}
	return "clientOrgId"
}

func (s *step) owed() []string {
	owed := append([]string{"consentId", "os", "osVersion", "timestamp", s.party()}, s.event.owes...)
	if s.event.platform {
		owed = append(owed, "platform")
	}
	if s.event.types != "" {
		owed = append(owed, "type")
	}
	return owed
}

// hybrid holds the discard rules of consent journey events (sections 8 and 12.1).
var hybrid = rule.NewSet("pcm.hybrid",
	rule.Rule[*step]{ID: "PCM-HYBRID/has-required-fields", Weight: fault.Major,
		Text: "every field owed by the event is there", Check: func(_ context.Context, s *step) error {
			var m messages
			for _, f := range s.owed() {
				if s.values[f].absent() && (f != s.party() || !s.partyLeftOut()) {
					m = append(m, "Invalid type: "+f+": Required")
				}
			}
			return m.orNil()
		}},
	rule.Rule[*step]{ID: "PCM-HYBRID/fields-not-empty", Weight: fault.Minor,
		Text: "no field owed by the event is an empty string", Check: func(_ context.Context, s *step) error {
			var m messages
			for _, f := range s.owed() {
				if v := s.values[f]; v.kind() == "string" && len(v) == 2 && (f != s.party() || !s.partyLeftOut()) {
					m = append(m, "Missing property, "+f+" can't be empty")
				}
			}
			return m.orNil()
		}},
	rule.Rule[*step]{ID: "PCM-HYBRID/fields-typed", Weight: fault.Major,
		Text: "every field is a text", Check: func(_ context.Context, s *step) error {
			var m messages
			for _, n := range s.names {
				if v := s.values[n]; !v.absent() && v.kind() != "string" {
					m = append(m, "Invalid type: "+n+": Expected string, received "+v.kind())
				}
			}
			return m.orNil()
		}},
	rule.Rule[*step]{ID: "PCM-HYBRID/no-unknown-fields", Weight: fault.Minor,
		Text: "there is no field that the event does not have", Check: func(_ context.Context, s *step) error {
			for _, n := range s.names {
				switch n {
				case "consentId", "os", "osVersion", "timestamp", "correlationId":
				case "uriAuthorizationEndpoint", "platform", "type", "uri_callback", "error", s.party():
					if !s.has(n) {
						return errors.New("Invalid format: : Unrecognized key(s) in object: '" + n + "'") // the published words
					}
				default:
					return errors.New("Invalid format: : Unrecognized key(s) in object: '" + n + "'") // the published words
				}
			}
			return nil
		}},
	rule.Rule[*step]{ID: "PCM-HYBRID/consent-id-is-urn", Weight: fault.Major,
		Text: "consentId is a URN of at most 256 characters", Check: func(_ context.Context, s *step) error {
			if v := s.values["consentId"]; !v.absent() && (len(v.bytes()) > 256 || !urn.Match(v.bytes())) {
				return errors.New("consentId need match with regex")
			}
			return nil
		}},
	rule.Rule[*step]{ID: "PCM-HYBRID/values-listed", Weight: fault.Major,
		Text: "os, platform and type hold one of their values", Check: func(_ context.Context, s *step) error {
			var m messages
			for _, row := range [...][2]string{{"os", "ANDROID IOS LINUX MACOS OTHER UNIX WINDOWS"}, {"platform", "APP BROWSER"}, {"type", s.event.types}} {
				f, domain := row[0], row[1]
				if v := s.values[f]; !v.absent() && s.has(f) && !s.holds(domain, v) {
					m = append(m, "Invalid value: "+f+": Invalid enum value. Expected '"+strings.ReplaceAll(domain, " ", "' | '")+"'")
				}
			}
			return m.orNil()
		}},
	rule.Rule[*step]{ID: "PCM-HYBRID/party-is-uuid", Weight: fault.Major,
		Text: "the organisation id is a UUID", Check: func(_ context.Context, s *step) error {
			if v := s.values[s.party()]; !v.absent() && !isUUID(v.bytes()) && !s.partyLeftOut() {
				return errors.New("Invalid format: " + s.party() + ": Invalid uuid") // the published words
			}
			return nil
		}},
	rule.Rule[*step]{ID: "PCM-HYBRID/reports-itself", Weight: fault.Critical,
		Text: "an event comes from the organisation it names or its conglomerate", Check: func(_ context.Context, s *step) error {
			org := s.values[s.party()].text()
			if s.reporter == "" || !isUUID([]byte(org)) || strings.EqualFold(org, s.reporter) ||
				(s.known != nil && s.dialect.on[swConglomerates] && s.known.SameGroup(s.reporter, org)) {
				return nil
			}
			return errors.New("Requester id mismatch with " + s.party()) // the published words
		}},
	rule.Rule[*step]{ID: "PCM-HYBRID/uri-length", Weight: fault.Minor,
		Text: "addresses have 11 to 200 characters", Check: func(_ context.Context, s *step) error {
			for _, f := range [...]string{"uriAuthorizationEndpoint", "uri_callback"} {
				if v := s.values[f]; !v.absent() && (len(v.bytes()) < 11 || len(v.bytes()) > 200) {
					return errors.New("Invalid format: " + f + ": String must contain 11 to 200 character(s)") // the published words
				}
			}
			return nil
		}},
	rule.Rule[*step]{ID: "PCM-HYBRID/timestamp-form", Weight: fault.Major,
		Text: "timestamp is written in UTC with milliseconds", Check: func(_ context.Context, s *step) error {
			if !s.values["timestamp"].absent() && s.at.IsZero() {
				return errors.New("Invalid format: timestamp: Invalid date") // the published words
			}
			return nil
		}},
	rule.Rule[*step]{ID: "PCM-HYBRID/timestamp-in-window", Weight: fault.Major,
		Text: "the event is at most seven days old and not ahead", Check: func(_ context.Context, s *step) error {
			switch {
			case s.at.IsZero():
				return nil
			case s.now.Sub(s.at) > oldest:
				return errors.New("Report is too old") // the published words
			case s.dialect.on[swFutureDiscarded] && s.at.Sub(s.now) > furthest:
				return errors.New("Timestamp is in the future, timestamp of report is in the future") // the published words
			}
			return nil
		}},
)

// holds says whether a value is of a domain; the oldest dialect writes it in any case.
func (s *step) holds(domain string, v raw) bool {
	if s.dialect.on[swSingleEvents] {
		v = bytes.ToUpper(v)
	}
	return oneOf(domain)(v)
}

// partyLeftOut says whether the reporter left its organisation empty where the dialect lets it.
func (s *step) partyLeftOut() bool {
	v := s.values[s.party()]
	return s.dialect.on[swEmptyParty] && (v.absent() || len(v.bytes()) == 0)
}

// has says whether the event knows the field.
func (s *step) has(f string) bool {
	switch f {
	case "uriAuthorizationEndpoint":
		return s.event.path == "client/redirect-to-server" || s.event.path == "server/redirect-target"
	case "platform":
		return s.event.platform
	case "type":
		return s.event.types != ""
	case "uri_callback", "error":
		return len(s.event.owes) == 1 && s.event.owes[0] == f
	}
	return true
}
