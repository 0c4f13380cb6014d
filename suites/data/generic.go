package data

import (
	"fmt"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// row is a check of the table that every data plan runs on its own operations.
type row struct {
	n           int
	slug, title string // title is about %s
	named       string // the name in plan data-acc, when it is known in the field by another
	namedRes    string // the same for data-res
	rules       []string
	needs       []check.Need
	traits      []string                   // of the customers; nil leaves it to the faces
	fits        func(*spec.Operation) bool // a plan without such an operation has no such check
	except      string                     // a plan for which the row says nothing
	why, cause  string
	// body judges the operations of one face; it is run for each face of the plan.
	body func(v *view, fits func(*spec.Operation) bool)
}

func genericChecks() []check.Check {
	var all []check.Check
	for _, p := range plans {
		for _, r := range rows() {
			if !p.has(r.fits) || r.except == p.prefix {
				continue
			}
			name := p.group + "/" + r.slug
			if r.named != "" && p.prefix == "DACC" {
				name = r.named
			}
			if r.namedRes != "" && p.prefix == "DRES" {
				name = r.namedRes
			}
			all = append(all, check.Check{
				ID: fmt.Sprintf("%s-X%02d", p.prefix, r.n), Name: name, Title: fmt.Sprintf(r.title, p.group), Rules: r.rules, Needs: r.needs, Why: r.why, Causes: causes(r.cause),
				Body: func(b *check.Bench) {
					p.views(b, r.traits, func(v *view) { r.body(v, r.fits) })
				},
			})
		}
	}
	return all
}

func rows() []row {
	return append(tokenRows(), contentRows()...)
}

func tokenRows() []row {
	return []row{
		{
			n: 1, slug: "requires-own-certificate", title: "Reads of %s refuse a token shown with another client's certificate",
			rules: rules("RS-MTLS-02", "AS-TOK-02/bound"), needs: twoClients, fits: every,
			why: "A stolen token is worth nothing without the key of its certificate.", cause: "the thumbprint is not compared",
			body: func(v *view, fits func(*spec.Operation) bool) {
				other := v.Client(1).Config().Transport
				v.each(fits, func(op string) {
					v.Verify(v.call(op).WithCertificate(other).Send(v.Context()), op).To(noToken)
				})
				v.reads(v.operations[0])
			},
		},
		{
			n: 2, slug: "requires-certificate", title: "Reads of %s need a client certificate on the connection itself",
			rules: rules("RS-MTLS-01/has-certificate", "RS-MTLS-01/only-the-connection"), fits: every,
			why: "Without it anybody who finds a token can use it; and a header can be written by anybody.", cause: "certificates are optional at the edge",
			body: func(v *view, fits func(*spec.Operation) bool) {
				refused := expect.RefusedConnection(401)
				v.each(fits, func(op string) {
					v.Verify(v.call(op).WithoutCertificate().Send(v.Context()), "%s without certificate", op).To(refused)
				})
				claimed := inHeader(v.party.Config().Transport)
				for _, name := range []string{"X-Client-Cert", "X-SSL-Client-Cert", "SSL-Client-Cert", "X-Forwarded-Client-Cert", "X-Client-Certificate"} {
					x := v.call(v.operations[0]).WithoutCertificate().Header(name, claimed).Send(v.Context())
					v.Verify(x, "certificate in header %s", name).To(refused)
				}
				v.reads(v.operations[0])
			},
		},
		{
			n: 3, slug: "refuses-expired-token", title: "Reads of %s refuse an access token after its time; a refreshed one works",
			rules: rules("AS-CONS-03", "ERR-10"), needs: clocked, fits: every,
			why: "The short life of access tokens limits what a thief can do.", cause: "the token's signature is checked, its time is not",
			body: func(v *view, fits func(*spec.Operation) bool) {
				v.each(fits, func(op string) { v.reads(op) })
				v.Expect(v.grant.ExpiresIn.Seconds(), "life of the access token").To(expect.InRange(300, 900))
				v.Advance(v.grant.ExpiresIn + 2*time.Second)
				v.each(fits, func(op string) {
					v.Verify(v.call(op).Send(v.Context()), "%s with an expired token", op).To(noToken)
				})
				v.Given("a refreshed token", v.party.Refresh(v.Context(), v.grant))
				v.reads(v.operations[0])
			},
		},
		{
			n: 4, slug: "refuses-client-credentials", title: "Reads of %s refuse a token without customer",
			rules: rules("RS-TOK-03"), fits: every,
			why: "A client-credentials token stands for no customer at all.", cause: "only scopes are checked",
			body: func(v *view, fits func(*spec.Operation) bool) {
				own := v.party.Credentials("consents")
				v.each(fits, func(op string) {
					v.Verify(v.call(op).Token(own.AccessToken()).Send(v.Context()), op).To(expect.OFBErrorStatus([]int{401, 403}))
				})
				v.reads(v.operations[0])
			},
		},
		{
			n: 5, slug: "stop-with-the-consent", named: "data/needs-authorised-consent", title: "Reads of %s end with the consent, in the middle of a list too",
			rules: rules("AS-CONS-02", "AS-CONS-04/consent-alive"), fits: every,
			why: "Revocation takes effect now, not at the end of the list.", cause: "pagination keys outlive the consent",
			body: func(v *view, fits func(*spec.Operation) bool) {
				next := map[string]string{}
				v.each(fits, func(op string) { next[op] = expect.Text(v.reads(op), "links.next") })
				_, err := v.party.DeleteConsent(v.Context(), v.grant.Consent)
				v.Given("a revoked consent", err)
				v.each(fits, func(op string) {
					v.Verify(v.call(op).Send(v.Context()), "%s after the revocation", op).To(noToken)
					if next[op] != "" {
						v.Verify(v.bare(op).To(next[op]).Send(v.Context()), "next page of %s after the revocation", op).To(noToken)
					}
				})
			},
		},
		{
			n: 6, slug: "refuse-other-customer", named: "data/refuses-other-customer", title: "Reads of %s refuse the id of another customer's resource",
			rules: rules("RS-TOK-02", "ERR-12"), fits: named,
			why: "An id in the address must not be enough to read a stranger's money.", cause: "records are found by id alone",
			body: func(v *view, fits func(*spec.Operation) bool) {
				stranger := v.face.open(v.Bench)
				theirs := stranger.anAccount()
				v.each(fits, func(op string) {
					v.Verify(v.call(op).Param(spec.Find(op).Param(), theirs).Send(v.Context()), "%s of a stranger", op).To(notFound)
					v.reads(op)
				})
				stranger.reads("accounts.balances")
			},
		},
		{
			n: 18, slug: "show-the-chosen-only", named: "data/list-is-customer-only", namedRes: "resources/lists-only-consented",
			title: "Of two accounts only the one that the customer chose is seen in %s",
			rules: rules("AS-CONS-02", "RS-DATA-01/consented"), fits: every, except: "DCUST",
			why: "The customer kept the other account back.", cause: "the list is filtered by customer, not by consent",
			body: func(v *view, fits func(*spec.Operation) bool) {
				mine := v.accounts()
				v.Expect(len(mine), "accounts of the customer").To(expect.InRange(2, 1000))
				kept, hidden := v.choose(mine[0]), column(mine, "accountId")[1:]
				v.Expect(column(kept.accounts(), "accountId"), "accounts listed").To(like(column(mine[:1], "accountId"), false))
				v.Expect(column(kept.resources(), "resourceId"), "resources listed").To(like(column(mine[:1], "accountId"), false))
				for _, id := range hidden {
					x := kept.bare("accounts.identification").Param("accountId", id).Send(v.Context())
					v.Verify(x, "an account that was not chosen").To(notFound)
				}
			},
		},
		{
			n: 19, slug: "hold-back-the-pending", namedRes: "resources/lists-pending", title: "In %s an account that waits for its second holder is pending and not read",
			rules: rules("RS-TOK-02", "RS-DATA-02/available", "RES-STATUS"), needs: []check.Need{check.Clients(1), check.Trait("joint")}, traits: []string{"joint"},
			fits: every, except: "DCUST",
			why: "One holder alone must not give away what belongs to two.", cause: "the consent's status is taken for the resource's",
			body: func(v *view, _ func(*spec.Operation) bool) {
				states := v.states()
				open, waiting := states["AVAILABLE"], states["PENDING_AUTHORISATION"]
				v.Expect(open, "accounts of the customer alone").To(expect.Something())
				v.Expect(waiting, "accounts that wait for another holder").To(expect.Something())
				v.Expect(column(v.accounts(), "accountId"), "accounts listed").To(like(open, false))
				for _, id := range waiting {
					for _, op := range []string{"accounts.identification", "accounts.balances"} {
						v.Verify(v.bare(op).Param("accountId", id).Send(v.Context()), "%s of the waiting account", op).To(notAllowed)
					}
				}
				v.reads(v.operations[0])
			},
		},
	}
}

// states are the ids of the consent's accounts by their state in the list of resources.
func (v *view) states() map[string][]string {
	by := map[string][]string{}
	for _, r := range v.resources() {
		id, _ := r["resourceId"].(string)
		state, _ := r["status"].(string)
		if r["type"] == "ACCOUNT" {
			by[state] = append(by[state], id)
		}
	}
	return by
}
