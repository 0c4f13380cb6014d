package dcr

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func directoryChecks() []check.Check {
	known := []check.Need{check.Clients(1)}
	return []check.Check{
		{ID: "DIR-001", Name: "directory/lists-participants", Rules: rules("DIR-03"), Needs: known,
			Title: "The open list names the bank, its authorization server, its discovery document and its APIs, to anybody", Body: listsParticipants},
		{ID: "DIR-002", Name: "directory/publishes-roles", Rules: rules("DIR-03 SSA-01"), Needs: known,
			Title: "The open list of roles holds every organisation with the states of its roles", Body: publishesRoles},
		{ID: "DIR-003", Name: "directory/addresses-answer", Rules: rules("DIR-03 AS-DISC-01"), Needs: known,
			Title: "The discovery document and every API address that the directory lists for the bank answer", Body: addressesAnswer},
		{ID: "DIR-004", Name: "directory/versions-answer", Rules: rules("DIR-03"), Needs: known,
			Title: "Every API version listed is a version number, complete, and that of its addresses", Body: versionsAnswer},
		{ID: "DIR-005", Name: "directory/publishes-key-sets", Rules: rules("DIR-01 DCR-02"), Needs: known,
			Title: "The key store publishes the directory's keys, the organisations' and the software's, without private parts", Body: publishesKeySets},
		{ID: "DIR-006", Name: "directory/token-needs-certificate", Rules: rules("DIR-02"), Needs: []check.Need{check.Clients(2)},
			Title: "The directory gives a token to software over its own certificate only", Body: tokenNeedsCertificate},
		{ID: "DIR-007", Name: "directory/binds-token-to-certificate", Rules: rules("DIR-02"), Needs: []check.Need{check.Clients(2)},
			Title: "A directory token works over the certificate it was given to and for its own organisation only", Body: bindsToken},
		{ID: "DIR-008", Name: "directory/serves-organisations", Rules: rules("DIR-02"), Needs: known,
			Title: "The protected tree lists organisations, authorization servers and the caller's own software", Body: servesOrganisations},
		{ID: "DIR-009", Name: "directory/states-software", Rules: rules("SSA-01 DIR-02 DCR-02"), Needs: known,
			Title: "A software statement is fresh, signed PS256 by the directory, and says all that registration needs", Body: statesSoftware},
		{ID: "DIR-010", Name: "directory/withholds-statement-of-inactive", Rules: rules("SSA-01 DIR-02"), Needs: newcomer(nil, check.DirectoryControl),
			Title: "Suspended software gets no statement, and gets one again once active", Body: withholdsStatement},
		{ID: "DIR-011", Name: "directory/refuses-removed-participant", Rules: rules("SSA-01 DIR-03"), Needs: newcomer(nil, check.DirectoryControl),
			Title: "An organisation that has withdrawn is shown as such and gets neither token nor statement", Body: refusesRemoved},
		{ID: "DIR-012", Name: "directory/moves-inactive-keys", Rules: rules("DIR-01"), Needs: newcomer(nil, check.DirectoryControl),
			Title: "A key made inactive moves from the active to the inactive set, and back", Body: movesInactiveKeys},
		{ID: "DIR-013", Name: "directory/follows-key-rotation", Rules: rules("DIR-01 AS-CA-01"), Needs: newcomer(nil, check.DirectoryControl),
			Title: "The bank accepts a client's new key as soon as the directory publishes it", Body: followsKeyRotation},
		{ID: "DIR-014", Name: "directory/survives-outage", Rules: rules("DIR-01"), Needs: []check.Need{check.Clients(1), check.DirectoryControl, check.Clock, check.Customer()},
			Title: "While the directory is down for minutes, clients that the bank knows keep working", Body: survivesOutage},
		{ID: "DIR-015", Name: "directory/role-state-reaches-statement", Rules: rules("SSA-01 DCR-08/role-active"), Needs: newcomer(both, check.DirectoryControl),
			Title: "A role made inactive in the directory is inactive in the next statement and grants no scope at the bank", Body: roleReachesStatement},
	}
}

