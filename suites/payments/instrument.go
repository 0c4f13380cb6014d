package payments

import (
	"net/http"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
	"github.com/ensaio/ensaio/suites/target"
)

// settled is the body of a check that pays and expects settlement of exactly what was ordered.
func settled(f form) func(*check.Bench) {
	return func(b *check.Bench) {
		j := start(b, f)
		j.pays().settles()
		b.Expect(j.last).To(expect.JSON("data.payment.amount", j.order.Amount))
		b.Expect(j.last).To(expect.JSON("data.localInstrument", j.order.Instrument))
		b.Expect(j.last).To(expect.JSON("data.creditorAccount.number", j.order.Creditor.Account.Number))
		b.Expect(j.last).To(expect.JSON("data.consentId", j.consent.ID))
		j.is("CONSUMED")
	}
}

func groundChecks() []check.Check {
	return []check.Check{{
		ID: "PAY-001", Name: "payments/directory-names-the-api", Official: official("preflight"), Rules: rules("DIR-02"),
		Title:  "The directory lists the consent and payment resources of this version at the addresses that answer",
		Why:    "An initiator finds the API there and nowhere else.",
		Causes: causes("the directory still names the version before", "another host serves the API"),
		Body: func(b *check.Bench) {
			p := b.PartyWith("PAGTO")
			list, err := p.Participants(b.Context())
			b.Given("the participants", err)
			for _, op := range []string{"payments.consent-create", "payments.create"} {
				want := strings.TrimSuffix(p.Server.ResourceBase, "/") + spec.Find(op).FullPath()
				b.Verify(endpoints(list, b.Target().Bank.AuthorisationServerID), "endpoints of the server").To(expect.Containing(want))
			}
			x := p.Call("payments.consent-read", nil).Param("consentId", "urn:ensaio:nobody").WithoutHeader("Authorization").Send(b.Context())
			b.Expect(x, "call without token").To(expect.Status(http.StatusUnauthorized))
			b.Expect(x).To(expect.Header("x-v", expect.Matching(`\d+\.\d+\.\d+.*`)))
		},
	}}
}

// endpoints lists the API addresses of an authorization server in the participants document.
func endpoints(list []map[string]any, server string) []any {
	var out []any
	for _, org := range list {
		servers, _ := org["AuthorisationServers"].([]any)
		for _, s := range servers {
			as, _ := s.(map[string]any)
			if server != "" && as["AuthorisationServerId"] != server {
				continue
			}
			out = append(out, values(as, "ApiResources", "ApiDiscoveryEndpoints", "ApiEndpoint")...)
		}
	}
	return out
}

// values collects what stands under nested lists of objects.
func values(from any, names ...string) []any {
	if list, ok := from.([]any); ok {
		var out []any
		for _, one := range list {
			out = append(out, values(one, names...)...)
		}
		return out
	}
	if len(names) == 0 {
		return []any{from}
	}
	m, _ := from.(map[string]any)
	if v, ok := m[names[0]]; ok {
		return values(v, names[1:]...)
	}
	return nil
}

func instrumentChecks() []check.Check {
	email, phone := needs(payee(target.Email)), needs(payee(target.Phone))
	dynamic := needs(payee(target.Email), invented)
	row := func(id, name, module, title string, need []check.Need, f form) check.Check {
		return check.Check{ID: id, Name: name, Title: title, Official: official(module), Rules: rules("JWS-01", "JWS-02"), Needs: need,
			Why: "It is how customers pay.", Causes: causes("the instrument is not offered", "an answer departs from the contract"), Body: settled(f)}
	}
	return []check.Check{
		row("PAY-002", "payments/customer-chooses-account", "no-debtor-account", "A payment by key without debtor's account settles from the account that the customer chose", email, byKey(target.Email)),
		row("PAY-031", "payments/settles-by-account", "manu-pix-response", "A payment by account data settles", nil, manual),
		row("PAY-026", "payments/settles-by-key", "dict-pix-response", "A payment by the payee's document as key settles", needs(payee(target.Document)), byKey(target.Document)),
		row("PAY-033", "payments/settles-by-phone-key", "phone-number-proxy", "A payment by a phone number as key settles", phone, byKey(target.Phone)),
		row("PAX-X16", "payments/settles-by-random-key", "dict-pix-response", "A payment by a random key settles", needs(payee(target.Random)), byKey(target.Random)),
		row("PAY-008", "payments/settles-for-initiator", "inic-pix-response", "A payment that the initiator identifies settles", email, initiated),
		row("PAY-017", "payments/settles-static-code-of-email", "qres-good-email-proxy", "A payment by a static code of an e-mail key settles", email, byCode("QRES", target.Email, "")),
		row("PAY-018", "payments/settles-static-code-of-phone", "qres-good-phone-number-proxy", "A payment by a static code of a phone key settles", phone, byCode("QRES", target.Phone, "")),
		row("PAY-060", "payments/settles-near-static-code-with-id", "apes-good-happy-path-with-txid", "A payment by a static code read near the terminal, with identification, settles", email, byCode("APES", target.Email, "PEDIDO0001")),
		row("PAY-061", "payments/settles-near-static-code", "apes-good-happy-path-without-txid", "A payment by a static code read near the terminal, without identification, settles", email, byCode("APES", target.Email, "")),
		row("PAY-059", "payments/settles-near-dynamic-code", "apdn-good-happy-path", "A payment by a dynamic code read near the terminal settles", dynamic, onCharge("APDN", nil)),
		{
			ID: "PAY-065", Name: "payments/charge-is-paid-once", Official: official("qrdn-good-proxy"), Rules: rules("PAY-INIT-23/charge-once", "PAY-AUTH-07/charge-stands", "ERR-13"), Needs: dynamic,
			Title:  "A dynamic code settles once; a second consent for it, given before or after, pays nothing",
			Why:    "The same debt would be paid twice.",
			Causes: causes("a charge is marked as paid only when the page is shown", "marks kept by consent instead of by charge"),
			Body: func(b *check.Bench) {
				j := start(b, onCharge("QRDN", nil))
				same := func(*check.Bench, *journey) tpp.Order { return j.order }
				second, third := j.again(same), j.again(same)
				j.authorises()
				second.authorises()
				j.pays().settles()
				second.refuses(second.initiating(), "DETALHE_PAGAMENTO_INVALIDO", "COBRANCA_INVALIDA", "QRCODE_INVALIDO", "PAGAMENTO_RECUSADO_DETENTORA", "PAGAMENTO_RECUSADO_SPI")
				third.paysNothing("QRCODE_INVALIDO", "COBRANCA_INVALIDA", "DETALHE_PAGAMENTO_INVALIDO", "PAGAMENTO_RECUSADO_DETENTORA", "PAGAMENTO_RECUSADO_SPI")
			},
		},
		{
			ID: "PAX-X17", Name: "payments/charge-expires-before-payment", Rules: rules("PAY-INIT-24/charge-payable"), Needs: append(dynamic[:2:2], check.Clock),
			Title: "A charge that expires between authorisation and payment is not paid", Why: "It is owed no more.", Causes: causes("the charge is looked at once, at the authorisation"),
			Body: func(b *check.Bench) {
				short := func(c charge) {
					c["calendario"] = map[string]any{"criacao": b.Now().UTC().Format("2006-01-02T15:04:05Z"), "expiracao": 120}
				}
				start(b, onCharge("QRDN", short)).pays().settles()
				j := start(b, onCharge("QRDN", short)).authorises()
				b.Advance(3 * time.Minute)
				j.refuses(j.initiating(), "COBRANCA_INVALIDA", "QRCODE_INVALIDO")
			},
		},
	}
}
