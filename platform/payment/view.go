package payment

import (
	"encoding/json"

	"github.com/ensaio/ensaio/platform/call"
)

// view is a payment as the API shows it.
type view struct {
	PaymentID         string            `json:"paymentId"`
	EndToEndID        string            `json:"endToEndId"`
	ConsentID         string            `json:"consentId"`
	Created           string            `json:"creationDateTime"`
	Updated           string            `json:"statusUpdateDateTime"`
	Status            string            `json:"status"`
	Rejection         *Reason           `json:"rejectionReason,omitempty"`
	Cancellation      *cancellationView `json:"cancellation,omitempty"`
	LocalInstrument   string            `json:"localInstrument"`
	Proxy             string            `json:"proxy,omitempty"`
	QRCode            string            `json:"qrCode,omitempty"`
	Payment           any               `json:"payment"`
	TxID              string            `json:"transactionIdentification,omitempty"`
	Remittance        string            `json:"remittanceInformation,omitempty"`
	CreditorAccount   any               `json:"creditorAccount"`
	DebtorAccount     any               `json:"debtorAccount"`
	Initiator         string            `json:"cnpjInitiator"`
	AuthorisationFlow string            `json:"authorisationFlow,omitempty"`
}

type cancellationView struct {
	Reason string `json:"reason"`
	From   string `json:"cancelledFrom"`
	At     string `json:"cancelledAt"`
	By     struct {
		Document struct {
			Identification string `json:"identification"`
			Rel            string `json:"rel"`
		} `json:"document"`
	} `json:"cancelledBy"`
}

// show makes the view; the code belongs to the answer of a creation alone.
func show(p *Payment, withCode bool) view {
	t := terms(p.Item)
	amount, _ := t.at("payment")
	creditor, _ := t.at("creditorAccount")
	v := view{
		PaymentID: p.ID, EndToEndID: t.text("endToEndId"), ConsentID: p.ConsentID, Created: call.Time(p.Created), Updated: call.Time(p.Updated), Status: p.Status,
		Rejection: p.Rejection, LocalInstrument: t.text("localInstrument"), Proxy: t.text("proxy"), Payment: amount, TxID: t.text("transactionIdentification"),
		Remittance: t.text("remittanceInformation"), CreditorAccount: creditor, DebtorAccount: p.Order.Debtor, Initiator: t.text("cnpjInitiator"),
		AuthorisationFlow: t.text("authorisationFlow"),
	}
	if withCode {
		v.QRCode = t.text("qrCode")
	}
	if p.Cancellation != nil {
		v.Cancellation = &cancellationView{Reason: p.Cancellation.Reason, From: p.Cancellation.From, At: call.Time(p.Cancellation.At)}
		v.Cancellation.By.Document.Identification, v.Cancellation.By.Document.Rel = p.Cancellation.CPF, "CPF"
	}
	return v
}

// report notes what the metrics platform wants to know of one payment.
func report(c *call.Call, p *Payment) {
	t := terms(p.Item)
	c.Report["consentId"], c.Report["status"], c.Report["localInstrument"] = p.ConsentID, p.Status, t.text("localInstrument")
	c.Report["authorisationFlow"] = flow(t)
	if p.Rejection != nil {
		c.Report["rejectionReasonCode"], c.Report["rejectionReasonDetail"] = p.Rejection.Code, p.Rejection.Detail
	}
	if p.Cancellation != nil {
		c.Report["cancellationReason"], c.Report["cancelledFrom"] = p.Cancellation.Reason, p.Cancellation.From
	}
}

func flow(t tree) string {
	if f := t.text("authorisationFlow"); f != "" {
		return f
	}
	return "HYBRID_FLOW"
}

// reportList notes the payments of one initiation.
func reportList(c *call.Call, all []*Payment) {
	type row struct {
		PaymentID string `json:"paymentId"`
		ConsentID string `json:"consentId"`
		Updated   string `json:"statusUpdateDateTime"`
		Status    string `json:"status"`
		Code      string `json:"rejectionReasonCode"`
		Detail    string `json:"rejectionReasonDetail"`
	}
	rows := []row{}
	for _, p := range all {
		r := row{PaymentID: p.ID, ConsentID: p.ConsentID, Updated: call.Time(p.Updated), Status: p.Status}
		if p.Rejection != nil {
			r.Code, r.Detail = p.Rejection.Code, p.Rejection.Detail
		}
		rows = append(rows, r)
	}
	if b, err := json.Marshal(rows); err == nil {
		c.Report["paymentList"] = string(b)
	}
	if len(all) > 0 {
		c.Report["status"] = all[0].Status
	}
}
