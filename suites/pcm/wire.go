package pcm

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// side is a third party facing the metrics platform.
type side struct {
	*check.Bench
	party *check.Party
	token string
}

// sideOf is the i-th registered client with a token of its own.
func sideOf(b *check.Bench, i int) *side {
	s := &side{Bench: b, party: b.Party(i)}
	x := s.asking("").Send(b.Context())
	b.Expect(x, "token of the metrics platform").To(expect.Status(200))
	s.token = expect.Text(x, "access_token")
	return s
}

// asking is the sound request for a token, to be bent; edit changes its form.
func (s *side) asking(path string, edit ...func(url.Values)) *tpp.Call {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {s.party.Config().SoftwareID}}
	for _, e := range edit {
		e(form)
	}
	address := s.Target().PCM.Token
	if path != "" {
		address = strings.TrimSuffix(address, "/token/") + path
	}
	return s.party.Request("metrics.token", "POST", address).Raw([]byte(form.Encode()), "application/x-www-form-urlencoded")
}

// anew asks for a token that no cache holds.
func (s *side) anew() *tpp.Exchange {
	x := s.asking("/token-fresh/").Send(s.Context())
	s.Expect(x, "fresh token").To(expect.Status(200))
	return x
}

// posting sends a body to a path of the report API, to be bent.
func (s *side) posting(path string, body any) *tpp.Call {
	text, err := json.Marshal(body)
	s.Given("a body", err)
	return s.party.Request("metrics.report", "POST", s.Target().PCM.URL+path).WithoutCertificate().Bearer(s.token).Raw(text, "application/json")
}

// privatePath takes reports of calls.
const privatePath = "/report-api/v1/private/report/"

// tells posts private reports, all of which must be answered, and returns the answers.
func (s *side) tells(reports ...fields) ([]spec.Taken, *tpp.Exchange) {
	x := s.posting(privatePath, reports).Send(s.Context())
	return s.taken(x, len(reports)), x
}

func (s *side) taken(x *tpp.Exchange, n int) []spec.Taken {
	s.Expect(x, "reports").To(expect.Status(200, 207))
	var answers []spec.Taken
	s.Given("a list of answers", json.Unmarshal(x.Body, &answers))
	s.Expect(len(answers), "answers to %d reports", n).About(x).To(expect.Equal(n))
	return answers
}

// accepted posts one report that must be accepted.
func (s *side) accepted(r fields) {
	answers, x := s.tells(r)
	s.Expect(answers[0].Status, "answer about the report (%s)", answers[0].Message).About(x).To(expect.Equal("ACCEPTED"))
}

// finds reads a report by its interaction id, waiting until its state is decided.
func (s *side) finds(id string) *tpp.Exchange {
	var x *tpp.Exchange
	s.Wait("report", "the state of a report", func() bool {
		x = s.party.Request("metrics.read", "GET", s.Target().PCM.URL+privatePath+id).WithoutCertificate().Bearer(s.token).Send(s.Context())
		return x.Err == nil && x.Status == 200 && expect.Text(x, "status") != "ACCEPTED"
	})
	return x
}

// comesTo waits until the report of the interaction has the state.
func (s *side) comesTo(id, state string) {
	var x *tpp.Exchange
	s.Wait("report", "the state "+state, func() bool { x = s.finds(id); return expect.Text(x, "status") == state })
	s.Expect(x).To(expect.JSON("status", state))
}

// fields is a report about to be sent.
type fields map[string]any

// but is a copy with one member changed; nil takes it out.
func (f fields) but(name string, value any) fields {
	out := fields{}
	for k, v := range f {
		out[k] = v
	}
	if value == nil {
		delete(out, name)
	} else {
		out[name] = value
	}
	return out
}

func (f fields) id() string { s, _ := f["fapiInteractionId"].(string); return s }

// told is a time as reports write it.
func told(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// call is a call that was never made, between the first client and the second.
type call struct {
	id             string
	at             time.Time
	client, server *side
}

func invent(b *check.Bench, client, server *side) call {
	return call{uuid.NewString(), b.Now().Add(-time.Second), client, server}
}

// common are the fields of both sides.
func (c call) common(role string, at time.Time) fields {
	return fields{
		"fapiInteractionId": c.id, "endpoint": spec.Find("accounts.list").FullPath(), "statusCode": 200, "httpMethod": "GET", "timestamp": told(at),
		"processTimespan": 12.5, "clientOrgId": c.client.party.Config().OrganisationID, "serverOrgId": c.server.party.Config().OrganisationID, "role": role,
	}
}

// byClient is the caller's report.
func (c call) byClient() fields {
	f := c.common("CLIENT", c.at)
	f["clientSSId"], f["endpointUriPrefix"] = c.client.party.Config().SoftwareID, "https://api.banco.example.com"
	f["additionalInfo"] = map[string]any{"consentId": "urn:ensaio:inventado", "tokenId": "c9ng8aKzxNXm"}
	return f
}

// byServer is the callee's report.
func (c call) byServer() fields { return c.common("SERVER", c.at.Add(3*time.Millisecond)) }

// refused expects a whole-request failure: a status, and nothing but a message.
func refused(status int, message string) expect.Matcher {
	return expect.All(expect.Status(status), expect.Answer(fmt.Sprintf("nothing but the message %q", message), func(x *tpp.Exchange) (string, bool) {
		body := x.JSON()
		got, _ := body["message"].(string)
		return said(body), len(body) == 1 && got == message
	}))
}
