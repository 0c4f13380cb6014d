package opendata

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
	"github.com/ensaio/ensaio/suites/target"
)

// products are the APIs of accounts and credit; investing are those of phase 4A.
var (
	products  = []string{"opendata-accounts", "opendata-creditcards", "opendata-loans", "opendata-financings", "opendata-invoicefinancings", "opendata-unarranged"}
	investing = []string{"investments", "exchange", "pension", "insurances", "capitalization-bonds", "acquiring-services"}
)

// eachMatches reads each list of the APIs; the contract is held against every answer of a check.
func eachMatches(apis ...string) func(*check.Bench) {
	return func(b *check.Bench) {
		s := begin(b)
		for _, o := range operations(b.Target(), apis...) {
			x := s.reads(o)
			b.Verify(x, o.ID).To(expect.MediaType("application/json"))
			b.Verify(x, "version of %s", o.ID).To(expect.Header("x-v", cmp.Or(b.Target().APIs[o.API.Name], o.API.Version)))
			b.Verify(len(objects(x.Field("data"))), "records of %s", o.ID).About(x).To(expect.InRange(1, 25))
		}
	}
}

func schemaChecks() []check.Check {
	return []check.Check{
		{
			ID: "STM-012", Name: "opendata/channels-match-schema", Rules: rules("RS-HDR-04", "RS-SCHEMA"),
			Title: "Branches, electronic and telephone channels, agents and shared machines are listed as their contract says", Why: "People find the nearest branch by programs that read this.",
			Causes: causes("opening hours in local time", "addresses without district"),
			Needs:  []check.Need{anyOf("channels")}, Body: eachMatches("channels"),
		},
		{
			ID: "STM-013", Name: "opendata/matches-schema", Rules: rules("RS-HDR-04", "RS-SCHEMA"),
			Title: "Accounts, cards, loans, financings, invoice financings and overdrafts on offer are listed as their contracts say", Why: "Offers are compared by programs.",
			Causes: causes("the shape of an older version, companies inside a brand", "rates as numbers or per cent"),
			Needs:  []check.Need{anyOf(products...)}, Body: eachMatches(products...),
		},
		{
			ID: "STM-014", Name: "opendata/investments-match-schema", Rules: rules("RS-HDR-04", "RS-SCHEMA"),
			Title: "Investments, exchange, pension, insurance, capitalization and acquiring on offer are listed as their contracts say", Why: "Offers are compared by programs.",
			Causes: causes("a request time in meta, for which these contracts have no room"),
			Needs:  []check.Need{anyOf(investing...)}, Body: eachMatches(investing...),
		},
		{
			ID: "STM-X32", Name: "opendata/pages-partition-the-list", Rules: rules("RS-PAGE", "RS-LINKS"),
			Title: "The pages of each list together are the list, each leads to the next, and the totals are those of the list", Why: "Who follows the links must see every offer once.",
			Causes: causes("the total counts companies, not records", "links of an inner server"),
			Body: func(b *check.Bench) {
				s := begin(b)
				for _, o := range operations(b.Target()) {
					records, pages := s.walk(o, "25")
					b.Verify(pages[0], "records told by %s", o.ID).To(expect.JSON("meta.totalRecords", len(records)))
					b.Verify(pages[0], "pages told by %s", o.ID).To(expect.JSON("meta.totalPages", len(pages)))
					b.Verify(len(slices.Compact(slices.Sorted(slices.Values(records)))), "different records of %s", o.ID).About(pages...).To(expect.Equal(len(records)))
					for i, x := range pages {
						b.Verify(host(x.Text("links.self")), "host of self on page %d of %s", i+1, o.ID).About(x).To(expect.OneOf("", host(x.URL)))
					}
				}
			},
		},
		{
			ID: "STM-X33", Name: "opendata/cuts-pages-as-asked", Rules: rules("RS-PAGE"),
			Title: "A list is cut into pages of the size asked for, and the same records come whatever the size", Why: "There is no least size for open data.",
			Causes: causes("the least size of customer data is applied", "pages start at zero"),
			Body: func(b *check.Bench) {
				s := begin(b)
				o := longest(s)
				whole, _ := s.walk(o, "1000")
				small, pages := s.walk(o, "7")
				b.Expect(small, "records of %s on small pages, against one large page", o.ID).About(pages...).To(expect.Equal(whole))
				for i, x := range pages[:len(pages)-1] {
					b.Verify(len(objects(x.Field("data"))), "records on page %d", i+1).About(x).To(expect.Equal(7))
				}
				if len(pages) > 1 {
					b.Verify(pages[0]).To(expect.JSONAbsent("links.prev"))
					b.Verify(pages[1]).To(expect.JSON("links.prev", expect.Something()))
					b.Verify(pages[len(pages)-1]).To(expect.JSONAbsent("links.next"))
				}
			},
		},
		{
			ID: "STM-X34", Name: "opendata/refuses-impossible-pages", Rules: rules("ERR-07", "OPEN-01", "OPEN-02", "OPEN-03"),
			Title: "Pages that cannot be are refused: before the first, beyond the last, of no size or more than a thousand records", Why: "An empty answer would be taken for an institution without offers.",
			Causes: causes("the page is corrected in silence"),
			Body: func(b *check.Bench) {
				s := begin(b)
				for _, o := range first(operations(b.Target())) {
					for _, q := range [][2]string{{"page", "0"}, {"page", "-1"}, {"page", "one"}, {"page-size", "0"}, {"page-size", "1001"}, {"page-size", "many"}, {"page", "9999"}} {
						x := s.call(o).Query(q[0], q[1]).Send(b.Context())
						if x.Status == 422 { // which these contracts do not know, and the paging page does
							b.Unjudged(x)
						}
						b.Verify(x, "%s of %s %s", o.ID, q[0], q[1]).To(expect.OFBErrorStatus([]int{400, 404, 422}))
					}
				}
			},
		},
		{
			ID: "STM-X35", Name: "opendata/lists-all-brands", Rules: rules("RS-HDR-04"), Severity: check.Should,
			Title: "Each list names every brand under which the directory shows it, and the institution's own number", Why: "An institution or brand that is left out cannot be compared.",
			Causes: causes("only the largest company of the group is listed"),
			Needs:  []check.Need{directory},
			Body: func(b *check.Bench) {
				s := begin(b)
				for _, o := range operations(b.Target()) {
					b.Verify(s.at[o.FullPath()] != "", "%s in the directory", o.FullPath()).To(expect.True("an address"))
					records, pages := s.walk(o, "1000")
					all := strings.ToLower(strings.Join(records, ""))
					for _, org := range s.orgs {
						of, _ := org.(map[string]any)
						number, _ := of["RegistrationNumber"].(string)
						b.Verify(strings.Contains(all, `"cnpjnumber":"`+number[:min(8, len(number))]), "a company of number %.8s… in %s", number, o.ID).About(pages...).To(expect.True("it is listed"))
						for _, brand := range brands(of, o) {
							name, _ := json.Marshal(strings.ToLower(brand)) // as the records were written
							b.Verify(strings.Contains(all, `"brand":`+string(name)), "brand %s in %s", brand, o.ID).About(pages...).To(expect.True("it is listed"))
						}
					}
				}
			},
		},
	}
}

