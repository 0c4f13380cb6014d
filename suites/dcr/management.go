package dcr

import (
	"slices"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func managementChecks() []check.Check {
	return []check.Check{
		{ID: "DCR-T-004", Name: "dcr/deletes-registration", Rules: rules("DCM-06"), Official: security("brazildcr-client-delete"),
			Title: "A deleted registration can be neither read nor deleted any more", Body: deletesRegistration},
		{ID: "DCR-T-005", Name: "dcr/requires-registration-token", Rules: rules("DCM-01/registration-token"), Official: security("brazildcr-invalid-registration-access-token"),
			Title: "A registration is read, changed and deleted with its own registration token only", Body: requiresRegistrationToken},
		{ID: "DCR-T-010", Name: "dcr/update-changes-redirect", Rules: rules("DCM-04 DCM-01"), Official: security("brazildcr-update-client-config"),
			Title: "An update exchanges the redirect URI for another of the statement, which then works in place of the first",
			Needs: newcomer(both, check.Customer()), Body: updateChangesRedirect},
		{ID: "DCR-T-011", Name: "dcr/update-rejects-foreign-keys-address", Rules: rules("DCM-05 DCR-05/jwks-uri"), Official: security("brazildcr-update-client-config-bad-jwks-uri"),
			Title: "An update to a foreign jwks_uri is refused and changes nothing", Body: updateRefused(badMetadata, foreignKeys)},
		{ID: "DCR-T-012", Name: "dcr/update-rejects-keys-by-value", Rules: rules("DCM-05 DCR-04/no-jwks"), Official: security("brazildcr-update-client-config-invalid-jwks-by-value"),
			Title: "An update to keys by value is refused and changes nothing", Body: updateRefused(badMetadata, keysByValue)},
		{ID: "DCR-T-013", Name: "dcr/update-rejects-foreign-redirect", Rules: rules("DCM-05 DCR-07/redirect-uris"), Official: security("brazildcr-update-client-config-invalid-redirect-uri"),
			Title: "An update to a redirect URI outside the statement is refused and changes nothing", Body: updateRefused(badRedirect, foreignRedirect, furtherRedirect)},
		{ID: "DCX-X57", Name: "dcr/update-rejects-foreign-webhook", Rules: rules("DCM-05 DCR-20/webhook-uris"),
			Title: "An update to a webhook other than the statement's is refused and changes nothing",
			Body:  updateRefused(expect.OAuthErrorStatus([]int{400}, "invalid_webhook_uris"), foreignWebhook)},
		{ID: "DCX-X58", Name: "dcr/update-rejects-bad-statement", Rules: rules("DCM-03 DCR-02"),
			Title: "An update with a statement that the directory did not sign is refused and changes nothing",
			Body:  updateRefused(badStatement, spoilt, selfSigned)},
		{ID: "DCR-T-022", Name: "dcr/refuses-takeover", Rules: rules("DCR-22/own-certificate DCM-03"), Official: functional("dados-attempt-client-takeover_test-module_v2"),
			Title: "Another participant's valid credentials, or its certificate with a stolen token, open no registration", Body: refusesTakeover,
			Needs: newcomer(nil, check.Clients(2))},
		{ID: "DCR-T-032", Name: "dcr/update-tolerates-absent-members", Rules: rules("DCM-07"), Official: functional("fvp-no-subject-type_test-module"),
			Title: "An update without the optional members is accepted", Body: updateToleratesAbsent},
		{ID: "DCX-015", Name: "dcr/registration-token-is-stable", Rules: rules("DCM-02"),
			Title: "The registration token stays the same through reading and updating", Body: tokenIsStable},
		{ID: "DCX-016", Name: "dcr/update-requires-client-id", Rules: rules("DCM-07/client-id"),
			Title: "An update that carries another client_id is refused", Body: updateRefused(expect.Refused(400, 401, 403), setting("with another client_id", "client_id", "f3a1f0de-3f0b-4a3e-9b1c-000000000000"))},
		{ID: "DCX-017", Name: "dcr/deleted-client-is-refused", Rules: rules("DCM-06"),
			Title: "With the registration end the client's tokens, its pushed requests and its authentication", Needs: newcomer(both, check.Customer()), Body: deletedClientIsRefused},
		{ID: "DCX-018", Name: "dcr/update-keeps-consents", Rules: rules("DCM-09 AS-CONS-06"),
			Title: "An update leaves consents and refresh tokens as they were", Needs: newcomer(both, check.Customer()), Body: updateKeepsConsents},
		{ID: "DCX-X59", Name: "dcr/update-changes-scope", Rules: rules("DCM-04 DCR-08"),
			Title: "An update takes scopes away and gives them back", Needs: newcomer(both), Body: updateChangesScope},
		{ID: "DCX-X60", Name: "dcr/webhook-comes-and-goes", Rules: rules("DCR-20 DCM-08"),
			Title: "Webhooks are registered when the statement's are sent, and taken out by an update without them", Body: webhookComesAndGoes},
	}
}

func deletesRegistration(b *check.Bench) {
	a := apply(b)
	a.registers()
	a.reads()
	gone := *a.Server
	a.leaves()
	b.Verify(a.ReadRegistrationRequest(&gone).Send(b.Context()), "reading after the deletion").To(expect.Refused(401))
	b.Verify(a.DeleteRegistrationRequest(&gone).Send(b.Context()), "deleting again").To(expect.Refused(401))
	a.registers() // the software may come back
}

func requiresRegistrationToken(b *check.Bench) {
	a := apply(b)
	a.registers()
	tokens := map[string]string{"no token": "", "a token of nobody's": "d2hvZXZlci1jb21lcy13aXRoLXRoaXMtdG9rZW4taXMtbm9ib2R5"}
	if other := b.Party(0); other.Server.RegistrationToken != "" {
		tokens["another client's token"] = other.Server.RegistrationToken
	}
	for what, token := range tokens {
		for _, r := range []*tpp.Registration{a.ReadRegistrationRequest(a.Server), a.update(), a.DeleteRegistrationRequest(a.Server)} {
			x := r.Token(token).Send(b.Context())
			b.Verify(x, "%s with %s", x.Method, what).To(expect.Refused(401))
		}
	}
	a.reads()
}

func updateChangesRedirect(b *check.Bench) {
	a := apply(b, both...)
	uris := a.Config().RedirectURIs
	if len(uris) < 2 {
		b.Skip("the statement of %s has one redirect URI only", a.Config().Name)
	}
	toFirst, toSecond := setting("with the first redirect URI", "redirect_uris", uris[:1]), setting("with the second", "redirect_uris", uris[1:2])
	a.registers(toFirst)
	bad := a.update(toSecond).Token("d2hvZXZlci1jb21lcy13aXRoLXRoaXMtdG9rZW4taXMtbm9ib2R5").Send(b.Context())
	b.Verify(bad, "update with a token of nobody's").To(expect.Refused(401))
	b.Verify(a.update(toSecond).WithoutCertificate().Send(b.Context()), "update without certificate").To(expect.RefusedConnection(400, 401, 403))
	b.Expect(texts(expect.Value(a.reads(), "redirect_uris")), "redirect URIs before the update").To(expect.Equal(uris[:1]))
	a.updates(toSecond)
	b.Expect(texts(expect.Value(a.reads(), "redirect_uris")), "redirect URIs after it").To(expect.Equal(uris[1:2]))
	who := b.Person()
	consent := a.Consent(who, permissions)
	b.Verify(a.Push(consent).Set("redirect_uri", uris[0]).Send(b.Context()), "pushed request with the former redirect URI").To(expect.Refused())
	a.Authorised(consent, who, func(p *tpp.Push) { p.Set("redirect_uri", uris[1]) })
	_, err := a.DeleteConsent(b.Context(), consent)
	b.Given("the end of the consent", err)
}

// updateRefused is the body of a check whose updates are sound but for one bend each: refused with it,
// nothing changed, and accepted without.
func updateRefused(how expect.Matcher, bends ...bend) func(*check.Bench) {
	return func(b *check.Bench) {
		a := apply(b)
		a.registers()
		before := a.reads()
		for _, with := range bends {
			b.Verify(a.update(with).Send(b.Context()), "update "+with.what).To(how)
		}
		after := a.reads()
		for _, member := range []string{"client_id", "jwks_uri", "jwks", "redirect_uris", "webhook_uris", "scope"} {
			b.Verify(expect.Value(after, member), "%s after the refusal", member).About(after).To(expect.Equal(expect.Value(before, member)))
		}
		a.updates()
	}
}

func refusesTakeover(b *check.Bench) {
	a := apply(b)
	a.registers()
	var other *check.Party
	for i, c := range b.Target().Registered() {
		if c.OrganisationID != a.Config().OrganisationID {
			other = b.Party(i)
			break
		}
	}
	if other == nil {
		b.Skip("no registered client belongs to another organisation than %s", a.Config().Name)
	}
	posing := *other.Server
	posing.RegistrationURI = a.Server.RegistrationURI
	stolen := other.Config().Transport
	for what, requests := range map[string][]*tpp.Registration{
		"another's own credentials":        {other.ReadRegistrationRequest(&posing), other.UpdateRegistrationRequest(&posing, a.statement).Set("client_id", a.Server.ClientID), other.DeleteRegistrationRequest(&posing)},
		"the token, another's certificate": {a.ReadRegistrationRequest(a.Server).WithCertificate(stolen), a.update().WithCertificate(stolen), a.DeleteRegistrationRequest(a.Server).WithCertificate(stolen)},
	} {
		for _, r := range requests {
			x := r.Send(b.Context())
			b.Verify(x, "%s with %s", x.Method, what).To(expect.Refused(400, 401, 403))
		}
	}
	a.reads()
}

func updateToleratesAbsent(b *check.Bench) {
	a := apply(b)
	a.registers()
	for _, without := range [][]string{{"subject_type"}, {"subject_type", "id_token_encrypted_response_alg", "id_token_encrypted_response_enc", "request_object_signing_alg", "webhook_uris", "require_pushed_authorization_requests"}} {
		a.updates(bend{"without optional members", func(_ *applicant, r *tpp.Registration) {
			for _, member := range without {
				r.Set(member, nil)
			}
		}})
	}
	a.reads()
}

func tokenIsStable(b *check.Bench) {
	a := apply(b)
	a.registers()
	token := a.Server.RegistrationToken
	same := expect.Any(expect.JSONAbsent("registration_access_token"), expect.JSON("registration_access_token", token))
	seen := func(x *tpp.Exchange, what string) {
		b.Verify(x, what).To(expect.All(expect.Status(200), same))
		a.remembers(x) // a server that hands out another goes by that one
	}
	read := func() *tpp.Exchange {
		server := *a.Server
		server.RegistrationToken = token
		return a.ReadRegistrationRequest(&server).Send(b.Context())
	}
	seen(read(), "reading")
	seen(read(), "reading again")
	seen(a.update().Token(token).Send(b.Context()), "updating")
	seen(read(), "reading after the update")
}

func deletedClientIsRefused(b *check.Bench) {
	a := apply(b, both...)
	a.registers()
	who := b.Person()
	grant := a.Sharing(who, permissions)
	credentials := a.Credentials("consents")
	open := a.Consent(who, permissions)
	pushed := a.Push(open)
	b.Expect(pushed.Send(b.Context()), "pushed request").To(expect.Status(201))
	a.leaves()
	b.Verify(a.CredentialsRequest(a.Server, "consents").Send(b.Context()), "token request of the deleted client").To(expect.OAuthError())
	b.Verify(a.RefreshRequest(a.Server, grant.RefreshToken).Send(b.Context()), "its refresh token").To(expect.OAuthError())
	b.Verify(a.Push(open).Send(b.Context()), "its pushed request").To(expect.OAuthError())
	b.Verify(a.Call("consents.read", credentials).Param("consentId", open.ID).Send(b.Context()), "its client credentials token").To(expect.Refused(401, 403))
	b.Verify(a.Call("accounts.list", grant).Send(b.Context()), "its customer's token").To(expect.Refused(401, 403))
	answer, err := pushed.Visit(b.Context(), b.Robot(who))
	b.Verify(err != nil || answer.Code == "", "its former pushed request").To(expect.True("no code comes of it"))
}

func updateKeepsConsents(b *check.Bench) {
	a := apply(b, both...)
	a.registers()
	grant := a.Sharing(b.Person(), permissions)
	a.updates()
	b.Expect(a.Call("accounts.list", grant).Send(b.Context()), "accounts with the token from before the update").To(expect.Status(200))
	b.Given("a refresh after the update", a.Refresh(b.Context(), grant))
	b.Expect(a.Call("accounts.list", grant).Send(b.Context()), "accounts with the refreshed token").To(expect.Status(200))
	x, err := a.ReadConsent(b.Context(), grant.Consent)
	b.Given("the consent after the update", err)
	b.Expect(x).To(expect.JSON("data.status", "AUTHORISED"))
	_, err = a.DeleteConsent(b.Context(), grant.Consent)
	b.Given("the end of the consent", err)
}

func updateChangesScope(b *check.Bench) {
	a := apply(b, both...)
	a.registers(setting("with scopes of both roles", "scope", "openid consents accounts resources payments"))
	fewer := a.updates(setting("", "scope", "openid payments"))
	b.Expect(fewer).To(grants("openid", "payments"))
	b.Expect(a.CredentialsRequest(a.Server, "consents").Send(b.Context()), "token for a scope taken away").To(expect.OAuthErrorStatus([]int{400}, "invalid_scope", "unauthorized_client"))
	more := a.updates(setting("", "scope", "openid consents payments"))
	b.Expect(more).To(grants("openid", "consents", "payments"))
	b.Expect(a.CredentialsRequest(a.Server, "consents").Send(b.Context()), "token for a scope given back").To(expect.Status(200))
}

func webhookComesAndGoes(b *check.Bench) {
	a := apply(b)
	own := slices.Clone(a.Config().WebhookURIs)
	if len(own) == 0 {
		b.Skip("the statement of %s has no webhook", a.Config().Name)
	}
	registered := func(x *tpp.Exchange) []string {
		return slices.Sorted(slices.Values(texts(expect.Value(x, "webhook_uris"))))
	}
	slices.Sort(own)
	a.registers(setting("without webhook", "webhook_uris", nil))
	b.Expect(registered(a.reads()), "webhooks of a registration without").To(expect.Nothing())
	b.Expect(registered(a.updates(setting("", "webhook_uris", a.Config().WebhookURIs))), "webhooks after an update with").To(expect.Equal(own))
	a.updates(setting("", "webhook_uris", nil))
	b.Expect(registered(a.reads()), "webhooks after an update without").To(expect.Nothing())
}
