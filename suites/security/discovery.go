package security

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// metadata fetches the document as it is, judging nothing but that it came.
func metadata(b *check.Bench) *tpp.Exchange {
	x := b.Client(0).Request("discovery", "GET", b.Target().Bank.Discovery).WithoutCertificate().Send(b.Context())
	b.Expect(x).To(expect.Status(200))
	return x
}

// words lists the texts of a member of the metadata.
func words(x *tpp.Exchange, member string) []string {
	var out []string
	for _, v := range expect.Values(x, member+"[*]") {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// only expects that a member, where it is published, names nothing outside the list.
func only(member string, allowed ...string) expect.Matcher {
	return expect.Answer(member+" of nothing but "+strings.Join(allowed, ", "), func(x *tpp.Exchange) (string, bool) {
		have := words(x, member)
		return strings.Join(have, ", "), !slices.ContainsFunc(have, func(w string) bool { return !slices.Contains(allowed, w) })
	})
}

// names expects that a member lists every one of the words.
func names(member string, wanted ...string) expect.Matcher {
	return expect.Answer(member+" with "+strings.Join(wanted, ", "), func(x *tpp.Exchange) (string, bool) {
		have := words(x, member)
		var missing []string
		for _, w := range wanted {
			if !slices.Contains(have, w) {
				missing = append(missing, w)
			}
		}
		return "without " + strings.Join(missing, ", "), len(missing) == 0
	})
}

var hybrid = []string{"code id_token", "id_token code"}

// profile lists what the metadata may and must say of methods and algorithms (AS-DISC-03 to -12).
func profile(b *check.Bench) {
	x := metadata(b)
	for _, m := range []expect.Matcher{
		names("token_endpoint_auth_methods_supported", "private_key_jwt"), only("token_endpoint_auth_methods_supported", "private_key_jwt"),
		only("revocation_endpoint_auth_methods_supported", "private_key_jwt"), only("introspection_endpoint_auth_methods_supported", "private_key_jwt"),
		names("token_endpoint_auth_signing_alg_values_supported", jose.PS256), only("token_endpoint_auth_signing_alg_values_supported", jose.PS256),
		expect.JSON("require_pushed_authorization_requests", true), expect.JSON("pushed_authorization_request_endpoint", expect.Something()),
		expect.JSON("response_types_supported[*]", expect.OneOf(hybrid[0], hybrid[1])), only("response_modes_supported", "fragment"),
		names("subject_types_supported", "public"), only("subject_types_supported", "public"),
		names("code_challenge_methods_supported", "S256"), only("code_challenge_methods_supported", "S256"),
		expect.JSON("tls_client_certificate_bound_access_tokens", true),
		names("id_token_signing_alg_values_supported", jose.PS256), only("id_token_signing_alg_values_supported", jose.PS256),
		names("request_object_signing_alg_values_supported", jose.PS256), only("request_object_signing_alg_values_supported", jose.PS256),
		names("id_token_encryption_alg_values_supported", jose.RSAOAEP), only("id_token_encryption_alg_values_supported", jose.RSAOAEP),
		names("id_token_encryption_enc_values_supported", jose.A256GCM), only("id_token_encryption_enc_values_supported", jose.A256GCM),
		only("request_object_encryption_alg_values_supported", jose.RSAOAEP), only("request_object_encryption_enc_values_supported", jose.A256GCM),
		expect.JSON("claims_parameter_supported", true),
		names("grant_types_supported", "authorization_code", "client_credentials", "refresh_token"),
	} {
		b.Verify(x).To(m)
	}
}

// isHTTPS expects an absolute https address.
func isHTTPS() expect.Matcher {
	return expect.That("an https address", func(actual any) (string, bool) {
		s, _ := actual.(string)
		u, err := url.Parse(s)
		return s, err == nil && u.Scheme == "https" && u.Host != ""
	})
}

var aliased = []string{"token_endpoint", "registration_endpoint", "userinfo_endpoint", "pushed_authorization_request_endpoint"}

var mandatoryScopes = []string{
	"openid", "invoice-financings", "financings", "loans", "unarranged-accounts-overdraft", "bank-fixed-incomes",
	"credit-fixed-incomes", "variable-incomes", "treasure-titles", "funds", "exchanges",
}

func discoveryChecks() []check.Check {
	return []check.Check{
		{
			ID: "SOP-002", Name: "discovery/advertises-only-allowed-methods", Needs: oneClient,
			Title: "The metadata offers the methods and algorithms of the profile and no others",
			Rules: rules("AS-DISC-03", "AS-DISC-04", "AS-DISC-05", "AS-DISC-06", "AS-DISC-07", "AS-DISC-08", "AS-DISC-09", "AS-DISC-10",
				"AS-DISC-11", "AS-DISC-12", "AS-DISC-14", "AS-DISC-16"),
			Official: official("discovery-end-point-verification"),
			Why:      "Clients choose from what is offered; an uncertified choice weakens every one of them.",
			Causes:   causes("the metadata of a product default", "left over from the first version of the profile"),
			Body:     profile,
		},
		{
			ID: "SOX-001", Name: "discovery/has-no-leftovers", Needs: oneClient,
			Title:  "Nothing in the metadata belongs to the retired profile",
			Rules:  rules("AS-DISC-03", "AS-DISC-06", "AS-DISC-07", "AS-DISC-08", "AS-DISC-19"),
			Why:    "What is offered will be used; a server certified for the current profile must not invite to the old one.",
			Causes: causes("an upgrade that kept the old metadata"),
			Body: func(b *check.Bench) {
				x := metadata(b)
				for member, old := range map[string][]string{
					"token_endpoint_auth_methods_supported": {"tls_client_auth", "self_signed_tls_client_auth", "client_secret_basic", "client_secret_post", "client_secret_jwt", "none"},
					"response_types_supported":              {"code", "id_token", "token", "code token", "code id_token token"},
					"response_modes_supported":              {"query", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"},
					"subject_types_supported":               {"pairwise"},
					"claims_supported":                      {"cpf", "cnpj"},
				} {
					have := words(x, member)
					found := slices.DeleteFunc(old, func(w string) bool { return !slices.Contains(have, w) })
					b.Verify(found, "leftovers in %s", member).About(x).To(expect.Nothing())
				}
			},
		},
		{
			ID: "SOX-X50", Name: "discovery/is-json-at-the-issuer", Needs: oneClient, Rules: rules("AS-DISC-01"),
			Title:  "The metadata is a JSON document, without redirect, for everybody",
			Why:    "A client follows no redirect here: it would not know whom it asked.",
			Causes: causes("a web application firewall in front of the issuer", "content type text/html"),
			Body: func(b *check.Bench) {
				x := metadata(b)
				b.Expect(x).To(expect.MediaType("application/json"))
				b.Expect(x).To(expect.JSON("issuer", expect.Something()))
			},
		},
		{
			ID: "SOX-X51", Name: "discovery/issuer-is-consistent", Rules: rules("AS-DISC-02", "AS-IDT-06"),
			Title:  "The issuer is the address of the metadata and the iss of ID tokens",
			Why:    "Issuer mix-up lets one server speak in another's name.",
			Causes: causes("an internal host name", "a trailing slash in one of the places"),
			Body: func(b *check.Bench) {
				x := metadata(b)
				issuer := text(x, "issuer")
				b.Expect(issuer, "issuer").About(x).To(isHTTPS())
				b.Expect(strings.ContainsAny(issuer, "?#"), "query or fragment in the issuer").About(x).To(expect.Equal(false))
				b.Expect(strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", "address of the metadata").About(x).To(expect.Equal(b.Target().Bank.Discovery))
				j := begin(b, b.Party(0))
				front, _ := j.idTokens()
				b.Expect(front.Claims["iss"], "iss of the ID token").To(expect.Equal(issuer))
			},
		},
		{
			ID: "SOX-X52", Name: "discovery/advertises-mtls-aliases", Needs: oneClient, Rules: rules("AS-DISC-17", "AS-DISC-18"),
			Title:  "Every endpoint is announced over https, with its alias for client certificates",
			Why:    "A client that calls an endpoint without client certificate is refused, and does not know where else to call.",
			Causes: causes("mtls_endpoint_aliases left out because the plain endpoints ask for certificates too"),
			Body: func(b *check.Bench) {
				x := metadata(b)
				for _, member := range append([]string{"authorization_endpoint", "jwks_uri"}, aliased...) {
					b.Verify(x).To(expect.JSON(member, isHTTPS()))
				}
				for _, member := range aliased {
					b.Verify(x).To(expect.JSON("mtls_endpoint_aliases."+member, isHTTPS()))
				}
			},
		},
		{
			ID: "SOX-X53", Name: "discovery/advertises-acr", Needs: oneClient, Rules: rules("AS-DISC-13", "AS-DISC-14"),
			Title:  "The authentication classes of the profile are announced",
			Why:    "A client asks for the class it needs by the names announced here.",
			Causes: causes("acr_values_supported of a product default"),
			Body: func(b *check.Bench) {
				x := metadata(b)
				b.Expect(x).To(names("acr_values_supported", "urn:brasil:openbanking:loa2"))
				b.Prefer(x).To(names("acr_values_supported", "urn:brasil:openbanking:loa3"))
				b.Expect(x).To(names("claims_supported", "acr"))
			},
		},
		{
			ID: "SOX-X54", Name: "discovery/publishes-signing-keys", Rules: rules("AS-IDT-01", "AS-DISC-17", "CRYPT-03"),
			Title:  "The key that signs ID tokens now stands in the key set, with no private part beside it",
			Why:    "Clients verify with the published set; a key that is not in it looks like a forgery.",
			Causes: causes("keys rotated before they were published", "a cache in front of jwks_uri"),
			Body: func(b *check.Bench) {
				j := begin(b, b.Party(0))
				front, _ := j.idTokens()
				x := j.party.Request("jwks", "GET", j.party.Server.JWKS).WithoutCertificate().Send(b.Context())
				b.Expect(x).To(expect.Status(200))
				var signing []any
				for _, k := range expect.Values(x, "keys[*]") {
					if key, _ := k.(map[string]any); key["use"] == "sig" && key["kty"] == "RSA" {
						signing = append(signing, key["kid"])
					}
				}
				b.Expect(signing, "signing keys published").About(x).To(expect.Containing(front.KeyID()))
				for _, private := range []string{"d", "p", "q", "k"} {
					b.Expect(x).To(expect.JSONAbsent("keys[*]." + private))
				}
			},
		},
		{
			ID: "SOX-X55", Name: "discovery/lists-mandatory-scopes", Needs: oneClient, Rules: rules("AS-DISC-15"),
			Title:  "The scopes that every server must know are announced",
			Why:    "Clients register for the scopes they find; a missing one closes a product to them.",
			Causes: causes("scopes_supported made from the products offered only"),
			Body: func(b *check.Bench) {
				b.Expect(metadata(b)).To(names("scopes_supported", mandatoryScopes...))
			},
		},
		{
			ID: "SOX-X56", Name: "discovery/matches-directory", Needs: oneClient, Rules: rules("AS-DISC-20"),
			Title:  "The directory lists the authorization server with this very document, and its API families",
			Why:    "Clients find a bank in the directory and nowhere else.",
			Causes: causes("the directory still holds the address of an earlier server"),
			Body: func(b *check.Bench) {
				list, err := b.Client(0).Participants(b.Context())
				b.Given("the directory's list of participants", err)
				server := listed(list, b.Target().Bank.AuthorisationServerID)
				b.Expect(server["OpenIDDiscoveryDocument"], "discovery document in the directory").To(expect.Equal(b.Target().Bank.Discovery))
				families, _ := server["ApiResources"].([]any)
				b.Expect(families, "API families in the directory").To(expect.Something())
			},
		},
	}
}

// listed finds an authorization server in the directory's list.
func listed(participants []map[string]any, id string) map[string]any {
	for _, org := range participants {
		servers, _ := org["AuthorisationServers"].([]any)
		for _, one := range servers {
			if server, _ := one.(map[string]any); server["AuthorisationServerId"] == id {
				return server
			}
		}
	}
	return nil
}
