package sim

import (
	"time"

	"github.com/ensaio/ensaio/platform/as/screen"
)

// fact is one line of a summary or a receipt, under the stable name of its element.
type fact struct{ Label, Value, Hook string }

type facts []fact

// add leaves out what nobody said.
func (f *facts) add(label, hook, value string) {
	if value != "" {
		*f = append(*f, fact{label, value, hook})
	}
}

// Receipt is what a person may want to know of the payment, done or not (PM-21).
func (j *journey) Receipt() []fact {
	var f facts
	o := j.order
	f.add("Para quem", "creditor", o.Creditor.Name)
	f.add("CPF/CNPJ de quem recebe", "creditor-document", screen.Mask(o.Creditor.Document))
	f.add("Chave Pix", "creditor-key", screen.Mask(o.Proxy))
	f.add("Instituição de quem recebe", "creditor-institution", "ISPB "+o.Creditor.Account.ISPB)
	payer := o.Payer.CPF
	if o.Payer.CNPJ != "" {
		payer = o.Payer.CNPJ
	}
	f.add("Quem paga", "payer-document", screen.Mask(payer))
	if number := j.said("debtorAccount.number"); number != "" {
		f.add("Conta de débito", "debtor-account", "agência "+j.said("debtorAccount.issuer")+" · conta "+number)
	}
	f.add("Instituição de quem paga", "holder", j.bank)
	if o.Schedule != nil {
		f.add("Agendado para", "date", screen.Date(o.Schedule.Single))
	}
	f.add("Descrição", "description", o.Remittance)
	f.add("Forma de pagamento", "means", "Pix por chave")
	f.add("Tarifa", "fee", "não há")
	f.add("Quem iniciou", "initiator", j.party)
	if at, err := time.Parse(time.RFC3339, j.said("statusUpdateDateTime")); err == nil {
		f.add("Data e hora", "moment", at.In(brasilia).Format("02/01/2006 15:04:05")+" (Brasília)")
	}
	f.add("Identificador", "end-to-end-id", j.said("endToEndId"))
	return f
}

// said is a member of the payment as the bank last told it.
func (j *journey) said(member string) string {
	if j.payment == nil || j.payment.Exchange == nil {
		return ""
	}
	if v := j.payment.Exchange.Text("data." + member); v != "" {
		return v
	}
	return j.payment.Exchange.Text("data.0." + member)
}

// Amount is the payment's, as a Brazilian reads it.
func (j *journey) Amount() string { return screen.Money(j.order.Amount) }

// Status is the payment's on the wire, or the consent's while there is none.
func (j *journey) Status() string {
	if j.payment != nil {
		return j.payment.Statuses[0]
	}
	return j.status()
}

// Pending says whether other approvers are awaited.
func (j *journey) Pending() bool { return j.order != nil && j.payment == nil }

// Deadline is until when they can approve.
func (j *journey) Deadline() string {
	if j.state == nil {
		return ""
	}
	if at, err := time.Parse(time.RFC3339, j.state.Text("data.expirationDateTime")); err == nil {
		return screen.Moment(at)
	}
	return ""
}

// Cancellable says whether the person can still stop the payment here.
func (j *journey) Cancellable() bool { return j.resting() }

// Failure says why a payment was not made, or nil.
func (j *journey) Failure() *trouble {
	if j.payment == nil || j.payment.Statuses[0] != "RJCT" {
		return nil
	}
	t := wording(j.said("rejectionReason.code"), j.said("rejectionReason.detail"))
	t.Party = j.bank
	return &t
}

// Path is the journey's page.
func (j *journey) Path() string { return j.path() }

// ConsentID is the consent's, or "".
func (j *journey) ConsentID() string {
	if j.consent == nil {
		return ""
	}
	return j.consent.ID
}

// Payment says whether the journey is one.
func (j *journey) Payment() bool { return j.order != nil }

// Shared is what was shared, for the page.
func (j *journey) Shared() []sharedAccount { return j.accounts }

// Holder is whose data it is, when they shared their name.
func (j *journey) Holder() string { return j.holder }

// Read is when what is shown was read.
func (j *journey) Read() string { return j.read.In(brasilia).Format("02/01/2006 15:04:05") }

// Summary tells what was agreed (DN-02).
func (j *journey) Summary() []fact {
	var f facts
	view := screen.DataView{Starts: j.began, Expires: j.consent.Expires}
	f.add("De onde", "transmitter", j.bank)
	f.add("Finalidade", "purpose", j.purpose)
	f.add("Prazo", "term", view.Term())
	f.add("Válido até", "end-date", view.EndDate())
	return f
}

// Groups are the groups of data that the bank agreed to send.
func (j *journey) Groups() []screen.Group { return screen.Groups(j.permissions()) }

// Missing are the groups that were asked for and not given (DN-03).
func (j *journey) Missing() []screen.Group {
	var all []screen.Group
	given := map[string]bool{}
	for _, g := range j.Groups() {
		given[g.Category+g.Name] = true
	}
	for _, g := range screen.Groups(j.asked()) {
		if !given[g.Category+g.Name] {
			all = append(all, g)
		}
	}
	return all
}

// asked are the permissions of the request.
func (j *journey) asked() []string {
	data, _ := j.consent.Body["data"].(map[string]any)
	switch list := data["permissions"].(type) {
	case []string:
		return list
	case []any:
		var all []string
		for _, item := range list {
			if s, ok := item.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

// Money is the balance, as a Brazilian reads it.
func (a sharedAccount) Money() string { return screen.Money(a.Balance) }

// Held is the part of the money that cannot be used, or "".
func (a sharedAccount) Held() string {
	if a.Blocked == "" || a.Blocked == "0.00" {
		return ""
	}
	return screen.Money(a.Blocked)
}
