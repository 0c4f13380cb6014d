package sim

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/corebank"
	"github.com/ensaio/ensaio/participants/tpp"
)

// payee is somebody the application knows how to pay: with a Pix key and where it leads.
type payee struct {
	Key string
	tpp.Creditor
}

// payees are those of the other institution that every ecosystem has, each once.
var payees = func() []payee {
	var all []payee
	seen := map[string]bool{}
	for _, k := range corebank.Payees() {
		if !seen[k.Owner] {
			seen[k.Owner] = true
			all = append(all, payee{k.Key, tpp.Creditor{Name: k.Owner, Document: k.Document,
				Account: tpp.Account{ISPB: k.Account.ISPB, Issuer: k.Account.Issuer, Number: k.Account.Number, Type: k.Account.Type}}})
		}
	}
	return all
}()

// endings are the amounts with which the core decides how a payment ends, in words.
var endings = []struct{ Amount, Ending string }{
	{"10422,05", "recusado na hora"}, {"10423,06", "aceito e recusado depois"}, {"10424,01", "retido para análise; dá tempo de cancelar"},
	{"10424,02", "retido e depois feito"}, {"10424,03", "retido e depois recusado"}, {"10503,00", "o banco cai no meio"},
}

type paying struct {
	identity
	Bank, Payee, Amount, Note, Day string
	Wrong                          map[string]string
}

func (a *app) payForm(w http.ResponseWriter, r *http.Request) {
	a.showPay(w, r, http.StatusOK, paying{identity: a.who(r), Amount: "25,90", Payee: "0"})
}

func (a *app) showPay(w http.ResponseWriter, r *http.Request, status int, f paying) {
	today := a.eco.clock.Now().In(brasilia)
	a.showForm(w, r, status, "pay", map[string]any{"Form": f, "Payees": payees, "Endings": endings,
		"Tomorrow": today.AddDate(0, 0, 1).Format(time.DateOnly), "Latest": today.AddDate(1, 0, 0).Format(time.DateOnly)}, f.Bank)
}

// pay asks for a payment consent and sends the customer to the bank.
func (a *app) pay(w http.ResponseWriter, r *http.Request) {
	form := r.PostForm
	f := paying{identity: identity{CPF: form.Get("cpf"), CNPJ: form.Get("cnpj")}, Bank: form.Get("banco"), Payee: form.Get("recebedor"),
		Amount: form.Get("valor"), Note: strings.TrimSpace(form.Get("descricao")), Day: form.Get("dia")}
	who, wrong := f.person()
	f.Wrong = wrong
	amount, ok := amountOf(f.Amount)
	if !ok {
		wrong["valor"] = "Escreva um valor, como 25,90."
	}
	to, err := strconv.Atoi(f.Payee)
	if err != nil || to < 0 || to >= len(payees) {
		wrong["recebedor"] = "Escolha quem recebe."
	}
	if f.Bank == "" {
		wrong["banco"] = "Escolha a instituição de onde o dinheiro sai."
	}
	if len(f.Note) > 140 {
		wrong["descricao"] = "Use até 140 letras."
	}
	var schedule *tpp.Schedule
	if f.Day != "" {
		day, err := time.ParseInLocation(time.DateOnly, f.Day, brasilia)
		if err != nil {
			wrong["dia"] = "Escolha um dia, ou deixe vazio para pagar hoje."
		}
		schedule = &tpp.Schedule{Single: day.Add(12 * time.Hour)}
	}
	if len(wrong) > 0 {
		a.showPay(w, r, http.StatusUnprocessableEntity, f)
		return
	}
	j := a.newJourney()
	j.order = &tpp.Order{Payer: who, Creditor: payees[to].Creditor, Amount: amount, Instrument: "DICT", Proxy: payees[to].Key, Remittance: f.Note, Schedule: schedule}
	a.begin(w, r, j, f.Bank, func(ctx context.Context) (*tpp.Consent, error) {
		return j.client.CreatePaymentConsent(ctx, j.server, *j.order)
	})
}

// amountOf reads an amount as a Brazilian types it, and writes it as it goes on the wire.
func amountOf(typed string) (string, bool) {
	s := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(typed), "R$"))
	if strings.Contains(s, ",") {
		s = strings.Replace(strings.ReplaceAll(s, ".", ""), ",", ".", 1)
	}
	whole, cents, _ := strings.Cut(s, ".")
	whole = strings.TrimLeft(whole, "0")
	if strings.Trim(whole+cents, "0123456789") != "" || len(whole) > 9 || len(cents) > 2 || strings.Trim(whole+cents, "0") == "" {
		return "", false
	}
	if whole == "" {
		whole = "0"
	}
	return whole + "." + (cents + "00")[:2], true
}
