package pcm

import (
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

const portabilities = "/open-banking/credit-portability/v1/portabilities"

// portedByClient and portedByServer are the two reports of a call of credit portability.
func (c call) portedByClient() fields {
	f := c.portedByServer().but("timestamp", told(c.at))
	f["clientSSId"], f["endpointUriPrefix"] = c.client.party.Config().SoftwareID, "https://api.banco.example.com"
	f["creationDateTime"] = told(c.at)
	return f
}

func (c call) portedByServer() fields {
	f := c.byServer().but("role", nil).but("endpoint", portabilities).but("httpMethod", "POST").but("statusCode", 201).but("processTimespan", 120)
	f["portabilityId"], f["consentId"] = uuid.NewString(), "urn:ensaio:inventado"
	return f
}

func portabilityChecks() []check.Check {
	return []check.Check{
		{
			ID: "PCM-C85", Name: "pcm/pairs-portability-reports", Rules: rules("PCM-PORTABILITY", "PCM-PAIR"), Needs: twoSides,
			Title: "Reports of credit portability come on a path for each side and are paired by interaction id, apart from private reports", Why: "The deadlines of a portability are judged from them.", Causes: causes("one book for all reports"),
			Body: func(b *check.Bench) {
				client, server := sideOf(b, 0), sideOf(b, 1)
				c := invent(b, client, server)
				post := func(s *side, path string, f fields) {
					x := s.posting(path, []fields{f}).Send(b.Context())
					a := s.taken(x, 1)[0]
					b.Expect(a.Status, "answer about the report (%s)", a.Message).About(x).To(expect.Equal("ACCEPTED"))
				}
				client.accepted(c.byClient()) // of the same interaction id
				post(client, spec.PortabilityClientPath, c.portedByClient())
				post(server, spec.PortabilityServerPath, c.portedByServer())
				var x *exchange
				b.Wait("report", "the state of a portability report", func() bool {
					x = client.reading(spec.PortabilityPath + c.id)
					return x.Status == 200 && expect.Text(x, "status") != "ACCEPTED"
				})
				b.Expect(x).To(expect.All(expect.JSON("status", "PAIRED"), expect.JSON("pairedReportId", expect.UUID()), expect.JSON("endpoint", portabilities)))
				client.comesTo(c.id, "UNPAIRED")
				b.Expect(server.reading(spec.PortabilityPath+uuid.NewString()), "a report of nobody").To(refused(404, "Not Found"))
			},
		},
		{
			ID: "PCM-C86", Name: "pcm/discards-flawed-portability", Needs: twoSides,
			Rules: rules("PCM-PORTABILITY/has-required-fields", "PCM-PORTABILITY/fields-typed", "PCM-PORTABILITY/only-its-fields", "PCM-PORTABILITY/ids-are-uuids", "PCM-PORTABILITY/values-listed",
				"PCM-PORTABILITY/endpoint-listed", "PCM-PORTABILITY/client-reports-itself", "PCM-PORTABILITY/server-reports-itself", "PCM-PORTABILITY/client-known", "PCM-PORTABILITY/server-known",
				"PCM-PORTABILITY/statement-known", "PCM-PORTABILITY/has-interaction-id", "PCM-PORTABILITY/interaction-id-not-nil", "PCM-PORTABILITY/texts-plain", "PCM-PORTABILITY/timespan-positive",
				"PCM-PORTABILITY/timespan-whole", "PCM-PORTABILITY/status-in-range", "PCM-PORTABILITY/timestamp-form", "PCM-PORTABILITY/not-too-old", "PCM-PORTABILITY/not-in-future"),
			Title: "A portability report that lacks a field of its side, has one too many or a value outside its domain is discarded, the message naming it", Why: "It could not be judged.", Causes: causes("the schema of private reports"),
			Body: func(b *check.Bench) {
				client, server := sideOf(b, 0), sideOf(b, 1)
				c := invent(b, client, server)
				next, of := fresh(c.portedByClient()), fresh(c.portedByServer())
				at := func(d time.Duration) string { return told(b.Now().Add(d)) }
				var flaws []flaw
				for _, name := range []string{"timestamp", "clientOrgId", "serverOrgId", "endpoint", "statusCode", "httpMethod", "clientSSId", "endpointUriPrefix"} {
					flaws = append(flaws, flaw{"no " + name, next().but(name, nil), []string{name, "required"}})
				}
				client.discards(spec.PortabilityClientPath, next(), append(flaws,
					flaw{"a status as text", next().but("statusCode", "201"), []string{"statusCode", "number"}},
					flaw{"a reason as number", next().but("rejectionReason", 3), []string{"rejectionReason", "string"}},
					flaw{"a field that was dropped", next().but("contractId", "1"), []string{"contractId", "should not exist"}},
					flaw{"additionalInfo", next().but("additionalInfo", fields{}), []string{"additionalInfo", "should not exist"}},
					flaw{"a portability id of another form", next().but("portabilityId", "1"), []string{"portabilityId", "uuid"}},
					flaw{"a state of another kind", next().but("creditPortabilityStatus", "MOVED"), []string{"creditPortabilityStatus", "enum"}},
					flaw{"a party of another kind", next().but("rejectedBy", "VIZINHO"), []string{"rejectedBy", "enum"}},
					flaw{"an endpoint of private data", next().but("endpoint", spec.Find("accounts.list").FullPath()), []string{"endpoint"}},
					flaw{"another client's report", next().but("clientOrgId", b.Target().Bank.OrganisationID), []string{"requester id mismatch", "clientOrgId"}},
					flaw{"an unknown server", next().but("serverOrgId", nobody), []string{"serverOrgId", "directory"}},
					flaw{"an unknown statement", next().but("clientSSId", nobody), []string{"ssid"}},
					flaw{"no interaction id", next().but("fapiInteractionId", nil), []string{"fapiInteractionId"}},
					flaw{"the nil interaction id", next().but("fapiInteractionId", "00000000-0000-0000-0000-000000000000"), []string{"fapiInteractionId"}},
					flaw{"a correlationId with strange characters", next().but("correlationId", "<script>"), []string{"correlationId", "pattern"}},
					flaw{"a duration of zero", next().but("processTimespan", 0), []string{"processTimespan", "greater than zero"}},
					flaw{"a broken duration", next().but("processTimespan", 1.5), []string{"processTimespan", "integer"}},
					flaw{"status 600", next().but("statusCode", 600), []string{"statusCode", "between"}},
					flaw{"a malformed time", next().but("timestamp", "yesterday"), []string{"timestamp", "date"}},
					flaw{"eight days ago", next().but("timestamp", at(-8*24*time.Hour)), []string{"old"}},
					flaw{"six minutes ahead", next().but("timestamp", at(6*time.Minute)), []string{"future"}},
				))
				server.discards(spec.PortabilityServerPath, of(), []flaw{
					{"another server's report", of().but("serverOrgId", b.Target().Bank.OrganisationID), []string{"requester id mismatch", "serverOrgId"}},
					{"an unknown client", of().but("clientOrgId", nobody), []string{"clientOrgId", "directory"}},
					{"a client's field", of().but("clientSSId", client.party.Config().SoftwareID), []string{"clientSSId", "should not exist"}},
				})
			},
		},
	}
}
