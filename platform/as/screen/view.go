package screen

import (
	"fmt"
	"strings"
	"time"
)

// Page is what every page carries.
type Page struct {
	Brand   string   // the institution's brand: CustomerFriendlyName of its authorization server (RD-06)
	Logo    string   // https address of the brand's mark, or ""
	Defects []string // names of armed defects, shouted in red
}

// Form is the way back to the authorization server.
type Form struct {
	Action string // address the form is posted to
	CSRF   string
}

// LoginView is the sign-in page.
type LoginView struct {
	Page
	Form
	Requester string // brand of the third party the customer came from
	Username  string // typed before, when the page is shown again
	Failure   string // why the page is shown again, in plain words
	Recover   string // address of the bank's usual path for first access and lost password, or ""
}

// DataView is the confirmation of data sharing. Show it only to the customer the consent names (AU-04).
type DataView struct {
	Page
	Form
	Customer    string // who is signed in
	Receiver    string // brand: client_name of the software statement
	Institution string // legal name of the receiving institution
	ConsentID   string
	Purpose     string // as told by the receiver, or ""
	Groups      []Group
	Accounts    []Account // every account and card the consent can reach
	Companies   []Company // companies the person may act for, when the consent names one
	Starts      time.Time
	Expires     *time.Time // nil is without end: then no date is shown (CF-03)
	Missing     []string   // groups asked for of which the customer holds nothing (CF-17)
	Approval    *Approval
}

// PaymentView is the confirmation of a payment.
type PaymentView struct {
	Page
	Form
	Customer   string
	Payer      string // document of the payer, shown masked
	Initiator  string // brand: client_name of the software statement
	ConsentID  string
	Amount     string // decimal text as on the wire, "1234.56"
	Creditor   Creditor
	Means      string    // "" is Pix
	Instrument string    // localInstrument: decides how the order is described
	Details    string    // description shown to the payer, or ""
	Date       time.Time // day of settlement; the first one of a schedule
	Schedule   string    // frequency, day and count in words; "" for a payment of today
	Until      time.Time // last day of a schedule, or zero
	Fee        string    // "" is none
	Accounts   []Account
	Companies  []Company
	Approval   *Approval
}

// Creditor is who receives.
type Creditor struct {
	Name        string
	Document    string // CPF, shown masked, or CNPJ
	Institution string
	Key         string // Pix key, shown masked when it is a CPF
}

// Account is one choice of origin.
type Account struct {
	ID          string // resource id
	Kind        string // "Conta corrente", "Cartão de crédito"
	Branch      string
	Number      string
	Institution string // when one brand covers several institutions (CF-06)
	Balance     string // decimal text, or ""
	Selected    bool   // payments only: data accounts all start selected (CF-05)
	Unfit       string // why it cannot be chosen, or "" (PM-12)
}

// Company is one company the person may act for.
type Company struct {
	ID       string
	Name     string
	CNPJ     string
	Selected bool
}

// Approval tells of further approvers (MA-03, MP-02).
type Approval struct {
	Approvers []string // who must still approve
	Where     string   // where they do it
	Deadline  time.Time
}

// ErrorView is an error page.
type ErrorView struct {
	Page
	Kind   string // stable hook: "owner-mismatch", "expired", "invalid-request", …
	What   string
	Why    string
	Do     string
	Party  string // who failed, when it can be told
	Return string // address to go back to, or ""
	Code   string // reference for support: an interaction id, never an internal
}

// Term names the time between two instants as a customer says it: "12 meses", "90 dias".
func (v DataView) Term() string {
	if v.Expires == nil {
		return "prazo indeterminado"
	}
	from, to := v.Starts.In(brasilia), v.Expires.In(brasilia)
	for months := 1; months <= 24; months++ {
		at := from.AddDate(0, months, 0)
		if d := to.Sub(at); d > -24*time.Hour && d < 24*time.Hour {
			return count(months, "mês", "meses")
		}
	}
	days := int(to.Sub(from).Round(24*time.Hour) / (24 * time.Hour))
	if days < 1 {
		return count(max(int(to.Sub(from)/time.Hour), 1), "hora", "horas")
	}
	return count(days, "dia", "dias")
}

// EndDate is the last day in Brasília, or "" without end.
func (v DataView) EndDate() string {
	if v.Expires == nil {
		return ""
	}
	return Date(*v.Expires)
}

// Grows says whether new contracts join by themselves (CF-08).
func (v DataView) Grows() bool {
	for _, g := range v.Groups {
		if g.Grows {
			return true
		}
	}
	return false
}

// Money is the amount as a Brazilian reads it.
func (v PaymentView) Money() string { return Money(v.Amount) }

// Day is the day of settlement in Brasília.
func (v PaymentView) Day() string { return Date(v.Date) }

// LastDay is the end of a schedule, or "".
func (v PaymentView) LastDay() string {
	if v.Until.IsZero() {
		return ""
	}
	return Date(v.Until)
}

// How names the means of payment with its instrument.
func (v PaymentView) How() string {
	means := v.Means
	if means == "" {
		means = "Pix"
	}
	if by := instruments[v.Instrument]; by != "" {
		return means + " " + by
	}
	return means
}

// Kind says whether the payment is of today or scheduled.
func (v PaymentView) Kind() string {
	if v.Schedule != "" {
		return "agendado"
	}
	return "imediato"
}

// ByCode says that the order came from a code, where no field may be called description (PM-05).
func (v PaymentView) ByCode() bool {
	return strings.HasPrefix(v.Instrument, "QR") || strings.HasPrefix(v.Instrument, "AP")
}

// PayerDocument is the payer's document, masked.
func (v PaymentView) PayerDocument() string { return Mask(v.Payer) }

// MaskedDocument is the creditor's document as it may be shown.
func (c Creditor) MaskedDocument() string { return Mask(c.Document) }

// MaskedKey is the Pix key as it may be shown.
func (c Creditor) MaskedKey() string { return Mask(c.Key) }

// Document is the company's CNPJ.
func (c Company) Document() string { return Mask(c.CNPJ) }

// Fit says whether the account can be chosen.
func (a Account) Fit() bool { return a.Unfit == "" }

// Money is the balance as a Brazilian reads it, or "".
func (a Account) Money() string {
	if a.Balance == "" {
		return ""
	}
	return Money(a.Balance)
}

// Place is where the account is, in one line: its branch and number.
func (a Account) Place() string {
	var parts []string
	if a.Branch != "" {
		parts = append(parts, "agência "+a.Branch)
	}
	if a.Number != "" {
		word := "conta "
		if strings.Contains(strings.ToLower(a.Kind), "cart") {
			word = "final "
		}
		parts = append(parts, word+a.Number)
	}
	return strings.Join(parts, " · ")
}

// Limit is the deadline for the approvers, in Brasília.
func (a Approval) Limit() string { return Moment(a.Deadline) }

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

var instruments = map[string]string{
	"MANU": "por dados da conta",
	"DICT": "por chave",
	"INIC": "por chave da iniciadora",
	"QRES": "por QR Code estático",
	"QRDN": "por QR Code dinâmico",
	"APES": "por aproximação, código estático",
	"APDN": "por aproximação, código dinâmico",
}
