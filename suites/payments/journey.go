package payments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// journey is a payment on its way: ordered, consented, authorised, initiated, ended.
type journey struct {
	*check.Bench
	party *check.Party
	who   *check.Person
	robot *psu.Robot
	order tpp.Order

	consent  *tpp.Consent
	grant    *tpp.Grant
	payments []string // ids
	seen     []string // states of the first payment, as they were seen
	last     *tpp.Exchange
}

// start prepares the order of a form for an ordinary customer of its own.
func start(b *check.Bench, f form) *journey { return startFor(b, f, b.Person()) }

func startFor(b *check.Bench, f form, who *check.Person) *journey {
	j := &journey{Bench: b, party: b.PartyWith("PAGTO"), who: who, robot: b.Robot(who)}
	j.order = f(b, j)
	j.order.Payer = who.Document()
	return j
}

// again is another payment by the same customer.
func (j *journey) again(f form) *journey {
	next := &journey{Bench: j.Bench, party: j.party, who: j.who, robot: j.Robot(j.who)}
	next.order = f(j.Bench, next)
	next.order.Payer = j.who.Document()
	return next
}

// asking is the sound request for the consent, to be bent.
func (j *journey) asking() *tpp.APICall {
	return j.party.Call("payments.consent-create", j.party.Credentials("payments")).Body(j.order.ConsentBody(j.Now()))
}

// consents creates the consent.
func (j *journey) consents() *journey {
	j.consent = check.Given[*tpp.Consent](j.Bench, "a payment consent")(j.party.CreatePaymentConsent(j.Context(), j.party.Server, j.order))
	return j
}

// authorises takes the consent through the redirect; the customer agrees.
func (j *journey) authorises() *journey {
	if j.consent == nil {
		j.consents()
	}
	j.grant = check.Given[*tpp.Grant](j.Bench, "an authorised payment consent")(j.party.Authorise(j.Context(), j.consent, j.robot))
	return j
}

// initiating is the sound initiation, to be bent.
func (j *journey) initiating() *tpp.APICall {
	return j.party.Call("payments.create", j.grant).Body(j.party.PaymentBody(j.order))
}

// items edits the payments of an initiation.
func items(call *tpp.APICall, edit func(i int, item map[string]any)) *tpp.APICall {
	return call.Claims(func(c map[string]any) {
		list, _ := c["data"].([]any)
		for i := range list {
			if item, ok := list[i].(map[string]any); ok {
				edit(i, item)
			}
		}
	})
}

// takes sends an initiation that must be taken, and remembers its payments.
func (j *journey) takes(call *tpp.APICall) *tpp.Exchange {
	x := call.Send(j.Context())
	j.Expect(x, "initiation").To(expect.Status(201))
	j.created(x)
	j.Expect(j.payments, "payments created").About(x).To(expect.Something())
	return x
}

func (j *journey) created(x *tpp.Exchange) {
	j.payments, j.seen, j.last = nil, nil, x
	for _, id := range expect.Values(x, "data[*].paymentId") {
		s, _ := id.(string)
		j.payments = append(j.payments, s)
	}
	if s := expect.Text(x, "data[0].status"); s != "" {
		j.seen = []string{s}
	}
}

// pays authorises and initiates.
func (j *journey) pays() *journey {
	if j.grant == nil {
		j.authorises()
	}
	j.takes(j.initiating())
	return j
}

// reads reads one of the payments.
func (j *journey) reads(i int) *tpp.Exchange {
	x, err := j.party.ReadPayment(j.Context(), j.consent, j.payments[i])
	j.Given("a payment to be read", err)
	j.last = x
	if s := expect.Text(x, "data.status"); i == 0 && (len(j.seen) == 0 || j.seen[len(j.seen)-1] != s) {
		j.seen = append(j.seen, s)
	}
	return x
}

// comesTo waits until every payment is in one of the states, or is final.
func (j *journey) comesTo(states ...string) {
	for i := range j.payments {
		var x *tpp.Exchange
		status := ""
		j.Wait("settle", fmt.Sprintf("payment %d of %d to be %v", i+1, len(j.payments), states), func() bool {
			x = j.reads(i)
			status = expect.Text(x, "data.status")
			return slices.Contains(states, status) || slices.Contains(tpp.Final, status)
		})
		var want []any
		for _, s := range states {
			want = append(want, s)
		}
		j.Expect(status, "status of payment %d", i+1).About(x).To(expect.OneOf(want...))
	}
}