// certificateOf reads a certificate in PEM, or nil.
func certificateOf(text []byte) *x509.Certificate {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return c
}

// participant is the bank's entry in the open list, with the exchange that brought it.
func participant(b *check.Bench) (*tpp.Exchange, map[string]any, map[string]any) {
	c, t := b.Client(0), b.Target()
	x := c.Request("participants", "GET", t.Directory.Participants).WithoutCertificate().Send(b.Context())
	b.Expect(x, "participants").To(expect.All(expect.Status(200), expect.MediaType("application/json")))
	var list []map[string]any
	b.Given("a list of participants", json.Unmarshal(x.Body, &list))
	for _, org := range list {
		if org["OrganisationId"] != t.Bank.OrganisationID {
			continue
		}
		for _, item := range expect.Values(x, "[*].AuthorisationServers[*]") {
			if as, _ := item.(map[string]any); as["AuthorisationServerId"] == t.Bank.AuthorisationServerID {
				return x, org, as
			}
		}
	}
	b.Fail("the bank and its authorization server among the participants", fmt.Sprintf("%d participants without them", len(list)), x)
	return nil, nil, nil
}

func listsParticipants(b *check.Bench) {
	x, org, as := participant(b)
	b.Verify(org["Status"], "status of the bank").About(x).To(expect.Equal("Active"))
	b.Verify(org["OrgDomainRoleClaims"], "roles of the bank").About(x).To(expect.Something())
	for _, member := range []string{"OrganisationName", "RegistrationNumber", "RegisteredName"} {
		b.Verify(org[member], member).About(x).To(expect.Something())
	}
	for _, member := range []string{"CustomerFriendlyName", "OpenIDDiscoveryDocument", "ApiResources"} {
		b.Verify(as[member], member).About(x).To(expect.Something())
	}
	b.Verify(as["OpenIDDiscoveryDocument"], "discovery document").About(x).To(expect.Equal(b.Target().Bank.Discovery))
	b.Verify(as["OrganisationId"], "owner of the authorization server").About(x).To(expect.OneOf(b.Target().Bank.OrganisationID, nil))
	b.Prefer(x).To(expect.Header("Cache-Control", expect.Containing("max-age")))
}

func publishesRoles(b *check.Bench) {
	c, t := b.Client(0), b.Target()
	x := c.Request("roles", "GET", strings.TrimSuffix(t.Directory.Participants, "/participants")+"/roles").WithoutCertificate().Send(b.Context())
	b.Expect(x, "roles").To(expect.Status(200))
	for _, id := range organisations(b) {
		org := organisationIn(x, id)
		b.Verify(org["OrganisationId"], "organisation").About(x).To(expect.Equal(id))
		claims, _ := org["OrgDomainRoleClaims"].([]any)
		b.Verify(len(claims) > 0, "organisation %s", id).About(x).To(expect.True("it has roles"))
		for _, item := range claims {
			claim, _ := item.(map[string]any)
			b.Verify(claim["AuthorisationDomainRoleName"], "role").About(x).To(expect.OneOf("DADOS", "PAGTO", "CONTA", "CCORR"))
			b.Verify(claim["Status"], "its status").About(x).To(expect.OneOf("Active", "Inactive"))
		}
	}
}

// organisationIn is the entry of an organisation in an answer that is a list of them, or nil.
func organisationIn(x *tpp.Exchange, id string) map[string]any {
	for _, item := range expect.Values(x, "[*]") {
		if org, _ := item.(map[string]any); org["OrganisationId"] == id {
			return org
		}
	}
	return nil
}

// endpoint is one address of an API in the open list.
type endpoint struct{ family, version, address string }

