package dcr

import (
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// changes has the directory change a state, and change it back after the check.
func changes(b *check.Bench, place, to, back string) {
	b.Step("the directory sets %s to %s", place, to)
	b.Directory().Post(place, map[string]string{"status": to}, nil)
	b.Cleanup(func() { b.Directory().Post(place, map[string]string{"status": back}, nil) })
}

// asksStatement asks for a statement with everything from the start, token included.
func asksStatement(b *check.Bench, c *tpp.Client) error {
	_, err := c.SSA(b.Context())
	return err
}

func withholdsStatement(b *check.Bench) {
	c := b.Newcomer().Client
	place := "/software/" + c.Config().SoftwareID + "/status"
	b.Expect(asksStatement(b, c), "statement of active software").To(expect.Success())
	token := directoryToken(b, c)
	for _, state := range []string{"Suspended", "Inactive"} {
		changes(b, place, state, "Active")
		x := c.Request("ssa", "GET", c.Config().SSA).Accept("application/jwt").Bearer(token).Send(b.Context())
		b.Verify(x, "statement of software that is %s", state).To(expect.Status(401, 403, 404))
		b.Verify(c.DirectoryTokenRequest().Send(b.Context()), "token of software that is %s", state).To(expect.OAuthError())
	}
	b.Directory().Post(place, map[string]string{"status": "Active"}, nil)
	b.Expect(asksStatement(b, c), "statement of software active again").To(expect.Success())
}

func refusesRemoved(b *check.Bench) {
	c := b.Newcomer().Client
	id := c.Config().OrganisationID
	b.Expect(asksStatement(b, c), "statement of an active organisation").To(expect.Success())
	place := "/organisations/" + id + "/status"
	changes(b, place, "Withdrawn", "Active")
	roles := c.Request("roles", "GET", strings.TrimSuffix(b.Target().Directory.Participants, "/participants")+"/roles").WithoutCertificate().Send(b.Context())
	b.Expect(roles, "roles").To(expect.Status(200))
	if org := organisationIn(roles, id); org != nil {
		b.Verify(org["Status"], "status of the organisation in the list of roles").About(roles).To(expect.Equal("Withdrawn"))
	}
	list := c.Request("participants", "GET", b.Target().Directory.Participants).WithoutCertificate().Send(b.Context())
	if org := organisationIn(list, id); org != nil {
		b.Verify(org["Status"], "status of the organisation among the participants").About(list).To(expect.Equal("Withdrawn"))
	}
	b.Verify(c.DirectoryTokenRequest().Send(b.Context()), "token of a withdrawn organisation").To(expect.OAuthError())
	b.Verify(asksStatement(b, c), "statement of a withdrawn organisation").To(expect.Failure())
	b.Directory().Post(place, map[string]string{"status": "Active"}, nil)
	b.Expect(asksStatement(b, c), "statement of an organisation active again").To(expect.Success())
}

func movesInactiveKeys(b *check.Bench) {
	c := b.Newcomer().Client
	cfg := c.Config()
	where := func() (active, aside bool) {
		place := "/" + cfg.OrganisationID + "/" + cfg.SoftwareID
		_, now := keySet(b, place+"/application.jwks")
		_, then := keySet(b, place+"/inactive/application.jwks")
		_, active = now.Find(cfg.Encryption.ID, "")
		_, aside = then.Find(cfg.Encryption.ID, "")
		return active, aside
	}
	expected := func(active bool, when string) {
		inSet, aside := where()
		b.Verify(inSet, "the key among the active ones %s", when).To(expect.Equal(active))
		b.Verify(aside, "the key among the inactive ones %s", when).To(expect.Equal(!active))
	}
	expected(true, "at first")
	place := "/software/" + cfg.SoftwareID + "/keys/" + cfg.Encryption.ID
	changes(b, place, "Inactive", "Active")
	expected(false, "when made inactive")
	b.Directory().Post(place, map[string]string{"status": "Active"}, nil)
	expected(true, "when made active again")
}

func followsKeyRotation(b *check.Bench) {
	a := apply(b)
	a.registers(setting("", "scope", nil))
	key, err := jose.NewKey("sig")
	b.Given("a new key", err)
	scope := strings.Fields(expect.Text(a.reads(), "scope"))
	ask := func() *tpp.Exchange {
		r := a.CredentialsRequest(a.Server, grantable(scope))
		return r.Assertion(func(j *tpp.JWS) { j.SignedBy(key) }).Send(b.Context())
	}
	b.Expect(ask(), "token with a key that the directory does not publish").To(expect.OAuthError())
	b.Step("the directory publishes a new key of the software")
	place := "/software/" + a.Config().SoftwareID + "/keys"
	b.Directory().Post(place, key, nil)
	b.Cleanup(func() { b.Directory().Post(place+"/"+key.ID, map[string]string{"status": "Inactive"}, nil) })
	var last *tpp.Exchange
	b.Wait("report", "the bank to notice a new key", func() bool { last = ask(); return last.OK() })
	b.Expect(last, "token with the new key").To(expect.Status(200))
	b.Expect(a.CredentialsRequest(a.Server, grantable(scope)).Send(b.Context()), "token with the former key, still published").To(expect.Status(200))
}

// grantable is a scope of client credentials among those of a client.
func grantable(scopes []string) string {
	for _, s := range []string{"consents", "payments"} {
		if slices.Contains(scopes, s) {
			return s
		}
	}
	return "openid"
}

func survivesOutage(b *check.Bench) {
	p := b.Party(0)
	grant := p.Sharing(b.Person(), permissions)
	reads := func(when string) {
		b.Verify(p.CredentialsRequest(p.Server, "consents").Send(b.Context()), "token "+when).To(expect.Status(200))
		b.Verify(p.Call("accounts.list", grant).Send(b.Context()), "accounts "+when).To(expect.Status(200))
	}
	reads("before the outage")
	b.Step("the directory goes down")
	b.Directory().Post("/outage", map[string]int{"status": 503}, nil)
	up := func() { b.Directory().Post("/outage", map[string]int{"status": 0}, nil) }
	b.Cleanup(up)
	reads("at the beginning of the outage")
	b.Advance(3 * time.Minute)
	reads("three minutes into the outage")
	up()
	reads("after the outage")
	_, err := p.DeleteConsent(b.Context(), grant.Consent)
	b.Given("the end of the consent", err)
}

func roleReachesStatement(b *check.Bench) {
	a := apply(b, both...)
	place := "/software/" + a.Config().SoftwareID + "/roles/PAGTO"
	changes(b, place, "Inactive", "Active")
	a.statement = check.Given[string](b, "a statement")(a.SSA(b.Context()))
	roles, _ := a.claims()["software_statement_roles"].([]any)
	for _, item := range roles {
		role, _ := item.(map[string]any)
		want := map[bool]string{true: "Inactive", false: "Active"}[role["role"] == "PAGTO"]
		b.Verify(role["status"], "status of role %v", role["role"]).To(expect.Equal(want))
	}
	a.turnedAway(setting("asking for payments without the role", "scope", "openid accounts payments"), withholds("payments"))
	b.Expect(a.registers(setting("without scope", "scope", nil))).To(grants(dataScopes...))
}