// settles waits until every payment is settled.
func (j *journey) settles() *journey { j.comesTo("ACSC"); return j }

// rejects waits until the payments are rejected, with a reason of the list and its detail; without codes
// any reason will do.
func (j *journey) rejects(codes ...string) {
	j.comesTo("RJCT")
	want := expect.Something()
	if len(codes) > 0 {
		want = expect.OneOf(anything(codes)...)
	}
	j.Expect(j.last).To(expect.JSON("data.rejectionReason.code", want))
	j.Expect(j.last).To(expect.JSON("data.rejectionReason.detail", expect.Something()))
}

func anything(codes []string) []any {
	out := make([]any, len(codes))
	for i, c := range codes {
		out[i] = c
	}
	return out
}

// refuses expects that an initiation does not pay: refused at once with 422 and one of the codes, or
// taken and rejected for one of them. Either uses the consent up.
func (j *journey) refuses(call *tpp.APICall, codes ...string) *tpp.Exchange {
	x := call.Send(j.Context())
	if x.Err == nil && x.Status == 201 {
		j.created(x)
		if len(j.payments) > 0 {
			j.rejects(codes...)
			return x
		}
	}
	j.Expect(x, "initiation").To(expect.OFBError(422, codes...))
	return x
}

// status reads the consent.
func (j *journey) status() string {
	x, err := j.party.ReadConsent(j.Context(), j.consent)
	j.Given("the consent to be read", err)
	j.last = x
	return expect.Text(x, "data.status")
}

// is expects a status of the consent.
func (j *journey) is(status string) {
	got := j.status()
	j.Expect(got, "status of the consent").About(j.last).To(expect.Equal(status))
}

// visits pushes the request and sends the customer through the pages, whatever comes of it.
func (j *journey) visits() *tpp.Answer {
	if j.consent == nil {
		j.consents()
	}
	p := j.party.Push(j.consent)
	x := p.Send(j.Context())
	j.Expect(x, "pushed request").To(expect.Status(201))
	a, err := p.Visit(j.Context(), j.robot)
	var stopped *psu.Stopped
	if errors.As(err, &stopped) && stopped.Page.Status < 500 {
		return &tpp.Answer{}
	}
	j.Given("a customer who comes back", err)
	return a
}

// ends expects that the customer brings no code back, and that the consent is rejected for one of the
// reasons.
func (j *journey) ends(codes ...string) {
	a := j.visits()
	j.endedFor(codes...)
	j.Expect(a.Code, "authorization code").To(expect.Nothing())
}

func (j *journey) endedFor(codes ...string) {
	got := j.status()
	j.Expect(got, "status of the consent").About(j.last).To(expect.Equal("REJECTED"))
	j.Expect(j.last).To(expect.JSON("data.rejectionReason.code", expect.OneOf(anything(codes)...)))
	j.Expect(j.last).To(expect.JSON("data.rejectionReason.detail", expect.Something()))
}

// tidies takes back, after the check, what is scheduled and not yet paid.
func (j *journey) tidies() *journey {
	j.Cleanup(func() {
		if j.consent == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(j.Context()), 10*time.Second)
		defer cancel()
		_, _ = j.party.CancelPayments(ctx, j.consent) // what is over cannot be cancelled, and need not
	})
	return j
}

// cancelling is the sound request to cancel one payment, to be bent.
func (j *journey) cancelling(i int) *tpp.APICall {
	return j.party.Call("payments.cancel", j.party.Credentials("payments")).Param("paymentId", j.payments[i]).
		About(j.consent.ID).Body(tpp.CancelBody(j.who.CPF))
}

// cancellingAll is the sound request to cancel every payment of the consent, to be bent.
func (j *journey) cancellingAll() *tpp.APICall {
	return j.party.Call("payments.consent-cancel", j.party.Credentials("payments")).Param("consentId", j.consent.ID).Body(tpp.CancelBody(j.who.CPF))
}

// states lists the payments of the consent by their status.
func (j *journey) states() []string {
	var out []string
	for i := range j.payments {
		out = append(out, expect.Text(j.reads(i), "data.status"))
	}
	return out
}
