package corebank

// Reasons are the refusals that the centavos of a reserved amount choose, from 01 on. The names are those
// of the payment API.
var Reasons = []string{
	"SALDO_INSUFICIENTE", "VALOR_ACIMA_LIMITE", "VALOR_INVALIDO", "COBRANCA_INVALIDA", "PAGAMENTO_RECUSADO_DETENTORA",
	"PAGAMENTO_RECUSADO_SPI", "DETALHE_PAGAMENTO_INVALIDO", "NAO_INFORMADO", "CONTA_NAO_PERMITE_PAGAMENTO", "QRCODE_INVALIDO",
	"FALHA_INFRAESTRUTURA", "FALHA_INFRAESTRUTURA_SPI", "FALHA_INFRAESTRUTURA_DICT", "FALHA_INFRAESTRUTURA_ICP",
	"FALHA_INFRAESTRUTURA_PSP_RECEBEDOR", "FALHA_INFRAESTRUTURA_DETENTORA",
}

// The whole part of the reserved amounts (see the package comment).
const (
	refuseForeseen  = 10421
	refuseSubmitted = 10422
	refuseLater     = 10423
	hold            = 10424
	outage          = 10503
)

// reserved returns the reason a reserved amount of that kind chooses, or "".
func reserved(cents int64, kind int64) string {
	if n := cents % 100; cents/100 == kind && n >= 1 && int(n) <= len(Reasons) {
		return Reasons[n-1]
	}
	return ""
}

// holds says whether an amount is kept back for analysis.
func holds(cents int64) bool { return cents >= hold*100+1 && cents <= hold*100+3 }

// Limits bound what a customer may order through Pix, in centavos.
type Limits struct {
	Order    int64 `json:"order"`    // one order
	Day      int64 `json:"day"`      // a Brasília day, orders under way included
	Withdraw int64 `json:"withdraw"` // one withdrawal or change
}

var usual = Limits{Order: 20_000_00, Day: 100_000_00, Withdraw: 3_000_00}
