package sim

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
)

// trouble is what a page says when something did not work: what, why and what to do, and who can be asked
// about it (experience guide, error screens).
type trouble struct {
	What, Why, Do string
	Party         string // on whose side, when that can be told
	Code          string // as it stood on the wire
	Interaction   string // for support: the id both sides know
	Hook          string // stable name for those who look for it
}

// reasons says, for every code with which a consent or a payment ends, what it means to the person in
// front of the page. An institution's code stays visible beside it.
var reasons = map[string]trouble{
	// Consents of data.
	"CUSTOMER_MANUALLY_REJECTED": {What: "O compartilhamento não foi feito", Why: "Você cancelou na página do banco.", Do: "Se mudou de ideia, peça de novo: nada foi compartilhado.", Hook: "not-done"},
	"CUSTOMER_MANUALLY_REVOKED":  {What: "O compartilhamento foi encerrado", Why: "Você o encerrou, aqui ou no banco.", Do: "Para voltar a compartilhar, faça um novo pedido.", Hook: "ended"},
	"CONSENT_EXPIRED":            {What: "O tempo para confirmar acabou", Why: "O pedido vale por 60 minutos, e eles passaram.", Do: "Faça um novo pedido.", Hook: "expired"},
	"CONSENT_MAX_DATE_REACHED":   {What: "O prazo do compartilhamento terminou", Why: "A data que você escolheu chegou, e o banco já não envia dados.", Do: "Para continuar, faça um novo pedido.", Hook: "expired"},
	"INTERNAL_SECURITY_REASON":   {What: "O banco não aceitou o pedido", Why: "Quem entrou no banco não é quem pediu o compartilhamento, ou o banco viu um risco.", Do: "Confira o CPF e peça de novo, entrando no banco com o seu próprio usuário.", Hook: "owner-mismatch"},
	"CONSENT_TECHNICAL_ISSUE":    {What: "O banco não conseguiu concluir", Why: "Houve uma falha do lado do banco.", Do: "Tente de novo em alguns minutos.", Hook: "bank-failure"},
	// Consents of payments, and payments.
	"REJEITADO_USUARIO":            {What: "O pagamento foi cancelado", Why: "Você cancelou na página do banco.", Do: "Nenhum valor saiu da sua conta. Se mudou de ideia, peça de novo.", Hook: "cancelled"},
	"AUTENTICACAO_DIVERGENTE":      {What: "Quem entrou não é quem pediu", Why: "O CPF de quem entrou no banco é diferente do CPF informado aqui.", Do: "Confira o CPF e peça de novo, entrando no banco com o seu próprio usuário.", Hook: "owner-mismatch"},
	"SALDO_INSUFICIENTE":           {What: "O saldo não é suficiente", Why: "A conta escolhida tem menos do que o valor do pagamento.", Do: "Escolha outra conta, ou um valor menor.", Hook: "balance"},
	"VALOR_ACIMA_LIMITE":           {What: "O valor passa do seu limite", Why: "O limite do Pix da conta não alcança este pagamento.", Do: "Peça um valor menor, ou ajuste o limite com o banco.", Hook: "limit"},
	"VALOR_INVALIDO":               {What: "O valor não confere", Why: "O valor é diferente do que o código de pagamento permite.", Do: "Faça um novo pedido com o valor certo.", Hook: "amount"},
	"CONTAS_ORIGEM_DESTINO_IGUAIS": {What: "As contas são a mesma", Why: "Quem paga e quem recebe são a mesma conta.", Do: "Escolha outra conta de débito, ou outro recebedor.", Hook: "same-account"},
	"CONTA_NAO_PERMITE_PAGAMENTO":  {What: "A conta não pode pagar", Why: "A conta escolhida está bloqueada, encerrada ou não faz Pix.", Do: "Escolha outra conta.", Hook: "account"},
	"QRCODE_INVALIDO":              {What: "O código não vale", Why: "O código de pagamento está errado ou venceu.", Do: "Peça outro código a quem vai receber.", Hook: "code"},
	"COBRANCA_INVALIDA":            {What: "A cobrança não vale mais", Why: "Ela venceu ou já foi paga.", Do: "Peça outra cobrança a quem vai receber.", Hook: "code"},
	"TEMPO_EXPIRADO_AUTORIZACAO":   {What: "O tempo para confirmar acabou", Why: "Um pagamento espera a sua confirmação por 5 minutos, e eles passaram.", Do: "Nenhum valor saiu da sua conta. Faça um novo pedido.", Hook: "expired"},
	"TEMPO_EXPIRADO_CONSUMO":       {What: "O pagamento não foi feito a tempo", Why: "Depois da confirmação passaram mais de 60 minutos.", Do: "Nenhum valor saiu da sua conta. Faça um novo pedido.", Hook: "expired"},
	"PAGAMENTO_RECUSADO_DETENTORA": {What: "O banco recusou o pagamento", Why: "A chave, o recebedor ou a conta não foram aceitos.", Do: "Confira quem recebe e peça de novo.", Hook: "refused"},
	"PAGAMENTO_RECUSADO_SPI":       {What: "O Pix recusou o pagamento", Why: "O sistema de liquidação não aceitou a transferência.", Do: "Confira quem recebe e peça de novo.", Hook: "refused"},
	"DETALHE_PAGAMENTO_INVALIDO":   {What: "Algo no pedido não confere", Why: "O recebedor não é o dono da chave, ou falta um dado.", Do: "Confira quem recebe e peça de novo.", Hook: "refused"},
	"DATA_PAGAMENTO_INVALIDA":      {What: "A data não serve", Why: "Um pagamento agendado fica para amanhã ou depois, até daqui a um ano.", Do: "Escolha outra data.", Hook: "date"},
	"CONSENTIMENTO_INVALIDO":       {What: "O pedido já não vale", Why: "Ele foi usado, recusado, ou venceu.", Do: "Faça um novo pedido.", Hook: "expired"},
	"NAO_INFORMADO":                {What: "O banco recusou e não disse por quê", Why: "Às vezes uma análise de segurança não pode ser contada.", Do: "Fale com o banco antes de tentar de novo.", Hook: "undisclosed"},
	"FALHA_INFRAESTRUTURA":         {What: "O banco não conseguiu concluir", Why: "Houve uma falha do lado do banco.", Do: "Tente de novo em alguns minutos.", Hook: "bank-failure"},
	"PERMISSOES_PJ_INCORRETAS":     {What: "Os dados pedidos não combinam com quem pede", Why: "O pedido mistura dados de pessoa e de empresa.", Do: "Confira o CPF e o CNPJ.", Hook: "permissions"},
	// Errors of the redirect.
	"access_denied":           {What: "O pedido não foi confirmado", Why: "O banco devolveu você sem confirmar.", Do: "Nada foi compartilhado nem pago. Se quiser, peça de novo.", Hook: "not-done"},
	"server_error":            {What: "O banco não conseguiu concluir", Why: "Houve uma falha do lado do banco.", Do: "Tente de novo em alguns minutos.", Hook: "bank-failure"},
	"temporarily_unavailable": {What: "O banco está fora do ar", Why: "Ele pediu para tentar mais tarde.", Do: "Tente de novo em alguns minutos.", Hook: "bank-failure"},
}