// directory needs the directory's open list.
var directory = check.Need{Name: "the directory's open list", Unmet: func(t *target.Target) string {
	if t.Directory.Participants == "" {
		return "the target declares no directory.participants"
	}
	return ""
}}

// brands are the names under which the directory shows the operation.
func brands(org map[string]any, o *spec.Operation) []string {
	var names []string
	for _, server := range objects(org["AuthorisationServers"]) {
		for _, resource := range objects(server["ApiResources"]) {
			for _, e := range objects(resource["ApiDiscoveryEndpoints"]) {
				address, _ := e["ApiEndpoint"].(string)
				name, _ := server["CustomerFriendlyName"].(string)
				if strings.HasSuffix(address, o.FullPath()) && name != "" && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// first is the first operation of each API.
func first(all []*spec.Operation) []*spec.Operation {
	var some []*spec.Operation
	for _, o := range all {
		if len(some) == 0 || some[len(some)-1].API != o.API {
			some = append(some, o)
		}
	}
	return some
}

// longest is the list with the most records.
func longest(s *stranger) *spec.Operation {
	var best *spec.Operation
	most := -1.0
	for _, o := range operations(s.Target()) {
		if n, _ := s.reads(o, "page-size", "1").Field("meta.totalRecords").(float64); n > most {
			best, most = o, n
		}
	}
	return best
}
