package tpp

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
)

// brasilia is the zone of the standard's plain dates and of the metrics platform's days.
var brasilia = time.FixedZone("BRT", -3*60*60)

// Account is a Brazilian payment account as messages carry it.
type Account struct {
	ISPB   string `json:"ispb"`
	Issuer string `json:"issuer,omitempty"`
	Number string `json:"number"`
	Type   string `json:"accountType"`
}

// Creditor is who is paid.
type Creditor struct {
	Name     string
	Document string // CPF or CNPJ
	Account  Account
}

// Order is a payment before it becomes messages. What is zero takes a sound default.
type Order struct {
	Payer         Person
	Creditor      Creditor
	Debtor        *Account // nil: the customer chooses
	Amount        string   // "1.00"
	Instrument    string   // MANU, DICT, INIC, QRES, QRDN, APDN, APES; "" is MANU
	Proxy         string
	QRCode        string
	PayloadJWS    string
	TransactionID string
	Remittance    string
	IBGETownCode  string
	Purpose       string // "" follows from the schedule
	Schedule      *Schedule
}

// Schedule is one of the standard's branches. Exactly one of Single, Quantity or Custom is used.
type Schedule struct {
	Single     time.Time
	Every      string // "daily", "weekly", "monthly", with Start and Quantity
	Start      time.Time
	Quantity   int
	DayOfWeek  string // weekly: SEGUNDA_FEIRA …; "" is Start's
	DayOfMonth int    // monthly: 1–31; 0 is Start's
	Custom     []time.Time
	Note       string // additionalInformation
}

var weekdays = []string{"DOMINGO", "SEGUNDA_FEIRA", "TERCA_FEIRA", "QUARTA_FEIRA", "QUINTA_FEIRA", "SEXTA_FEIRA", "SABADO"}

func day(t time.Time) string { return t.In(brasilia).Format(time.DateOnly) }

// body is the schedule as the consent carries it.
func (s *Schedule) body() map[string]any {
	note := s.Note
	if note == "" {
		note = "Agendamento simulado"
	}
	b := map[string]any{"additionalInformation": note}
	switch {
	case !s.Single.IsZero():
		b["single"] = map[string]any{"date": day(s.Single)}
	case len(s.Custom) > 0:
		var dates []string
		for _, t := range s.Custom {
			dates = append(dates, day(t))
		}
		b["custom"] = map[string]any{"dates": dates}
	default:
		branch := map[string]any{"startDate": day(s.Start), "quantity": s.Quantity}
		if s.Every == "weekly" {
			branch["dayOfWeek"] = weekdays[s.weekday()]
		}
		if s.Every == "monthly" {
			branch["dayOfMonth"] = s.monthday()
		}
		b[s.Every] = branch
	}
	return b
}

func (s *Schedule) weekday() time.Weekday {
	if i := slices.Index(weekdays, s.DayOfWeek); i >= 0 {
		return time.Weekday(i)
	}
	return s.Start.In(brasilia).Weekday()
}

func (s *Schedule) monthday() int {
	if s.DayOfMonth > 0 {
		return s.DayOfMonth
	}
	return s.Start.In(brasilia).Day()
}

// Dates are the days of settlement. A day that a month does not have becomes the next day (SC-04).
func (s *Schedule) Dates() []time.Time {
	if !s.Single.IsZero() {
		return []time.Time{s.Single}
	}
	if len(s.Custom) > 0 {
		return slices.Clone(s.Custom)
	}
	from := s.Start.In(brasilia)
	y, m, d := from.Date()
	first := time.Date(y, m, d, 12, 0, 0, 0, brasilia)
	var dates []time.Time
	switch s.Every {
	case "weekly":
		first = first.AddDate(0, 0, int(s.weekday()-first.Weekday()+7)%7)
		for i := range s.Quantity {
			dates = append(dates, first.AddDate(0, 0, 7*i))
		}
	case "monthly":
		// A first day before the start belongs to the month after it.
		for i := 0; len(dates) < s.Quantity; i++ {
			month := time.Date(y, m+time.Month(i), 1, 12, 0, 0, 0, brasilia)
			at := month.AddDate(0, 0, s.monthday()-1)
			if last := month.AddDate(0, 1, 0); !at.Before(last) {
				at = last
			}
			if !at.Before(first) {
				dates = append(dates, at)
			}
		}
	default:
		for i := range s.Quantity {
			dates = append(dates, first.AddDate(0, 0, i))
		}
	}
	return dates
}

