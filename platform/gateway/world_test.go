package gateway_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/platform/resource"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

const (
	base        = "https://matls-api.banco-ensaio.test:9443"
	interaction = "d78fc4e5-37ca-4da3-adf2-9b082bf92280"
	account     = "a1"
)

var start = time.Date(2026, 3, 2, 12, 0, 30, 0, time.UTC)

// world is a gateway with real consents and resources over a core made of a few lines.
type world struct {
	*gateway.Gateway
	clock   *clock.Clock
	board   *fault.Board
	engine  *consent.Engine
	core    *core
	tokens  map[string]*call.Token
	mu      sync.Mutex // guards outbox and seen
	outbox  []string
	seen    []gateway.Entry
	consent string // an authorised consent with every account permission
	problem error  // of the certificate
}

func (w *world) Introspect(_ context.Context, bearer string, _ *x509.Certificate) (*call.Token, *call.Client, error) {
	t := w.tokens[bearer]
	if t == nil {
		return nil, nil, errors.New("unknown token")
	}
	return t, &call.Client{ID: t.ClientID, OrganisationID: "org-" + t.ClientID}, nil
}

func (w *world) Certificate(_ context.Context, chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return errors.New("no certificate")
	}
	return w.problem
}

func (w *world) Append(_ string, body []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outbox = append(w.outbox, string(body))
	return nil
}

// core is a source with two customers.
type core struct {
	transactions int
	status       string // of account a2
	approvers    int
	err          error
	hook         func(context.Context) error
	balance      string
}

func (c *core) holdings(customer string) []connector.Record {
	body := func(id string) json.RawMessage {
		return json.RawMessage(`{"brandName":"Banco Ensaio","companyCnpj":"12ABC34501DE35","type":"CONTA_DEPOSITO_A_VISTA","compeCode":"999","branchCode":"0001","number":"12345678","checkDigit":"4","accountId":"` + id + `"}`)
	}
	switch customer {
	case "p1":
		return []connector.Record{{ID: "a1", Type: "ACCOUNT", Status: "AVAILABLE", Body: body("a1")}, {ID: "a2", Type: "ACCOUNT", Status: c.status, Body: body("a2")}, {ID: "a3", Type: "ACCOUNT", Status: "AVAILABLE", Body: body("a3")}}
	case "p2":
		return []connector.Record{{ID: "b1", Type: "ACCOUNT", Status: "AVAILABLE", Body: body("b1")}}
	}
	return nil
}

func (c *core) Get(ctx context.Context, k connector.Key) (connector.Record, error) {
	if c.err != nil {
		return connector.Record{}, c.err
	}
	if c.hook != nil {
		if err := c.hook(ctx); err != nil {
			return connector.Record{}, err
		}
	}
	if strings.HasPrefix(k.Source, "personal-") {
		return connector.Record{ID: k.Customer, Body: json.RawMessage(`{"updateDateTime":"2026-03-01T00:00:00Z"}`)}, nil
	}
	for _, r := range c.holdings(k.Customer) {
		if r.ID == k.ID {
			if k.Source == "balances" {
				r.Body = json.RawMessage(c.balance)
			}
			return r, nil
		}
	}
	return connector.Record{}, connector.ErrUnknown
}

func (c *core) List(_ context.Context, q connector.Query) (connector.Page, error) {
	if c.err != nil {
		return connector.Page{}, c.err
	}
	var all []connector.Record
	switch q.Source {
	case "accounts", "resources":
		for _, r := range c.holdings(q.Customer) {
			if q.Only == nil || slices.Contains(q.Only, r.ID) {
				all = append(all, r)
			}
		}
	case "approvers":
		all = make([]connector.Record, c.approvers)
	case "transactions":
		for i := range c.transactions {
			day := q.To.AddDate(0, 0, -i/10)
			if day.Before(q.From) {
				break
			}
			all = append(all, connector.Record{ID: fmt.Sprint(i), Body: json.RawMessage(fmt.Sprintf(`{"transactionId":"t%d","transactionDateTime":%q}`, i, day.Format(time.DateOnly)))})
		}
	}
	from := min(q.Offset, len(all))
	return connector.Page{Records: all[from:min(from+q.Limit, len(all))], Total: len(all)}, nil
}

var everything = []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "ACCOUNTS_TRANSACTIONS_READ", "ACCOUNTS_OVERDRAFT_LIMITS_READ", "CUSTOMERS_PERSONAL_IDENTIFICATIONS_READ", "CUSTOMERS_PERSONAL_ADITTIONALINFO_READ", "RESOURCES_READ"}

