package payment

import (
	"net/http"

	"github.com/ensaio/ensaio/platform/call"
)

// titles are the words of each 422 code.
var titles = map[string]string{
	"FORMA_PAGAMENTO_INVALIDA":           "Forma de pagamento inválida",
	"DATA_PAGAMENTO_INVALIDA":            "Data de pagamento inválida",
	"DETALHE_PAGAMENTO_INVALIDO":         "Detalhe do pagamento inválido",
	"PARAMETRO_NAO_INFORMADO":            "Parâmetro não informado",
	"PARAMETRO_INVALIDO":                 "Parâmetro inválido",
	"ERRO_IDEMPOTENCIA":                  "Erro de idempotência",
	"NAO_INFORMADO":                      "Motivo não informado",
	"PROPOSITO_INVALIDO":                 "Propósito inválido",
	"SALDO_INSUFICIENTE":                 "Saldo insuficiente",
	"VALOR_ACIMA_LIMITE":                 "Valor acima do limite",
	"VALOR_INVALIDO":                     "Valor inválido",
	"COBRANCA_INVALIDA":                  "Cobrança inválida",
	"CONSENTIMENTO_INVALIDO":             "Consentimento inválido",
	"CONSENTIMENTO_PENDENTE_AUTORIZACAO": "Consentimento pendente de autorização",
	"PAGAMENTO_DIVERGENTE_CONSENTIMENTO": "Pagamento divergente do consentimento",
	"PAGAMENTO_RECUSADO_DETENTORA":       "Pagamento recusado pela detentora",
	"PAGAMENTO_RECUSADO_SPI":             "Pagamento recusado no SPI",
	"CONTA_NAO_PERMITE_PAGAMENTO":        "A conta não permite pagamento",
	"QRCODE_INVALIDO":                    "QR Code inválido",
	"PAGAMENTO_NAO_PERMITE_CANCELAMENTO": "Pagamento não permite cancelamento",
}

// initiationCodes are the business codes an initiation may be refused with; what the core names otherwise
// is a refusal of the holder.
func initiationCode(reason string) string {
	switch reason {
	case "SALDO_INSUFICIENTE", "VALOR_ACIMA_LIMITE", "VALOR_INVALIDO", "COBRANCA_INVALIDA", "PAGAMENTO_RECUSADO_DETENTORA", "PAGAMENTO_RECUSADO_SPI",
		"DETALHE_PAGAMENTO_INVALIDO", "NAO_INFORMADO", "CONTA_NAO_PERMITE_PAGAMENTO", "QRCODE_INVALIDO":
		return reason
	}
	return "PAGAMENTO_RECUSADO_DETENTORA"
}

// unprocessable is a 422 of one entry.
func unprocessable(code, detail string) *call.Problem {
	return call.Refuse(http.StatusUnprocessableEntity, code, titles[code], detail)
}

// several is a 422 with an entry a field, at most as many as the definition allows.
func several(code, text string, names []string, most int) error {
	p := &call.Problem{Status: http.StatusUnprocessableEntity}
	for _, name := range names[:min(len(names), most)] {
		p.Items = append(p.Items, call.Item{Code: code, Title: titles[code], Detail: text + name})
	}
	return p
}

func forbidden(detail string) error {
	return call.Refuse(http.StatusForbidden, "ACESSO_NEGADO", "Acesso negado", detail)
}

func unknown(detail string) error {
	return call.Refuse(http.StatusNotFound, "NAO_ENCONTRADO", "Recurso não encontrado", detail)
}

func badRequest(detail string) error {
	return call.Refuse(http.StatusBadRequest, "PARAMETRO_INVALIDO", "Parâmetro inválido", detail)
}