// explain turns an error into words. The consent's own reason is the most exact one there is.
func (j *journey) explain(err error) trouble {
	var (
		denied  *tpp.Denied
		refusal *tpp.Refusal
		failure *tpp.Failure
		t       trouble
	)
	switch {
	case errors.As(err, &refusal):
		t = trouble{What: "A resposta do banco não passou na conferência", Hook: "refusal", Code: refusal.Demand, Party: j.bank,
			Why: "Um bom aplicativo confere cada mensagem, e esta não é a que devia ser: " + refusal.Detail + ".",
			Do:  "Por segurança paramos aqui. Nada mais foi pedido em seu nome."}
	case errors.As(err, &denied):
		t = wording(denied.Answer.Error, denied.Answer.Description)
	case errors.As(err, &failure):
		t = ofExchange(failure.Exchange)
	case errors.Is(err, context.DeadlineExceeded):
		t = trouble{What: "O banco demorou demais", Why: "A resposta não chegou a tempo.", Do: "Confira no banco antes de tentar de novo: o pedido pode ter sido feito.", Hook: "timeout"}
	default:
		t = trouble{What: "Não foi possível falar com o banco", Why: err.Error(), Do: "Tente de novo em alguns minutos.", Hook: "unreachable"}
	}
	if code, detail := j.rejection(); code != "" && !errors.As(err, &refusal) {
		t = wording(code, detail)
	}
	if t.Party == "" && t.Hook != "not-done" && t.Hook != "cancelled" {
		t.Party = j.bank
	}
	if t.Interaction == "" && j.state != nil {
		t.Interaction = j.state.Interaction()
	}
	return t
}

// rejection is why the consent was rejected, as it says itself.
func (j *journey) rejection() (code, detail string) {
	if j.state == nil || j.status() != "REJECTED" {
		return "", ""
	}
	if code = j.state.Text("data.rejectionReason.code"); code != "" {
		return code, j.state.Text("data.rejectionReason.detail")
	}
	return j.state.Text("data.rejection.reason.code"), j.state.Text("data.rejection.reason.additionalInformation")
}

// wording finds the words for a code, or says the code with the institution's own words.
func wording(code, detail string) trouble {
	t, ok := reasons[code]
	if !ok && strings.HasPrefix(code, "FALHA_INFRAESTRUTURA") {
		t, ok = reasons["FALHA_INFRAESTRUTURA"], true
	}
	if !ok {
		t = trouble{What: "O banco não aceitou o pedido", Why: "A resposta foi: " + detail, Do: "Confira os dados e tente de novo.", Hook: "refused"}
		if detail == "" {
			t.Why = "O banco respondeu com o código abaixo."
		}
	}
	t.Code = code
	return t
}

// ofExchange explains an answer that could not be used.
func ofExchange(e *tpp.Exchange) trouble {
	var t trouble
	switch code := e.Code(); {
	case e.Err != nil:
		t = trouble{What: "Não foi possível falar com o banco", Why: "A ligação não se completou.", Do: "Tente de novo em alguns minutos.", Hook: "unreachable"}
		if e.Operation != nil && e.Operation.ID == "payments.create" { // it may have been done
			t.Do = "Confira no banco antes de tentar de novo: o pagamento pode ter sido feito."
		}
	case code != "" && e.Status < 500:
		t = wording(code, e.Text("errors.0.detail"))
	case e.Status == 429 || e.Status == 529:
		t = trouble{What: "O banco pediu um intervalo", Why: "Foram pedidos demais em pouco tempo.", Do: "Espere um minuto e tente de novo.", Hook: "limit-of-calls"}
	case e.Status >= 500:
		t = trouble{What: "O banco está fora do ar", Why: "Ele respondeu que não consegue atender agora.", Do: "Tente de novo em alguns minutos.", Hook: "bank-failure"}
	default:
		t = trouble{What: "O banco não aceitou o pedido", Why: "Ele respondeu sem dizer por quê.", Do: "Confira os dados e tente de novo.", Hook: "refused"}
	}
	if t.Code == "" && e.Status != 0 {
		t.Code = e.Name + " " + strconv.Itoa(e.Status)
	}
	t.Interaction = e.Interaction()
	return t
}
