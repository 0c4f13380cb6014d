package tpp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/sim/spec"
)

// companyProfile is what the federal company register would say of any of the synthetic companies: a
// limited company of medium size.
var companyProfile = map[string]any{"naturezaJuridica": "2062", "porteEmpresa": "05"}

// exchange reports one call from the client's side, if it is one that is reported at all: the calls of
// the registry, token requests and registrations. A call given up after the standard's time is a 408.
func (r *reporter) exchange(c *Client, e *Exchange) {
	if !r.on || e.party == "" || e.Operation != nil && e.Operation.API.OpenData { // open data are the server's alone to report
		return
	}
	if e.Operation != nil && e.Operation.Grant == spec.Public && e.Certificate == "" {
		return // the other side cannot know whose call it was, and reports none either
	}
	endpoint, prefix := reportedEndpoint(e)
	status := e.Status
	if e.Err != nil && status == 0 {
		if !timedOut(e.Err) {
			return // nobody was reached: there is no call to report
		}
		status = http.StatusRequestTimeout
	}
	id := interactionOf(e)
	if endpoint == "" || id == "" || status < 200 {
		return
	}
	millis := float64(e.FirstByte) / float64(time.Millisecond)
	info, err := json.Marshal(c.additionalInfo(e, status))
	if err != nil {
		r.lost.Add(1)
		return
	}
	c.Report(spec.Report{
		FapiInteractionID: id, Endpoint: endpoint, EndpointURIPrefix: prefix, StatusCode: status, HTTPMethod: e.Method, Timestamp: spec.At(e.Started),
		ProcessTimespan: max(millis, 0.001), ClientOrgID: c.cfg.OrganisationID, ServerOrgID: e.party, ClientSSID: c.cfg.SoftwareID,
		Role: spec.ClientSide, AdditionalInfo: info,
	})
}

func reportedEndpoint(e *Exchange) (endpoint, prefix string) {
	address, _, _ := strings.Cut(e.URL, "?")
	switch {
	case e.Operation != nil:
		before, _, ok := strings.Cut(address, "/open-banking/")
		if !ok {
			return "", ""
		}
		return e.Operation.FullPath(), before
	case e.Name == "token":
		return "/token", address
	case e.Name == "register":
		return "/register", address
	case e.Name == "registration":
		return "/register/{clientId}", address
	}
	return "", ""
}

// interactionOf is the id that both sides know of: the one sent when it was a real one, else the one the
// institution generated.
func interactionOf(e *Exchange) string {
	for _, id := range []string{e.Interaction(), e.Header.Get("X-Fapi-Interaction-Id")} {
		if u, err := uuid.Parse(id); err == nil && u != uuid.Nil && len(id) == 36 {
			return id
		}
	}
	return ""
}

func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &n) && n.Timeout())
}

// additionalInfo is what the tables of the metrics platform ask of the client for one call.
func (c *Client) additionalInfo(e *Exchange, status int) map[string]any {
	info := map[string]any{}
	put := func(name string, v any, when bool) {
		if s, text := v.(string); when && v != nil && (!text || s != "") {
			info[name] = v
		}
	}
	ok := status < 400
	consent := e.consent
	if consent == "" {
		consent = c.owner(e.token)
	}
	put("tokenId", c.tokenID(e.token), ok)
	sent := e.sent()
	switch {
	case e.Name == "token":
		grant := e.formValue("grant_type")
		put("grantType", strings.ToUpper(grant), true)
		put("consentId", consent, ok && grant != "client_credentials")
		put("tokenId", c.tokenID(e.Text("access_token")), status == http.StatusOK)
		return info
	case e.Operation == nil:
		hooks, _ := dig(sent, "webhook_uris").([]any)
		listed, _ := dig(sent, "webhook_uris").([]string)
		put("webhookEnable", flag(len(hooks)+len(listed) > 0), e.Method != http.MethodGet && e.Method != http.MethodDelete)
		delete(info, "tokenId")
		return info
	}
	if created := e.Text("data.consentId"); consent == "" && created != "" {
		consent = created
	}
	creates := e.Operation.ID == "consents.create" || e.Operation.ID == "payments.consent-create"
	put("consentId", consent, ok || !creates)
	if creates {
		company := dig(sent, "data.businessEntity") != nil
		put("personType", map[bool]string{false: "PF", true: "PJ"}[company], true)
		put("companyProfileInfo", companyProfile, company)
	}
	if strings.HasPrefix(e.Operation.ID, "consents.") {
		put("journeyIsLinked", "FALSE", slices.Contains([]string{"consents.create", "consents.read"}, e.Operation.ID))
		put("status", e.Text("data.status"), ok && e.Operation.ID == "consents.read")
	}
	if e.Operation.ID == "resources.list" && status == http.StatusOK {
		put("statusSummary", summary(e), true)
	}
	if e.Operation.API.Signed {
		paymentInfo(e, status, sent, put)
		put("paymentType", c.kind(consent, purposes[text(dig(sent, "data.payment.purpose"))]), creates || e.Operation.ID == "payments.create" || e.Operation.ID == "payments.cancel")
	}
	return info
}

