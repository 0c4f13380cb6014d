package pcm

import (
	"encoding/json"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func tokenChecks() []check.Check {
	return []check.Check{
		{
			ID: "PCM-C20", Name: "pcm/token-is-cached", Rules: rules("PCM-TOKEN"), Alone: true,
			Title: "A token is answered with every member, again while it lives with what is left of its life, and anew where a fresh one is asked", Why: "A reporter that trusts a full life sends with a dead token.",
			Causes: causes("expires_in constant", "the fresh endpoint answers from the cache"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				fresh := s.anew()
				b.Expect(expect.Text(fresh, "access_token") == s.token, "the fresh token is the one before").About(fresh).To(expect.Equal(false))
				again := s.asking("").Send(b.Context())
				b.Expect(again).To(expect.JSON("access_token", expect.Text(fresh, "access_token")))
				b.Expect(again).To(expect.JSON("expires_in", expect.InRange(1, 21600)))
				b.Expect(again).To(expect.JSON("token_type", "Bearer"))
				for _, member := range []string{"statusCode", "refresh_expires_in", "not-before-policy", "scope"} {
					b.Verify(again.JSON()[member] != nil, "member %s", member).About(again).To(expect.True("it is there"))
				}
				c := invent(b, s, s)
				s.accepted(c.byClient())
			},
		},
		{
			ID: "PCM-C21", Name: "pcm/token-needs-slash", Rules: rules("PCM-TOKEN"),
			Title: "The address of the token ends with a slash; without it there is nothing", Why: "A redirect would lose the body.", Causes: causes("a web framework redirects"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				b.Expect(s.asking("/token").Send(b.Context()), "without the slash").To(expect.Status(404))
			},
		},
		{
			ID: "PCM-C22", Name: "pcm/token-needs-certificate", Rules: rules("PCM-TOKEN/certificate-trusted"),
			Title: "No token without the certificate of a participant", Why: "The certificate says whose reports these are.", Causes: causes("the certificate is asked for and not judged"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				b.Expect(s.asking("").WithoutCertificate().Send(b.Context()), "without certificate").To(expect.RefusedConnection(401))
				statements := b.Target().Statements()
				if len(statements) == 0 {
					return
				}
				// Hostile certificates imitate the first statement that is not registered.
				imitated := func(f url.Values) { f.Set("client_id", statements[0].SoftwareStatementID) }
				for _, kind := range []string{"untrusted", "expired", "revoked"} {
					if _, ok := b.Target().Hostile[kind]; ok {
						b.Verify(s.asking("", imitated).WithCertificate(b.HostileCertificate(kind)).Send(b.Context()), "%s certificate", kind).To(expect.RefusedConnection(401))
					}
				}
			},
		},
		{
			ID: "PCM-C23", Name: "pcm/token-names-client", Rules: rules("PCM-TOKEN/grant-type", "PCM-TOKEN/has-client-id", "PCM-TOKEN/client-bound"), Needs: twoSides,
			Title: "A token is for client_credentials, and for the client of the certificate alone", Why: "One organisation must not report for another.", Causes: causes("client_id not compared with the certificate"),
			Body: func(b *check.Bench) {
				s, other := sideOf(b, 0), b.Party(1)
				x := s.asking("", func(f url.Values) { f.Set("grant_type", "password") }).Send(b.Context())
				b.Verify(x, "grant password").To(expect.OAuthErrorStatus([]int{400}, "unsupported_grant_type"))
				x = s.asking("", func(f url.Values) { f.Del("client_id") }).Send(b.Context())
				b.Verify(x, "no client_id").To(expect.OAuthErrorStatus([]int{400}, "invalid_client"))
				x = s.asking("", func(f url.Values) { f.Set("client_id", other.Config().SoftwareID) }).Send(b.Context())
				b.Verify(x, "client_id of another organisation").To(expect.All(expect.Status(401), expect.JSON("message", "ClientId is not valid to the orgId")))
			},
		},
		{
			ID: "PCM-C24", Name: "pcm/token-takes-json", Rules: rules("PCM-TOKEN"), Severity: check.Should,
			Title: "A token may be asked with a JSON body as the manual shows", Why: "Both forms are published.", Causes: causes("only forms are read"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				body, err := json.Marshal(map[string]string{"client_id": s.party.Config().SoftwareID, "grant_type": "client_credentials"})
				b.Given("a body", err)
				b.Expect(s.asking("").Raw(body, "application/json").Send(b.Context())).To(expect.Status(200))
			},
		},
		{
			ID: "PCM-C25", Name: "pcm/token-ends", Rules: rules("PCM-REQUEST/token", "PCM-TOKEN"), Needs: []check.Need{check.Clock}, Alone: true,
			Title: "A token is answered again with what is left of its life, ends after it, and reports under it are refused", Why: "A stolen token must not live for ever.", Causes: causes("expires_in is only advertised", "expires_in constant"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				s.token = expect.Text(s.anew(), "access_token")
				c := invent(b, s, s)
				b.Advance(time.Hour)
				b.Expect(s.asking("").Send(b.Context()), "the token an hour later").To(expect.All(expect.JSON("access_token", s.token), expect.JSON("expires_in", expect.InRange(1, 5*60*60))))
				b.Advance(5*time.Hour + time.Minute)
				b.Expect(s.posting(privatePath, []fields{c.byClient()}).Send(b.Context()), "after the token's life").To(refused(401, "Unauthorized"))
				s = sideOf(b, 0)
				s.accepted(c.byClient())
			},
		},
	}
}

func intakeChecks() []check.Check {
	return []check.Check{
		{
			ID: "PCM-C30", Name: "pcm/intake-needs-token", Rules: rules("PCM-REQUEST/token"),
			Title: "Reports without a live token are refused as a whole", Why: "Whose reports they are is in the token.", Causes: causes("the token is only decoded"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				body := []fields{invent(b, s, s).byClient()}
				b.Verify(s.posting(privatePath, body).WithoutHeader("Authorization").Send(b.Context()), "no token").To(refused(401, "Unauthorized"))
				b.Verify(s.posting(privatePath, body).Bearer(s.token+"x").Send(b.Context()), "a spoilt token").To(refused(401, "Unauthorized"))
				b.Verify(s.posting(privatePath, body).Send(b.Context()), "sound").To(expect.Status(200))
			},
		},
		{
			ID: "PCM-C31", Name: "pcm/intake-takes-arrays", Rules: rules("PCM-REQUEST/is-array"),
			Title: "A body that is no array of reports is refused as a whole; of journey events an empty one is taken", Why: "Item answers come in the order of the array.", Causes: causes("a single object is taken as well"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				const event = "/report-api/v2/hybrid-flow/client/redirect-to-server"
				notArray := refused(400, "Invalid payload format: MUST be an array")
				b.Verify(s.posting(privatePath, invent(b, s, s).byClient()).Send(b.Context()), "one object").To(notArray)
				b.Verify(s.posting(privatePath, []fields{}).Send(b.Context()), "empty array").To(notArray)
				b.Verify(s.posting(privatePath, nil).Raw([]byte(`[{"a":`), "application/json").Send(b.Context()), "torn JSON").To(notArray)
				b.Verify(s.posting(event, fields{}).Send(b.Context()), "one event as object").To(refused(400, "Report Invalid"))
				b.Verify(s.posting(event, []fields{}).Send(b.Context()), "no events").To(expect.Status(200))
			},
		},
		{
			ID: "PCM-C32", Name: "pcm/intake-speaks-json", Rules: rules("PCM-REQUEST/is-json", "PCM-REQUEST/accepts-json"),
			Title: "Reports come as JSON and are answered as JSON, or refused", Why: "Nothing else is published.", Causes: causes("media types not looked at"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				body := []fields{invent(b, s, s).byClient()}
				b.Verify(s.posting(privatePath, body).ContentType("text/plain").Send(b.Context()), "body as text").To(refused(415, "Unsupported Media Type"))
				b.Verify(s.posting(privatePath, body).Accept("text/xml").Send(b.Context()), "answer as XML").To(refused(406, "Content type not accepted"))
				x := s.posting(privatePath, body).Accept("text/xml, application/json;q=0.5").ContentType("application/json; charset=utf-8").Send(b.Context())
				b.Verify(x, "sound, with parameters").To(expect.All(expect.Status(200), expect.MediaType("application/json")))
			},
		},
		{
			ID: "PCM-C33", Name: "pcm/intake-bounds-batches", Rules: rules("PCM-REQUEST/batch-limit"),
			Title: "More than 5000 reports, or 1000 events, in one request are refused as a whole", Why: "The limits are published.", Causes: causes("the limit counts bytes"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				reports := make([]fields, 5001)
				for i := range reports {
					reports[i] = fields{}
				}
				b.Verify(s.posting(privatePath, reports).Send(b.Context()), "5001 reports").To(refused(413, "Record limit exceeded"))
				events := reports[:1001]
				b.Verify(s.posting("/report-api/v2/hybrid-flow/client/redirect-to-server", events).Send(b.Context()), "1001 events").To(refused(413, "Record limit exceeded"))
				b.Verify(s.posting(privatePath, reports[:5000]).Send(b.Context()), "5000 reports, all empty").To(expect.All(expect.Status(207), expect.JSONCount("", 5000)))
			},
		},
		{
			ID: "PCM-C34", Name: "pcm/reports-are-private", Rules: rules("PCM-READ/parties-alone"), Needs: twoSides,
			Title: "A report is read by the organisations it names, as it was sent; nobody else finds it, nor anybody one that is not there", Why: "Who calls whom how often is a secret of the two.",
			Causes: causes("found by id alone"),
			Body: func(b *check.Bench) {
				s, other := sideOf(b, 0), sideOf(b, 1)
				c := invent(b, s, s)
				r := c.byClient().but("serverOrgId", b.Target().Bank.OrganisationID)
				s.accepted(r)
				x := s.finds(c.id)
				b.Expect(x).To(expect.Status(200))
				for name, want := range r {
					if text, ok := want.(string); ok {
						b.Verify(x).To(expect.JSON(name, text))
					}
				}
				b.Expect(x).To(expect.JSON("reportId", expect.UUID()))
				read := func(s *side, id string) {
					y := s.party.Request("metrics.read", "GET", b.Target().PCM.URL+privatePath+id).WithoutCertificate().Bearer(s.token).Send(b.Context())
					b.Verify(y, "reading %s", id).To(refused(404, "Not Found"))
				}
				read(other, c.id)
				read(s, uuid.NewString())
			},
		},
		{
			ID: "PCM-C35", Name: "pcm/other-addresses-are-not-found", Rules: rules("PCM-READ"),
			Title: "An address that is not published answers 404 with a message", Why: "A reporter must notice a wrong address.", Causes: causes("a catch-all takes everything"),
			Body: func(b *check.Bench) {
				s := sideOf(b, 0)
				b.Expect(s.posting("/report-api/v2/report", []fields{}).Send(b.Context())).To(refused(404, "Not Found"))
			},
		},
	}
}
