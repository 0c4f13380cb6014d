package consents

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// The permissions of small consents: one whole group each.
var (
	balances  = []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}
	statement = []string{"ACCOUNTS_READ", "ACCOUNTS_TRANSACTIONS_READ", "RESOURCES_READ"}
)

// The states of a data consent.
const (
	awaiting   = "AWAITING_AUTHORISATION"
	authorised = "AUTHORISED"
	rejected   = "REJECTED"
)

const day = 24 * time.Hour

// desk is a third party at the consents API of the bank, with a customer before it.
type desk struct {
	*check.Bench
	party  *check.Party
	person *check.Person
}

// open seats the first client and a customer with the traits.
func open(b *check.Bench, traits ...string) *desk {
	return &desk{Bench: b, party: b.Party(0), person: b.Person(traits...)}
}

// body is a sound request of the desk's customer for a year.
func (d *desk) body(permissions ...string) map[string]any {
	return tpp.ConsentBody(permissions, d.person.Document(), in(d.Now(), 365*day-time.Hour))
}

// in is a moment that much later, at a whole second.
func in(now time.Time, later time.Duration) *time.Time {
	t := now.Add(later).UTC().Truncate(time.Second)
	return &t
}

// posts sends a request for a consent, whatever comes of it.
func (d *desk) posts(body map[string]any) *tpp.Exchange { return d.posting(body).Send(d.Context()) }

// posting is the call that asks for a consent, to be bent.
func (d *desk) posting(body map[string]any) *tpp.APICall {
	return d.party.Call("consents.create", d.party.Credentials("consents")).Body(body)
}

// made expects that a request is granted and returns the consent's id.
func (d *desk) made(body map[string]any) string {
	x := d.posts(body)
	d.Expect(x, "sound request").To(expect.Status(201))
	return expect.Text(x, "data.consentId")
}

// consent creates a consent that ends after that time; nothing lasts for ever.
func (d *desk) consent(lasts time.Duration, permissions ...string) *tpp.Consent {
	return d.party.Consent(d.person, permissions, func(r *tpp.APICall) {
		r.Body(tpp.ConsentBody(permissions, d.person.Document(), d.until(lasts)))
	})
}

// until is an expiry that much later, or none.
func (d *desk) until(lasts time.Duration) *time.Time {
	if lasts == 0 {
		return nil
	}
	return in(d.Now(), lasts)
}

// sharing is a consent of that length, authorised by the customer.
func (d *desk) sharing(lasts time.Duration, permissions ...string) *tpp.Grant {
	return d.party.Authorised(d.consent(lasts, permissions...), d.person)
}

// call is a call about a consent with the client's own token, to be bent.
func (d *desk) call(operation, id string) *tpp.APICall {
	return d.party.Call(operation, d.party.Credentials("consents")).Param("consentId", id)
}

// reads returns the consent as the bank tells it now.
func (d *desk) reads(id string) *tpp.Exchange {
	x := d.call("consents.read", id).Send(d.Context())
	d.Expect(x, "reading the consent").To(expect.Status(200))
	return x
}

// stands expects the consent's status.
func (d *desk) stands(id, status string) *tpp.Exchange {
	x := d.reads(id)
	d.Expect(x).To(expect.JSON("data.status", status))
	return x
}

// ended expects that the consent is rejected, by whom and for which of the reasons.
func (d *desk) ended(id, by string, reasons ...any) {
	x := d.stands(id, rejected)
	d.Expect(x).To(expect.JSON("data.rejection.rejectedBy", by))
	d.Expect(x).To(expect.JSON("data.rejection.reason.code", expect.OneOf(reasons...)))
}

// deletes revokes the consent.
func (d *desk) deletes(id string) {
	d.Expect(d.call("consents.delete", id).Send(d.Context()), "revocation").To(expect.Status(204))
}

// data calls for the accounts with the grant's token.
func (d *desk) data(g *tpp.Grant) *tpp.Exchange {
	return d.party.Call("accounts.list", g).Send(d.Context())
}

// silenced expects that neither token of the grant is worth anything any more.
func (d *desk) silenced(g *tpp.Grant) {
	d.Expect(d.data(g), "data with the access token").To(expect.OFBError(401))
	x := d.party.RefreshRequest(d.party.Server, g.RefreshToken).Send(d.Context())
	d.Expect(x, "refresh").To(expect.OAuthErrorStatus([]int{400, 401}, "invalid_grant"))
}

