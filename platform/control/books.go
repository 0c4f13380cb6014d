package control

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/payment"
)

// entry is a payment as the books show it for the filings of the institution: amounts and outcomes, and
// instead of the payer a word that is the same for the same person within one answer and means nothing
// outside of it.
type entry struct {
	PaymentID string    `json:"paymentId"`
	ConsentID string    `json:"consentId"`
	Created   time.Time `json:"created"`
	Updated   time.Time `json:"updated"`
	Status    string    `json:"status"`
	Reason    string    `json:"reason,omitempty"`
	Amount    string    `json:"amount"`
	CPF       string    `json:"cpf,omitempty"`
	CNPJ      string    `json:"cnpj,omitempty"`
}

// agreement is a consent as the books show it: who asked, and a word in place of the customer.
type agreement struct {
	ConsentID string       `json:"consentId"`
	Kind      consent.Kind `json:"kind"`
	Status    string       `json:"status"`
	Created   time.Time    `json:"created"`
	CPF       string       `json:"cpf,omitempty"`
	CNPJ      string       `json:"cnpj,omitempty"`
}

// words turns documents into words that are alike for the same document, within one answer.
func words() (func(document string) string, error) {
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return nil, err
	}
	return func(document string) string {
		if document == "" {
			return ""
		}
		m := hmac.New(sha256.New, key[:])
		m.Write([]byte(document))
		return hex.EncodeToString(m.Sum(nil)[:12])
	}, nil
}

// paid streams every payment as JSON lines.
func (s *surface) paid(w http.ResponseWriter, _ *http.Request) {
	word, err := words()
	if err != nil {
		refuse(w, http.StatusInternalServerError, "no randomness")
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	s.Payments(func(p *payment.Payment) bool {
		e := entry{PaymentID: p.ID, ConsentID: p.ConsentID, Created: p.Created, Updated: p.Updated, Status: p.Status, Amount: p.Order.Amount}
		if p.Rejection != nil {
			e.Reason = p.Rejection.Code
		}
		if p.Cancellation != nil {
			e.Reason = p.Cancellation.Reason
		}
		if c, ok := s.Consents.Get(p.ConsentID); ok {
			e.CPF, e.CNPJ = word(c.CPF), word(c.CNPJ)
		}
		return out.Encode(e) == nil // a caller that left hears nothing more
	})
}

// agreed streams every consent as JSON lines.
func (s *surface) agreed(w http.ResponseWriter, _ *http.Request) {
	word, err := words()
	if err != nil {
		refuse(w, http.StatusInternalServerError, "no randomness")
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	s.Consents.Each(func(c *consent.Consent) bool {
		return out.Encode(agreement{c.ID, c.Kind, c.Status, c.Created, word(c.CPF), word(c.CNPJ)}) == nil
	})
}