func endpoints(as map[string]any) []endpoint {
	var all []endpoint
	resources, _ := as["ApiResources"].([]any)
	for _, item := range resources {
		r, _ := item.(map[string]any)
		family, _ := r["ApiFamilyType"].(string)
		version, _ := r["ApiVersion"].(string)
		addresses, _ := r["ApiDiscoveryEndpoints"].([]any)
		for _, item := range addresses {
			e, _ := item.(map[string]any)
			address, _ := e["ApiEndpoint"].(string)
			all = append(all, endpoint{family, version, address})
		}
	}
	return all
}

// addressesAnswer calls every address as a client that has no token yet: an API that is there says
// unauthorised, or that this is not the method; one that is not there says not found.
func addressesAnswer(b *check.Bench) {
	x, _, as := participant(b)
	c := b.Client(0)
	discovery, _ := as["OpenIDDiscoveryDocument"].(string)
	found := c.Request("discovery", "GET", discovery).WithoutCertificate().Send(b.Context())
	b.Expect(found, "discovery document").To(expect.Status(200))
	b.Verify(expect.Text(found, "issuer")+"/.well-known/openid-configuration", "issuer of the discovery document").About(found).To(expect.Equal(discovery))
	all := endpoints(as)
	b.Verify(len(all) > 0, "API addresses of the bank").About(x).To(expect.True("there are some"))
	here := expect.Answer("an answer of the API (401, 403, 405 or 429)", func(x *tpp.Exchange) (string, bool) {
		return fmt.Sprint(x.Status), slices.Contains([]int{200, 400, 401, 403, 405, 406, 429}, x.Status)
	})
	for _, e := range all {
		answer := c.Request("address", "GET", filled(e.address)).Send(b.Context())
		b.Verify(answer, "%s %s", e.family, e.address).To(here)
	}
}

// filled puts some identifier in place of each parameter of an address.
func filled(address string) string {
	for {
		before, rest, open := strings.Cut(address, "{")
		_, after, closed := strings.Cut(rest, "}")
		if !open || !closed {
			return address
		}
		address = before + "6f6d3d8e-3b0a-4b9e-8a54-2f4d6f6f7a10" + after
	}
}

func versionsAnswer(b *check.Bench) {
	x, _, as := participant(b)
	for _, e := range endpoints(as) {
		b.Verify(e.version, "version of %s", e.family).About(x).To(expect.Matching(`\d+\.\d+\.\d+(-(rc|beta)\.?\d+)?`))
		major, _, _ := strings.Cut(e.version, ".")
		b.Verify(e.address, "address of %s %s", e.family, e.version).About(x).To(expect.Containing("/v" + major + "/"))
		u, err := url.Parse(e.address)
		b.Verify(err == nil && u.Scheme == "https" && u.Host != "", "address of %s", e.family).About(x).To(expect.True("it is an https address"))
	}
	resources, _ := as["ApiResources"].([]any)
	for _, item := range resources {
		r, _ := item.(map[string]any)
		b.Verify(r["FamilyComplete"], "completeness of %v", r["ApiFamilyType"]).About(x).To(expect.Equal(true))
		b.Verify(r["CertificationStatus"], "certification of %v", r["ApiFamilyType"]).About(x).To(expect.OneOf("Certified", "Self-Certified", "Awaiting Certification"))
	}
}

