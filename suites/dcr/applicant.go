package dcr

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// permissions open a customer's accounts.
var permissions = []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}

// applicant is software at the bank's door, with a fresh statement of the directory in hand.
type applicant struct {
	*check.Party
	b         *check.Bench
	statement string
}

// apply takes software that the bank does not know; what it still has registered at the end of the check
// is deleted.
func apply(b *check.Bench, roles ...string) *applicant {
	p := b.Newcomer(roles...)
	ssa := check.Given[string](b, "a software statement of the directory")(p.SSA(b.Context()))
	return &applicant{p, b, ssa}
}

// applyAsFirst takes the software for which the target holds hostile certificates.
func applyAsFirst(b *check.Bench) *applicant {
	software := b.Target().Statements()[0]
	a := apply(b, software.Roles...)
	if a.Config().SoftwareID != software.SoftwareStatementID {
		b.Skip("the target has several kinds of software with the roles %s, so that its first is not to be had alone", strings.Join(software.Roles, "+"))
	}
	return a
}

// bend makes one thing of a sound registration wrong, or merely unusual.
type bend struct {
	what string
	edit func(a *applicant, r *tpp.Registration)
}

// request is the sound registration, to be bent.
func (a *applicant) request(bends ...bend) *tpp.Registration {
	r := a.RegisterRequest(a.Server, a.statement)
	for _, with := range bends {
		with.edit(a, r)
	}
	return r
}

// sends posts a registration and remembers what came of it.
func (a *applicant) sends(r *tpp.Registration) *tpp.Exchange {
	x := r.Send(a.b.Context())
	a.remembers(x)
	return x
}

// remembers keeps what an answer says of the registration, so that it can be ended.
func (a *applicant) remembers(x *tpp.Exchange) {
	if id := x.Text("client_id"); x.OK() && id != "" {
		a.Server.ClientID = id
		a.Server.RegistrationURI = strings.TrimSuffix(a.Server.Registration, "/") + "/" + id
		if uri := x.Text("registration_client_uri"); uri != "" {
			a.Server.RegistrationURI = uri
		}
		if token := x.Text("registration_access_token"); token != "" {
			a.Server.RegistrationToken = token
		}
	}
}

// registers expects that a registration is accepted.
func (a *applicant) registers(bends ...bend) *tpp.Exchange {
	what := "registration"
	for _, with := range bends {
		what += " " + with.what
	}
	x := a.sends(a.request(bends...))
	a.b.Expect(x, what).To(expect.Status(201))
	return x
}

// turnedAway expects that a registration is refused. One that is not is taken back, and the check goes
// on.
func (a *applicant) turnedAway(with bend, how expect.Matcher) *tpp.Exchange {
	x := a.sends(a.request(with))
	a.b.Verify(x, "registration "+with.what).To(how)
	if x.OK() {
		a.departs()
	}
	return x
}

// departs ends the registration without judging how.
func (a *applicant) departs() *tpp.Exchange {
	x := a.DeleteRegistrationRequest(a.Server).Send(a.b.Context())
	if x.OK() {
		a.Server.RegistrationURI, a.Server.RegistrationToken = "", ""
	}
	return x
}

// leaves expects that the registration ends.
func (a *applicant) leaves() { a.b.Expect(a.departs(), "deletion").To(expect.Status(204)) }

// reads expects that the registration can be read with what the client holds.
func (a *applicant) reads() *tpp.Exchange {
	x := a.ReadRegistrationRequest(a.Server).Send(a.b.Context())
	a.b.Expect(x, "registration as read").To(expect.All(expect.Status(200), expect.JSON("client_id", a.Server.ClientID)))
	return x
}

// update is the sound update, to be bent.
func (a *applicant) update(bends ...bend) *tpp.Registration {
	r := a.UpdateRegistrationRequest(a.Server, a.statement)
	for _, with := range bends {
		with.edit(a, r)
	}
	return r
}

