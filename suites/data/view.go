package data

import (
	"fmt"
	"slices"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

const day = 24 * time.Hour

// brasilia is the zone of booking dates.
var brasilia = time.FixedZone("BRT", -3*60*60)

// view is what a receiver sees of a customer through one consent.
type view struct {
	*check.Bench
	face
	party   *check.Party
	person  *check.Person
	grant   *tpp.Grant
	account string // id of the account that calls are about, once known
}

// open shares a customer's data with the first client.
func (f face) open(b *check.Bench) *view { return f.of(b, b.Party(0), b.Person(f.traits...)) }

func (f face) of(b *check.Bench, p *check.Party, who *check.Person) *view {
	return &view{Bench: b, face: f, party: p, person: who, grant: p.Sharing(who, f.permissions)}
}

// each visits the operations that fit.
func (v *view) each(fits func(*spec.Operation) bool, fn func(op string)) {
	for _, id := range v.operations {
		if fits(spec.Find(id)) {
			fn(id)
		}
	}
}

// call is a sound call, to be bent: about the view's account, and of a month where dates are asked.
func (v *view) call(op string) *tpp.APICall {
	c := v.bare(op)
	if o := spec.Find(op); o.Shape == spec.Dated {
		c.Query("fromBookingDate", v.date(-29)).Query("toBookingDate", v.date(0))
	}
	return c
}

// bare is a sound call without query.
func (v *view) bare(op string) *tpp.APICall {
	c := v.party.Call(op, v.grant)
	if name := spec.Find(op).Param(); name != "" {
		c.Param(name, v.anAccount())
	}
	return c
}

// reads expects that a call is answered.
func (v *view) reads(op string) *tpp.Exchange {
	x := v.call(op).Send(v.Context())
	v.Expect(x, op).To(expect.Status(200))
	return x
}

// anAccount chooses the account to read: a current account where there is one.
func (v *view) anAccount() string {
	if v.account == "" {
		for _, a := range v.accounts() {
			if id, _ := a["accountId"].(string); v.account == "" || a["type"] == "CONTA_DEPOSITO_A_VISTA" {
				v.account = id
				if a["type"] == "CONTA_DEPOSITO_A_VISTA" {
					break
				}
			}
		}
		v.Expect(v.account, "account of the customer").To(expect.Something())
	}
	return v.account
}

// accounts lists the accounts of the consent.
func (v *view) accounts() []map[string]any {
	x := v.party.Call("accounts.list", v.grant).Query("page-size", "1000").Send(v.Context())
	v.Expect(x, "list of accounts").To(expect.Status(200))
	return objects(x)
}

// resources lists the resources of the consent, once they are ready.
func (v *view) resources() []map[string]any {
	list := check.Given[[]map[string]any](v.Bench, "the list of resources")(v.party.Resources(v.Context(), v.grant))
	return list
}

// date is the booking date so many days from today.
func (v *view) date(days int) string {
	return v.Now().In(brasilia).AddDate(0, 0, days).Format(time.DateOnly)
}

// walk reads a list page by page along its links.
func (v *view) walk(first *tpp.APICall) (items []map[string]any, pages []*tpp.Exchange) {
	x := first.Send(v.Context())
	for {
		v.Expect(x, "page %d", len(pages)+1).To(expect.Status(200))
		pages, items = append(pages, x), append(items, objects(x)...)
		next := expect.Text(x, "links.next")
		if next == "" || len(pages) > 200 {
			return items, pages
		}
		x = v.party.API(v.grant.Server, x.Operation).With(v.grant).To(next).Send(v.Context())
	}
}

// objects are the records of an answer.
func objects(x *tpp.Exchange) []map[string]any {
	var out []map[string]any
	for _, o := range expect.Values(x, "data[*]") {
		if m, ok := o.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// column reads one text member of each record.
func column(records []map[string]any, member string) []string {
	out := make([]string, 0, len(records))
	for _, r := range records {
		s, _ := r[member].(string)
		out = append(out, s)
	}
	return out
}

// key is the name of the member that identifies an operation's records.
var key = map[string]string{
	"accounts.list": "accountId", "accounts.transactions": "transactionId", "accounts.transactions-current": "transactionId",
	"accounts.reserved-balances": "reservedIdentification", "resources.list": "resourceId", "customers.personal-identifications": "personalId",
	"customers.business-identifications": "businessId",
}

// distinct expects texts of which none comes twice.
func distinct() expect.Matcher {
	return expect.That("no id twice", func(actual any) (string, bool) {
		list, _ := actual.([]string)
		sorted := slices.Sorted(slices.Values(list))
		if n := len(slices.Compact(sorted)); n != len(list) {
			return fmt.Sprintf("%d ids, %d of them different", len(list), n), false
		}
		return fmt.Sprintf("%d different ids", len(list)), true
	})
}

// like expects the same texts; where order matters, in the same order.
func like(want []string, ordered bool) expect.Matcher {
	return expect.That(fmt.Sprintf("the same %d ids as before", len(want)), func(actual any) (string, bool) {
		got, _ := actual.([]string)
		a, b := slices.Clone(want), slices.Clone(got)
		if !ordered {
			slices.Sort(a)
			slices.Sort(b)
		}
		if slices.Equal(a, b) {
			return "the same", true
		}
		if len(a) != len(b) {
			return fmt.Sprintf("%d ids", len(b)), false
		}
		return "others, or another order", false
	})
}

// descending expects timestamps of which none is later than the one before.
func descending() expect.Matcher {
	return expect.That("the newest first", func(actual any) (string, bool) {
		list, _ := actual.([]string)
		for i := 1; i < len(list); i++ {
			if instant(list[i]).After(instant(list[i-1])) {
				return fmt.Sprintf("%s after %s", list[i], list[i-1]), false
			}
		}
		return fmt.Sprintf("%d in order", len(list)), len(list) > 0
	})
}

func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// booked are the Brasília dates of transactions.
func booked(records []map[string]any) []string {
	out := column(records, "transactionDateTime")
	for i, s := range out {
		out[i] = instant(s).In(brasilia).Format(time.DateOnly)
	}
	return out
}

// between expects dates of which none lies outside.
func between(from, to string) expect.Matcher {
	return expect.That("dates from "+from+" to "+to, func(actual any) (string, bool) {
		list, _ := actual.([]string)
		for _, d := range list {
			if d < from || d > to {
				return "also " + d, false
			}
		}
		return fmt.Sprintf("%d dates inside", len(list)), true
	})
}

// The refusals that are right in several ways.
var (
	noToken    = expect.OFBError(401)
	notFound   = expect.OFBErrorStatus([]int{403, 404})
	notAllowed = expect.OFBError(403)
	unusable   = expect.OFBErrorStatus([]int{400, 422})
)
