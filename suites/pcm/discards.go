package pcm

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

const nobody = "0f8fad5b-d9cb-4690-a165-70867728950e"

// flaw is one thing wrong with a report, and what the message about it holds: the field and the kind.
// Exact punctuation varies between the published pages.
type flaw struct {
	what    string
	report  fields
	message []string
}

// discards posts flawed reports with a sound one among them and expects each discarded for its flaw, in
// the order sent, and the sound one accepted.
func (s *side) discards(path string, sound fields, flaws []flaw) {
	batch := []fields{sound}
	for _, f := range flaws {
		batch = append(batch, f.report)
	}
	x := s.posting(path, batch).Send(s.Context())
	answers := s.taken(x, len(batch))
	s.Expect(x, "a batch of which some are discarded").To(expect.Status(207))
	s.Expect(answers[0].Status, "the sound report (%s)", answers[0].Message).About(x).To(expect.Equal("ACCEPTED"))
	for i, f := range flaws {
		a := answers[i+1]
		s.Verify(a.Status, "%s", f.what).About(x).To(expect.Equal("DISCARDED"))
		for _, part := range f.message {
			s.Verify(strings.ToLower(a.Message), "message about %s", f.what).About(x).To(expect.Containing(strings.ToLower(part)))
		}
		s.Verify(a.ReportID, "reportId of %s", f.what).About(x).To(expect.UUID())
	}
}

// fresh makes reports that differ in their interaction id alone.
func fresh(base fields) func() fields {
	return func() fields { return base.but("fapiInteractionId", uuid.NewString()) }
}