func publishesKeySets(b *check.Bench) {
	_, signers := keySet(b, "/openbanking.jwks")
	_, found := signers.ForUse("sig")
	b.Verify(found, "the directory's keys").To(expect.True("there is one for signing"))
	for _, org := range organisations(b) {
		_, set := keySet(b, "/"+org+"/application.jwks")
		_, found := set.ForUse("sig")
		b.Verify(found, "keys of organisation %s", org).To(expect.True("there is one for signing"))
	}
	for _, c := range b.Target().Clients {
		for _, name := range []string{"application", "transport", "inactive/application", "inactive/transport"} {
			x, set := keySet(b, "/"+c.OrganisationID+"/"+c.SoftwareStatementID+"/"+name+".jwks")
			b.Verify(strings.HasPrefix(name, "inactive/") || len(set.Keys) > 0, "%s keys of %s", name, c.Name).About(x).To(expect.True("there are some"))
			b.Verify(x).To(expect.Any(expect.JSONCount("keys", 0), expect.JSONAbsent("keys[*].d")))
		}
	}
	nobody := b.Client(0).Request("keys", "GET", strings.TrimSuffix(b.Client(0).Config().Directory.Keystore, "/")+"/00000000-0000-4000-8000-000000000000/application.jwks")
	b.Verify(nobody.WithoutCertificate().Send(b.Context()), "keys of nobody").To(expect.Status(404))
}

func tokenNeedsCertificate(b *check.Bench) {
	mine, other := b.Client(0), b.Client(1)
	refused := expect.RefusedConnection(400, 401, 403)
	b.Verify(mine.DirectoryTokenRequest().WithoutCertificate().Send(b.Context()), "token without certificate").To(refused)
	b.Verify(mine.DirectoryTokenRequest().WithCertificate(other.Config().Transport).Send(b.Context()), "token over another's certificate").To(refused)
	b.Verify(mine.DirectoryTokenRequest().Param("scope", "directory:admin").Send(b.Context()), "token of another scope").To(expect.OAuthError("invalid_scope"))
	b.Verify(mine.DirectoryTokenRequest().Param("grant_type", "password").Send(b.Context()), "token of another grant").To(expect.OAuthError("unsupported_grant_type", "unauthorized_client", "invalid_request"))
	x := mine.DirectoryTokenRequest().Send(b.Context())
	b.Expect(x, "token").To(expect.All(expect.Status(200), expect.JSON("access_token", expect.Something()), expect.JSON("token_type", expect.Matching("(?i)bearer")), expect.JSON("expires_in", expect.InRange(1, 86400))))
	b.Verify(x).To(expect.NotStored())
}

// directoryToken gets a token of the directory.
func directoryToken(b *check.Bench, c *tpp.Client) string {
	return check.Given[string](b, "a token of the directory")(c.DirectoryToken(b.Context()))
}

func bindsToken(b *check.Bench) {
	mine, other := b.Client(0), b.Client(1)
	token := directoryToken(b, mine)
	ask := func(address string) *tpp.Call {
		return mine.Request("ssa", "GET", address).Accept("application/jwt, application/json").Bearer(token)
	}
	own, foreign := mine.Config().SSA, other.Config().SSA
	b.Verify(ask(own).WithoutCertificate().Send(b.Context()), "statement without certificate").To(expect.RefusedConnection(401, 403))
	b.Verify(ask(own).WithCertificate(other.Config().Transport).Send(b.Context()), "statement over another's certificate").To(expect.RefusedConnection(401, 403))
	b.Verify(ask(own).WithoutHeader("Authorization").Send(b.Context()), "statement without token").To(expect.Status(401, 403))
	b.Verify(ask(own).Bearer("d2hvZXZlci1jb21lcy13aXRoLXRoaXM").Send(b.Context()), "statement with a token of nobody's").To(expect.Status(401, 403))
	if mine.Config().OrganisationID != other.Config().OrganisationID {
		b.Verify(ask(foreign).Send(b.Context()), "another organisation's statement").To(expect.Status(403, 404))
	}
	b.Expect(ask(own).Send(b.Context()), "own statement").To(expect.Status(200))
}

