package payments

import (
	"crypto/rsa"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// refusedMessages is the body of a check in which messages with one thing bent are refused with that
// status, on a consent and on a payment, while the sound ones are taken.
func refusedMessages(status int, codes []string, bends map[string]func(b *check.Bench, j *journey, call *tpp.APICall)) func(*check.Bench) {
	return func(b *check.Bench) {
		j := start(b, manual).authorises()
		for what, bend := range bends {
			for _, one := range []struct {
				of   string
				call *tpp.APICall
			}{{"consent", j.asking()}, {"payment", j.initiating()}} {
				bend(b, j, one.call)
				b.Verify(one.call.Send(b.Context()), "%s with %s", one.of, what).To(expect.OFBError(status, codes...))
			}
		}
		j.is("AUTHORISED")
		j.accepts(j.asking(), "sound consent")
		j.takes(j.initiating())
	}
}

// stranger is a key that the directory does not know.
func stranger(b *check.Bench) jose.Key {
	return check.Given[jose.Key](b, "a new key")(jose.NewKey("sig"))
}

func claim(name string, value any) func(*check.Bench, *journey, *tpp.APICall) {
	return func(_ *check.Bench, _ *journey, call *tpp.APICall) {
		call.Claims(func(c map[string]any) {
			if value == nil {
				delete(c, name)
			} else {
				c[name] = value
			}
		})
	}
}

type bends = map[string]func(*check.Bench, *journey, *tpp.APICall)

func signatureChecks() []check.Check {
	signature := []string{"BAD_SIGNATURE"}
	return []check.Check{
		{
			ID: "PAY-030", Name: "payments/rejects-bad-signature", Official: official("force-check-signature"), Rules: rules("JWS-08/signature"),
			Title: "A message whose signature does not fit is refused with BAD_SIGNATURE", Why: "Anybody on the way could change the amount.", Causes: causes("the payload is decoded and the signature skipped"),
			Body: refusedMessages(400, signature, bends{
				"a spoilt signature": func(_ *check.Bench, _ *journey, call *tpp.APICall) { call.BreakSignature() },
			}),
		},
		{
			ID: "PAX-005", Name: "payments/verifies-with-directory-keys", Rules: rules("JWS-09/published-key"),
			Title: "A message signed with a key that the directory does not hold is refused", Why: "Keys outside the directory belong to anybody.", Causes: causes("an unknown kid skips the verification"),
			Body: refusedMessages(400, signature, bends{
				"a key of nobody": func(b *check.Bench, _ *journey, call *tpp.APICall) { call.SignedBy(stranger(b)) },
			}),
		},
		{
			ID: "PAX-006", Name: "payments/ignores-embedded-key", Rules: rules("JWS-09/ignores-embedded-key"),
			Title: "A message that brings its own key in its header is refused", Why: "It proves nothing but itself.", Causes: causes("the library takes jwk from the header"),
			Body: refusedMessages(400, signature, bends{
				"an embedded key": func(b *check.Bench, _ *journey, call *tpp.APICall) {
					key := stranger(b)
					raw, err := json.Marshal(key)
					b.Given("a public key", err)
					embedded := check.Given[jwk.Key](b, "a public key")(jwk.ParseKey(raw))
					call.SignedBy(key)
					call.JOSEHeader(func(h map[string]any) { h["jwk"] = embedded })
				},
			}),
		},
		{
			ID: "PAX-007", Name: "payments/rejects-weak-alg", Rules: rules("CRYPT-01/message-alg"),
			Title: "A message signed with another algorithm than PS256, or not signed, is refused", Why: "The profile knows one algorithm.", Causes: causes("the algorithm is taken from the header"),
			Body: refusedMessages(400, signature, bends{
				"RS256": func(_ *check.Bench, _ *journey, call *tpp.APICall) { call.Alg("RS256") },
				"none":  func(_ *check.Bench, _ *journey, call *tpp.APICall) { call.Alg("none") },
				"HS256": func(_ *check.Bench, _ *journey, call *tpp.APICall) { call.Alg("HS256") },
			}),
		},
		{
			ID: "PAX-008", Name: "payments/rejects-transport-key", Rules: rules("CERT-06", "JWS-08/signature"),
			Title: "A message signed with the key of the transport certificate is refused, under its own name or that of the signing key", Why: "Transport keys lie on more machines.", Causes: causes("any key of the organisation will do"),
			Body: func(b *check.Bench) {
				own := func(j *journey) jose.Key { return transportKey(b, j.party.Config()) }
				refusedMessages(400, signature, bends{
					"the transport key": func(_ *check.Bench, j *journey, call *tpp.APICall) { call.SignedBy(own(j)) },
					"the transport key under the signing key's name": func(_ *check.Bench, j *journey, call *tpp.APICall) {
						key := own(j)
						key.ID = j.party.Config().Signing.ID
						call.SignedBy(key)
					},
				})(b)
			},
		},
		{
			ID: "PAX-009", Name: "payments/requires-signed-body", Rules: rules("JWS-01/compact", "RS-HDR-05/content-type"),
			Title: "A message that is plain JSON is refused, whatever it is called", Why: "Nobody could prove later what was ordered.", Causes: causes("unsigned bodies taken by content type"),
			Body: func(b *check.Bench) {
				j := start(b, manual)
				plain := j.asking().Unsigned().Send(b.Context())
				b.Expect(plain, "JSON called JSON").To(expect.OFBErrorStatus([]int{400, 415}))
				x := j.asking().Unsigned().ContentType("application/jwt").Send(b.Context())
				b.Expect(x, "JSON called JWT").To(expect.OFBError(400))
				bare, err := json.Marshal(j.order.ConsentBody(b.Now()))
				b.Given("a body", err)
				b.Expect(j.asking().Raw(bare, "application/jwt").Send(b.Context()), "JSON without claims called JWT").To(expect.OFBError(400))
				j.accepts(j.asking(), "signed")
			},
		},
		{
			ID: "PAX-X53", Name: "payments/requires-message-type", Rules: rules("JWS-02/typ"),
			Title: "A message of another typ than JWT is refused", Why: "A token of another kind must not be taken for an order.", Causes: causes("typ not looked at"),
			Body: refusedMessages(400, signature, bends{
				"typ at+jwt": func(_ *check.Bench, _ *journey, call *tpp.APICall) {
					call.JOSEHeader(func(h map[string]any) { h["typ"] = "at+jwt" })
				},
			}),
		},
		{
			ID: "PAX-X54", Name: "payments/requires-key-id", Rules: rules("JWS-02/has-kid"),
			Title: "A message that does not name its key is refused", Why: "Trying all keys proves less than naming one.", Causes: causes("every published key is tried"),
			Body: refusedMessages(400, signature, bends{
				"no kid": func(_ *check.Bench, _ *journey, call *tpp.APICall) {
					call.JOSEHeader(func(h map[string]any) { delete(h, "kid") })
				},
			}),
		},
	}
}

// transportKey is the key of the client's transport certificate.
func transportKey(b *check.Bench, c tpp.Config) jose.Key {
	private, ok := c.Transport.PrivateKey.(*rsa.PrivateKey)
	if !ok {
		b.Skip("the transport key is no RSA key")
	}
	return jose.FromPrivate(private, "sig")
}

func claimChecks() []check.Check {
	client := []string{}
	return []check.Check{
		{
			ID: "PAX-004", Name: "payments/rejects-other-audience", Rules: rules("JWS-03/aud"),
			Title: "A message addressed to another endpoint is refused", Why: "A consent's message must not be replayed as a payment's.", Causes: causes("only the host is compared"),
			Body: func(b *check.Bench) {
				j := start(b, manual).authorises()
				base := j.party.Server.ResourceBase
				aud := func(path string) func(map[string]any) {
					return func(c map[string]any) { c["aud"] = base + path }
				}
				b.Expect(j.initiating().Claims(aud("/open-banking/payments/v5/consents")).Send(b.Context()), "payment addressed to consents").To(expect.OFBError(403))
				b.Expect(j.asking().Claims(aud("/open-banking/payments/v5/pix/payments")).Send(b.Context()), "consent addressed to payments").To(expect.OFBError(403))
				j.is("AUTHORISED")
				x := j.initiating().Claims(func(c map[string]any) { c["aud"] = []any{c["aud"]} })
				j.takes(x)
			},
		},
		{
			ID: "PAX-X55", Name: "payments/rejects-other-issuer", Rules: rules("JWS-04/iss"),
			Title: "A message issued by another organisation than its sender is refused", Why: "A key may sign only for its owner.", Causes: causes("iss not compared with the token's client"),
			Body: refusedMessages(403, client, bends{"another issuer": claim("iss", strangerOrg), "no issuer": claim("iss", nil)}),
		},
		{
			ID: "PAX-001", Name: "payments/rejects-old-iat", Rules: rules("JWS-06/iat-window"),
			Title: "A message dated two minutes back or ahead is refused, one of thirty seconds is taken", Why: "An old message may have been stolen.", Causes: causes("the window is minutes wide"),
			Body: func(b *check.Bench) {
				dated := func(by time.Duration) func(*check.Bench, *journey, *tpp.APICall) {
					return func(b *check.Bench, j *journey, call *tpp.APICall) { claim("iat", b.Now().Add(by).Unix())(b, j, call) }
				}
				refusedMessages(403, client, bends{"iat two minutes back": dated(-120 * time.Second), "iat two minutes ahead": dated(120 * time.Second)})(b)
				j := start(b, manual)
				for _, by := range []time.Duration{-30 * time.Second, 30 * time.Second} {
					call := j.asking()
					dated(by)(b, j, call)
					j.accepts(call, "iat "+by.String()+" from now")
				}
			},
		},
		{
			ID: "PAX-002", Name: "payments/rejects-odd-iat", Rules: rules("JWS-06/iat-number"),
			Title: "A message whose iat is a text, or counts milliseconds, or is absent, is refused", Why: "A date that is not understood is no date.", Causes: causes("a text is parsed as well", "an absent iat skips the window"),
			Body: func(b *check.Bench) {
				refusedMessages(403, client, bends{
					"iat as text": claim("iat", b.Now().Format("20060102150405")), "iat in milliseconds": claim("iat", b.Now().UnixMilli()), "no iat": claim("iat", nil),
				})(b)
			},
		},
		{
			ID: "PAX-003", Name: "payments/requires-unique-id", Rules: rules("JWS-05/jti-uuid"),
			Title: "A message without jti, or with one that is no version 4 UUID, is refused", Why: "Replays are found by it.", Causes: causes("an absent jti is not remembered"),
			Body: func(b *check.Bench) {
				first := check.Given[uuid.UUID](b, "a version 1 UUID")(uuid.NewUUID())
				refusedMessages(403, client, bends{"no jti": claim("jti", nil), "jti abc": claim("jti", "abc"), "a version 1 UUID": claim("jti", first.String())})(b)
			},
		},
		{
			ID: "PAY-035", Name: "payments/rejects-replayed-jti", Official: official("jti-reuse"), Rules: rules("JWS-05/jti-unique"),
			Title: "A message whose jti was used before is refused", Why: "A stolen message must not be sent again.", Causes: causes("jti remembered by endpoint", "jti remembered by one machine of several"),
			Body: func(b *check.Bench) {
				j := start(b, manual).authorises()
				id := uuid.NewString()
				named := func(c map[string]any) { c["jti"] = id }
				j.accepts(j.asking().Claims(named), "first use")
				b.Expect(j.asking().Claims(named).Send(b.Context()), "second use, for a consent").To(expect.OFBError(403))
				b.Expect(j.initiating().Claims(named).Send(b.Context()), "third use, for a payment").To(expect.OFBError(403))
				j.is("AUTHORISED")
				j.takes(j.initiating())
			},
		},
	}
}
