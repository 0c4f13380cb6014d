package drive

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// report tells the client's side of an answered call to the metrics platform, as its tables ask.
func (s *Source) report(c *call, id string, started time.Time, a *answer, token *held) {
	s.said(c, id, started, a.took, a.status, c.info(a.status, a.body.Bytes(), token))
}

// reportFailure tells a call that was given up after the standard's time as a 408; what never reached
// anybody is no call.
func (s *Source) reportFailure(c *call, id string, started time.Time, took time.Duration, err error, token *held) {
	if gaveUp(err) == 0 {
		return
	}
	s.said(c, id, started, took, http.StatusRequestTimeout, c.info(http.StatusRequestTimeout, nil, token))
}

// gaveUp is 408 for a call that was given up after the standard's time, else 0.
func gaveUp(err error) int {
	var n net.Error
	if !errors.Is(err, context.Canceled) && (errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &n) && n.Timeout())) {
		return http.StatusRequestTimeout
	}
	return 0
}

func (s *Source) said(c *call, id string, started time.Time, took time.Duration, status int, info []byte) {
	if !s.options.Reports || c.party == nil || c.endpoint == "" {
		return
	}
	cfg := c.party.client.Config()
	prefix := spec.PCMPrefix(c.address.String())
	c.party.client.Report(spec.Report{
		FapiInteractionID: id, Endpoint: c.endpoint, StatusCode: status, HTTPMethod: c.method,
		Timestamp: started.UTC().Format("2006-01-02T15:04:05.000Z"), ProcessTimespan: max(float64(took)/float64(time.Millisecond), 0.001),
		ClientOrgID: cfg.OrganisationID, ServerOrgID: c.party.server.OrganisationID, Role: spec.ClientSide, ClientSSID: cfg.SoftwareID,
		EndpointURIPrefix: prefix, AdditionalInfo: info,
	})
}

// info is additionalInfo of one call. It is written by hand: it is made for every call of a run.
func (c *call) info(status int, body []byte, token *held) json.RawMessage {
	ok := status < 400
	b := bytes.NewBuffer(make([]byte, 0, 192))
	put := func(name, value string) {
		if value == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + name + `":`)
		b.Write(marshal(value))
	}
	if c.op == nil {
		put("grantType", "CLIENT_CREDENTIALS")
		if status == http.StatusOK {
			put("tokenId", tokenID(text(body, "access_token")))
		}
		return finish(b)
	}
	consent := c.consent
	creates := c.op.ID == "consents.create" || c.op.ID == "payments.consent-create"
	if ok && token != nil {
		put("tokenId", token.id)
	}
	claims := body
	if c.op.API.Signed {
		claims = payload(body)
	}
	if creates && ok {
		consent = text(claims, "consentId")
	}
	if ok || !creates {
		put("consentId", consent)
	}
	switch c.op.ID {
	case "consents.create":
		put("personType", "PF")
		put("journeyIsLinked", "FALSE")
	case "consents.read":
		put("journeyIsLinked", "FALSE")
		if ok {
			put("status", text(body, "status"))
		}
	case "resources.list":
		if status == http.StatusOK {
			b.WriteString(`,"statusSummary":`)
			b.Write(marshal(summary(body)))
		}
	}
	if c.op.API.Signed {
		c.paymentInfo(b, put, status, claims)
	}
	return finish(b)
}

func finish(b *bytes.Buffer) json.RawMessage {
	return json.RawMessage("{" + b.String() + "}")
}

// paymentInfo adds what is owed for payment calls.
func (c *call) paymentInfo(b *bytes.Buffer, put func(string, string), status int, claims []byte) {
	if status/100 == 2 {
		put("status", text(claims, "status"))
	}
	if status >= 400 {
		codes := []string{}
		if code := text(claims, "code"); code != "" {
			codes = append(codes, code)
		}
		put("errorCodes", string(marshal(codes)))
	}
	switch c.op.ID {
	case "payments.consent-create":
		put("personType", "PF")
		put("paymentType", "IMMEDIATE")
		put("authorisationFlowIntent", "HYBRID_FLOW")
		put("localInstrument", "MANU")
		if status == http.StatusCreated {
			put("paymentDate", text(claims, "date"))
		}
	case "payments.create":
		put("authorisationFlow", "HYBRID_FLOW")
		put("paymentType", "IMMEDIATE")
		if status == http.StatusCreated {
			row := map[string]string{"paymentId": text(claims, "paymentId"), "consentId": text(claims, "consentId"),
				"statusUpdateDateTime": text(claims, "statusUpdateDateTime"), "status": text(claims, "status"), "rejectionReasonCode": "", "rejectionReasonDetail": ""}
			b.WriteString(`,"paymentList":`)
			b.Write(marshal([]map[string]string{row}))
		}
	case "payments.cancel":
		put("authorisationFlow", "HYBRID_FLOW")
		put("paymentType", "RECURRENT") // several days of its own choosing: planPayments
		if status < 400 {
			put("localInstrument", text(claims, "localInstrument"))
		}
		if status == http.StatusOK {
			put("cancellationReason", text(claims, "reason"))
			put("cancelledFrom", text(claims, "cancelledFrom"))
		}
	case "payments.read":
		put("authorisationFlow", "HYBRID_FLOW")
		if status < 400 {
			put("localInstrument", text(claims, "localInstrument"))
		}
	}
}

// summary counts the resources of a page by status, as strings.
func summary(body []byte) map[string]string {
	out := map[string]string{}
	for member, status := range map[string]string{"available": "AVAILABLE", "unavailable": "UNAVAILABLE",
		"temporary_unavailable": "TEMPORARILY_UNAVAILABLE", "pending_authorisation": "PENDING_AUTHORISATION"} {
		out[member] = string(marshal(bytes.Count(body, []byte(`"`+status+`"`))))
	}
	return out
}

// payload decodes the claims of a signed message, unverified: they are for a report.
func payload(body []byte) []byte {
	_, rest, ok := strings.Cut(string(body), ".")
	middle, _, two := strings.Cut(rest, ".")
	if !ok || !two {
		return body
	}
	b, err := base64.RawURLEncoding.DecodeString(middle)
	if err != nil {
		return nil
	}
	return b
}
