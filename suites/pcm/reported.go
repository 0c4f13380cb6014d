package pcm

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// onEachCall is the body of a check that looks at the institution's report of every call of a
// third party at work.
func onEachCall(look func(w *watch, x *tpp.Exchange, r *report)) func(*check.Bench) {
	return func(b *check.Bench) {
		w := begin(b)
		_, _, calls := w.works()
		calls = append(calls, w.fails()...)
		w.hurries()
		for _, x := range calls {
			look(w, x, w.served(x))
		}
	}
}

// documents are runs of as many digits as a CPF or CNPJ has.
var documents = regexp.MustCompile(`\b(?:\d{11}|\d{14})\b`)

func reportedChecks() []check.Check {
	return []check.Check{
		{
			ID: "PCM-C01", Name: "pcm/every-call-is-reported", Rules: rules("PCM-REPORT"), Needs: observed,
			Title: "Every call that the institution serves is reported by it: reads, creations and revocations", Why: "Whoever does not report is measured by the other side's word.",
			Causes: causes("only one machine of several reports", "reads are sampled"),
			Body: func(b *check.Bench) {
				w := begin(b)
				_, _, calls := w.works()
				w.hurries()
				for _, x := range calls {
					w.served(x)
				}
				b.Expect(len(calls), "calls that were looked for").To(expect.InRange(4, 4))
			},
		},
		{
			ID: "PCM-C02", Name: "pcm/failures-are-reported", Rules: rules("PCM-REPORT"), Needs: observed,
			Title: "Calls that the institution refuses are reported with the status of the refusal", Why: "Availability is counted from failures.",
			Causes: causes("the report is written by the handler of successes", "calls without interaction id are left out"),
			Body: func(b *check.Bench) {
				w := begin(b)
				calls := w.fails()
				w.hurries()
				for _, x := range calls {
					b.Expect(w.served(x).StatusCode, "reported status of %s", x.Name).About(x).To(expect.Equal(x.Status))
				}
			},
		},
		{
			ID: "PCM-C03", Name: "pcm/reported-once", Rules: rules("PCM-REPORT", "PCM-BOOK/not-repeated"), Needs: observed, Alone: true,
			Title: "Each call is reported once by the institution, under its own interaction id", Why: "Counted twice, a call makes the institution look better or worse than it is.",
			Causes: causes("two layers report", "a retry makes a new id"),
			Body: func(b *check.Bench) {
				w := begin(b)
				token := w.party.Credentials("consents")
				consent := w.party.Consent(w.who, permissions)
				w.since = b.Now().Add(-time.Millisecond)
				const calls = 3
				var last *tpp.Exchange
				for range calls {
					last = w.party.Call("consents.extensions", token).Param("consentId", consent.ID).Send(b.Context())
				}
				w.hurries()
				w.served(last)
				var all []report
				b.PCM().Get("/reports?role=SERVER&limit=1000&org="+w.party.Config().OrganisationID+"&endpoint="+url.QueryEscape(last.Operation.FullPath()), &all)
				n := 0
				for _, r := range all {
					// Other checks may have called on days to come.
					if r.Method == last.Method && !r.Timestamp.Before(w.since.Truncate(time.Millisecond)) && !r.Timestamp.After(b.Now()) {
						n++
					}
				}
				b.Expect(n, "reports about %d calls", calls).About(last).To(expect.Equal(calls))
			},
		},
		{
			ID: "PCM-C04", Name: "pcm/agrees-with-wire", Rules: rules("PCM-PAIR"), Needs: observed,
			Title: "Status, method, time and duration of a report are those of the call", Why: "Latency and availability are judged from reports.",
			Causes: causes("seconds instead of milliseconds", "the status before an error handler", "local time"),
			Body: onEachCall(func(w *watch, x *tpp.Exchange, r *report) {
				w.Expect(r.StatusCode, "reported status").About(x).To(expect.Equal(x.Status))
				w.Expect(r.Method, "reported method").About(x).To(expect.Equal(x.Method))
				w.Expect(r.Timestamp, "reported time").About(x).To(expect.Near(x.Started, x.Duration+2*time.Second))
				wire := float64(x.Duration) / float64(time.Millisecond)
				w.Expect(r.sent("processTimespan"), "reported milliseconds of a call that took %.3f ms on the wire", wire).About(x).To(expect.InRange(0.001, wire+25))
			}),
		},
		{
			ID: "PCM-C05", Name: "pcm/roles-are-right", Rules: rules("PCM-PAIR", "PCM-PRIVATE/server-reports-itself"), Needs: observed,
			Title: "The institution reports itself as server and the caller's organisation as client", Why: "Exchanged, the report belongs to nobody.", Causes: causes("the names follow who began the session"),
			Body: onEachCall(func(w *watch, x *tpp.Exchange, r *report) {
				w.Expect(strings.ToLower(r.ServerOrg), "serverOrgId").About(x).To(expect.Equal(strings.ToLower(w.Target().Bank.OrganisationID)))
				w.Expect(strings.ToLower(r.ClientOrg), "clientOrgId").About(x).To(expect.Equal(strings.ToLower(w.party.Config().OrganisationID)))
				w.Expect(r.sent("clientSSId"), "clientSSId, which is the client's to tell").About(x).To(expect.Nothing())
			}),
		},
		{
			ID: "PCM-C06", Name: "pcm/endpoint-is-template", Rules: rules("PCM-ENDPOINT", "PCM-PRIVATE/endpoint-listed"), Needs: observed,
			Title: "The endpoint of a report is the template of the operation, without identifiers", Why: "A consent's id in a metric is a customer in a metric.", Causes: causes("the path of the request is reported"),
			Body: onEachCall(func(w *watch, x *tpp.Exchange, r *report) {
				w.Expect(r.Endpoint, "reported endpoint").About(x).To(expect.Equal(x.Operation.FullPath()))
			}),
		},
		{
			ID: "PCM-C07", Name: "pcm/carries-no-personal-data", Rules: rules("PCM-PRIVACY"), Needs: observed,
			Title: "Reports and journey events carry no document, name, token or login of the customer", Why: "The platform measures institutions, not people.", Causes: causes("the consent's body is copied", "the subject serves as correlation"),
			Body: func(b *check.Bench) {
				w := begin(b)
				consent, grant, calls := w.works()
				w.hurries()
				secrets := []string{w.who.CPF, w.who.Username, w.who.Name, grant.AccessToken(), grant.RefreshToken}
				clean := func(sent, what string) {
					for _, s := range secrets {
						if s != "" && strings.Contains(strings.ToLower(sent), strings.ToLower(s)) {
							b.Fail("no personal data in "+what, fmt.Sprintf("a value of %d characters of the customer's", len(s)))
						}
					}
					b.Expect(documents.FindString(sent), "numbers that look like a document in %s", what).To(expect.Nothing())
				}
				for _, x := range calls {
					clean(string(w.served(x).Sent), "the report of "+x.Name)
				}
				for _, s := range w.journey(consent.ID) {
					clean(string(s.Sent), "the event "+s.Event)
				}
			},
		},
		{
			ID: "PCM-C08", Name: "pcm/pairs-with-counterpart", Rules: rules("PCM-PAIR", "RS-HDR-02"), Needs: observed,
			Title: "The institution's report of a call pairs with the caller's, field by field", Why: "What does not pair counts against both.", Causes: causes("another interaction id on each side", "templates of another version"),
			Body: onEachCall(func(w *watch, x *tpp.Exchange, r *report) {
				if r.Status == "UNPAIRED" {
					w.Wait("report", "the counterpart of "+x.Name, func() bool {
						_ = w.party.FlushReports(w.Context())
						r = w.served(x)
						return r.Status != "UNPAIRED"
					})
				}
				w.Expect(r.Status, "state of the report of %s (differs: %s)", x.Name, strings.Join(r.Differs, ", ")).About(x).To(expect.Equal("PAIRED"))
			}),
		},
		{
			ID: "PCM-C09", Name: "pcm/in-time", Rules: rules("PCM-TIME"), Needs: with(observed, check.Clock),
			Title: "A call is reported by eight o'clock of the next day, in Brasília", Why: "The institution's figure of the day is drawn then.", Causes: causes("a nightly batch of the day before yesterday"),
			Body: func(b *check.Bench) {
				w := begin(b)
				_, _, calls := w.works()
				y, m, d := b.Now().In(brasilia).Date()
				b.SetClock(time.Date(y, m, d+1, 8, 0, 0, 0, brasilia))
				w.hurries()
				for _, x := range calls {
					w.served(x)
				}
			},
		},
		{
			ID: "PCM-C10", Name: "pcm/funnel-is-complete", Rules: rules("PCM-FUNNEL"), Needs: observed,
			Title: "Every step of a consent's journey is reported, by the side that sees it, whether it ends well or not", Why: "Where customers are lost is read from it.", Causes: causes("the step before the login is forgotten", "refusals are not steps"),
			Body: func(b *check.Bench) {
				w := begin(b)
				grant := w.party.Sharing(w.who, permissions)
				refused := w.party.Consent(w.who, permissions)
				robot := b.Robot(w.who)
				robot.Decision = psu.Deny
				p := w.party.Push(refused)
				b.Expect(p.Send(b.Context()), "pushed request").To(expect.Status(201))
				_, err := p.Visit(b.Context(), robot)
				b.Given("a customer who refuses and comes back", err)
				w.hurries()

				steps := w.steps(grant.Consent.ID, 7)
				for _, s := range []string{"client/redirect-to-server", "server/redirect-target", "server/authenticated", "server/redirect-to-client AUTHORISED", "client/redirect-target-without-errors", "token"} {
					b.Verify(steps, "steps of the authorised consent").To(expect.Containing(s))
				}
				steps = w.steps(refused.ID, 6)
				for _, s := range []string{"client/redirect-to-server", "server/redirect-target", "server/authenticated", "server/redirect-to-client REJECTED", "client/redirect-target-with-errors"} {
					b.Verify(steps, "steps of the refused consent").To(expect.Containing(s))
				}
			},
		},
		{
			ID: "PCM-C14", Name: "pcm/additional-info", Rules: rules("PCM-INFO"), Needs: observed,
			Title: "The institution's reports owe nothing: the creation of a consent says whether the customer could be expected to log in", Why: "Conversion leaves out whom nobody could convert.",
			Causes: causes("dropReason is missing", "dropReason reported for a refused request"),
			Body: func(b *check.Bench) {
				w := begin(b)
				known := w.party.Consent(w.who, permissions).Exchange
				stranger := w.party.Call("consents.create", w.party.Credentials("consents")).Body(tpp.ConsentBody(permissions, tpp.Person{CPF: "52998224725"}, nil)).Send(b.Context())
				b.Expect(stranger, "consent of somebody unknown").To(expect.Status(201))
				refused := w.party.Call("consents.create", w.party.Credentials("consents")).Body(tpp.ConsentBody([]string{"ACCOUNTS_READ"}, w.who.Document(), nil)).Send(b.Context())
				b.Expect(refused, "request refused before the customer was looked for").To(expect.Status(422))
				w.hurries()
				reason := func(x *tpp.Exchange) any {
					r := w.served(x)
					b.Verify(len(r.Findings), "faults that the platform found (%v)", r.Findings).About(x).To(expect.Equal(0))
					info, _ := r.sent("additionalInfo").(map[string]any)
					return info["dropReason"]
				}
				b.Verify(reason(known), "dropReason of a customer").About(known).To(expect.Equal("NONE"))
				b.Verify(reason(stranger), "dropReason of somebody unknown").About(stranger).To(expect.OneOf("NO_CREDENTIAL", "CREDENTIAL_UNAVAILABLE"))
				b.Verify(reason(refused), "dropReason of a refused request").About(refused).To(expect.Nothing())
			},
		},
		{
			ID: "PCM-C15", Name: "pcm/reports-payments", Rules: rules("PCM-REPORT", "PCM-PAIR"), Needs: with(observed, check.API("payments"), check.ClientRole("PAGTO")),
			Title: "Calls of the payment API are reported by the institution and pair; the creation of a consent says whether the customer could be expected to log in", Why: "Payments are judged by the same figures.",
			Causes: causes("signed calls pass another gateway"),
			Body: func(b *check.Bench) {
				w := begin(b)
				w.party = b.PartyWith("PAGTO")
				token := w.party.Credentials("payments")
				order := tpp.Order{Payer: w.who.Document(), Amount: "1.00", Creditor: tpp.Creditor{Name: "Loja Simulada", Document: w.party.Config().CNPJ,
					Account: tpp.Account{ISPB: "99999012", Issuer: "0001", Number: "40000011", Type: "CACC"}}}
				made := w.party.Call("payments.consent-create", token).Body(order.ConsentBody(b.Now())).Send(b.Context())
				b.Expect(made, "payment consent").To(expect.Status(201))
				read := w.party.Call("payments.consent-read", token).Param("consentId", expect.Text(made, "data.consentId")).Send(b.Context())
				b.Expect(read, "reading").To(expect.Status(200))
				w.hurries()
				for _, x := range []*tpp.Exchange{made, read} {
					r := w.served(x)
					b.Verify(r.Status, "state of the report of %s (differs: %s)", x.Name, strings.Join(r.Differs, ", ")).About(x).To(expect.Equal("PAIRED"))
					b.Verify(len(r.Findings), "faults that the platform found (%v)", r.Findings).About(x).To(expect.Equal(0))
				}
			},
		},
	}
}

// step is one reported step of a journey.
type step struct {
	Event string `json:"event"`
	Sent  []byte `json:"-"`
	Type  string `json:"-"`
}

// journey lists the reported steps of a consent.
func (w *watch) journey(consent string) []step {
	var all []struct {
		Event string
		Sent  raw
	}
	w.PCM().Get("/journeys?consent="+url.QueryEscape(consent), &all)
	out := make([]step, len(all))
	for i, s := range all {
		out[i] = step{Event: s.Event, Sent: s.Sent, Type: s.Sent.text("type")}
	}
	return out
}

// steps names the reported steps of a consent, waiting until there are so many where they cannot be
// hurried.
func (w *watch) steps(consent string, enough int) []string {
	var names []string
	read := func() bool {
		names = nil
		for _, s := range w.journey(consent) {
			names = append(names, strings.TrimSpace(s.Event+" "+map[bool]string{true: s.Type}[strings.HasSuffix(s.Event, "redirect-to-client")]))
		}
		return len(names) >= enough
	}
	if !read() && w.Target().Capabilities.Reporter == "" {
		w.Wait("report", "the steps of a journey", read)
	}
	return names
}