// kind remembers the type of the payments of a consent from its creation, for the reports that follow.
func (c *Client) kind(consent, created string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if created != "" && consent != "" {
		if len(c.kinds) > 100_000 {
			clear(c.kinds)
		}
		c.kinds[consent] = created
	}
	if created == "" {
		created = c.kinds[consent]
	}
	if created == "" {
		created = "IMMEDIATE"
	}
	return created
}

func text(v any) string { s, _ := v.(string); return s }

// paymentInfo adds what is asked of payment calls.
func paymentInfo(e *Exchange, status int, sent map[string]any, put func(string, any, bool)) {
	op, ok := e.Operation.ID, status < 400
	answered := e.Text("data.status")
	if answered == "" {
		answered = e.Text("data.0.status")
	}
	put("status", answered, status/100 == 2)
	if !ok {
		codes := e.Codes()
		if len(codes) > 1 {
			codes = codes[:1]
		}
		list, _ := json.Marshal(append([]string{}, codes...))
		put("errorCodes", string(list), true)
	}
	reason := "data.rejectionReason."
	put("rejectionReasonCode", e.Text(reason+"code"), ok && e.Method == http.MethodGet)
	put("rejectionReasonDetail", e.Text(reason+"detail"), ok && e.Method == http.MethodGet)
	switch op {
	case "payments.consent-create":
		put("authorisationFlowIntent", "HYBRID_FLOW", true)
		put("localInstrument", text(dig(sent, "data.payment.details.localInstrument")), true)
		put("paymentDate", text(dig(sent, "data.payment.date")), status == http.StatusCreated)
		if schedule := dig(sent, "data.payment.schedule"); schedule != nil && status == http.StatusCreated {
			b, _ := json.Marshal(schedule)
			put("paymentSchedule", string(b), true)
		}
	case "payments.create":
		put("authorisationFlow", flow(text(dig(sent, "data.0.authorisationFlow"))), true)
		put("paymentList", paymentList(e), status == http.StatusCreated)
	case "payments.read", "payments.cancel":
		put("authorisationFlow", flow(e.Text("data.authorisationFlow")), true)
		put("localInstrument", e.Text("data.localInstrument"), ok)
		put("cancellationReason", e.Text("data.cancellation.reason"), status == http.StatusOK)
		put("cancelledFrom", e.Text("data.cancellation.cancelledFrom"), status == http.StatusOK)
	}
}

var purposes = map[string]string{"IMMEDIATE": "IMMEDIATE", "SINGLE_SCHEDULED": "SCHEDULED", "RECURRENT_SCHEDULED": "RECURRENT", "WITHDRAW": "WITHDRAW", "CHANGE": "CHANGE"}

func flow(f string) string {
	if f == "" {
		return "HYBRID_FLOW"
	}
	return f
}

func paymentList(e *Exchange) []map[string]string {
	items, _ := e.Field("data").([]any)
	list := []map[string]string{}
	for _, item := range items[:min(len(items), 60)] {
		row := map[string]string{}
		for name, path := range map[string]string{"paymentId": "paymentId", "consentId": "consentId", "statusUpdateDateTime": "statusUpdateDateTime",
			"status": "status", "rejectionReasonCode": "rejectionReason.code", "rejectionReasonDetail": "rejectionReason.detail"} {
			row[name], _ = dig(item, path).(string)
		}
		list = append(list, row)
	}
	return list
}

// summary counts the resources of a page by status, as strings.
func summary(e *Exchange) map[string]any {
	counts := map[string]int{}
	list, _ := e.Field("data").([]any)
	for _, item := range list {
		if s, ok := dig(item, "status").(string); ok {
			counts[s]++
		}
	}
	out := map[string]any{}
	for member, status := range map[string]string{"available": "AVAILABLE", "unavailable": "UNAVAILABLE", "temporary_unavailable": "TEMPORARILY_UNAVAILABLE", "pending_authorisation": "PENDING_AUTHORISATION"} {
		b, _ := json.Marshal(counts[status])
		out[member] = string(b)
	}
	return out
}

func flag(b bool) string { return map[bool]string{false: "FALSE", true: "TRUE"}[b] }

// redirect reports one end of a redirect journey.
func (r *reporter) redirect(step, consent string, extra map[string]any) {
	if !r.on || consent == "" {
		return
	}
	report := map[string]any{
		"consentId": consent, "platform": "BROWSER", "os": "LINUX", "osVersion": "6", "clientOrgId": r.client.cfg.OrganisationID,
		"timestamp": r.client.cfg.Clock.Now().Format("2006-01-02T15:04:05.000Z"),
	}
	for name, v := range extra {
		if s, ok := v.(string); ok && len(s) > 200 {
			v = s[:200]
		}
		report[name] = v
	}
	r.tellOf("hybrid-flow/"+step, report)
}

// pepper makes tokenIds useless to whoever sees them.
var pepper = secret(32)

// tokenID is the fingerprint of an access token that reports carry in its place.
func (c *Client) tokenID(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token + pepper))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// remember notes which consent a token belongs to, for reports of calls made with the bare token.
func (c *Client) remember(g *Grant) {
	if g.Consent == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.owners) > 100_000 {
		clear(c.owners)
	}
	c.owners[c.tokenID(g.access)] = g.Consent.ID
}

func (c *Client) owner(token string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owners[c.tokenID(token)]
}
