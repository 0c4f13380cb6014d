package security

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// open decrypts an ID token and judges nothing else.
func (j *journey) open(raw string) *tpp.IDToken {
	t, err := j.party.OpenIDToken(raw)
	j.Given("an ID token that opens", err)
	return t
}

// idTokens goes all the way and opens the ID tokens of both endpoints.
func (j *journey) idTokens(edits ...func(*tpp.Push)) (front, back *tpp.IDToken) {
	x := j.tokens(edits...)
	j.Expect(text(x, "id_token"), "ID token of the token endpoint").About(x).To(expect.Something())
	return j.open(j.answer.IDToken), j.open(text(x, "id_token"))
}

// both is the body of a check that judges each of the two ID tokens of a journey.
func both(judge func(j *journey, where string, t *tpp.IDToken)) func(*check.Bench) {
	return func(b *check.Bench) {
		j := begin(b, b.Party(0))
		front, back := j.idTokens()
		judge(j, "authorization endpoint", front)
		judge(j, "token endpoint", back)
	}
}

// about judges one claim of both ID tokens.
func about(claim string, want func(j *journey) expect.Matcher) func(*check.Bench) {
	return both(func(j *journey, where string, t *tpp.IDToken) {
		j.Expect(t.Claims[claim], "%s of the ID token of the %s", claim, where).To(want(j))
	})
}

// loa expects one of the authentication classes of the profile.
func loa() expect.Matcher {
	return expect.OneOf("urn:brasil:openbanking:loa2", "urn:brasil:openbanking:loa3")
}

// audience expects the client, alone or as the only member of a list.
func audience(client string) expect.Matcher {
	return expect.That("the client, alone", func(actual any) (string, bool) {
		if list, ok := actual.([]any); ok && len(list) == 1 {
			actual = list[0]
		}
		return fmt.Sprint(actual), actual == client
	})
}

// keys reads the server's key set as it is now.
func (j *journey) keys() jose.Set {
	x := j.party.Request("jwks", "GET", j.party.Server.JWKS).WithoutCertificate().Send(j.Context())
	j.Expect(x).To(expect.Status(200))
	var set jose.Set
	j.Given("a key set", json.Unmarshal(x.Body, &set))
	return set
}

// signedPart is the signed message inside an ID token.
func (j *journey) signedPart(t *tpp.IDToken) string {
	if t.Envelope == nil {
		return t.Raw
	}
	plain, err := jose.DecryptAny(t.Raw, j.party.Config().Encryption)
	j.Given("an ID token that opens", err)
	return strings.TrimSpace(string(plain))
}

// personal are claims that tell who somebody is.
var personal = []string{"cpf", "cnpj", "name", "given_name", "family_name", "email", "phone_number", "birthdate", "address", "document", "preferred_username"}

// anonymous expects claims that tell nothing of a person.
func anonymous(who *check.Person) expect.Matcher {
	return expect.That("claims that tell nothing of the person", func(actual any) (string, bool) {
		claims, ok := actual.(map[string]any)
		for _, name := range personal {
			if claims[name] != nil {
				return "the claim " + name, false
			}
		}
		all, err := json.Marshal(claims)
		switch {
		case who.CPF != "" && strings.Contains(string(all), who.CPF):
			return "the CPF of the person", false
		case who.CNPJ != "" && strings.Contains(string(all), who.CNPJ):
			return "the CNPJ of the company", false
		}
		return "nothing", ok && err == nil
	})
}

func idTokenChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOX-X95", Name: "idtoken/issuer", Title: "iss of the ID token is the issuer", Rules: rules("AS-IDT-06"),
			Why: "A client that knows several banks must know which one speaks.", Causes: causes("an internal host name"),
			Body: about("iss", func(j *journey) expect.Matcher { return expect.Equal(j.party.Server.Issuer) }),
		},
		{
			ID: "SOX-X96", Name: "idtoken/audience", Title: "aud of the ID token is the client, alone", Rules: rules("AS-IDT-06"),
			Why: "An ID token for another client proves nothing to this one.", Causes: causes("several clients of one organisation taken for one"),
			Body: about("aud", func(j *journey) expect.Matcher { return audience(j.party.Server.ClientID) }),
		},
		{
			ID: "SOX-X97", Name: "idtoken/nonce", Title: "nonce of the ID token is the one of the request", Rules: rules("AS-IDT-05"),
			Why: "It ties the answer to the question.", Causes: causes("nonce kept per session, not per request"),
			Body: both(func(j *journey, where string, t *tpp.IDToken) {
				if t.Claims["nonce"] != nil || where == "authorization endpoint" {
					j.Expect(t.Claims["nonce"], "nonce of the ID token of the %s", where).To(expect.Equal(j.push.Nonce))
				}
			}),
		},
		{
			ID: "SOX-X98", Name: "idtoken/code-hash", Title: "c_hash of the front-channel ID token fits the code", Rules: rules("AS-IDT-05"),
			Why: "It shows that nobody swapped the code on its way.", Causes: causes("another hash than that of the signature algorithm"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.code()
				b.Expect(j.open(j.answer.IDToken).Claims["c_hash"], "c_hash").To(expect.Equal(tpp.Hash(j.answer.Code)))
			},
		},
		{
			ID: "SOX-X99", Name: "idtoken/state-hash", Title: "s_hash of the front-channel ID token fits the state", Rules: rules("AS-IDT-05"),
			Why: "It shows that nobody swapped the state on its way.", Causes: causes("s_hash left out, as plain OpenID Connect does"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				j.code()
				b.Expect(j.open(j.answer.IDToken).Claims["s_hash"], "s_hash").To(expect.Equal(tpp.Hash(j.push.State)))
			},
		},
		{
			ID: "SOX-X100", Name: "idtoken/expiry", Title: "The ID token was made now and has not expired", Rules: rules("AS-IDT-06"),
			Why: "A client refuses what is over.", Causes: causes("a clock that is behind", "milliseconds for seconds"),
			Body: both(func(j *journey, where string, t *tpp.IDToken) {
				now := j.Now()
				for claim, slack := range map[string]time.Duration{"iat": time.Minute} {
					at, _ := t.Claims[claim].(float64)
					j.Expect(time.Unix(int64(at), 0), "%s of the ID token of the %s", claim, where).To(expect.Near(now, slack))
				}
				ends, _ := t.Claims["exp"].(float64)
				j.Expect(time.Unix(int64(ends), 0).After(now), "exp of the ID token of the %s lies ahead", where).To(expect.Equal(true))
				j.Expect(t.Subject(), "sub of the ID token of the %s", where).To(expect.Something())
			}),
		},
		{
			ID: "SOX-X101", Name: "idtoken/signature", Title: "The signature of the ID token verifies with a key of the server", Rules: rules("AS-IDT-01"),
			Why: "Everything else in it is worth as much as this.", Causes: causes("keys rotated without notice", "alg none"),
			Body: both(func(j *journey, where string, t *tpp.IDToken) {
				_, err := jose.VerifyAny(j.signedPart(t), j.keys())
				j.Expect(err, "signature of the ID token of the %s", where).To(expect.Success())
			}),
		},
		{
			ID: "SOX-X102", Name: "idtoken/algorithm", Title: "The ID token is signed PS256", Rules: rules("AS-IDT-01", "CRYPT-01"),
			Why: "The profile allows no other.", Causes: causes("RS256 as the default of a product"),
			Body: both(func(j *journey, where string, t *tpp.IDToken) {
				j.Expect(t.Header["alg"], "alg of the ID token of the %s", where).To(expect.Equal(jose.PS256))
			}),
		},
		{
			ID: "SOX-003", Name: "idtoken/is-encrypted", Title: "The ID tokens of both endpoints are encrypted", Rules: rules("AS-IDT-02"),
			Why: "The front-channel one passes through the browser.", Causes: causes("encryption only where personal data are inside, as in the retired profile", "encryption at one endpoint only"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				x := j.tokens()
				for where, raw := range map[string]string{"authorization endpoint": j.answer.IDToken, "token endpoint": text(x, "id_token")} {
					b.Expect(strings.Count(raw, ".")+1, "parts of the ID token of the %s", where).To(expect.Equal(5))
				}
			},
		},
		{
			ID: "SOX-004", Name: "idtoken/encryption-algorithm-and-key", Title: "The ID token is encrypted RSA-OAEP and A256GCM to the client's published encryption key", Rules: rules("AS-IDT-03", "AS-IDT-02", "CRYPT-02"),
			Why: "A client decrypts with the key it published and with nothing weaker.", Causes: causes("the first key of the set taken", "weaker content encryption as the default of a library"),
			Body: both(func(j *journey, where string, t *tpp.IDToken) {
				j.Expect(t.Envelope["alg"], "alg of the %s", where).To(expect.Equal(jose.RSAOAEP))
				j.Expect(t.Envelope["enc"], "enc of the %s", where).To(expect.Equal(jose.A256GCM))
				j.Expect(t.Envelope["kid"], "kid of the %s", where).To(expect.Equal(j.party.Config().Encryption.ID))
			}),
		},
		{
			ID: "SOX-005", Name: "idtoken/no-key-by-header", Title: "No header of the ID token carries a key or the address of one", Rules: rules("AS-IDT-04"),
			Why: "A client that followed it would trust whoever wrote it.", Causes: causes("headers added by a library"),
			Body: both(func(j *journey, where string, t *tpp.IDToken) {
				for _, name := range []string{"x5u", "x5c", "jku", "jwk"} {
					j.Expect(t.Header[name], "%s of the %s", name, where).To(expect.Nothing())
					j.Expect(t.Envelope[name], "%s of the encryption at the %s", name, where).To(expect.Nothing())
				}
			}),
		},
		{
			ID: "SOX-006", Name: "idtoken/follows-key-rotation", Title: "A new encryption key in the directory is used soon", Needs: []check.Need{check.Statement("DADOS", "PAGTO"), check.Customer(), check.DirectoryControl, check.Clock},
			Rules: rules("AS-IDT-03", "AS-CA-06"),
			Why:   "A client that rotates its keys must still be able to read.", Causes: causes("keys copied at registration", "a cache of days"),
			Body: func(b *check.Bench) {
				p := registered(b, "DADOS", "PAGTO")
				next, err := jose.NewKey("enc")
				b.Given("a new key", err)
				keys := "/software/" + p.Config().SoftwareID + "/keys"
				put := func(kid, status string) {
					b.Directory().Post(keys+"/"+kid, map[string]string{"status": status}, nil)
				}
				b.Cleanup(func() { put(next.ID, "Inactive"); put(p.Config().Encryption.ID, "Active") })
				b.Directory().Post(keys, next, nil)
				put(p.Config().Encryption.ID, "Inactive")
				b.Advance(time.Hour)
				j := begin(b, p)
				a := j.code()
				head, err := jose.EncryptionHeader(a.IDToken)
				b.Expect(err, "an encrypted ID token").To(expect.Success())
				b.Expect(head["kid"], "kid an hour after the rotation").To(expect.Equal(next.ID))
				_, err = jose.DecryptAny(a.IDToken, next)
				b.Expect(err, "decryption with the new key").To(expect.Success())
			},
		},
		{
			ID: "SOX-025", Name: "idtoken/acr-present", Title: "acr is there although nobody asked for it", Rules: rules("AS-IDT-07"),
			Why: "The client must know how strongly the customer signed in.", Causes: causes("acr only on request"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				front, back := j.idTokens(func(p *tpp.Push) { p.Set("claims", nil) })
				b.Expect(front.Claims["acr"], "acr of the authorization endpoint").To(loa())
				b.Expect(back.Claims["acr"], "acr of the token endpoint").To(loa())
			},
		},
		{
			ID: "SOX-X103", Name: "idtoken/acr-is-truthful", Title: "A login with one factor is not told as one with two", Rules: rules("AS-AUTHN-01", "AS-IDT-07"),
			Why: "The receiver decides by it how much to trust.", Causes: causes("acr as a constant"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				// Synthetic passwords hold a second factor after a plus sign; the first alone opens a session too.
				j.robot.Password, _, _ = strings.Cut(j.robot.Password, "+")
				j.robot.Decide = func(page *psu.Form) psu.Decision {
					b.Expect(slices.ContainsFunc(b.Pages(), func(p psu.Page) bool { return strings.Contains(p.HTML, "password") }), "a login with a password alone").To(expect.Equal(true))
					return psu.Approve
				}
				front, back := j.idTokens()
				b.Expect(front.Claims["acr"], "acr after a password alone").To(expect.Equal("urn:brasil:openbanking:loa2"))
				b.Expect(back.Claims["acr"], "acr after a password alone").To(expect.Equal("urn:brasil:openbanking:loa2"))
			},
		},
		{
			ID: "SOX-024", Name: "idtoken/subject-is-stable", Title: "sub is the same for one customer across consents and clients, and another for another", Needs: twoClients,
			Rules: rules("AS-IDT-08"),
			Why:   "Clients recognise a customer by it.", Causes: causes("pairwise subjects", "sub derived from the session"),
			Body: func(b *check.Bench) {
				who := b.Person()
				sub := func(p *check.Party, who *check.Person) string {
					j := beginFor(b, p, who)
					front, back := j.idTokens()
					b.Expect(back.Subject(), "sub of the token endpoint").To(expect.Equal(front.Subject()))
					return front.Subject()
				}
				first := sub(b.Party(0), who)
				b.Expect(sub(b.Party(0), who), "sub of a second consent").To(expect.Equal(first))
				b.Expect(sub(b.Party(1), who), "sub for another client").To(expect.Equal(first))
				b.Expect(sub(b.Party(0), b.Person()) == first, "the same sub for another customer").To(expect.Equal(false))
			},
		},
		{
			ID: "SOX-002", Name: "idtoken/no-personal-data", Title: "A request for cpf and cnpj is ignored, and no ID token tells who the customer is",
			Rules: rules("AS-IDT-09"),
			Why:   "The client knows whom it asked about; nobody else needs to.", Causes: causes("claims of the retired profile", "a user record copied into the token"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				essential := map[string]any{"essential": true}
				front, back := j.idTokens(func(p *tpp.Push) {
					p.Set("claims", map[string]any{"id_token": map[string]any{"cpf": essential, "cnpj": essential, "acr": essential}, "userinfo": map[string]any{"cpf": essential}})
				})
				b.Expect(front.Claims, "ID token of the authorization endpoint").To(anonymous(j.person))
				b.Expect(back.Claims, "ID token of the token endpoint").To(anonymous(j.person))
			},
		},
	}
}
