package control

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

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

// books streams every payment as JSON lines.
func (s *surface) books(w http.ResponseWriter, _ *http.Request) {
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		refuse(w, http.StatusInternalServerError, "no randomness")
		return
	}
	word := func(document string) string {
		if document == "" {
			return ""
		}
		m := hmac.New(sha256.New, key[:])
		m.Write([]byte(document))
		return hex.EncodeToString(m.Sum(nil)[:12])
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