func (o Order) instrument() string {
	if o.Instrument == "" {
		return "MANU"
	}
	return o.Instrument
}

func (o Order) purpose() string {
	switch {
	case o.Purpose != "":
		return o.Purpose
	case o.Schedule == nil:
		return "IMMEDIATE"
	case !o.Schedule.Single.IsZero():
		return "SINGLE_SCHEDULED"
	}
	return "RECURRENT_SCHEDULED"
}

// ConsentBody is the body of the payment consent, {"data": …}, for an order given now.
func (o Order) ConsentBody(now time.Time) map[string]any {
	details := map[string]any{"localInstrument": o.instrument(), "creditorAccount": o.Creditor.Account}
	optional(details, map[string]string{"proxy": o.Proxy, "qrCode": o.QRCode, "payloadJWS": o.PayloadJWS})
	payment := map[string]any{"type": "PIX", "purpose": o.purpose(), "currency": "BRL", "amount": o.Amount, "details": details}
	optional(payment, map[string]string{"ibgeTownCode": o.IBGETownCode})
	if o.Schedule != nil {
		payment["schedule"] = o.Schedule.body()
	} else {
		payment["date"] = day(now)
	}
	kind := "PESSOA_NATURAL"
	if len(o.Creditor.Document) > 11 {
		kind = "PESSOA_JURIDICA"
	}
	data := map[string]any{
		"creditor": map[string]any{"personType": kind, "cpfCnpj": o.Creditor.Document, "name": o.Creditor.Name},
		"payment":  payment,
	}
	o.Payer.into(data)
	if o.Debtor != nil {
		data["debtorAccount"] = *o.Debtor
	}
	return map[string]any{"data": data}
}

// PaymentBody is the body of the payments of an authorised consent, one item a date, each with an
// endToEndId of its own (rules §6.1).
func (c *Client) PaymentBody(o Order) map[string]any {
	var ids []string
	if o.Schedule == nil {
		ids = append(ids, c.EndToEndID(c.cfg.Clock.Now()))
	} else {
		for _, date := range o.Schedule.Dates() {
			y, m, d := date.In(brasilia).Date()
			ids = append(ids, c.EndToEndID(time.Date(y, m, d, 15, 0, 0, 0, time.UTC)))
		}
	}
	items := []any{}
	for _, id := range ids {
		item := map[string]any{
			"endToEndId": id, "localInstrument": o.instrument(), "payment": map[string]any{"amount": o.Amount, "currency": "BRL"},
			"creditorAccount": o.Creditor.Account, "cnpjInitiator": c.cfg.CNPJ, "authorisationFlow": "HYBRID_FLOW",
		}
		optional(item, map[string]string{"proxy": o.Proxy, "qrCode": o.QRCode, "transactionIdentification": o.TransactionID, "remittanceInformation": o.Remittance})
		items = append(items, item)
	}
	return map[string]any{"data": items}
}

func optional(into map[string]any, values map[string]string) {
	for name, v := range values {
		if v != "" {
			into[name] = v
		}
	}
}

// EndToEndID makes the identifier of one payment: E, the initiator's ISPB, the minute in UTC, eleven
// characters that do not repeat.
func (c *Client) EndToEndID(at time.Time) string {
	ispb := c.cfg.CNPJ
	if len(ispb) > 8 {
		ispb = ispb[:8]
	}
	return fmt.Sprintf("E%08s%s%s", ispb, at.UTC().Format("200601021504"), c.letters(11))
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (c *Client) letters(n int) string {
	raw := make([]byte, n)
	if c.cfg.Seed != nil {
		_, _ = c.cfg.Seed.Read(raw)
	} else {
		_, _ = rand.Read(raw) // never fails since Go 1.24
	}
	var b strings.Builder
	for _, v := range raw {
		b.WriteByte(alphabet[int(v)%len(alphabet)])
	}
	return b.String()
}
