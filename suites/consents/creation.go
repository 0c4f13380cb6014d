package consents

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func creationChecks() []check.Check {
	return []check.Check{
		{
			ID: "CON-002", Name: "consents/starts-awaiting", Rules: rules("AS-CONS-02"), Official: official("core"),
			Title:  "A consent for everything waits for the customer, who authorises it",
			Why:    "A consent that is born authorised shares a person's data without asking that person.",
			Causes: causes("creation and authorisation share one status", "the status is cached"),
			Body: func(b *check.Bench) {
				d := open(b)
				asked := everything(spec.Natural)
				c := d.party.Consent(d.person, asked)
				b.Expect(c.Exchange).To(expect.JSON("data.status", awaiting))
				b.Expect(texts(c.Exchange, "data.permissions"), "permissions").About(c.Exchange).To(within(asked))
				d.stands(c.ID, awaiting)
				d.party.Authorised(c, d.person)
				x := d.stands(c.ID, authorised)
				b.Expect(x).To(expect.JSON("data.statusUpdateDateTime", expect.Near(b.Now(), time.Minute)))
				b.Expect(x).To(expect.JSONAbsent("data.rejection"))
			},
		},
		{
			ID: "CON-016", Name: "consents/accepts-whole-groups", Rules: rules("CONS-PERM-05", "ERR-13"), Official: official("permission-groups"),
			Title:  "Each permission group of the standard can be asked for alone",
			Why:    "Receivers ask for single groups; refusing one closes a product to them.",
			Causes: causes("a misspelt permission in the bank's table", "RESOURCES_READ is taken for a stray permission"),
			Body: func(b *check.Bench) {
				d := open(b)
				for _, g := range spec.Groups() {
					body := d.body(append(slices.Clone(g.Permissions), spec.ResourcesRead)...)
					if g.Person == spec.Company {
						data(body)["businessEntity"] = document(d.party.Config().CNPJ, "CNPJ")
					}
					x := d.posts(body)
					b.Expect(x, "group %s", g.Name).To(expect.Any(expect.Status(201), expect.OFBError(422, "SEM_PERMISSOES_FUNCIONAIS_RESTANTES")))
					if x.Status == 201 {
						b.Expect(texts(x, "data.permissions"), "permissions of group %s", g.Name).About(x).To(within(append(slices.Clone(g.Permissions), spec.ResourcesRead)))
					}
				}
			},
		},
		{
			ID: "COX-001", Name: "consents/id-is-namespaced-and-random", Rules: rules("AS-CONS-01"),
			Title:  "A hundred consent ids are namespaced, fit for an address, without repeats and without a pattern",
			Why:    "Whoever can guess an id can try another customer's consent.",
			Causes: causes("ids come from a database sequence", "the namespace is missing"),
			Body: func(b *check.Bench) {
				d := open(b)
				var ids []string
				for range 100 {
					id := d.made(d.body(balances...))
					b.Expect(id, "consent id").To(expect.Matching(`urn:[a-zA-Z0-9][a-zA-Z0-9-]{0,31}:[a-zA-Z0-9()+,\-.:=@;$_!*'%/?#]+`))
					b.Expect(len(id), "length of the id").To(expect.InRange(6, 256))
					b.Expect(slices.Contains(ids, id), "an id that came before").To(expect.Equal(false))
					ids = append(ids, id)
				}
				b.Expect(freedom(ids), "bits that vary in the ids").To(expect.InRange(64, math.Inf(1)))
			},
		},
		{
			ID: "COX-015", Name: "consents/survives-unknown-members", Rules: rules("ERR-07"),
			Title:  "Members that the contract does not know are ignored or refused, and never break the server",
			Why:    "A newer client sends members of a newer version.",
			Causes: causes("strict parsing that panics", "the error handler knows no 400"),
			Body: func(b *check.Bench) {
				d := open(b)
				body := d.body(balances...)
				body["extra"], data(body)["unknownMember"] = map[string]any{"a": []int{1}}, "value"
				b.Expect(d.posts(body), "request with unknown members").To(expect.Status(201, 400, 422))
			},
		},
		{
			ID: "COX-016", Name: "consents/rejects-bad-expiry", Rules: rules("CONS-EXP-01/not-past", "CONS-EXP-02/within-a-year", "ERR-13"),
			Title:  "An expiry lies between now and a year ahead, or is left out",
			Why:    "An expiry in the past makes a consent nobody can use; one too far ahead outlives the customer's memory of it.",
			Causes: causes("local time compared with UTC", "366 days counted as more than a year"),
			Body: func(b *check.Bench) {
				d := open(b)
				ask := func(t *time.Time) *tpp.Exchange {
					return d.posts(tpp.ConsentBody(balances, d.person.Document(), t))
				}
				bad := expect.OFBError(422, "DATA_EXPIRACAO_INVALIDA")
				b.Verify(ask(in(b.Now(), -time.Hour)), "an hour ago").To(bad)
				b.Verify(ask(in(b.Now(), -400*day)), "more than a year ago").To(bad)
				b.Verify(ask(in(b.Now(), 368*day)), "three days beyond a year").To(bad)
				b.Expect(ask(in(b.Now(), 364*day)), "a day short of a year").To(expect.Status(201))
				b.Expect(ask(in(b.Now(), time.Hour)), "an hour ahead").To(expect.Status(201))
				endless := ask(nil)
				b.Expect(endless, "without end").To(expect.Status(201))
				b.Expect(endless).To(expect.JSONAbsent("data.expirationDateTime"))
			},
		},
		{
			ID: "COX-017", Name: "consents/returns-supported-subset", Rules: rules("AS-CONS-02", "CONS-PERM"),
			Title:  "What is granted is part of what was asked, whole groups, and never empty",
			Why:    "A permission nobody asked for is data nobody agreed to share.",
			Causes: causes("the answer lists the bank's permissions instead of the consent's", "an unsupported product is echoed"),
			Body: func(b *check.Bench) {
				d := open(b)
				cards := []string{"CREDIT_CARDS_ACCOUNTS_READ", "CREDIT_CARDS_ACCOUNTS_LIMITS_READ"}
				asked := append(slices.Clone(balances), cards...)
				c := d.party.Consent(d.person, asked)
				granted := texts(c.Exchange, "data.permissions")
				b.Expect(granted, "granted permissions").About(c.Exchange).To(within(asked))
				b.Expect(slices.Contains(granted, cards[0]) == slices.Contains(granted, cards[1]), "the card group").About(c.Exchange).To(expect.True("whole or absent"))
				if apis := b.Target().APIs; len(apis) > 0 && apis["credit-cards"] == "" {
					b.Expect(slices.Contains(granted, cards[0]), "the permission of a product that is not offered").About(c.Exchange).To(expect.Equal(false))
				}
				x := d.reads(c.ID)
				b.Expect(texts(x, "data.permissions"), "permissions when read").About(x).To(expect.Equal(granted))
			},
		},
		{
			ID: "CON-X50", Name: "consents/timestamps-are-utc", Rules: rules("RS-HDR-06"),
			Title:  "All instants of a consent are UTC with seconds, and true",
			Why:    "Three hours of difference end a consent early or late.",
			Causes: causes("the database's local time is written as it is"),
			Body: func(b *check.Bench) {
				d := open(b)
				until := in(b.Now(), 90*day)
				made := d.posts(tpp.ConsentBody(balances, d.person.Document(), until))
				b.Expect(made).To(expect.Status(201))
				for _, x := range []*tpp.Exchange{made, d.reads(expect.Text(made, "data.consentId"))} {
					for _, member := range []string{"creationDateTime", "statusUpdateDateTime"} {
						b.Expect(x).To(expect.JSON("data."+member, expect.All(expect.UTC(), expect.Near(b.Now(), time.Minute))))
					}
					b.Expect(x).To(expect.JSON("data.expirationDateTime", stamp(*until)))
					b.Expect(x).To(expect.JSON("meta.requestDateTime", expect.All(expect.UTC(), expect.Near(b.Now(), time.Minute))))
				}
			},
		},
		{
			ID: "CON-X51", Name: "consents/keeps-product-groups", Rules: rules("CONS-PERM-07"), Severity: check.Should,
			Title:  "Groups of whole products stay in the consent even where the bank does not sell them",
			Why:    "Credit, investments and exchange are consented as a whole, today's and tomorrow's contracts alike.",
			Causes: causes("the rule for products chosen one by one is applied to grouped products"),
			Body: func(b *check.Bench) {
				d := open(b)
				for _, g := range spec.Groups() {
					if g.Removable() {
						continue
					}
					asked := append(slices.Clone(g.Permissions), spec.ResourcesRead)
					x := d.posts(d.body(asked...))
					b.Expect(x, "group %s", g.Name).To(expect.Status(201))
					slices.Sort(asked)
					b.Expect(texts(x, "data.permissions"), "permissions of group %s", g.Name).About(x).To(expect.Equal(asked))
				}
			},
		},
	}
}

