package filing

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// Book holds the records that filings are made of. The zero value is an empty book.
type Book struct {
	calls         []Call
	steps         []Step
	stocks        []Stock
	states        []State
	payments      []Payment
	agreements    []Agreement
	down          map[downKey]Downtime
	organisations map[string]Organisation
	words         map[string]string // texts that come again and again, once each
}

// word is the text, as it was first held.
func (b *Book) word(s string) string {
	if held, ok := b.words[s]; ok {
		return held
	}
	if b.words == nil {
		b.words = map[string]string{}
	}
	b.words[s] = s
	return s
}

// endpoint is a method and a path template.
type endpoint struct{ method, path string }

// Call is one side's account of one call.
type Call struct {
	At          time.Time
	Took        time.Duration
	Side        spec.Side
	State       string // of pairing
	Interaction string
	Client      string
	Server      string
	Method      string
	Endpoint    string
	Status      int
	Info        map[string]string // additionalInfo, texts only
}

// Step is one reported step of a consent journey.
type Step struct {
	Kind      string // "server/authenticated"
	Side      spec.Side
	At        time.Time
	ConsentID string
	Reporter  string
	Type      string
}

// Stock is one side's count of live consents at the end of a day.
type Stock struct {
	Date         string
	Organisation string
	Side         spec.Side
	PF, PJ       int
	Of           []Stake
}

// Stake is how many live consents one counterpart has.
type Stake struct {
	Client string `json:"clientOrgId"`
	Server string `json:"serverOrgId"`
	Active int    `json:"totalActiveConsents"`
}

// State is a reported state of a payment.
type State struct {
	At           time.Time
	Organisation string // of the account holder
	Client       string
	ConsentID    string
	PaymentID    string
	Type         string
	Status       string
	Reason       string
}

// Payment is a payment of the institution's own books.
type Payment struct {
	ID        string    `json:"paymentId"`
	ConsentID string    `json:"consentId"`
	Created   time.Time `json:"created"`
	Updated   time.Time `json:"updated"`
	Status    string    `json:"status"`
	Reason    string    `json:"reason"`
	Amount    string    `json:"amount"` // decimal text
}

// Agreement is a consent of the institution's own books. CPF and CNPJ are words in place of the customer's,
// alike for the same person within one book.
type Agreement struct {
	ID      string    `json:"consentId"`
	Kind    string    `json:"kind"` // "consent", "payment-consent"
	Created time.Time `json:"created"`
	CPF     string    `json:"cpf"`
	CNPJ    string    `json:"cnpj"`
}

// centavos is the amount in hundredths, or false when it is not one of the standard.
func (p Payment) centavos() (int64, bool) {
	whole, cents, ok := strings.Cut(p.Amount, ".")
	if !ok || len(cents) != 2 {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+cents, 10, 64)
	return n, err == nil && n >= 0
}

// Downtime is how long an endpoint was down on a day, in seconds.
type Downtime struct {
	Method   string `json:"method"`
	Endpoint string `json:"endpoint"`
	Date     string `json:"date"`
	Down     int    `json:"downSeconds"`
	Planned  int    `json:"plannedSeconds"`
}

type downKey struct {
	endpoint
	day Day
}

// maxLine bounds one line of records.
const maxLine = 1 << 20

// line is one line of the metrics platform's export.
type line struct {
	Kind     string          `json:"kind"`
	State    string          `json:"state"`
	Reporter string          `json:"reporter"`
	Path     string          `json:"path"`
	Report   json.RawMessage `json:"report"`
}

