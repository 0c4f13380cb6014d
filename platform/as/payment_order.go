package as

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
)

// ordered is what a payment consent's request says of the payment.
type ordered struct {
	Creditor struct {
		Document string `json:"cpfCnpj"`
		Name     string `json:"name"`
	} `json:"creditor"`
	Payment struct {
		Date     string                     `json:"date"`
		Schedule map[string]json.RawMessage `json:"schedule"`
		Amount   string                     `json:"amount"`
		Purpose  string                     `json:"purpose"`
		Details  struct {
			Instrument string            `json:"localInstrument"`
			Proxy      string            `json:"proxy"`
			Creditor   connector.Account `json:"creditorAccount"`
		} `json:"details"`
	} `json:"payment"`
	Debtor *connector.Account `json:"debtorAccount"`
}

// spelling is which members are read of an object, by their exact names; nil reads a value whole.
type spelling map[string]spelling

var (
	accountNames = spelling{"ispb": nil, "issuer": nil, "number": nil, "accountType": nil}
	branchNames  = spelling{"date": nil, "startDate": nil, "quantity": nil, "dayOfWeek": nil, "dayOfMonth": nil, "dates": nil}
	orderNames   = spelling{
		"creditor": {"cpfCnpj": nil, "name": nil}, "debtorAccount": accountNames,
		"payment": {
			"date": nil, "amount": nil, "purpose": nil,
			"schedule": {"single": branchNames, "daily": branchNames, "weekly": branchNames, "monthly": branchNames, "custom": branchNames},
			"details":  {"localInstrument": nil, "proxy": nil, "creditorAccount": accountNames},
		},
	}
)

// of leaves out every member of another name. A decoder into a struct would take one that differs in case
// only for the one it knows, and the customer would be shown what will not be paid.
func (n spelling) of(v any) any {
	all, ok := v.(map[string]any)
	if !ok || n == nil {
		return v
	}
	kept := make(map[string]any, len(n))
	for name, inner := range n {
		if member, ok := all[name]; ok {
			kept[name] = inner.of(member)
		}
	}
	return kept
}

func readOrder(c *consent.Consent) (ordered, error) {
	var o ordered
	var all any
	err := json.Unmarshal(c.Payment, &all)
	if err == nil {
		var exact []byte
		if exact, err = json.Marshal(orderNames.of(all)); err == nil {
			err = json.Unmarshal(exact, &o)
		}
	}
	if err != nil {
		return o, fmt.Errorf("read payment of consent: %w", err)
	}
	return o, nil
}

// paymentOrder is the order to foresee, still without debtor.
func paymentOrder(c *consent.Consent) (connector.Order, error) {
	o, err := readOrder(c)
	p := o.Payment
	return connector.Order{
		ID: c.ID, Creditor: p.Details.Creditor, CreditorDoc: o.Creditor.Document, CreditorName: o.Creditor.Name, Amount: p.Amount,
		Proxy: p.Details.Proxy, Instrument: p.Details.Instrument, Purpose: p.Purpose, Scheduled: len(p.Schedule) > 0,
	}, err
}

// wantedDebtor is the account the initiator asked for, or nil.
func wantedDebtor(c *consent.Consent) *connector.Account {
	var a connector.Account
	if json.Unmarshal(c.Debtor, &a) == nil && a.Number != "" {
		return &a
	}
	o, err := readOrder(c)
	if err != nil {
		return nil
	}
	return o.Debtor
}

// plan is a schedule as the customer reads it.
type plan struct {
	words       string
	first, last time.Time
}

type branch struct {
	Date       string   `json:"date"`
	Start      string   `json:"startDate"`
	Quantity   int      `json:"quantity"`
	DayOfWeek  string   `json:"dayOfWeek"`
	DayOfMonth int      `json:"dayOfMonth"`
	Dates      []string `json:"dates"`
}

// schedule puts the schedule into words (SC-05, SC-06). A payment of a date has none.
func (o ordered) schedule(today time.Time) plan {
	p := plan{first: day(o.Payment.Date, today)}
	for _, kind := range []string{"single", "daily", "weekly", "monthly", "custom"} {
		raw, ok := o.Payment.Schedule[kind]
		var b branch
		if !ok || json.Unmarshal(raw, &b) != nil {
			continue
		}
		p.first = day(b.Start, today)
		switch kind {
		case "single":
			p.first = day(b.Date, today)
			p.words = "uma vez"
			p.last = p.first
		case "daily":
			p.last = p.first.AddDate(0, 0, b.Quantity-1)
			p.words = fmt.Sprintf("diária, %d pagamentos", b.Quantity)
		case "weekly":
			p.last = p.first.AddDate(0, 0, 7*(b.Quantity-1))
			p.words = fmt.Sprintf("semanal, %s, %d pagamentos", weekdays[b.DayOfWeek], b.Quantity)
		case "monthly":
			p.last = p.first.AddDate(0, b.Quantity-1, 0)
			p.words = fmt.Sprintf("mensal, dia %d, %d pagamentos", b.DayOfMonth, b.Quantity)
		case "custom":
			dates := slices.Sorted(slices.Values(b.Dates))
			if len(dates) > 0 {
				p.first, p.last = day(dates[0], today), day(dates[len(dates)-1], today)
			}
			p.words = fmt.Sprintf("em %d datas escolhidas", len(dates))
		}
		return p
	}
	return p
}

var weekdays = map[string]string{
	"SEGUNDA_FEIRA": "segunda-feira", "TERCA_FEIRA": "terça-feira", "QUARTA_FEIRA": "quarta-feira", "QUINTA_FEIRA": "quinta-feira",
	"SEXTA_FEIRA": "sexta-feira", "SABADO": "sábado", "DOMINGO": "domingo",
}

// brasilia is the zone of plain dates; Brazil has kept UTC-3 without summer time since 2019.
var brasilia = time.FixedZone("BRT", -3*60*60)

func day(text string, otherwise time.Time) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, text, brasilia)
	if err != nil {
		return otherwise
	}
	return t
}
