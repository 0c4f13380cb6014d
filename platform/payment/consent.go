package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// access is a client asking for something of a client's.
type access struct{ owner, client string }

var ownerRules = rule.NewSet("payment owner",
	rule.Rule[access]{ID: "PAY-OWN-01/own-only", Text: "Payment consents and payments are for the client that made them.", Weight: fault.Critical,
		Check: func(_ context.Context, a access) error {
			if a.owner != a.client {
				return forbidden("O recurso pertence a outra instituição")
			}
			return nil
		}},
)

// consentOf returns the consent a call names, if it is the caller's.
func (s *Service) consentOf(ctx context.Context, c *call.Call) (*consent.Consent, error) {
	found, ok := s.cfg.Consents.Get(c.Params["consentId"])
	if !ok || found.Kind != consent.Payment {
		return nil, unknown("O consentimento informado não existe")
	}
	c.Report["consentId"] = found.ID
	return found, ownerRules.Check(ctx, s.cfg.Seams, access{found.ClientID, c.Client.ID})
}

// createConsent takes a request to pay. Nothing about the customer is looked at: that waits until they
// have logged in (payments 5.1).
func (s *Service) createConsent(ctx context.Context, c *call.Call) (*call.Answer, error) {
	data, ok := parse(c.Body).(map[string]any)
	if !ok {
		data = map[string]any{} // every required field is missing
	}
	r := request{tree: data, now: c.Now}
	reportConsent(c, r.tree)
	a, err := s.attempt(ctx, c, data)
	if err != nil {
		return nil, err
	}
	defer a.unlock()
	if a.first != nil {
		if found, ok := s.cfg.Consents.Get(a.first.IDs[0]); ok {
			s.expect(ctx, c, found.CPF)
			return s.consentAnswer(c, http.StatusCreated, found), nil
		}
	}
	if err := consentRules.Check(ctx, s.cfg.Seams, r); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("payment consent: %w", err)
	}
	wish := consent.Consent{Kind: consent.Payment, ClientID: c.Client.ID, CPF: r.text("loggedUser.document.identification"), CNPJ: r.text("businessEntity.document.identification"), Payment: raw}
	if v, ok := r.at("debtorAccount"); ok {
		if wish.Debtor, err = json.Marshal(v); err != nil {
			return nil, fmt.Errorf("payment consent: %w", err)
		}
	}
	made, err := s.cfg.Consents.Create(ctx, wish)
	if err != nil {
		return nil, fmt.Errorf("payment consent: %w", err)
	}
	if err := s.keep(ctx, a, []string{made.ID}, nil); err != nil {
		return nil, err
	}
	c.Report["consentId"] = made.ID
	s.expect(ctx, c, made.CPF)
	return s.consentAnswer(c, http.StatusCreated, made), nil
}

// expect reports whether the person can be expected to log in (metrics platform, dropReason).
func (s *Service) expect(ctx context.Context, c *call.Call, cpf string) {
	if s.cfg.Find == nil {
		return
	}
	switch err := s.cfg.Find(ctx, cpf); {
	case err == nil:
		c.Report["dropReason"] = "NONE"
	case errors.Is(err, connector.ErrUnknown):
		c.Report["dropReason"] = "NO_CREDENTIAL"
	default:
		c.Report["dropReason"] = "CREDENTIAL_UNAVAILABLE"
	}
}

// keep makes an attempt's outcome durable together with other operations, and then remembers it.
func (s *Service) keep(ctx context.Context, a *attempt, ids []string, refusal *call.Problem, more ...store.Op) error {
	ops, done := s.remember(a, ids, refusal)
	if ops = append(ops, more...); len(ops) == 0 {
		return nil
	}
	if err := s.cfg.Store.Commit(ctx, ops...); err != nil {
		return fmt.Errorf("keep the outcome: %w", err)
	}
	done()
	return nil
}

func (s *Service) readConsent(ctx context.Context, c *call.Call) (*call.Answer, error) {
	found, err := s.consentOf(ctx, c)
	if err != nil {
		return nil, err
	}
	return s.consentAnswer(c, http.StatusOK, found), nil
}