// updates expects that the update is accepted.
func (a *applicant) updates(bends ...bend) *tpp.Exchange {
	x := a.sends(a.update(bends...))
	a.b.Expect(x, "update").To(expect.Status(200))
	return x
}

// forged has the directory sign an assertion about this software that says other things.
func (a *applicant) forged(claims map[string]any) string { return a.forgedAs("", claims) }

func (a *applicant) forgedAs(alg string, claims map[string]any) string {
	var compact []byte
	a.b.Directory().Post("/software/"+a.Config().SoftwareID+"/assertion", map[string]any{"claims": claims, "alg": alg}, &compact)
	return string(compact)
}

// stating bends a registration to carry an assertion with other claims.
func stating(what string, claims func(a *applicant) map[string]any) bend {
	return bend{what, func(a *applicant, r *tpp.Registration) { r.SSA(a.forged(claims(a))) }}
}

// ago is a moment as a claim.
func (a *applicant) ago(d time.Duration) int64 { return a.b.Now().Add(-d).Unix() }

// token takes the statement apart.
func (a *applicant) token() jose.Token {
	t, err := jose.Parse(a.statement)
	a.b.Given("a software statement that can be read", err)
	return t
}

// claims are those of the statement, to be changed.
func (a *applicant) claims() map[string]any { return maps.Clone(a.token().Claims) }

// texts are the elements of a list of texts in an answer or claims.
func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// refusing is the body of a check whose registrations are sound but for one bend each: refused with it,
// accepted without.
func refusing(roles []string, how expect.Matcher, bends ...bend) func(*check.Bench) {
	return func(b *check.Bench) {
		a := apply(b, roles...)
		for _, with := range bends {
			a.turnedAway(with, how)
		}
		a.registers()
	}
}

// accepting is the body of a check whose registrations are unusual and right.
func accepting(roles []string, bends ...bend) func(*check.Bench) {
	return func(b *check.Bench) {
		a := apply(b, roles...)
		for _, with := range bends {
			a.registers(with)
			a.leaves()
		}
	}
}

// setting bends one member of the metadata; nil takes it out.
func setting(what, member string, value any) bend {
	return bend{what, func(_ *applicant, r *tpp.Registration) { r.Set(member, value) }}
}

// The ways in which registration says no (RFC 7591 3.2.2, DCR-19).
var (
	registrationErrors = []string{"invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement", "invalid_webhook_uris"}

	badStatement = expect.OAuthErrorStatus([]int{400}, "invalid_software_statement", "unapproved_software_statement")
	badMetadata  = expect.OAuthErrorStatus([]int{400}, "invalid_client_metadata")
	badRedirect  = expect.OAuthErrorStatus([]int{400}, "invalid_redirect_uri", "invalid_client_metadata")
	badAnything  = expect.OAuthErrorStatus([]int{400}, registrationErrors...)
)

// scopes are the words of scope in an answer, sorted.
func scopes(x *tpp.Exchange) []string {
	return slices.Sorted(slices.Values(strings.Fields(expect.Text(x, "scope"))))
}

// grants expects that a registration holds exactly the scopes.
func grants(words ...string) expect.Matcher {
	want := slices.Sorted(slices.Values(words))
	return expect.Answer("the scopes "+strings.Join(want, " "), func(x *tpp.Exchange) (string, bool) {
		have := scopes(x)
		return strings.Join(have, " "), slices.Equal(have, want)
	})
}

// withholds expects that a registration is refused, or granted without the scopes: a server may do
// either with what is beyond the role (RFC 7591 3.2.1).
func withholds(words ...string) expect.Matcher {
	return expect.Any(badAnything, expect.Answer("a registration without "+strings.Join(words, " and "), func(x *tpp.Exchange) (string, bool) {
		have := scopes(x)
		return "scopes " + strings.Join(have, " "), x.Status == 201 && !slices.ContainsFunc(words, func(w string) bool { return slices.Contains(have, w) })
	}))
}
