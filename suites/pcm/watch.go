package pcm

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// report is a report as the platform holds it.
type report struct {
	ReportID       string          `json:"reportId"`
	PairedReportID string          `json:"pairedReportId"`
	Status         string          `json:"status"`
	Interaction    string          `json:"fapiInteractionId"`
	Role           string          `json:"role"`
	ClientOrg      string          `json:"clientOrgId"`
	ServerOrg      string          `json:"serverOrgId"`
	Endpoint       string          `json:"endpoint"`
	Method         string          `json:"httpMethod"`
	StatusCode     int             `json:"statusCode"`
	Timestamp      time.Time       `json:"timestamp"`
	CreatedAt      time.Time       `json:"createdAt"`
	Differs        []string        `json:"differs"`
	Findings       []finding       `json:"findings"`
	Sent           json.RawMessage `json:"sent"`
}

type finding struct{ Field, Verdict string }

// discard is a report that the platform refused.
type discard struct {
	Organisation string          `json:"organisationId"`
	Message      string          `json:"message"`
	Sent         json.RawMessage `json:"sent"`
}

// watch is a third party at work, whose calls are looked for at the platform.
type watch struct {
	*check.Bench
	party *check.Party
	who   *check.Person
	since time.Time
}

func begin(b *check.Bench) *watch {
	return &watch{Bench: b, party: b.PartyWith("DADOS"), who: b.Person(), since: b.Now()}
}

var permissions = []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}

// works makes calls of several kinds that succeed: a consent is created, authorised, used, read and
// revoked.
func (w *watch) works() (consent *tpp.Consent, grant *tpp.Grant, calls []*tpp.Exchange) {
	grant = w.party.Sharing(w.who, permissions)
	consent = grant.Consent
	calls = append(calls, consent.Exchange)
	for _, call := range []*tpp.APICall{
		w.party.Call("accounts.list", grant),
		w.party.Call("consents.read", w.party.Credentials("consents")).Param("consentId", consent.ID),
		w.party.Call("consents.delete", w.party.Credentials("consents")).Param("consentId", consent.ID),
	} {
		x := call.Send(w.Context())
		w.Expect(x).To(expect.Succeeds())
		calls = append(calls, x)
	}
	return consent, grant, calls
}

// fails makes calls that are refused in several ways.
func (w *watch) fails() []*tpp.Exchange {
	token := w.party.Credentials("consents")
	var calls []*tpp.Exchange
	for _, call := range []*tpp.APICall{
		w.party.Call("consents.create", token).Body(tpp.ConsentBody([]string{"ACCOUNTS_READ"}, w.who.Document(), nil)),
		w.party.Call("consents.read", token).Param("consentId", "urn:ensaio:nobody"),
		w.party.Call("consents.read", token).Param("consentId", "urn:ensaio:nobody").Interaction(""),
		w.party.Call("accounts.list", token).About("urn:ensaio:nobody"),
		w.party.Call("accounts.list", nil).Token("nobody").About("urn:ensaio:nobody"),
	} {
		x := call.Send(w.Context())
		w.Expect(x.Err, "error of the exchange").About(x).To(expect.Success())
		w.Expect(x.Status, "status").About(x).To(expect.InRange(400, 499))
		calls = append(calls, x)
	}
	return calls
}

// interaction is the id under which both sides know the call.
func interaction(x *tpp.Exchange) string {
	if id := x.Header.Get(expect.InteractionID); id != "" {
		return id
	}
	return x.Interaction()
}

// hurries lets everything leave that waits, where that can be asked.
func (w *watch) hurries() {
	if err := w.party.FlushReports(w.Context()); err != nil {
		w.Note("the third party's own reports: %v", err)
	}
	if w.Target().Capabilities.Reporter == "" {
		return
	}
	if err := w.Reporter().Try("POST", "/flush", nil, nil); err != nil {
		w.Note("the institution's reports: %v", err)
	}
}

// about lists the reports of one interaction.
func (w *watch) about(id string) []report {
	var all []report
	w.PCM().Get("/reports?interaction="+url.QueryEscape(id), &all)
	return all
}

// side returns the report of a call from one side, waiting for it where it cannot be hurried; nil when
// there is none.
func (w *watch) side(x *tpp.Exchange, role string) *report {
	find := func() *report {
		all := w.about(interaction(x))
		if i := slices.IndexFunc(all, func(r report) bool { return r.Role == role }); i >= 0 {
			return &all[i]
		}
		return nil
	}
	found := find()
	if found == nil && w.Target().Capabilities.Reporter == "" {
		w.Wait("report", "a report of "+x.Name, func() bool { found = find(); return found != nil })
	}
	return found
}

// served is the institution's report of a call, which must be there.
func (w *watch) served(x *tpp.Exchange) *report {
	r := w.side(x, "SERVER")
	if r == nil {
		received := "none"
		if message := w.refusal(interaction(x)); message != "" {
			received = "one that the platform discarded: " + message
		}
		w.Fail("a report of the institution about "+x.Method+" "+x.Name, received, x)
	}
	return r
}

// refusal is why the platform discarded a report of that interaction, or "".
func (w *watch) refusal(id string) string {
	var all []discard
	w.PCM().Get("/discards", &all)
	for _, d := range slices.Backward(all) {
		if strings.Contains(string(d.Sent), id) {
			return d.Message
		}
	}
	return ""
}

// sent is a member of the report as it was sent.
func (r *report) sent(name string) any {
	var m map[string]any
	_ = json.Unmarshal(r.Sent, &m) // the platform took it for an object
	return m[name]
}