// reasonTexts say to people what a rejection reason means; the standard requires a detail.
var reasonTexts = map[string]string{
	"TEMPO_EXPIRADO_AUTORIZACAO":   "O prazo para autorizar o consentimento terminou.",
	"TEMPO_EXPIRADO_CONSUMO":       "O prazo para usar o consentimento terminou.",
	"REJEITADO_USUARIO":            "O cliente recusou a autorização.",
	"AUTENTICACAO_DIVERGENTE":      "Quem se autenticou não é quem criou o consentimento.",
	"CONTA_NAO_PERMITE_PAGAMENTO":  "A conta de débito não permite este pagamento.",
	"CONTAS_ORIGEM_DESTINO_IGUAIS": "As contas de origem e destino são a mesma.",
	"VALOR_INVALIDO":               "O valor não corresponde ao QR Code.",
	"QRCODE_INVALIDO":              "O QR Code não é válido.",
	"VALOR_ACIMA_LIMITE":           "O valor ultrapassa o limite do cliente.",
	"SALDO_INSUFICIENTE":           "A conta de débito não tem saldo suficiente.",
	"FALHA_INFRAESTRUTURA":         "Uma falha interna impediu o processamento.",
	"PERMISSAO_INSUFICIENTE":       "Saque e troco exigem plenos poderes de aprovação.",
	"NAO_INFORMADO":                "Motivo não informado pela detentora.",
}

func (s *Service) consentAnswer(c *call.Call, status int, of *consent.Consent) *call.Answer {
	t := terms(of.Payment)
	data := map[string]any{
		"consentId": of.ID, "creationDateTime": call.Time(of.Created), "statusUpdateDateTime": call.Time(of.Updated), "status": of.Status,
	}
	for _, name := range []string{"loggedUser", "businessEntity", "creditor", "payment", "debtorAccount"} {
		if v, ok := t[name]; ok {
			data[name] = v
		}
	}
	if of.Expires != nil {
		data["expirationDateTime"] = call.Time(*of.Expires)
	}
	if of.Debtor != nil {
		data["debtorAccount"] = of.Debtor
	}
	c.Report["status"] = of.Status
	if of.Status == consent.Rejected {
		code, detail := "NAO_INFORMADO", ""
		if of.Rejection != nil {
			code, detail = of.Rejection.Code, of.Rejection.Detail
		}
		if detail == "" {
			detail = reasonTexts[code]
		}
		if detail == "" {
			detail = code
		}
		data["rejectionReason"] = Reason{code, detail}
		c.Report["rejectionReasonCode"], c.Report["rejectionReasonDetail"] = code, detail
	}
	return answer(c, status, data, c.Base+c.Operation.API.Base+"/consents/"+of.ID)
}

// answer is the common frame of every answer.
func answer(c *call.Call, status int, data any, self string) *call.Answer {
	return call.JSON(status, map[string]any{
		"data": data, "links": map[string]string{"self": self}, "meta": map[string]string{"requestDateTime": call.Time(c.Now)},
	})
}

// reportConsent notes what the metrics platform wants to know of a request to pay.
func reportConsent(c *call.Call, t tree) {
	c.Report["localInstrument"] = t.text("payment.details.localInstrument")
	c.Report["personType"] = "PF"
	if t.has("businessEntity") {
		c.Report["personType"] = "PJ"
	}
	c.Report["paymentType"] = kind(t)
	if t.has("payment.date") {
		c.Report["paymentDate"] = t.text("payment.date")
	}
	if v, ok := t.at("payment.schedule"); ok {
		if b, err := json.Marshal(v); err == nil {
			c.Report["paymentSchedule"] = string(b)
		}
	}
}

// kind is the metrics platform's word for a payment's purpose.
func kind(t tree) string {
	switch p := t.text("payment.purpose"); p {
	case "SINGLE_SCHEDULED":
		return "SCHEDULED"
	case "RECURRENT_SCHEDULED":
		return "RECURRENT"
	default:
		return p
	}
}
