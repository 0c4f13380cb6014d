package as_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/pki"
)

// cast is what is dear to make: it is made once for all tests.
type cast struct {
	directory, bank, bankEnc jose.Key
	a, b                     *client
	sibling                  *x509.Certificate // another software of A's organisation
	stranger                 jose.Key
}

var theCast = sync.OnceValue(func() *cast {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	authority, err := pki.Open("", clock.Fixed(start), pki.Stock(8))
	must(err)
	key := func(use string) jose.Key { k, err := jose.NewKey(use); must(err); return k }
	c := &cast{directory: key("sig"), bank: key("sig"), bankEnc: key("enc"), stranger: key("sig")}
	make := func(name, org, software string) *client {
		id, err := authority.Transport(pki.Subject{Name: name, OrganisationID: org, SoftwareID: software, CNPJ: "11222333000181", LegalName: name, City: "SAO PAULO", State: "SP", CommonName: name + ".test"})
		must(err)
		return &client{
			name: name, org: org, software: software, cert: id.Certificate, tls: id.TLS(), sig: key("sig"), enc: key("enc"),
			jwks: "https://keystore.test/" + org + "/" + software + "/application.jwks", redirect: "https://" + name + ".test/cb", second: "https://" + name + ".test/other",
			hook: "https://" + name + ".test/hook", roles: []any{role("DADOS"), role("PAGTO")},
		}
	}
	c.a = make("aurora", orgA, "aaaaaaaa-0000-4000-8000-000000000001")
	c.b = make("boreal", orgB, "bbbbbbbb-0000-4000-8000-000000000001")
	c.sibling = make("irma", orgA, "aaaaaaaa-0000-4000-8000-000000000002").cert
	return c
})

func role(name string) map[string]any {
	return map[string]any{"role": name, "authorisation_domain": "Open Banking", "status": "Active"}
}

// client is a third party.
type client struct {
	name, org, software    string
	jwks, redirect, second string
	hook                   string
	cert                   *x509.Certificate
	tls                    tls.Certificate
	sig, enc               jose.Key
	roles                  []any

	id, token string // after registration
}

// library is a fake of trust.
type library struct {
	sets    map[string]jose.Set
	refused map[*x509.Certificate]bool
}

func (l *library) Certificate(_ context.Context, chain []*x509.Certificate) error {
	if l.refused[chain[0]] {
		return errors.New("refused")
	}
	return nil
}
func (l *library) Keys(_ context.Context, uri string) (jose.Set, error) {
	set, ok := l.sets[uri]
	if !ok {
		return jose.Set{}, errors.New("no such key set")
	}
	return set, nil
}
func (l *library) KeysFor(ctx context.Context, uri, _ string) (jose.Set, error) {
	return l.Keys(ctx, uri)
}
func (l *library) Statements(ctx context.Context) (jose.Set, error) {
	return l.Keys(ctx, "directory")
}

// core is a fake of the institution's core system.
type core struct {
	connector.Source
	verdict  connector.Verdict
	foreseen []connector.Order
	down     bool
}

func (c *core) Authenticate(_ context.Context, username, password string) (connector.Customer, error) {
	if c.down {
		return connector.Customer{}, connector.ErrUnavailable
	}
	if password != "senha" && password != "senha+codigo" {
		return connector.Customer{}, connector.ErrCredentials
	}
	factors := 1
	if strings.Contains(password, "+") {
		factors = 2
	}
	switch username {
	case "ana":
		return connector.Customer{Key: "ana", Name: "Ana Sintética", CPF: "11144477735", Factors: factors}, nil
	case "bia":
		return connector.Customer{Key: "bia", Name: "Bia Sintética", CPF: "52998224725", Factors: factors, Companies: []connector.Company{
			{Key: "loja", Name: "Loja Sintética", CNPJ: "11222333000181", Alone: true}, {Key: "usina", Name: "Usina Sintética", CNPJ: "11444777000161"},
		}}, nil
	}
	return connector.Customer{}, connector.ErrCredentials
}

func (c *core) List(_ context.Context, q connector.Query) (connector.Page, error) {
	var out []connector.Record
	add := func(id, typ, status, body string) {
		out = append(out, connector.Record{ID: id, Type: typ, Status: status, Body: json.RawMessage(body)})
	}
	switch q.Source {
	case "resources", "accounts":
		add(q.Customer+"-1", "ACCOUNT", "AVAILABLE", `{"type":"CONTA_DEPOSITO_A_VISTA","branchCode":"0001","number":"11111","checkDigit":"1"}`)
		add(q.Customer+"-2", "ACCOUNT", "AVAILABLE", `{"type":"CONTA_POUPANCA","branchCode":"0001","number":"22222","checkDigit":"2"}`)
		if q.Source == "resources" {
			add(q.Customer+"-card", "CREDIT_CARD_ACCOUNT", "AVAILABLE", `{}`)
		}
	case "payment-accounts":
		add(q.Customer+"-1", "ACCOUNT", "AVAILABLE", `{"ispb":"99999004","issuer":"0001","number":"111111","accountType":"CACC"}`)
		add(q.Customer+"-2", "ACCOUNT", "UNAVAILABLE", `{"ispb":"99999004","issuer":"0001","number":"222222","accountType":"SVGS"}`)
	case "approvers":
		if q.Customer == "usina" || q.Parent == "ana-2" {
			add("caio", "", "", `{"name":"Caio Sintético"}`)
		}
	default:
		return connector.Page{}, connector.ErrUnknown
	}
	return connector.Page{Records: out, Total: len(out)}, nil
}

func (c *core) Get(context.Context, connector.Key) (connector.Record, error) {
	return connector.Record{Body: json.RawMessage(`{"availableAmount":{"amount":"1234.5600","currency":"BRL"}}`)}, nil
}

func (c *core) Foresee(_ context.Context, o connector.Order) (connector.Verdict, error) {
	c.foreseen = append(c.foreseen, o)
	return c.verdict, nil
}

type outbox struct {
	mu    sync.Mutex
	kinds []string
	last  map[string]string
}

func (o *outbox) Append(kind string, body []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kinds = append(o.kinds, kind)
	return json.Unmarshal(body, &o.last)
}