func servesOrganisations(b *check.Bench) {
	c := b.Client(0)
	token, base := directoryToken(b, c), strings.TrimSuffix(b.Target().Directory.URL, "/")
	get := func(path string) *tpp.Exchange {
		x := c.Request("directory", "GET", base+path).Bearer(token).Send(b.Context())
		b.Expect(x, path).To(expect.Status(200))
		return x
	}
	list := get("/organisations")
	b.Verify(list).To(expect.JSON("content[*].OrganisationId", expect.UUID()))
	b.Verify(list).To(expect.JSON("content[*].Status", expect.OneOf("Active", "Pending", "Withdrawn")))
	b.Verify(get("/organisations/" + b.Target().Bank.OrganisationID)).To(expect.JSON("OrgDetails.OrganisationId", b.Target().Bank.OrganisationID))
	servers := get("/organisations/" + b.Target().Bank.OrganisationID + "/authorisationservers")
	b.Verify(servers).To(expect.JSON("[*].AuthorisationServerId", expect.UUID()))
	own := "/organisations/" + c.Config().OrganisationID + "/softwarestatements/" + c.Config().SoftwareID
	software := get(own)
	b.Verify(software).To(expect.JSON("SoftwareStatementId", c.Config().SoftwareID))
	b.Verify(software).To(expect.JSON("Status", "Active"))
	for _, uri := range c.Config().RedirectURIs {
		b.Verify(software).To(expect.JSON("RedirectUri", expect.Containing(uri)))
	}
	b.Verify(get(own + "/authorityclaims")).To(expect.JSON("[*].Role", expect.OneOf("DADOS", "PAGTO", "CONTA", "CCORR")))
	b.Verify(get(own + "/certificates")).To(expect.JSON("[*].kid", expect.Something()))
	unknown := c.Request("directory", "GET", base+"/organisations/00000000-0000-4000-8000-000000000000").Bearer(token).Send(b.Context())
	b.Verify(unknown, "an organisation of nobody's").To(expect.Status(404))
}

func statesSoftware(b *check.Bench) {
	c := b.Client(0)
	compact := check.Given[string](b, "a software statement")(c.SSA(b.Context()))
	_, signers := keySet(b, "/openbanking.jwks")
	t, err := jose.Verify(compact, signers)
	b.Verify(err, "verification with the directory's keys").To(expect.Success())
	if t.Claims == nil {
		return
	}
	cfg := c.Config()
	place := strings.TrimSuffix(cfg.Directory.Keystore, "/") + "/" + cfg.OrganisationID + "/" + cfg.SoftwareID
	for claim, want := range map[string]any{
		"iss": b.Target().Directory.SSAIssuer, "software_id": cfg.SoftwareID, "org_id": cfg.OrganisationID, "org_status": "Active",
		"software_jwks_uri": place + "/application.jwks", "software_jwks_inactive_uri": place + "/inactive/application.jwks",
		"software_jwks_transport_uri": place + "/transport.jwks",
	} {
		b.Verify(t.Claims[claim], claim).To(expect.Equal(want))
	}
	for _, claim := range []string{"software_client_id", "software_client_name", "software_roles", "software_statement_roles", "software_environment", "software_mode"} {
		b.Verify(t.Claims[claim], claim).To(expect.Something())
	}
	b.Verify(slices.Sorted(slices.Values(texts(t.Claims["software_redirect_uris"]))), "software_redirect_uris").To(expect.Equal(slices.Sorted(slices.Values(cfg.RedirectURIs))))
	b.Verify(slices.Sorted(slices.Values(texts(t.Claims["software_api_webhook_uris"]))), "software_api_webhook_uris").To(expect.Equal(slices.Sorted(slices.Values(cfg.WebhookURIs))))
	iat, _ := t.Claims["iat"].(float64)
	b.Verify(time.Unix(int64(iat), 0), "iat").To(expect.Near(b.Now(), time.Minute))
	roles, _ := t.Claims["software_statement_roles"].([]any)
	for _, item := range roles {
		role, _ := item.(map[string]any)
		b.Verify(role["role"], "role").To(expect.OneOf("DADOS", "PAGTO", "CONTA", "CCORR"))
		b.Verify(role["status"], "status of role %v", role["role"]).To(expect.OneOf("Active", "Inactive"))
	}
}