// arrives takes the customer through the pages and returns what they bring back.
func (d *desk) arrives(consent *tpp.Consent, robot *psu.Robot) *tpp.Answer {
	p := d.party.Push(consent)
	d.Expect(p.Send(d.Context()), "pushed request").To(expect.Status(201))
	return check.Given[*tpp.Answer](d.Bench, "a customer who comes back")(p.Visit(d.Context(), robot))
}

// denied expects that the journey ended with access_denied and nothing else.
func (d *desk) denied(a *tpp.Answer) {
	d.Expect(a.Error, "error at the redirect address").To(expect.Equal("access_denied"))
	d.Expect(a.Code, "code beside the error").To(expect.Nothing())
}

// refuses expects that a request leads to no authorization: best refused when pushed, else on arrival.
func (d *desk) refuses(p *tpp.Push, robot *psu.Robot) {
	x := p.Send(d.Context())
	if x.Err != nil || x.Status != 201 {
		d.Expect(x, "pushed request").To(expect.OAuthErrorStatus([]int{400, 401, 403}))
		return
	}
	d.Prefer(x, "pushed request").To(expect.Refused(400, 401, 403))
	d.Step("accepted when pushed; the customer arrives")
	a, err := p.Visit(d.Context(), robot)
	if check.Unreachable(err) {
		d.Given("the authorization endpoint", err)
	}
	d.Expect(ending(a, err), "end of the journey").About(x).To(unauthorised())
}

// ending says how a journey ended.
func ending(a *tpp.Answer, err error) string {
	var page *psu.Stopped
	switch {
	case errors.As(err, &page):
		return fmt.Sprintf("page with status %d", page.Page.Status)
	case err != nil:
		return err.Error()
	case a.Code != "":
		return "authorization code"
	}
	return "error " + a.Error
}

// unauthorised expects an error page of the bank or an error at the redirect address.
func unauthorised() expect.Matcher {
	return expect.That("no authorization: an error page, or an error at the redirect address", func(actual any) (string, bool) {
		s, _ := actual.(string)
		onPage := strings.HasPrefix(s, "page with status ") && !strings.HasPrefix(s, "page with status 5")
		return s, onPage || (strings.HasPrefix(s, "error ") && s != "error ")
	})
}

// extending is the call that renews a grant's consent, to be bent.
func (d *desk) extending(g *tpp.Grant, until *time.Time) *tpp.APICall {
	data := map[string]any{"loggedUser": document(d.person.CPF, "CPF")}
	if d.person.CNPJ != "" {
		data["businessEntity"] = document(d.person.CNPJ, "CNPJ")
	}
	if until != nil {
		data["expirationDateTime"] = stamp(*until)
	}
	return d.party.Call("consents.extend", g).Param("consentId", g.Consent.ID).Body(map[string]any{"data": data})
}

// extends expects that a renewal is granted.
func (d *desk) extends(g *tpp.Grant, until *time.Time) *tpp.Exchange {
	x := d.extending(g, until).Send(d.Context())
	d.Expect(x, "sound renewal").To(expect.Status(201))
	return x
}

func document(id, rel string) map[string]any {
	return map[string]any{"document": map[string]any{"identification": id, "rel": rel}}
}

// data returns the data object of a request's body, to be bent.
func data(body map[string]any) map[string]any {
	m, _ := body["data"].(map[string]any)
	return m
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// texts reads the texts of a list in an answer, sorted.
func texts(x *tpp.Exchange, path string) []string {
	var out []string
	for _, v := range expect.Values(x, path+"[*]") {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// within expects a list whose every element is one of the given, and which is not empty.
func within(allowed []string) expect.Matcher {
	return expect.That("some of, and nothing but, "+strings.Join(allowed, ", "), func(actual any) (string, bool) {
		got, _ := actual.([]string)
		for _, s := range got {
			if !slices.Contains(allowed, s) {
				return "also " + s, false
			}
		}
		return fmt.Sprintf("%d of them", len(got)), len(got) > 0
	})
}

// path names a consent at the bank's control surface.
func path(id, what string) string { return "/consents/" + url.PathEscape(id) + what }