func discardChecks() []check.Check {
	return []check.Check{
		{
			ID: "PCM-C40", Name: "pcm/discards-incomplete-report", Rules: rules("PCM-PRIVATE/has-required-fields", "PCM-PRIVATE/has-interaction-id", "PCM-PRIVATE/fields-not-empty"),
			Title: "A report that lacks a field of its role is discarded, the message naming it", Why: "It could not be judged.", Causes: causes("fields defaulted"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				next := fresh(invent(b, s, s).byClient())
				var flaws []flaw
				for _, name := range []string{"endpoint", "statusCode", "httpMethod", "timestamp", "processTimespan", "clientOrgId", "serverOrgId", "role", "clientSSId", "endpointUriPrefix", "additionalInfo"} {
					flaws = append(flaws, flaw{"a report without " + name, next().but(name, nil), []string{name, "required"}})
				}
				flaws = append(flaws,
					flaw{"a report without interaction id", next().but("fapiInteractionId", nil), []string{"fapiInteractionId"}},
					flaw{"a timeout without interaction id", next().but("fapiInteractionId", nil).but("statusCode", 408), []string{"fapiInteractionId", "408 or 500"}},
					flaw{"an empty endpoint", next().but("endpoint", ""), []string{"endpoint", "can't be empty"}})
				s.discards(privatePath, next(), flaws)
			},
		},
		{
			ID: "PCM-C41", Name: "pcm/discards-mistyped-report", Rules: rules("PCM-PRIVATE/fields-typed", "PCM-PRIVATE/ids-are-uuids", "PCM-PRIVATE/values-listed", "PCM-PRIVATE/interaction-id-not-nil"),
			Title: "A report whose field has another type, form or value than published is discarded, the message naming it", Why: "It could not be compared.", Causes: causes("texts converted silently"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				next := fresh(invent(b, s, s).byClient())
				s.discards(privatePath, next(), []flaw{
					{"a status as text", next().but("statusCode", "200"), []string{"statusCode", "expected number"}},
					{"a broken status", next().but("statusCode", 200.5), []string{"statusCode"}},
					{"a duration as text", next().but("processTimespan", "12"), []string{"processTimespan", "expected number"}},
					{"additionalInfo as text", next().but("additionalInfo", "x"), []string{"additionalInfo", "expected object"}},
					{"an interaction id of another form", next().but("fapiInteractionId", "abc"), []string{"fapiInteractionId", "uuid"}},
					{"the nil interaction id", next().but("fapiInteractionId", "00000000-0000-0000-0000-000000000000"), []string{"fapiInteractionId"}},
					{"an organisation of another form", next().but("serverOrgId", "abc"), []string{"serverOrgId", "uuid"}},
					{"a method of another kind", next().but("httpMethod", "FETCH"), []string{"httpMethod", "enum"}},
					{"a role of another kind", next().but("role", "CALLER"), []string{"role", "enum"}},
				})
			},
		},
		{
			ID: "PCM-C42", Name: "pcm/discards-alien-fields", Rules: rules("PCM-PRIVATE/no-unknown-fields", "PCM-PRIVATE/correlation-pattern", "PCM-PRIVATE/prefix-pattern"), Needs: twoSides,
			Title: "A report with a field that its role does not have, or with strange characters, is discarded; correlationId comes back", Why: "What is not published is not wanted.", Causes: causes("unknown members ignored"),
			Body: func(b *check.Bench) {
				client, server := sideOf(b, 0), sideOf(b, 1)
				c := invent(b, client, server)
				next := fresh(c.byClient())
				client.discards(privatePath, next(), []flaw{
					{"an unknown field", next().but("cpf", "00000000000"), []string{"unrecognized key", "cpf"}},
					{"a correlationId with strange characters", next().but("correlationId", "<script>"), []string{"correlationId"}},
					{"a prefix with strange characters", next().but("endpointUriPrefix", "https://a.example.com/?x=1"), []string{"endpointUriPrefix"}},
				})
				answer, x := client.tells(next().but("correlationId", "lote 7, item 1"))
				b.Expect(answer[0].CorrelationID, "correlationId of the answer").About(x).To(expect.Equal("lote 7, item 1"))
				of := fresh(c.byServer())
				server.discards(privatePath, of(), []flaw{
					{"a client's statement in a server's report", of().but("clientSSId", client.party.Config().SoftwareID), []string{"unrecognized key", "clientSSId"}},
					{"a client's prefix in a server's report", of().but("endpointUriPrefix", "https://a.example.com"), []string{"unrecognized key", "endpointUriPrefix"}},
				})
			},
		},
		{
			ID: "PCM-C43", Name: "pcm/discards-unlisted-endpoint", Rules: rules("PCM-PRIVATE/endpoint-listed", "PCM-PRIVATE/additional-info-filled"),
			Title: "A report of an endpoint that is not listed, or without the additional information that is owed, is discarded", Why: "A concrete path carries identifiers.", Causes: causes("endpoints matched by prefix"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				next := fresh(invent(b, s, s).byClient())
				list := spec.Find("accounts.list").FullPath()
				s.discards(privatePath, next(), []flaw{
					{"a concrete path", next().but("endpoint", list+"/"+nobody), []string{"unlisted endpoint"}},
					{"an endpoint that nobody has", next().but("endpoint", "/open-banking/unicorns/v1/unicorns"), []string{"unlisted endpoint"}},
					{"an empty additionalInfo", next().but("additionalInfo", map[string]any{}), []string{"additionalInfo", "empty"}},
				})
			},
		},
		{
			ID: "PCM-C44", Name: "pcm/discards-report-for-another", Needs: twoSides,
			Rules: rules("PCM-PRIVATE/client-reports-itself", "PCM-PRIVATE/server-reports-itself", "PCM-PRIVATE/client-known", "PCM-PRIVATE/server-known", "PCM-PRIVATE/statement-known"),
			Title: "A report in another's name, or of somebody whom the directory does not know, is discarded", Why: "One could spoil the figures of a competitor.", Causes: causes("the token's organisation is not compared"),
			Body: func(b *check.Bench) {
				client, server := sideOf(b, 0), sideOf(b, 1)
				c := invent(b, client, server)
				next, of := fresh(c.byClient()), fresh(c.byServer())
				client.discards(privatePath, next(), []flaw{
					{"the server's report from the client", of(), []string{"requester id mismatch", "serverOrgId"}},
					{"a client's report of another client", next().but("clientOrgId", b.Target().Bank.OrganisationID), []string{"requester id mismatch", "clientOrgId"}},
					{"an unknown server", next().but("serverOrgId", nobody), []string{"server organization", "directory"}},
					{"an unknown statement", next().but("clientSSId", nobody), []string{"ssid"}},
					{"another organisation's statement", next().but("clientSSId", server.party.Config().SoftwareID), []string{"ssid"}},
				})
				server.discards(privatePath, of(), []flaw{{"an unknown client", of().but("clientOrgId", nobody), []string{"client organization", "directory"}}})
			},
		},
		{
			ID: "PCM-C45", Name: "pcm/discards-impossible-report", Rules: rules("PCM-PRIVATE/timespan-positive", "PCM-PRIVATE/status-in-range", "PCM-PRIVATE/timestamp-form", "PCM-PRIVATE/not-too-old", "PCM-PRIVATE/not-in-future"),
			Title: "A report of no duration, of a status outside HTTP, or of another time than the last seven days is discarded", Why: "It cannot have happened, or is closed.", Causes: causes("only types are checked"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				next := fresh(invent(b, s, s).byClient())
				at := func(d time.Duration) string { return told(b.Now().Add(d)) }
				s.discards(privatePath, next(), []flaw{
					{"a duration of zero", next().but("processTimespan", 0), []string{"processTimespan", "greater than zero"}},
					{"a negative duration", next().but("processTimespan", -1), []string{"processTimespan", "greater than zero"}},
					{"status 199", next().but("statusCode", 199), []string{"statusCode", "between 200 and 599"}},
					{"status 600", next().but("statusCode", 600), []string{"statusCode", "between 200 and 599"}},
					{"a time without milliseconds", next().but("timestamp", b.Now().UTC().Format("2006-01-02T15:04:05Z")), []string{"timestamp", "date"}},
					{"30 February", next().but("timestamp", "2026-02-30T10:00:00.000Z"), []string{"timestamp", "date"}},
					{"eight days ago", next().but("timestamp", at(-8*24*time.Hour)), []string{"old"}},
					{"six minutes ahead", next().but("timestamp", at(6*time.Minute)), []string{"future"}},
				})
				s.accepted(next().but("timestamp", at(-7*24*time.Hour+time.Minute)))
				s.accepted(next().but("timestamp", at(4*time.Minute)))
			},
		},
		{
			ID: "PCM-C46", Name: "pcm/discards-repetition", Rules: rules("PCM-BOOK/not-repeated"), Severity: check.Should,
			Title: "A second report of one role about one interaction is discarded, in the same request or in another", Why: "Counted twice, a call distorts the figures.", Causes: causes("the policy is not published"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				r := invent(b, s, s).byClient()
				answers, x := s.tells(r, r)
				b.Expect([]string{answers[0].Status, answers[1].Status}, "answers about the same report twice").About(x).To(expect.Equal([]string{"ACCEPTED", "DISCARDED"}))
				answers, x = s.tells(r.but("statusCode", 500))
				b.Expect(answers[0].Status, "answer about a third").About(x).To(expect.Equal("DISCARDED"))
				b.Expect(s.finds(r.id())).To(expect.JSON("statusCode", 200))
			},
		},
		{
			ID: "PCM-C47", Name: "pcm/takes-open-data-reports", Rules: rules("PCM-OPEN"),
			Title: "Reports of open data have their own fields and endpoints; those of private reports are discarded by name", Why: "Nobody calls in a name there.", Causes: causes("one schema for both"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				const path = "/report-api/v1/opendata/report"
				base := fields{"endpoint": openEndpoint, "statusCode": 200, "httpMethod": "GET", "timestamp": told(b.Now().Add(-time.Second)), "processTimespan": 3.25,
					"additionalInfo": map[string]any{"clientIp": "203.0.113.9"}}
				s.discards(path, base, []flaw{
					{"no duration", base.but("processTimespan", nil), []string{"processTimespan", "required"}},
					{"a role", base.but("role", "SERVER"), []string{"role", "should not exist"}},
					{"an interaction id", base.but("fapiInteractionId", uuid.NewString()), []string{"fapiInteractionId", "should not exist"}},
					{"an unknown field", base.but("cpf", "1"), []string{"cpf", "should not exist"}},
					{"an endpoint of private data", base.but("endpoint", spec.Find("accounts.list").FullPath()), []string{"endpoint", "listed"}},
					{"an empty endpoint", base.but("endpoint", ""), []string{"endpoint", "can't be empty"}},
					{"a method of another kind", base.but("httpMethod", "FETCH"), []string{"httpMethod", "enum"}},
					{"no address of the caller", base.but("additionalInfo", map[string]any{}), []string{"additionalInfo"}},
					{"a duration as text", base.but("processTimespan", "3"), []string{"processTimespan", "number"}},
					{"a duration of zero", base.but("processTimespan", 0), []string{"processTimespan", "greater than zero"}},
					{"status 600", base.but("statusCode", 600), []string{"statusCode", "between"}},
					{"a malformed time", base.but("timestamp", "yesterday"), []string{"timestamp", "date"}},
					{"eight days ago", base.but("timestamp", told(b.Now().Add(-8*24*time.Hour))), []string{"old"}},
					{"six minutes ahead", base.but("timestamp", told(b.Now().Add(6*time.Minute))), []string{"future"}},
				})
			},
		},
	}
}