// everything lists the permissions that a person of that kind can share.
func everything(who spec.Person) []string {
	all := []string{spec.ResourcesRead}
	for _, g := range spec.Groups() {
		for _, p := range g.Permissions {
			if (g.Person == spec.AnyPerson || g.Person == who) && !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}

// freedom estimates the bits that differ between texts: the positions at which they are not all alike,
// each worth what the characters seen there can tell.
func freedom(ids []string) float64 {
	if len(ids) < 2 {
		return 0
	}
	bits := 0.0
	for i := 0; ; i++ {
		seen := map[byte]bool{}
		for _, id := range ids {
			if i >= len(id) {
				return bits
			}
			seen[id[i]] = true
		}
		bits += math.Log2(float64(len(seen)))
	}
}

// refusal is a request for a consent that is sound but for one fault.
type refusal struct {
	id, name, title string
	rules           []string
	official        []string
	statuses        []int
	codes           []string
	sound           []string // permissions of the twin; nil is the balances group
	company         bool     // the twin names a company
	why, cause      string
	// faults bend a sound body, each in its own request.
	faults []fault
}

type fault struct {
	what string
	bend func(data map[string]any)
}

func permissions(list ...string) func(map[string]any) {
	return func(data map[string]any) { data["permissions"] = list }
}

func without(member string) func(map[string]any) {
	return func(data map[string]any) { delete(data, member) }
}

func with(member string, value any) func(map[string]any) {
	return func(data map[string]any) { data[member] = value }
}

func refusalChecks() []check.Check {
	var all []check.Check
	for _, r := range refusals {
		all = append(all, check.Check{
			ID: r.id, Name: r.name, Title: r.title, Rules: append(r.rules, "ERR-13"), Official: r.official, Why: r.why, Causes: causes(r.cause),
			Body: func(b *check.Bench) {
				d := open(b)
				sound := func() map[string]any {
					body := d.body(balances...)
					if r.sound != nil {
						data(body)["permissions"] = r.sound
					}
					if r.company {
						data(body)["businessEntity"] = document(d.party.Config().CNPJ, "CNPJ")
					}
					return body
				}
				for _, f := range r.faults {
					body := sound()
					f.bend(data(body))
					b.Verify(d.posts(body), f.what).To(expect.OFBErrorStatus(r.statuses, r.codes...))
				}
				d.made(sound())
			},
		})
	}
	return all
}

// partial lists requests for each group of several permissions, each time without one of them.
func partial() []fault {
	var all []fault
	for _, g := range spec.Groups() {
		if len(g.Permissions) < 2 || strings.HasPrefix(g.Name, "card-") { // a bank without cards may say so first
			continue
		}
		for _, missing := range []string{g.Permissions[0], g.Permissions[len(g.Permissions)-1]} {
			rest := slices.DeleteFunc(slices.Clone(g.Permissions), func(p string) bool { return p == missing })
			all = append(all, fault{fmt.Sprintf("group %s without %s", g.Name, missing), permissions(append(rest, spec.ResourcesRead)...)})
		}
	}
	return all
}

var malformed = []int{400, 422}

var refusals = []refusal{
	{
		id: "CON-015", name: "consents/rejects-partial-group", title: "A group without all of its permissions is refused",
		rules: rules("CONS-PERM-05/whole-groups"), official: official("negative"), statuses: []int{422}, codes: []string{"COMBINACAO_PERMISSOES_INCORRETA"},
		why: "A partial group opens calls that cannot be understood without the others.", cause: "permissions are checked one by one", faults: partial(),
	},
	{
		id: "CON-X52", name: "consents/rejects-stray-permission", title: "A permission that the standard does not have is refused",
		rules: rules("CONS-PERM-04/known"), official: official("negative"), statuses: malformed,
		why: "What is granted under an unknown name cannot be shown to the customer.", cause: "unknown names are dropped silently",
		faults: []fault{
			{"an invented permission", permissions(append(slices.Clone(balances), "ACCOUNTS_SECRETS_READ")...)},
			{"a permission in small letters", permissions(append(slices.Clone(balances), "exchanges_read")...)},
		},
	},
	{
		id: "CON-X53", name: "consents/requires-resources-read", title: "A group without RESOURCES_READ is refused",
		rules: rules("CONS-PERM-06/resources-read"), statuses: []int{422}, codes: []string{"COMBINACAO_PERMISSOES_INCORRETA"},
		why: "Without the list of resources the receiver learns of no resource's state.", cause: "RESOURCES_READ is added by the bank itself",
		faults: []fault{{"balances without RESOURCES_READ", permissions("ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ")}},
	},
	{
		id: "CON-X54", name: "consents/rejects-nothing-functional", title: "RESOURCES_READ alone is refused",
		rules: rules("CONS-PERM-07/functional-left"), statuses: []int{422}, codes: []string{"SEM_PERMISSOES_FUNCIONAIS_RESTANTES", "COMBINACAO_PERMISSOES_INCORRETA"},
		why: "A consent that opens nothing only tires the customer.", cause: "the check runs before the unsupported groups are removed",
		faults: []fault{{"RESOURCES_READ alone", permissions(spec.ResourcesRead)}},
	},
	{
		id: "CON-X55", name: "consents/requires-company", title: "Company permissions without a company are refused",
		rules: rules("CONS-PERM-02/company-informed"), statuses: []int{422}, codes: []string{"INFORMACOES_PJ_NAO_INFORMADAS"},
		sound: []string{"CUSTOMERS_BUSINESS_IDENTIFICATIONS_READ", spec.ResourcesRead}, company: true,
		why: "Nobody knows whose data would be shared.", cause: "the company is looked for only after the login",
		faults: []fault{{"company registration without businessEntity", without("businessEntity")}},
	},
	{
		id: "CON-X56", name: "consents/requires-logged-user", title: "A request that names no person is refused",
		rules: rules("CONS-REQ-01/has-logged-user"), statuses: malformed,
		why: "The bank could not compare who logs in.", cause: "the member is optional in the bank's own model",
		faults: []fault{{"no loggedUser", without("loggedUser")}, {"loggedUser without document", with("loggedUser", map[string]any{})}},
	},
	{
		id: "CON-X57", name: "consents/checks-cpf", title: "A person's document is a CPF of eleven digits",
		rules: rules("CONS-REQ-02/cpf-form"), statuses: malformed,
		why: "A malformed document can match nobody, or everybody.", cause: "the document is kept as free text",
		faults: []fault{
			{"ten digits", with("loggedUser", document("1234567890", "CPF"))},
			{"letters", with("loggedUser", document("1234567890A", "CPF"))},
			{"another kind of document", with("loggedUser", document("12345678909", "RG"))},
		},
	},
	{
		id: "CON-X58", name: "consents/checks-cnpj", title: "A company's document is a CNPJ of fourteen characters",
		rules: rules("CONS-REQ-03/cnpj-form"), statuses: malformed, company: true,
		why: "A malformed document can match no company.", cause: "the document is kept as free text",
		faults: []fault{
			{"thirteen digits", with("businessEntity", document("1234567800019", "CNPJ"))},
			{"another kind of document", with("businessEntity", document("12345678000195", "CPF"))},
		},
	},
	{
		id: "CON-X59", name: "consents/checks-expiry-form", title: "An expiry that is no UTC timestamp is refused",
		rules: rules("CONS-REQ-04/expiry-form"), statuses: malformed,
		why: "An expiry that is silently dropped makes an endless consent.", cause: "a parse error is taken for an absent member",
		faults: []fault{
			{"a thirteenth month", with("expirationDateTime", "2031-13-01T00:00:00Z")},
			{"a bare date", with("expirationDateTime", "2031-01-01")},
			{"no text at all", with("expirationDateTime", "soon")},
		},
	},
	{
		id: "CON-X60", name: "consents/rejects-empty-permissions", title: "A request for no permission is refused",
		rules: rules("ERR-07"), statuses: malformed,
		why: "An empty list must not mean everything.", cause: "an empty list is read as no restriction",
		faults: []fault{{"an empty list", permissions()}, {"no list", without("permissions")}},
	},
}
