package dcr

import (
	"slices"
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func registrationChecks() []check.Check {
	return []check.Check{
		{ID: "DCR-T-001", Name: "dcr/registers-and-authorises", Rules: rules("DCR-01 DCR-02 DCR-16"), Official: security("brazildcr-happy-flow"),
			Title: "Software registers with a statement of the directory, takes a customer through consent and data, and leaves",
			Needs: newcomer(both, check.Customer()), Body: registersAndAuthorises,
			Why:    "Registration is the first thing every third party does at a bank; without it there is nothing else.",
			Causes: []string{"the answer lacks registration_client_uri or registration_access_token", "the new client is unknown to another node for a while"}},
		{ID: "DCR-T-002", Name: "dcr/accepts-permuted-grant-types", Rules: rules("DCR-17 DCR-08"), Official: security("brazildcr-happy-flow-variant"),
			Title: "Grant types in another order, with the scopes written out, register as well", Needs: newcomer(both),
			Body: accepting(both, bend{"with grant types in another order", func(_ *applicant, r *tpp.Registration) {
				r.Set("grant_types", []string{"refresh_token", "client_credentials", "implicit", "authorization_code"}).Set("scope", "openid consents accounts resources payments")
			}})},
		{ID: "DCR-T-003", Name: "dcr/accepts-permuted-scopes", Rules: rules("DCR-17"), Official: security("brazildcr-happy-flow-variant-2"),
			Title: "The order of the words of scope makes no difference", Needs: newcomer(both), Body: acceptsPermutedScopes},
		{ID: "DCR-T-007", Name: "dcr/requires-statement", Rules: rules("DCR-02/has-statement"), Official: security("brazil-dcr-no-software-statement"),
			Title: "A registration without software statement is refused",
			Body:  refusing(nil, badAnything, setting("without software_statement", "software_statement", nil))},
		{ID: "DCR-T-008", Name: "dcr/requires-client-certificate", Rules: rules("DCR-01/has-certificate DCM-03/has-certificate"), Official: security("brazil-dcr-no-mtls"),
			Title: "Registering, reading, changing and deleting a registration need a client certificate", Body: requiresClientCertificate},
		{ID: "DCR-T-014", Name: "dcr/requires-redirect-uris", Rules: rules("DCR-07/has-redirect-uris"), Official: security("brazil-dcr-no-redirect-uri"),
			Title: "A registration without redirect URIs is refused",
			Body:  refusing(nil, badRedirect, setting("without redirect_uris", "redirect_uris", nil))},
		{ID: "DCR-T-015", Name: "dcr/rejects-foreign-redirect", Rules: rules("DCR-07/redirect-uris"), Official: security("brazil-dcr-invalid-redirect-uri"),
			Title: "A redirect URI outside the statement is refused, alone or beside a right one",
			Body:  refusing(nil, badRedirect, foreignRedirect, furtherRedirect),
			Why:   "Whoever owns a redirect URI receives the authorization codes."},
		{ID: "DCR-T-016", Name: "dcr/rejects-foreign-keys-address", Rules: rules("DCR-05/jwks-uri"), Official: security("brazil-dcr-invalid-jwks-uri"),
			Title: "A jwks_uri other than the statement's is refused", Body: refusing(nil, badMetadata, foreignKeys)},
		{ID: "DCR-T-017", Name: "dcr/rejects-keys-by-value", Rules: rules("DCR-04/no-jwks"), Official: security("brazil-dcr-invalid-jwks-by-value"),
			Title: "Keys by value are refused", Body: refusing(nil, badMetadata, keysByValue)},
		{ID: "DCR-T-018", Name: "dcr/new-client-sends-audience-array", Rules: rules("JWS-03"), Official: security("brazildcr-payment-consent-request-aud-as-array"),
			Title: "A new client's payment consent whose aud is an array of one is accepted",
			Needs: newcomer(both, check.Customer(), check.API("payments")), Body: sendsAudienceArray},
		{ID: "DCR-T-020", Name: "dcr/data-role-works", Rules: rules("DCR-21"), Official: functional("dados-happy-flow_test-module_v2"),
			Title: "Software of the role DADOS registers and reads a customer's data", Needs: newcomer(data, check.Customer()), Body: dataRoleWorks},
		{ID: "DCR-T-021", Name: "dcr/payment-role-gets-no-data", Rules: rules("DCR-08 AS-TOK-06"), Official: functional("dados_unauthorized-client_test-module_v2"),
			Title: "Software of the role PAGTO alone registers for payments and gets no token for resources", Needs: newcomer(payment), Body: paymentRoleGetsNoData},
		{ID: "DCR-T-023", Name: "dcr/registers-every-scope", Rules: rules("DCR-08"), Official: functional("all-scopes-no-unregistration_test-module"),
			Title: "Software with both roles registers for every scope of theirs and can use them", Needs: newcomer(both), Body: registersEveryScope},
		{ID: "DCR-T-028", Name: "dcr/rejects-foreign-webhook", Rules: rules("DCR-20/webhook-uris DCR-19"), Official: functional("dcm-pagto-wrong-webhook_test-module-v5"),
			Title: "A webhook other than the statement's is refused with invalid_webhook_uris",
			Body:  refusing(nil, expect.OAuthErrorStatus([]int{400}, "invalid_webhook_uris"), foreignWebhook, furtherWebhook)},
		{ID: "DCR-T-030", Name: "dcr/allows-only-private-key-jwt", Rules: rules("DCR-14/auth-method"), Official: functional("fvp-unhappy-tls-client-auth_test_module"),
			Title: "No client authentication but private_key_jwt comes out of a registration", Body: allowsOnlyPrivateKeyJWT},
		{ID: "DCR-T-033", Name: "dcr/one-registration-per-statement", Rules: rules("DCR-15"), Official: functional("fvp-multiple-clients_test-module"),
			Title: "A second registration of the same software is refused and leaves the first as it was", Body: oneRegistration},
		{ID: "DCX-012", Name: "dcr/grants-role-scopes-by-default", Rules: rules("DCR-18 DCR-08 DCR-21"),
			Title: "A registration without scope is granted all the scopes of its role", Needs: newcomer(data), Body: grantsRoleScopes},
		{ID: "DCX-013", Name: "dcr/limits-scope-to-role", Rules: rules("DCR-21 DCR-08/scope-of-role"),
			Title: "Software of the role CONTA gets scopes neither of payments nor of data", Needs: newcomer(accounts),
			Body: limitsScope(accounts, "payments", "accounts", "consents")},
		{ID: "DCX-X50", Name: "dcr/data-role-gets-no-payments", Rules: rules("DCR-21 DCR-08/scope-of-role"),
			Title: "Software of the role DADOS gets no scope of payments", Needs: newcomer(data), Body: limitsScope(data, "payments", "recurring-payments")},
		{ID: "DCX-014", Name: "dcr/statement-takes-precedence", Rules: rules("DCR-09"),
			Title: "What the statement says wins over what the request says", Body: statementTakesPrecedence},
		{ID: "DCX-X51", Name: "dcr/fills-in-defaults", Rules: rules("DCR-18 DCR-09"),
			Title: "A minimal registration is completed with the values that the profile mandates", Body: fillsInDefaults},
		{ID: "DCX-019", Name: "dcr/errors-have-the-form", Rules: rules("DCR-19 ERR-16"),
			Title: "Refusals of registration are JSON with a code of RFC 7591 and words for it", Body: errorsHaveTheForm},
		{ID: "DCX-020", Name: "dcr/treats-missing-implicit-consistently", Rules: rules("DCR-17"),
			Title: "Without implicit among the grant types a server completes them or refuses, as its response type demands", Body: missingImplicit},
		{ID: "DCX-X52", Name: "dcr/survives-malformed-metadata", Rules: rules("DCR-19"),
			Title: "A body that is no JSON object, or has members of the wrong type, is refused with 400", Body: malformed},
	}
}

// The scopes of the role DADOS and PAGTO at registration (DCR 7.2), without those that a bank may add.
var (
	dataScopes = strings.Fields("openid consents resources customers accounts credit-cards-accounts loans financings unarranged-accounts-overdraft " +
		"invoice-financings bank-fixed-incomes credit-fixed-incomes variable-incomes treasure-titles funds exchanges")
	paymentScopes = strings.Fields("openid payments recurring-payments")
)

const elsewhere = "https://outra-instituicao.example/cb"

var (
	foreignRedirect = setting("with a foreign redirect URI", "redirect_uris", []string{elsewhere})
	furtherRedirect = bend{"with a foreign redirect URI beside its own", func(a *applicant, r *tpp.Registration) {
		r.Set("redirect_uris", append(slices.Clone(a.Config().RedirectURIs), elsewhere))
	}}
	foreignKeys = setting("with a foreign jwks_uri", "jwks_uri", "https://outra-instituicao.example/application.jwks")
	keysByValue = bend{"with keys by value", func(a *applicant, r *tpp.Registration) {
		r.Set("jwks_uri", nil).Set("jwks", jose.Set{Keys: []jose.Key{a.Config().Signing}})
	}}
	foreignWebhook = setting("with a foreign webhook", "webhook_uris", []string{"https://outra-instituicao.example/webhook"})
	furtherWebhook = bend{"with a foreign webhook beside its own", func(a *applicant, r *tpp.Registration) {
		r.Set("webhook_uris", append(slices.Clone(a.Config().WebhookURIs), "https://outra-instituicao.example/webhook"))
	}}
)

func registersAndAuthorises(b *check.Bench) {
	a := apply(b, both...)
	x := a.registers()
	b.Verify(x).To(expect.JSON("client_id", expect.Something()))
	b.Verify(x).To(expect.JSON("registration_access_token", expect.Something()))
	b.Verify(x).To(expect.JSON("registration_client_uri", expect.Matching(`https://[^?#]+`)))
	b.Verify(x).To(expect.JSON("redirect_uris", expect.Something()))
	b.Verify(x).To(expect.JSON("token_endpoint_auth_method", "private_key_jwt"))
	b.Verify(x).To(expect.MediaType("application/json"))
	b.Prefer(x).To(expect.NotStored())
	grant := a.Sharing(b.Person(), permissions)
	b.Expect(a.Call("accounts.list", grant).Send(b.Context()), "accounts").To(expect.Status(200))
	_, err := a.DeleteConsent(b.Context(), grant.Consent)
	b.Given("the end of the consent", err)
	a.leaves()
}

func acceptsPermutedScopes(b *check.Bench) {
	a := apply(b, both...)
	words := strings.Fields("openid consents resources accounts payments")
	for range words {
		words = append(words[1:], words[0])
	}
	slices.Reverse(words)
	x := a.registers(setting("with scopes backwards", "scope", strings.Join(words, " ")))
	b.Expect(x).To(grants(words...))
}

func requiresClientCertificate(b *check.Bench) {
	a := apply(b)
	refused := expect.RefusedConnection(400, 401, 403)
	x := a.sends(a.request().WithoutCertificate())
	b.Verify(x, "registration without certificate").To(refused)
	if x.OK() {
		a.departs()
	}
	a.registers()
	for _, r := range []*tpp.Registration{a.ReadRegistrationRequest(a.Server), a.update(), a.DeleteRegistrationRequest(a.Server)} {
		x := r.WithoutCertificate().Send(b.Context())
		b.Verify(x, "%s without certificate", x.Method).To(refused)
	}
	a.reads()
}

func sendsAudienceArray(b *check.Bench) {
	a := apply(b, both...)
	a.registers()
	order := tpp.Order{Payer: b.Person().Document(), Amount: "1.00", Creditor: tpp.Creditor{Name: "Loja Simulada", Document: "99999008000151",
		Account: tpp.Account{ISPB: "99999004", Issuer: "0001", Number: "1234567890", Type: "CACC"}}}
	consent, err := a.CreatePaymentConsent(b.Context(), a.Server, order, func(r *tpp.APICall) {
		r.Claims(func(m map[string]any) { m["aud"] = []any{m["aud"]} })
	})
	b.Given("a payment consent with aud as an array", err)
	b.Expect(consent.Status, "its status").To(expect.Equal("AWAITING_AUTHORISATION"))
}

func dataRoleWorks(b *check.Bench) {
	a := apply(b, data...)
	b.Expect(a.registers()).To(grants(dataScopes...))
	grant := a.Sharing(b.Person(), permissions)
	b.Expect(a.Call("accounts.list", grant).Send(b.Context()), "accounts").To(expect.Status(200))
	b.Expect(a.Call("resources.list", grant).Send(b.Context()), "resources").To(expect.Status(200, 202))
	_, err := a.DeleteConsent(b.Context(), grant.Consent)
	b.Given("the end of the consent", err)
}

func paymentRoleGetsNoData(b *check.Bench) {
	a := apply(b, payment...)
	a.turnedAway(setting("asking for resources", "scope", "openid payments resources"), withholds("resources"))
	a.registers()
	b.Expect(a.CredentialsRequest(a.Server, "resources").Send(b.Context()), "token for resources").To(expect.OAuthErrorStatus([]int{400}, "invalid_scope", "unauthorized_client"))
	b.Expect(a.CredentialsRequest(a.Server, "payments").Send(b.Context()), "token for payments").To(expect.Status(200))
}

func registersEveryScope(b *check.Bench) {
	a := apply(b, both...)
	every := append(slices.Clone(dataScopes), paymentScopes[1:]...)
	x := a.registers(setting("with every scope", "scope", strings.Join(every, " ")))
	b.Expect(x).To(grants(every...))
	for _, scope := range []string{"consents", "payments"} {
		b.Verify(a.CredentialsRequest(a.Server, scope).Send(b.Context()), "token for %s", scope).To(expect.Status(200))
	}
}

func allowsOnlyPrivateKeyJWT(b *check.Bench) {
	a := apply(b)
	none := expect.Any(badMetadata, expect.All(expect.Status(201), expect.JSON("token_endpoint_auth_method", "private_key_jwt")))
	a.turnedAway(bend{"with tls_client_auth", func(a *applicant, r *tpp.Registration) {
		r.Set("token_endpoint_auth_method", "tls_client_auth").Set("tls_client_auth_subject_dn", subjectText(b, a.Config().Transport, shortNames))
	}}, none)
	a.turnedAway(setting("with client_secret_basic", "token_endpoint_auth_method", "client_secret_basic"), none)
	a.registers()
}

func oneRegistration(b *check.Bench) {
	a := apply(b)
	a.registers()
	first := *a.Server
	x := a.sends(a.request())
	if x.OK() {
		a.departs()
	}
	*a.Server = first
	b.Expect(x, "second registration").To(badAnything)
	a.reads()
}

func grantsRoleScopes(b *check.Bench) {
	a := apply(b, data...)
	b.Expect(a.registers(setting("without scope", "scope", nil))).To(grants(dataScopes...))
}

// limitsScope asks for each scope beside what the role allows.
func limitsScope(roles []string, beyond ...string) func(*check.Bench) {
	return func(b *check.Bench) {
		a := apply(b, roles...)
		for _, scope := range beyond {
			a.turnedAway(setting("asking for "+scope, "scope", "openid "+scope), withholds(scope))
		}
		b.Expect(a.registers(setting("asking for openid", "scope", "openid"))).To(grants("openid"))
	}
}

func statementTakesPrecedence(b *check.Bench) {
	a := apply(b)
	said := a.claims()
	x := a.registers(bend{"with other names and addresses", func(_ *applicant, r *tpp.Registration) {
		r.Set("client_name", "Banco Central Falso").Set("logo_uri", "https://outra-instituicao.example/logo.svg").
			Set("client_uri", "https://outra-instituicao.example").Set("policy_uri", "https://outra-instituicao.example/politica")
	}})
	for member, claim := range map[string]string{"client_name": "software_client_name", "logo_uri": "software_logo_uri", "client_uri": "software_client_uri", "policy_uri": "software_policy_uri"} {
		b.Verify(expect.Value(x, member), "%s", member).About(x).To(expect.OneOf(said[claim], nil))
	}
	b.Expect(x).To(expect.JSON("client_name", said["software_client_name"]))
	b.Expect(a.reads()).To(expect.JSON("client_name", said["software_client_name"]))
}

func fillsInDefaults(b *check.Bench) {
	a := apply(b)
	x := a.registers(bend{"with nothing but statement and redirect URIs", func(_ *applicant, r *tpp.Registration) {
		r.Metadata(func(m map[string]any) {
			for member := range m {
				if member != "software_statement" && member != "redirect_uris" {
					delete(m, member)
				}
			}
		})
	}})
	for member, want := range map[string]any{
		"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "PS256", "id_token_signed_response_alg": "PS256",
		"id_token_encrypted_response_alg": "RSA-OAEP", "id_token_encrypted_response_enc": "A256GCM", "request_object_signing_alg": "PS256",
		"tls_client_certificate_bound_access_tokens": true, "require_pushed_authorization_requests": true, "subject_type": "public",
		"jwks_uri": a.claims()["software_jwks_uri"],
	} {
		b.Verify(x).To(expect.JSON(member, want))
	}
	b.Verify(texts(expect.Value(x, "grant_types")), "grant_types").About(x).To(expect.Containing("client_credentials"))
	b.Verify(texts(expect.Value(x, "response_types")), "response_types").About(x).To(expect.Containing("code id_token"))
	b.Verify(x, "webhooks nobody asked for").To(expect.Any(expect.JSONAbsent("webhook_uris"), expect.JSONCount("webhook_uris", 0)))
}

func errorsHaveTheForm(b *check.Bench) {
	a := apply(b)
	form := expect.All(badAnything, expect.MediaType("application/json"), expect.JSON("error_description", expect.Something()))
	for _, with := range []bend{setting("without software_statement", "software_statement", nil), setting("with a statement that is none", "software_statement", "abc"),
		foreignRedirect, foreignKeys, keysByValue, foreignWebhook} {
		a.turnedAway(with, form)
	}
	a.registers()
}

func missingImplicit(b *check.Bench) {
	a := apply(b)
	x := a.sends(a.request(setting("", "grant_types", []string{"authorization_code", "refresh_token", "client_credentials"})))
	completed := expect.Answer("grant types with implicit beside code id_token", func(x *tpp.Exchange) (string, bool) {
		types := texts(expect.Value(x, "grant_types"))
		hybrid := slices.ContainsFunc(texts(expect.Value(x, "response_types")), func(t string) bool { return strings.Contains(t, "id_token") })
		return strings.Join(types, ", "), x.Status == 201 && (!hybrid || slices.Contains(types, "implicit"))
	})
	b.Expect(x, "registration without implicit").To(expect.Any(badMetadata, completed))
}

func malformed(b *check.Bench) {
	a := apply(b)
	for what, body := range map[string]string{"no JSON": "client_name=x", "a list": "[]", "null": "null", "a broken object": `{"redirect_uris":[`} {
		x := a.sends(a.request().Raw([]byte(body), "application/json"))
		b.Verify(x, "a body that is %s", what).To(badAnything)
	}
	for _, with := range []bend{setting("with redirect_uris as a text", "redirect_uris", a.Config().RedirectURIs[0]), setting("with a statement that is a number", "software_statement", 7),
		setting("with scope as a list", "scope", []string{"openid"})} {
		a.turnedAway(with, badAnything)
	}
	a.registers()
}
