package data

import (
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func customerModule(kind string, names ...string) []string {
	return module("customer-"+kind, "v2-3", names...)
}

func customerChecks() []check.Check {
	all := []check.Check{
		preflight("DCUST", module("customer", "v2", "preflight")),
		{
			ID: "DCUST-002", Name: "customers/company-asks-no-personal-data", Rules: rules("CONS-PERM-03/no-personal-for-company", "ERR-13"),
			Official: customerModule("business", "businessentity-personal-permissions"), Needs: company,
			Title:  "A request for a company holds no permission for a person's registration",
			Why:    "A company must not be the way to an employee's personal data.",
			Causes: causes("the kind of customer is decided by the login"),
			Body: func(b *check.Bench) {
				p, who := b.Party(0), b.Person("company-alone")
				ask := func(permissions []string) *tpp.Exchange {
					body := tpp.ConsentBody(permissions, who.Document(), nil)
					return p.Call("consents.create", p.Credentials("consents")).Body(body).Send(b.Context())
				}
				b.Expect(ask(personal), "personal registration for a company").To(expect.OFBError(422, "PERMISSOES_PJ_INCORRETAS"))
				b.Expect(ask(append(append([]string{}, personal[:1]...), balances...)), "personal registration among accounts").To(expect.OFBError(422, "PERMISSOES_PJ_INCORRETAS"))
				b.Expect(ask(business), "its own registration").To(expect.Status(201))
			},
		},
		{
			ID: "DCUST-010", Name: "customers/tells-salary-portability", Rules: rules("ERR-13"), Official: customerModule("personal", "portability"),
			Title:  "The relations of a person tell the salary portabilities received",
			Why:    "Whoever offers an account for a salary must know where the salary goes.",
			Causes: causes("the member of the newer version is missing"),
			Body: func(b *check.Bench) {
				x := personFace.open(b).reads("customers.personal-financial-relations")
				b.Expect(x).To(expect.JSON("data.portabilitiesReceived[*].employerName", expect.Something()))
				b.Expect(x).To(expect.JSON("data.portabilitiesReceived[*].paycheckBankDetainerIspb", expect.Matching(`[0-9A-Z]{8}`)))
			},
		},
		{
			ID: "DCUST-011", Name: "customers/tells-employer", Rules: rules("ERR-13"), Official: customerModule("personal", "conditional-employer-data"),
			Title:  "The relations of a person with a salary account tell who pays the salary",
			Why:    "Credit is granted on it.",
			Causes: causes("the member of the newer version is missing"),
			Body: func(b *check.Bench) {
				x := personFace.open(b).reads("customers.personal-financial-relations")
				b.Expect(x).To(expect.JSON("data.paychecksBankLink[*].employerName", expect.Something()))
				b.Expect(x).To(expect.JSON("data.paychecksBankLink[*].employerCnpjCpf", expect.Matching(`\d{11}|[0-9A-Z]{12}\d{2}`)))
			},
		},
		{
			ID: "DCUST-X50", Name: "customers/is-the-customer", Rules: rules("RS-TOK-02"),
			Title:  "The registration read is that of the person who consented",
			Why:    "Another person's documents under this consent are a breach of two people's privacy.",
			Causes: causes("a cache without the customer in its key"),
			Body: func(b *check.Bench) {
				for range 2 {
					v := personFace.open(b)
					x := v.reads("customers.personal-identifications")
					b.Expect(x).To(expect.JSONCount("data", 1))
					b.Expect(x).To(expect.JSON("data[0].documents.cpfNumber", v.person.CPF))
					again := v.reads("customers.personal-identifications")
					b.Expect(expect.Text(again, "data[0].personalId"), "personalId on the second read").About(x, again).To(expect.Equal(expect.Text(x, "data[0].personalId")))
				}
			},
		},
		{
			ID: "DCUST-X51", Name: "customers/is-the-company", Rules: rules("RS-TOK-02"), Needs: company,
			Title:  "The registration read is that of the company that consented",
			Why:    "Whoever acts for two companies must not mix them.",
			Causes: causes("the person's first company is taken"),
			Body: func(b *check.Bench) {
				v := companyFace.open(b)
				x := v.reads("customers.business-identifications")
				b.Expect(x).To(expect.JSONCount("data", 1))
				b.Expect(x).To(expect.JSON("data[0].cnpjNumber", v.person.CNPJ))
			},
		},
		{
			ID: "DCUST-X52", Name: "customers/permissions-are-apart", Rules: rules("RS-TOK-02/permission", "ERR-11"),
			Title:  "Registration and further information have a permission each",
			Why:    "Income is more than a name.",
			Causes: causes("one permission for the whole API"),
			Body: func(b *check.Bench) {
				f := face{nil, []string{personal[0], spec.ResourcesRead}, nil}
				v := f.open(b)
				v.reads("customers.personal-identifications")
				for _, op := range personFace.operations[1:] {
					b.Verify(v.call(op).Send(b.Context()), op).To(notAllowed)
				}
				for _, op := range companyFace.operations {
					b.Verify(v.call(op).Send(b.Context()), op).To(notAllowed)
				}
			},
		},
	}
	for _, k := range []struct {
		ids                     [4]string
		kind, slug              string
		face                    face
		needs                   []check.Need
		core, wrong, limit, hdr string
	}{
		{[4]string{"DCUST-003", "DCUST-004", "DCUST-005", "DCUST-006"}, "business", "company", companyFace, company, "core", "wrong-permissions", "operational-limits", "x-fapi"},
		{[4]string{"DCUST-007", "DCUST-008", "DCUST-009", "DCUST-012"}, "personal", "person", personFace, basic, "core", "wrong-permissions", "operational-limits", "x-fapi"},
	} {
		f := k.face
		all = append(all,
			check.Check{
				ID: k.ids[0], Name: "customers/" + k.slug + "-core-payloads", Rules: rules("RS-HDR-04"), Official: customerModule(k.kind, k.core), Needs: k.needs,
				Title: "Every read about a " + k.slug + " answers and fits its contract",
				Why:   "This is what a receiver does on the first day.", Causes: causes("members of an older version"),
				Body: func(b *check.Bench) {
					v := f.open(b)
					for _, op := range f.operations {
						b.Verify(v.reads(op), op).To(expect.All(v.version(op), expect.MediaType("application/json"), expect.EchoInteractionID()))
					}
				},
			},
			check.Check{
				ID: k.ids[1], Name: "customers/" + k.slug + "-needs-permission", Rules: rules("RS-TOK-02/permission", "ERR-11"), Official: customerModule(k.kind, k.wrong), Needs: k.needs,
				Title: "A consent for accounts alone tells nothing about the " + k.slug + ", whatever the token's scopes",
				Why:   "Scopes are the client's; permissions are the customer's.", Causes: causes("only the scope is checked"),
				Body: func(b *check.Bench) {
					p, who := b.Party(0), b.Person(f.traits...)
					consent := p.Consent(who, balances)
					scope := strings.Join(append([]string{"openid", "consent:" + consent.ID, "customers"}, consent.Scopes...), " ")
					v := &view{Bench: b, face: f, party: p, person: who, grant: p.Authorised(consent, who, func(push *tpp.Push) { push.Set("scope", scope) })}
					for _, op := range f.operations {
						b.Verify(v.call(op).Send(b.Context()), op).To(notAllowed)
					}
					v.reads("accounts.list")
				},
			},
			check.Check{
				ID: k.ids[2], Name: "customers/" + k.slug + "-keeps-its-quota", Rules: rules("RS-HDR-07"), Official: customerModule(k.kind, k.limit), Needs: k.needs,
				Title: "Data about a " + k.slug + " can be read eight times a month",
				Why:   "The number is the least that a receiver may count on.", Causes: causes("a limit per client instead of per customer"),
				Body: func(b *check.Bench) {
					v := f.open(b)
					for _, op := range f.operations {
						v.often(op, 8)
					}
				},
			},
			check.Check{
				ID: k.ids[3], Name: "customers/" + k.slug + "-needs-interaction-id", Rules: rules("RS-HDR-01"), Official: customerModule(k.kind, k.hdr), Needs: k.needs,
				Title: "Reads about a " + k.slug + " need a sound interaction id",
				Why:   "A call without id cannot be followed on both sides.", Causes: causes("the gateway invents a missing id and goes on"),
				Body: func(b *check.Bench) { f.open(b).interactions() },
			},
		)
	}
	return all
}

// interactions asks every operation without, with a bad and with a sound interaction id.
func (v *view) interactions() {
	v.each(every, func(op string) {
		for _, id := range []string{"", "123", "not-a-uuid"} {
			x := v.call(op).Interaction(id).Send(v.Context())
			v.Verify(x, "%s with interaction id %q", op, id).To(expect.OFBError(400))
			v.Verify(x).To(expect.OwnInteractionID())
		}
		v.Verify(v.reads(op)).To(expect.EchoInteractionID())
	})
}
