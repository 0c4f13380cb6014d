package dcr

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func statementChecks() []check.Check {
	forge := newcomer(nil, forging())
	return []check.Check{
		{ID: "DCR-T-006", Name: "dcr/rejects-broken-statement-signature", Rules: rules("DCR-02/signature"), Official: security("brazil-dcr-invalid-software-statement-signature"),
			Title: "A software statement whose signature does not fit is refused", Body: refusing(nil, badStatement, spoilt, tampered)},
		{ID: "DCR-T-031", Name: "dcr/rejects-foreign-issuer-statement", Rules: rules("SSA-02/issuer DCR-01"), Official: functional("fvp-sandbox-credentials_test-module"),
			Title: "A software statement of another environment's issuer is refused", Needs: forge,
			Body: refusing(nil, badStatement, stating("with another environment's statement", func(a *applicant) map[string]any {
				return map[string]any{"iss": "Open Banking Open Banking Brasil prod SSA issuer", "software_environment": "production"}
			}))},
		{ID: "DCX-001", Name: "dcr/rejects-old-statement", Rules: rules("DCR-03/fresh"),
			Title: "A software statement of seven minutes ago is refused, one of four minutes ago is not", Needs: forge, Body: rejectsOldStatement},
		{ID: "DCX-002", Name: "dcr/rejects-future-statement", Rules: rules("DCR-03/not-future"),
			Title: "A software statement issued ten minutes from now is refused", Needs: forge,
			Body: refusing(nil, badStatement, stating("with a statement of the future", func(a *applicant) map[string]any {
				return map[string]any{"iat": a.ago(-10 * time.Minute)}
			}))},
		{ID: "DCX-003", Name: "dcr/rejects-unsigned-statement", Rules: rules("DCR-02/ps256 DCR-02/signature CRYPT-01"),
			Title: "A software statement that is unsigned, wrongly signed or signed with another algorithm than PS256 is refused", Needs: forge,
			Body: refusing(nil, badStatement, unsigned, spoilt, bend{"with a statement signed RS256", func(a *applicant, r *tpp.Registration) {
				r.SSA(a.forgedAs("RS256", nil))
			}})},
		{ID: "DCX-X53", Name: "dcr/rejects-self-signed-statement", Rules: rules("DCR-02/directory-key"),
			Title: "A software statement signed by the software itself is refused, whichever key it names",
			Body:  refusing(nil, badStatement, selfSigned, selfSignedAsDirectory)},
		{ID: "DCX-004", Name: "dcr/rejects-inactive-organisation", Rules: rules("SSA-01/organisation-active"),
			Title: "A software statement of an organisation that is not active is refused", Needs: forge,
			Body: refusing(nil, badStatement, stating("of an organisation that has withdrawn", func(*applicant) map[string]any {
				return map[string]any{"org_status": "Withdrawn"}
			}))},
		{ID: "DCX-X54", Name: "dcr/rejects-inactive-software", Rules: rules("SSA-01/software-active"),
			Title: "A software statement of software that is not active is refused", Needs: forge,
			Body: refusing(nil, badStatement, stating("of software that is inactive", func(*applicant) map[string]any {
				return map[string]any{"software_status": "Inactive"}
			}))},
		{ID: "DCX-005", Name: "dcr/rejects-inactive-role", Rules: rules("DCR-08/role-active SSA-01"),
			Title: "A scope whose role is not active is refused or not granted", Needs: newcomer(both, forging()), Body: rejectsInactiveRole},
		{ID: "DCX-011", Name: "dcr/requires-encryption-key", Rules: rules("DCR-06/encryption-key"),
			Title: "Software whose key set holds no encryption key is refused", Needs: forge, Body: refusing(nil, badAnything, keysWithoutEncryption)},
	}
}

var (
	spoilt = bend{"with a spoilt signature", func(a *applicant, r *tpp.Registration) {
		at := strings.LastIndexByte(a.statement, '.')
		signature, err := base64.RawURLEncoding.DecodeString(a.statement[at+1:])
		a.b.Given("a signature that can be read", err)
		signature[len(signature)/2] ^= 1
		r.SSA(a.statement[:at+1] + base64.RawURLEncoding.EncodeToString(signature))
	}}
	tampered = bend{"with another name in the statement", func(a *applicant, r *tpp.Registration) {
		claims := a.claims()
		claims["software_client_name"] = "Banco Central Falso"
		unsigned, err := jose.SignAs("none", claims, nil, nil)
		a.b.Given("a tampered statement", err)
		was, now := strings.Split(a.statement, "."), strings.Split(unsigned, ".")
		r.SSA(was[0] + "." + now[1] + "." + was[2])
	}}
	unsigned = bend{"with an unsigned statement", func(a *applicant, r *tpp.Registration) {
		compact, err := jose.SignAs("none", a.claims(), nil, map[string]any{"typ": "JWT", "kid": a.token().KeyID()})
		a.b.Given("an unsigned statement", err)
		r.SSA(compact)
	}}
	selfSigned = bend{"with a statement of its own making", func(a *applicant, r *tpp.Registration) {
		compact, err := jose.Sign(a.claims(), a.Config().Signing, nil)
		a.b.Given("a self-signed statement", err)
		r.SSA(compact)
	}}
	selfSignedAsDirectory = bend{"with a statement of its own making under the directory's key id", func(a *applicant, r *tpp.Registration) {
		key := a.Config().Signing
		key.ID = a.token().KeyID()
		compact, err := jose.Sign(a.claims(), key, nil)
		a.b.Given("a self-signed statement", err)
		r.SSA(compact)
	}}
	// The organisation's own key set holds signing keys only.
	keysWithoutEncryption = bend{"with a key set for signing only", func(a *applicant, r *tpp.Registration) {
		address := strings.TrimSuffix(a.Config().Directory.Keystore, "/") + "/" + a.Config().OrganisationID + "/application.jwks"
		r.SSA(a.forged(map[string]any{"software_jwks_uri": address})).Set("jwks_uri", address)
	}}
)

func rejectsOldStatement(b *check.Bench) {
	a := apply(b)
	aged := func(d time.Duration) bend {
		return stating("with a statement "+d.String()+" old", func(a *applicant) map[string]any { return map[string]any{"iat": a.ago(d)} })
	}
	a.turnedAway(aged(7*time.Minute), badStatement)
	a.registers(aged(4 * time.Minute))
}

func rejectsInactiveRole(b *check.Bench) {
	a := apply(b, both...)
	a.statement = a.forged(map[string]any{"software_statement_roles": []any{
		map[string]any{"role": "DADOS", "authorisation_domain": "Open Banking", "status": "Active"},
		map[string]any{"role": "PAGTO", "authorisation_domain": "Open Banking", "status": "Inactive"},
	}})
	a.turnedAway(setting("asking for payments without the role", "scope", "openid accounts payments"), withholds("payments"))
	x := a.registers(setting("without scope", "scope", nil))
	b.Expect(x).To(expect.All(grants(dataScopes...)))
}