func open(t testing.TB, edits ...func(*gateway.Config)) *world {
	t.Helper()
	rows := fault.Named()
	for _, r := range slices.Concat(gateway.Rules(), resource.Rules(), call.PageRules()) {
		rows = append(rows, fault.Defect{Name: "generated/" + r.ID, Kind: fault.Off, Rule: r.ID})
	}
	w := &world{clock: clock.Fixed(start), board: fault.NewBoard(rows), tokens: map[string]*call.Token{}, core: &core{transactions: 60, status: "AVAILABLE", balance: `{"availableAmount":{"amount":"1.00","currency":"BRL"}}`}}
	var err error
	if w.engine, err = consent.Open(context.Background(), consent.Config{Clock: w.clock, Seams: w.board.Seams()}); err != nil {
		t.Fatal(err)
	}
	reads := resource.New(resource.Config{Source: w.core, Consents: w.engine, Seams: w.board.Seams()})
	cfg := gateway.Config{
		Trust: w, AS: w, Seams: w.board.Seams(), Clock: w.clock, Base: base, Outbox: w, Organisation: "org-bank",
		Handlers: map[string]gateway.Handler{"consents": consent.NewAPI(w.engine, nil, nil).Handle}, Resource: reads.Handle,
		Active: w.engine.ActiveOf, Observe: func(_ context.Context, e gateway.Entry) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.seen = append(w.seen, e)
		},
		Offered: func(api string) bool { return api != "payments" },
	}
	for _, edit := range edits {
		edit(&cfg)
	}
	if w.Gateway, err = gateway.New(cfg); err != nil {
		t.Fatal(err)
	}
	w.consent = w.grant(t, "good", "aurora", "p1", everything, []string{"a1", "a2"})
	w.tokens["client"] = &call.Token{ClientID: "aurora", Grant: spec.ClientCredentials, Scopes: []string{"consents", "openid"}}
	return w
}

// grant makes an authorised consent and a token for it.
func (w *world) grant(t testing.TB, token, client, owner string, permissions, resources []string) string {
	t.Helper()
	ctx := context.Background()
	c, err := w.engine.Create(ctx, consent.Consent{Kind: consent.Data, ClientID: client, CPF: "12345678909", Permissions: permissions})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.engine.Authorise(ctx, c.ID, consent.Decision{Owner: owner, Resources: resources}); err != nil {
		t.Fatal(err)
	}
	w.tokens[token] = &call.Token{
		ClientID: client, Grant: spec.AuthorizationCode, ConsentID: c.ID, Customer: owner,
		Scopes: []string{"openid", "consent:" + c.ID, "accounts", "customers", "resources"},
	}
	return c.ID
}

type request struct {
	method, path, token, body string
	header                    map[string]string // "" removes
	bare                      bool              // without client certificate
}

var peer = &x509.Certificate{Raw: []byte("peer")}

func (w *world) do(t testing.TB, q request) *http.Response {
	t.Helper()
	out := httptest.NewRecorder()
	w.ServeHTTP(out, w.prepare(q))
	return out.Result()
}

func (w *world) prepare(q request) *http.Request {
	if q.method == "" {
		q.method = http.MethodGet
	}
	if q.token == "" {
		q.token = "good"
	}
	var body io.Reader
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	r := httptest.NewRequest(q.method, q.path, body)
	r.Header.Set("Authorization", "Bearer "+q.token)
	r.Header.Set("x-fapi-interaction-id", interaction)
	r.Header.Set("Accept", "application/json")
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.header {
		if value == "" {
			r.Header.Del(name)
		} else {
			r.Header.Set(name, value)
		}
	}
	r.TLS = &tls.ConnectionState{}
	if !q.bare {
		r.TLS.PeerCertificates = []*x509.Certificate{peer}
	}
	return r
}

type answered struct {
	Data   json.RawMessage
	Links  map[string]string
	Meta   map[string]any
	Errors []call.Item
}

func decode(t testing.TB, r *http.Response) answered {
	t.Helper()
	var a answered
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		t.Fatalf("status %d: %v", r.StatusCode, err)
	}
	return a
}

const (
	accounts = "/open-banking/accounts/v2/accounts"
	balances = accounts + "/" + account + "/balances"
	current  = accounts + "/" + account + "/transactions-current"
	past     = accounts + "/" + account + "/transactions"
	list     = "/open-banking/resources/v3/resources"
	consents = "/open-banking/consents/v3/consents"
)