// Read takes JSON lines in, as the metrics platform exports them. A line that cannot be read is an error
// that names it; what came before stays.
func (b *Book) Read(r io.Reader) error {
	scan := bufio.NewScanner(r)
	scan.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; scan.Scan(); n++ {
		text := bytes.TrimSpace(scan.Bytes())
		if len(text) == 0 {
			continue
		}
		var l line
		err := json.Unmarshal(text, &l)
		if err == nil {
			err = b.take(l)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	return nil
}

func (b *Book) take(l line) error {
	if l.State == spec.ReportDiscarded {
		return nil // what it told was told again, as another report
	}
	switch l.Kind {
	case "private", "opendata":
		return b.takeCall(l)
	case "hybrid":
		return b.takeStep(l)
	case "stock":
		return b.takeStock(l)
	case "payments":
		return b.takeState(l)
	case "portability":
		return nil // has no filing
	}
	return fmt.Errorf("no such kind of record: %q", l.Kind)
}

func (b *Book) takeCall(l line) error {
	var r spec.Report
	if err := json.Unmarshal(l.Report, &r); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, r.Timestamp)
	if err != nil {
		return err
	}
	c := Call{At: at, Took: time.Duration(r.ProcessTimespan * float64(time.Millisecond)), Side: spec.Side(b.word(string(r.Role))), State: b.word(l.State), Interaction: r.FapiInteractionID,
		Client: b.word(r.ClientOrgID), Server: b.word(r.ServerOrgID), Method: b.word(r.HTTPMethod), Endpoint: b.word(r.Endpoint), Status: r.StatusCode, Info: texts(r.AdditionalInfo)}
	if l.Kind == "opendata" { // told by the server alone, of itself
		c.Side, c.Server = spec.ServerSide, b.word(l.Reporter)
	}
	b.calls = append(b.calls, c)
	return nil
}

// texts keeps the members that are texts: all that filings count by are.
func texts(info json.RawMessage) map[string]string {
	var all map[string]any
	if len(info) < 3 || json.Unmarshal(info, &all) != nil {
		return nil
	}
	out := make(map[string]string, len(all))
	for k, v := range all {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

func (b *Book) takeStep(l line) error {
	var r spec.HybridReport
	if err := json.Unmarshal(l.Report, &r); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, r.Timestamp)
	if err != nil {
		return err
	}
	kind, ok := stepOf(l.Path)
	if !ok {
		return fmt.Errorf("no such step of a journey: %q", l.Path)
	}
	b.steps = append(b.steps, Step{Kind: kind.Kind, Side: kind.Side, At: at, ConsentID: r.ConsentID, Reporter: l.Reporter, Type: r.Type})
	return nil
}

func (b *Book) takeStock(l line) error {
	var r struct {
		Date  string    `json:"date"`
		OrgID string    `json:"orgId"`
		Role  spec.Side `json:"role"`
		PF    float64   `json:"totalCustomerPF"`
		PJ    float64   `json:"totalCustomerPJ"`
		List  []Stake   `json:"consentsStockList"`
	}
	if err := json.Unmarshal(l.Report, &r); err != nil {
		return err
	}
	if _, err := parseDay(r.Date); err != nil {
		return err
	}
	b.stocks = append(b.stocks, Stock{Date: r.Date, Organisation: r.OrgID, Side: r.Role, PF: int(r.PF), PJ: int(r.PJ), Of: r.List})
	return nil
}

func (b *Book) takeState(l line) error {
	var r struct {
		At      string `json:"eventDateTime"`
		Type    string `json:"paymentType"`
		Client  string `json:"clientOrgId"`
		Consent string `json:"consentId"`
		Payment string `json:"paymentId"`
		Status  string `json:"paymentStatus"`
		Reason  string `json:"statusReasonCode"`
	}
	if err := json.Unmarshal(l.Report, &r); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, r.At)
	if err != nil {
		return err
	}
	b.states = append(b.states, State{At: at, Organisation: l.Reporter, Client: r.Client, ConsentID: r.Consent, PaymentID: r.Payment, Type: r.Type, Status: r.Status, Reason: r.Reason})
	return nil
}

// Down enters the institution's own count of downtime.
func (b *Book) Down(list ...Downtime) error {
	if b.down == nil {
		b.down = map[downKey]Downtime{}
	}
	for _, d := range list {
		day, err := parseDay(d.Date)
		if err != nil {
			return fmt.Errorf("downtime of %s: %w", d.Endpoint, err)
		}
		if d.Down < 0 || d.Planned < 0 || d.Down+d.Planned > 86400 {
			return fmt.Errorf("downtime of %s on %s: %d and %d seconds of a day", d.Endpoint, d.Date, d.Down, d.Planned)
		}
		b.down[downKey{endpoint{d.Method, d.Endpoint}, day}] = d
	}
	return nil
}

// Paid enters payments of the institution's own books.
func (b *Book) Paid(list ...Payment) error {
	for _, p := range list {
		if _, ok := p.centavos(); !ok {
			return fmt.Errorf("payment %s: amount %q is no decimal text with two places", p.ID, p.Amount)
		}
	}
	b.payments = append(b.payments, list...)
	return nil
}

// Agreed enters consents of the institution's own books.
func (b *Book) Agreed(list ...Agreement) error {
	b.agreements = append(b.agreements, list...)
	return nil
}

// Known enters what the directory says of participants.
func (b *Book) Known(list ...Organisation) {
	if b.organisations == nil {
		b.organisations = map[string]Organisation{}
	}
	for _, o := range list {
		b.organisations[o.ID] = o
	}
}

// ErrEmpty says that there is nothing to file of.
var ErrEmpty = errors.New("no records")

// Span is the first and the last day with a call, or ErrEmpty.
func (b *Book) Span() (from, to Day, err error) {
	if len(b.calls) == 0 {
		return 0, 0, ErrEmpty
	}
	from, to = DayOf(b.calls[0].At), DayOf(b.calls[0].At)
	for _, c := range b.calls {
		from, to = min(from, DayOf(c.At)), max(to, DayOf(c.At))
	}
	return from, to, nil
}
