package payments

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// answers are signed answers of each kind: a creation, a reading, and a refusal.
func (j *journey) answers() []*tpp.Exchange {
	made := j.accepts(j.asking(), "consent")
	read := j.party.Call("payments.consent-read", j.party.Credentials("payments")).Param("consentId", expect.Text(made, "data.consentId")).Send(j.Context())
	j.Expect(read, "reading").To(expect.Status(200))
	refused := j.asking().Data(func(data map[string]any) { put(data, "payment.currency", "USD") }).Send(j.Context())
	j.Expect(refused, "refusal").To(expect.Status(422))
	return []*tpp.Exchange{made, read, refused}
}

// onEach is the body of a check that looks at signed answers of each kind.
func onEach(look func(j *journey, x *tpp.Exchange)) func(*check.Bench) {
	return func(b *check.Bench) {
		j := start(b, manual)
		for _, x := range j.answers() {
			look(j, x)
		}
	}
}

func header(x *tpp.Exchange, name string) string {
	t, err := jose.Parse(strings.TrimSpace(string(x.Body)))
	if err != nil {
		return ""
	}
	s, _ := t.Header[name].(string)
	return s
}

// only expects a text, or a list of nothing but it.
func only(want string) expect.Matcher {
	return expect.Any(expect.Equal(want), expect.Equal([]any{want}))
}

func answerChecks() []check.Check {
	return []check.Check{
		{
			ID: "PAX-X56", Name: "payments/signs-responses", Rules: rules("JWS-01", "JWS-02", "CRYPT-01", "JWS-11"),
			Title: "Answers and business refusals are compact JWS signed with PS256", Why: "The initiator keeps them as proof.", Causes: causes("errors leave by another way", "another algorithm is configured"),
			Body: onEach(func(j *journey, x *tpp.Exchange) {
				j.Expect(x).To(expect.MediaType("application/jwt"))
				j.Expect(header(x, "alg"), "alg of the answer").About(x).To(expect.Equal("PS256"))
				j.Expect(strings.ToUpper(header(x, "typ")), "typ of the answer").About(x).To(expect.Equal("JWT"))
			}),
		},
		{
			ID: "PAX-X57", Name: "payments/signs-with-directory-key", Rules: rules("JWS-09"),
			Title: "The key of an answer is one that the directory holds for the institution, and the signature fits", Why: "An answer signed with an unknown key could be anybody's.", Causes: causes("a new key was not published", "kid named after another set"),
			Body: onEach(func(j *journey, x *tpp.Exchange) {
				keys := check.Given[jose.Set](j.Bench, "the institution's keys")(j.party.OrganisationKeys(j.Context(), j.party.Server.OrganisationID))
				_, err := jose.VerifyAny(strings.TrimSpace(string(x.Body)), keys)
				j.Expect(err, "signature against the directory's keys").About(x).To(expect.Success())
			}),
		},
		{
			ID: "PAX-022", Name: "payments/response-audience", Rules: rules("JWS-03"),
			Title: "aud of an answer is the client's organisation", Why: "An answer for another initiator proves nothing.", Causes: causes("the client id is taken instead"),
			Body: onEach(func(j *journey, x *tpp.Exchange) {
				j.Expect(x.Claims["aud"], "aud of the answer").About(x).To(only(j.party.Config().OrganisationID))
			}),
		},
		{
			ID: "PAX-X58", Name: "payments/response-issuer", Rules: rules("JWS-04"),
			Title: "iss of an answer is the institution's organisation", Why: "The initiator keeps it as proof of who said so.", Causes: causes("the issuer of the authorization server is taken instead"),
			Body: onEach(func(j *journey, x *tpp.Exchange) {
				j.Expect(x.Claims["iss"], "iss of the answer").About(x).To(expect.Equal(j.Target().Bank.OrganisationID))
			}),
		},
		{
			ID: "PAX-X59", Name: "payments/response-jti-unique", Rules: rules("JWS-05"),
			Title: "Every answer has a jti of its own, a version 4 UUID", Why: "A recorded answer must not be taken for a new one.", Causes: causes("the request's jti is repeated"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				seen := map[any]bool{}
				for _, x := range j.answers() {
					id := x.Claims["jti"]
					b.Expect(id, "jti of the answer").About(x).To(expect.Matching(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}`))
					b.Expect(seen[id] || id == x.RequestClaims["jti"], "jti seen before").About(x).To(expect.Equal(false))
					seen[id] = true
				}
			},
		},
		{
			ID: "PAX-X60", Name: "payments/response-iat", Rules: rules("JWS-06"),
			Title: "iat of an answer is the present, in seconds", Why: "A recorded answer must not be taken for a new one.", Causes: causes("the consent's date is taken", "milliseconds"),
			Body: onEach(func(j *journey, x *tpp.Exchange) {
				iat, _ := x.Claims["iat"].(float64)
				j.Expect(time.Unix(int64(iat), 0), "iat of the answer").About(x).To(expect.Near(j.Now(), time.Minute))
			}),
		},
		{
			ID: "PAX-010", Name: "payments/signs-business-errors-only", Rules: rules("JWS-11"),
			Title: "A 422 is signed; refusals of the message itself are plain JSON", Why: "Who is not known cannot be addressed.", Causes: causes("one error handler for all"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				refused := j.asking().Data(func(data map[string]any) { put(data, "payment.currency", "USD") }).Send(b.Context())
				b.Expect(refused, "business refusal").To(expect.Status(422))
				b.Expect(refused).To(expect.MediaType("application/jwt"))
				b.Expect(j.party.CheckAnswer(b.Context(), j.party.Server, refused), "the signed refusal").About(refused).To(expect.Success())
				broken := j.asking().BreakSignature().Send(b.Context())
				b.Expect(broken, "broken signature").To(expect.OFBError(400, "BAD_SIGNATURE"))
				b.Expect(broken).To(expect.MediaType("application/json"))
				stranger := j.asking().Token("nobody").Send(b.Context())
				b.Expect(stranger, "unknown token").To(expect.OFBError(401))
				b.Expect(stranger).To(expect.MediaType("application/json"))
			},
		},
		{
			ID: "PAX-X61", Name: "payments/error-codes-are-documented", Rules: rules("PAY-CODES", "ERR-13"),
			Title: "Every 422 carries codes of its operation's list, with title and detail", Why: "Initiators decide by the code.", Causes: causes("internal codes leak"),
			Body: func(b *check.Bench) {
				j := start(b, manual).authorises()
				j.documented(j.asking().Data(func(data map[string]any) { put(data, "payment.currency", "USD") }).Send(b.Context()))
				j.documented(items(j.initiating(), item2("payment.amount", "one")).Send(b.Context()))
				k := j.again(manual).pays().settles()
				k.documented(k.cancelling(0).Send(b.Context()))
				k.documented(k.cancellingAll().Send(b.Context()))
			},
		},
	}
}

// documented expects a 422 whose codes are those of the operation.
func (j *journey) documented(x *tpp.Exchange) {
	j.Expect(x, "refusal").To(expect.OFBError(422))
	list := x.Operation.Codes()
	for _, code := range x.Codes() {
		j.Expect(slices.Contains(list, code), "%s", fmt.Sprintf("code %s of %s", code, spec.Find(x.Operation.ID).Title)).About(x).To(expect.True("it is in the operation's list"))
	}
}
