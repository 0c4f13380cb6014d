package pcm

import (
	"time"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// pair is what both sides told of one call, and what becomes of it.
type pair struct {
	client, server func(fields) fields // nil: that side tells nothing
	state          string
}

func as(name string, value any) func(fields) fields {
	return func(f fields) fields { return f.but(name, value) }
}

func sound(f fields) fields { return f }

// paired is the body of a check in which two sides tell of a call, in either order, and the platform
// comes to the state.
func paired(p pair) func(*check.Bench) {
	return func(b *check.Bench) {
		client, server := sideOf(b, 0), sideOf(b, 1)
		for _, serverFirst := range []bool{false, true} {
			c := invent(b, client, server)
			tell := []func(){}
			if p.client != nil {
				tell = append(tell, func() { client.accepted(p.client(c.byClient())) })
			}
			if p.server != nil {
				tell = append(tell, func() { server.accepted(p.server(c.byServer())) })
			}
			if serverFirst && len(tell) == 2 {
				tell[0], tell[1] = tell[1], tell[0]
			}
			for _, t := range tell {
				t()
			}
			reader := client
			if p.client == nil {
				reader = server
			}
			reader.comesTo(c.id, p.state)
			if p.state == "PAIRED" {
				b.Expect(client.finds(c.id)).To(expect.JSON("pairedReportId", expect.UUID()))
				b.Expect(expect.Text(client.finds(c.id), "pairedReportId"), "counterpart of the client's report").To(expect.Equal(expect.Text(server.finds(c.id), "reportId")))
			}
		}
	}
}

func pairingChecks() []check.Check {
	row := func(id, name, title string, rule string, p pair) check.Check {
		return check.Check{ID: id, Name: name, Title: title, Rules: rules("PCM-PAIR", "PCM-PAIRING/"+rule), Needs: twoSides,
			Why: "The service level is drawn from what pairs.", Causes: causes("other fields than the five are compared", "pairing depends on who tells first"), Body: paired(p)}
	}
	const inconsistent = "PAIRED_INCONSISTENT"
	return []check.Check{
		row("PCM-C60", "pcm/pairs-what-agrees", "Two reports that agree pair, in whichever order they come, and name one another", "same-status", pair{sound, sound, "PAIRED"}),
		row("PCM-C61", "pcm/status-keeps-apart", "200 at the client and 201 at the server is inconsistent", "same-status", pair{sound, as("statusCode", 201), inconsistent}),
		row("PCM-C62", "pcm/timeout-of-client-keeps-apart", "408 at the client and 200 at the server is inconsistent", "same-status", pair{as("statusCode", 408), sound, inconsistent}),
		row("PCM-C63", "pcm/timeout-of-both-pairs", "408 on both sides pairs", "same-status", pair{as("statusCode", 408), as("statusCode", 408), "PAIRED"}),
		row("PCM-C64", "pcm/endpoint-keeps-apart", "Different endpoints are inconsistent", "same-endpoint", pair{sound, as("endpoint", spec.Find("resources.list").FullPath()), inconsistent}),
		row("PCM-C65", "pcm/method-keeps-apart", "Different methods are inconsistent", "same-method", pair{sound, as("httpMethod", "POST"), inconsistent}),
		row("PCM-C66", "pcm/lonely-client-is-unpaired", "A client's report without counterpart is unpaired", "same-client", pair{sound, nil, "UNPAIRED"}),
		row("PCM-C67", "pcm/lonely-server-is-unpaired", "A server's report without counterpart is unpaired", "same-server", pair{nil, sound, "UNPAIRED"}),
		{
			ID: "PCM-C68", Name: "pcm/token-report-stands-alone", Rules: rules("PCM-PAIR"),
			Title: "The report of a token request needs no counterpart", Why: "Authorization servers do not report it.", Causes: causes("it is waited for and counted as missing"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				r := invent(b, s, s).byClient().but("endpoint", "/token").but("httpMethod", "POST").
					but("additionalInfo", map[string]any{"grantType": "CLIENT_CREDENTIALS", "tokenId": "c9ng8aKzxNXm"}).but("endpointUriPrefix", "https://auth.banco.example.com/token").
					but("serverOrgId", b.Target().Bank.OrganisationID)
				s.accepted(r)
				s.comesTo(r.id(), "SINGLE")
			},
		},
		{
			ID: "PCM-C69", Name: "pcm/organisations-keep-apart", Rules: rules("PCM-PAIRING/same-client", "PCM-PAIRING/same-server"), Needs: twoSides,
			Title: "Reports of one interaction that name different organisations are inconsistent", Why: "One of the two speaks of another call.", Causes: causes("paired by interaction id alone"),
			Body: func(b *check.Bench) {
				client, server := sideOf(b, 0), sideOf(b, 1)
				bank := b.Target().Bank.OrganisationID
				c := invent(b, client, server)
				client.accepted(c.byClient())
				server.accepted(c.byServer().but("clientOrgId", bank))
				client.comesTo(c.id, inconsistent)
				c = invent(b, client, server)
				client.accepted(c.byClient().but("serverOrgId", bank))
				server.accepted(c.byServer())
				client.comesTo(c.id, inconsistent)
			},
		},
		{
			ID: "STM-018", Name: "pcm/monitors-both-sides", Rules: rules("RS-HDR-02", "PCM-REPORT", "PCM-PAIR"), Needs: twoSides,
			Title: "Reports of clients and servers, mixed in one request, are judged one by one, repetitions refused, and both sides brought together", Why: "The whole way of a report, once.", Causes: causes("one bad item spoils the batch"),
			Body: func(b *check.Bench) {
				client, server := sideOf(b, 0), sideOf(b, 1)
				there, back := invent(b, client, server), invent(b, server, client)
				one, two := there.byClient(), back.byServer()
				answers, x := client.tells(one, two, one.but("fapiInteractionId", nil), one)
				var got []string
				for _, a := range answers {
					got = append(got, a.Status)
				}
				b.Expect(got, "answers in the order of the request").About(x).To(expect.Equal([]string{"ACCEPTED", "ACCEPTED", "DISCARDED", "DISCARDED"}))
				b.Expect(x).To(expect.Status(207))
				y := server.posting(privatePath, []fields{there.byServer(), back.byClient()}).Send(b.Context())
				b.Expect(y).To(expect.All(expect.Status(200), expect.Within(5*time.Second)))
				client.comesTo(there.id, "PAIRED")
				server.comesTo(back.id, "PAIRED")
			},
		},
	}
}