func journeyChecks() []check.Check {
	const events = "/report-api/v2/hybrid-flow/"
	return []check.Check{
		{
			ID: "PCM-C50", Name: "pcm/takes-journey-events", Rules: rules("PCM-HYBRID"), Needs: twoSides,
			Title: "Each of the six events of a consent's journey is taken with its own fields", Why: "Where customers are lost is read from them.", Causes: causes("one schema for all six"),
			Body: func(b *check.Bench) {
				client, server := sideOf(b, 0), sideOf(b, 1)
				for _, e := range spec.HybridEvents() {
					from := client
					if e.Side == spec.ServerSide {
						from = server
					}
					path := "/report-api/v2/" + e.Kind
					x := from.posting(path, []fields{from.event(e, b.Now())}).Send(b.Context())
					answers := from.taken(x, 1)
					b.Verify(answers[0].Status, "%s (%s)", e.Kind, answers[0].Message).About(x).To(expect.Equal("ACCEPTED"))
				}
			},
		},
		{
			ID: "PCM-C51", Name: "pcm/discards-flawed-journey-events", Needs: twoSides,
			Rules: rules("PCM-HYBRID/has-required-fields", "PCM-HYBRID/fields-not-empty", "PCM-HYBRID/fields-typed", "PCM-HYBRID/no-unknown-fields", "PCM-HYBRID/consent-id-is-urn", "PCM-HYBRID/values-listed", "PCM-HYBRID/party-is-uuid", "PCM-HYBRID/reports-itself", "PCM-HYBRID/uri-length", "PCM-HYBRID/timestamp-form", "PCM-HYBRID/timestamp-in-window"),
			Title: "A journey event that lacks a field, has one of another event, or a value outside its domain is discarded", Why: "A funnel of guesses helps nobody.", Causes: causes("one schema for all six"),
			Body: func(b *check.Bench) {
				s, other := sideOf(b, 0), b.Party(1)
				e := spec.HybridEvents()[0]
				base := s.event(e, b.Now())
				flaws := []flaw{}
				for _, name := range []string{"consentId", "os", "osVersion", "timestamp", "platform", "clientOrgId"} {
					flaws = append(flaws, flaw{"no " + name, base.but(name, nil), []string{name, "required"}})
				}
				s.discards(events+"client/redirect-to-server", base, append(flaws,
					flaw{"an empty version", base.but("osVersion", ""), []string{"osVersion", "can't be empty"}},
					flaw{"a version as number", base.but("osVersion", 14), []string{"osVersion", "expected string"}},
					flaw{"a field of another event", base.but("error", "access_denied"), []string{"unrecognized key", "error"}},
					flaw{"a consent id of another form", base.but("consentId", "abc"), []string{"consentId", "regex"}},
					flaw{"an operating system of another kind", base.but("os", "BEOS"), []string{"os", "enum"}},
					flaw{"a platform of another kind", base.but("platform", "WATCH"), []string{"platform", "enum"}},
					flaw{"an organisation of another form", base.but("clientOrgId", "abc"), []string{"clientOrgId", "uuid"}},
					flaw{"an event of another organisation", base.but("clientOrgId", other.Config().OrganisationID), []string{"requester id mismatch"}},
					flaw{"a short address", base.but("uriAuthorizationEndpoint", "https://a"), []string{"uriAuthorizationEndpoint"}},
					flaw{"a long address", base.but("uriAuthorizationEndpoint", "https://a.example.com/"+strings.Repeat("a", 200)), []string{"uriAuthorizationEndpoint"}},
					flaw{"a malformed time", base.but("timestamp", "yesterday"), []string{"timestamp", "date"}},
					flaw{"eight days ago", base.but("timestamp", told(b.Now().Add(-8*24*time.Hour))), []string{"old"}},
					flaw{"six minutes ahead", base.but("timestamp", told(b.Now().Add(6*time.Minute))), []string{"future"}},
				))
			},
		},
	}
}

// openEndpoint is an endpoint of open data.
const openEndpoint = "/open-banking/channels/v2/branches"

// event is a sound event of a journey, from this side.
func (s *side) event(e spec.HybridEvent, at time.Time) fields {
	f := fields{"consentId": "urn:ensaio:" + uuid.NewString(), "os": "LINUX", "osVersion": "6", "timestamp": told(at)}
	for _, name := range e.Fields {
		switch name {
		case "platform":
			f[name] = "BROWSER"
		case "clientOrgId", "serverOrgId":
			f[name] = s.party.Config().OrganisationID
		case "type":
			f[name] = e.Types[0]
		case "uri_callback":
			f[name] = "https://app.receptora.example.com/cb"
		case "error":
			f[name] = "access_denied"
		default:
			s.Fail("a known field of an event", fmt.Sprintf("%s of %s", name, e.Kind))
		}
	}
	return f
}
