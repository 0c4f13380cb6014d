package payment

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/connector"
)

// charge is what stands behind a dynamic code: the payload signed by the payee's institution, as the
// initiator read it. The holder may rely on what was handed to it (payments 5.0.0, payloadJWS); the
// payee's institution is outside the ecosystem, so its signature is not proved here.
type charge struct {
	TxID     string `json:"txid"`
	Key      string `json:"chave"`
	Status   string `json:"status"`
	Calendar struct {
		Created string `json:"criacao"`
		Expires int64  `json:"expiracao"` // seconds after creation
		Due     string `json:"dataDeVencimento"`
		Grace   int    `json:"validadeAposVencimento"` // days
	} `json:"calendario"`
	Value struct {
		Original  string `json:"original"`
		Final     string `json:"final"`
		Editable  int    `json:"modalidadeAlteracao"`
		Withdrawn struct {
			Cash   *part `json:"saque"`
			Change *part `json:"troco"`
		} `json:"retirada"`
	} `json:"valor"`
}

type part struct {
	Value    string `json:"valor"`
	Editable int    `json:"modalidadeAlteracao"`
}

var errCharge = errors.New("not the payload of a dynamic code")

// readCharge reads the payload of a dynamic code.
func readCharge(payloadJWS string) (*charge, error) {
	parts := strings.Split(payloadJWS, ".")
	if len(parts) != 3 {
		return nil, errCharge
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	c := &charge{}
	if err != nil || json.Unmarshal(raw, c) != nil || c.TxID == "" {
		return nil, errCharge
	}
	return c, nil
}

// due says whether the charge has a due date.
func (c *charge) due() bool { return c.Calendar.Due != "" }

// payable says whether the charge may be paid at that instant: active, and neither expired nor overdue.
func (c *charge) payable(now time.Time) bool {
	if c.Status != "" && c.Status != "ATIVA" {
		return false
	}
	if c.due() {
		last, err := time.Parse(time.DateOnly, c.Calendar.Due)
		return err == nil && today(now) <= last.AddDate(0, 0, c.Calendar.Grace).Format(time.DateOnly)
	}
	created, err := time.Parse(time.RFC3339, c.Calendar.Created)
	if err != nil || c.Calendar.Expires <= 0 {
		return true
	}
	return now.Before(created.Add(time.Duration(c.Calendar.Expires) * time.Second))
}

// accepts says whether the amount may be paid for the charge (payments 5.0.0, amount).
func (c *charge) accepts(amount string) bool {
	want, cents := int64(0), centavos(amount)
	switch v := c.Value; {
	case v.Withdrawn.Cash != nil:
		if v.Withdrawn.Cash.Editable == 1 {
			return cents > 0
		}
		want = centavos(v.Withdrawn.Cash.Value)
	case v.Withdrawn.Change != nil:
		purchase := centavos(v.Original)
		if v.Withdrawn.Change.Editable == 1 {
			return cents > purchase
		}
		want = purchase + centavos(v.Withdrawn.Change.Value)
	case c.due() && v.Final != "":
		want = centavos(v.Final)
	default:
		if v.Editable == 1 && !c.due() {
			return cents > 0
		}
		want = centavos(v.Original)
	}
	return cents >= 0 && cents == want
}

// centavos reads an amount of two decimals exactly; -1 is not one.
func centavos(s string) int64 {
	whole, part, ok := strings.Cut(s, ".")
	if !ok || len(part) != 2 || whole == "" || len(whole) > 16 {
		return -1
	}
	n := int64(0)
	for _, d := range whole + part {
		if d < '0' || d > '9' {
			return -1
		}
		n = n*10 + int64(d-'0')
	}
	return n
}

// same compares accounts as the payment system does: a branch only where both name one.
func same(a, b connector.Account) bool {
	return a.ISPB == b.ISPB && a.Number == b.Number && a.Type == b.Type && (a.Issuer == b.Issuer || a.Issuer == "" || b.Issuer == "")
}
