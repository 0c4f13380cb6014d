package payment

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2.runClock"))
}

var (
	start    = time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)
	debtor   = connector.Account{ISPB: "99999004", Issuer: "0001", Number: "200000011", Type: "CACC"}
	creditor = connector.Account{ISPB: "99999012", Issuer: "0001", Number: "40000011", Type: "CACC"}
	client   = &call.Client{ID: "client-1", OrganisationID: "org-1", CNPJ: "11222333000181"}
	other    = &call.Client{ID: "client-2", OrganisationID: "org-2", CNPJ: "11222333000181"}
)

// core is a core system that does what a test says.
type core struct {
	mu       sync.Mutex
	keys     map[string]connector.PixKey
	orders   map[string]connector.Order
	receipts map[string]connector.Receipt
	verdict  connector.Verdict
	refuse   *connector.Receipt // of the next submissions
	down     error
	changes  chan connector.Change
	submits  int
}

func newCore() *core {
	return &core{
		keys:   map[string]connector.PixKey{"loja@example.com": {Key: "loja@example.com", Document: "99999012000139", Account: creditor}},
		orders: map[string]connector.Order{}, receipts: map[string]connector.Receipt{}, verdict: connector.Verdict{Allowed: true}, changes: make(chan connector.Change),
	}
}

func (c *core) Resolve(_ context.Context, key string) (connector.PixKey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.keys[key]
	if !ok {
		return connector.PixKey{}, connector.ErrUnknown
	}
	return k, c.down
}

func (c *core) Foresee(context.Context, connector.Order) (connector.Verdict, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.verdict, c.down
}

func (c *core) Submit(_ context.Context, o connector.Order) (connector.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.submits++
	if c.down != nil {
		return connector.Receipt{}, c.down
	}
	if have, ok := c.orders[o.ID]; ok {
		if have != o {
			return connector.Receipt{}, connector.ErrConflict
		}
		return c.receipts[o.ID], nil
	}
	if c.refuse != nil {
		return *c.refuse, nil
	}
	c.orders[o.ID], c.receipts[o.ID] = o, connector.Receipt{State: connector.Pending}
	return c.receipts[o.ID], nil
}

func (c *core) Cancel(_ context.Context, id string) (connector.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.receipts[id].State == connector.Held {
		c.receipts[id] = connector.Receipt{State: connector.Cancelled}
	}
	return c.receipts[id], nil
}

func (c *core) Watch(ctx context.Context) (<-chan connector.Change, error) {
	out := make(chan connector.Change)
	go func() {
		defer close(out)
		for {
			select {
			case ch := <-c.changes:
				select {
				case out <- ch:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func (c *core) paid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.orders)
}

type world struct {
	t        testing.TB
	clk      *clock.Clock
	board    *fault.Board
	store    *store.Store
	consents *consent.Engine
	core     *core
	service  *Service
	serial   int
}

func open(t testing.TB, defects ...fault.Defect) *world {
	t.Helper()
	w := &world{t: t, clk: clock.Fixed(start), board: fault.NewBoard(defects), core: newCore()}
	st, err := store.Open(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	w.store = st
	t.Cleanup(func() { _ = st.Close() })
	w.reopen()
	t.Cleanup(func() { w.service.Close() })
	return w
}

// reopen starts engine and service again over the same store, as after a kill.
func (w *world) reopen() {
	w.t.Helper()
	if w.service != nil {
		w.service.Close()
	}
	var err error
	if w.consents, err = consent.Open(context.Background(), consent.Config{Clock: w.clk, Seams: w.board.Seams(), Store: w.store}); err != nil {
		w.t.Fatal(err)
	}
	w.service, err = Open(context.Background(), Config{Clock: w.clk, Seams: w.board.Seams(), Store: w.store, Consents: w.consents, Core: w.core})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) arm(names ...string) {
	w.t.Helper()
	for _, n := range names {
		if err := w.board.Arm(n); err != nil {
			w.t.Fatal(err)
		}
	}
}

type doc = map[string]any

// ask is one call.
type ask struct {
	op     string
	id     string // consent or payment
	client *call.Client
	token  string // consent of the token
	key    string
	data   any
	query  string
}

func (w *world) do(a ask) (*call.Answer, error) {
	w.t.Helper()
	op := spec.Find(a.op)
	path := strings.NewReplacer("{consentId}", a.id, "{paymentId}", a.id).Replace(op.FullPath())
	r := httptest.NewRequest(op.Method, path+a.query, nil)
	if a.key != "" {
		r.Header.Set("x-idempotency-key", a.key)
	}
	if a.client == nil {
		a.client = client
	}
	c := &call.Call{Operation: op, Request: r, Client: a.client, Params: map[string]string{op.Param(): a.id}, Base: "https://matls-api.bank.test", Now: w.clk.Now(), Token: &call.Token{ConsentID: a.token}}
	if a.data != nil {
		body, err := json.Marshal(doc{"data": a.data})
		if err != nil {
			w.t.Fatal(err)
		}
		c.Body = body
	}
	ans, err := w.service.Handle(context.Background(), c)
	w.contract(op, ans, err)
	return ans, err
}

// contract checks every answer against our contract of the operation.
func (w *world) contract(op *spec.Operation, ans *call.Answer, err error) {
	w.t.Helper()
	described, derr := op.Described()
	if derr != nil {
		w.t.Fatal(derr)
	}
	status, body := 0, []byte(nil)
	var p *call.Problem
	switch {
	case err == nil:
		status, body = ans.Status, ans.Body
	case errors.As(err, &p):
		status = p.Status
		body, _ = json.Marshal(doc{"errors": p.Items, "meta": doc{"requestDateTime": call.Time(w.clk.Now())}})
	default:
		return
	}
	ref := described.Responses.Status(status)
	if ref == nil {
		if status != 503 {
			w.t.Errorf("%s answers %d, which the contract does not have", op.ID, status)
		}
		return
	}
	var schema *openapi3.SchemaRef
	for _, media := range ref.Value.Content {
		schema = media.Schema
	}
	if schema == nil {
		return
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		w.t.Fatalf("%s: %v: %s", op.ID, err, body)
	}
	if err := schema.Value.VisitJSON(v); err != nil {
		w.t.Errorf("%s %d: %v\n%s", op.ID, status, err, body)
	}
}

func (w *world) request(edit func(doc)) doc {
	d := doc{
		"loggedUser": doc{"document": doc{"identification": "11144477735", "rel": "CPF"}},
		"creditor":   doc{"personType": "PESSOA_JURIDICA", "cpfCnpj": "99999012000139", "name": "Loja Externa"},
		"payment": doc{
			"type": "PIX", "purpose": "IMMEDIATE", "date": today(w.clk.Now()), "currency": "BRL", "amount": "100.10",
			"details": doc{"localInstrument": "DICT", "proxy": "loja@example.com", "creditorAccount": asDoc(creditor)},
		},
	}
	if edit != nil {
		edit(d)
	}
	return d
}

func asDoc(v any) doc {
	b, _ := json.Marshal(v)
	d := doc{}
	_ = json.Unmarshal(b, &d)
	return d
}

// dig returns the object at a path of dots.
func dig(d doc, path string) doc {
	for name := range strings.SplitSeq(path, ".") {
		d = d[name].(doc)
	}
	return d
}

func (w *world) consent(edit func(doc)) *consent.Consent {
	w.t.Helper()
	ans, err := w.do(ask{op: "payments.consent-create", data: w.request(edit), key: uuid.NewString()})
	if err != nil {
		w.t.Fatal(err)
	}
	c, ok := w.consents.Get(field1(ans, "consentId"))
	if !ok {
		w.t.Fatal("no consent")
	}
	return c
}

func (w *world) authorised(edit func(doc), approvals ...string) *consent.Consent {
	w.t.Helper()
	c := w.consent(edit)
	raw, _ := json.Marshal(debtor)
	c, err := w.consents.Authorise(context.Background(), c.ID, consent.Decision{By: "customer", Channel: "authorization", Owner: "person-1", Debtor: raw, Approvals: approvals})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// field1 reads a member of an answer's data, of its first item when it is a list.
func field1(ans *call.Answer, name string) string {
	var body struct{ Data json.RawMessage }
	_ = json.Unmarshal(ans.Body, &body)
	var list []doc
	if json.Unmarshal(body.Data, &list) == nil && len(list) > 0 {
		s, _ := list[0][name].(string)
		return s
	}
	d := doc{}
	_ = json.Unmarshal(body.Data, &d)
	s, _ := d[name].(string)
	return s
}

func (w *world) e2e(at time.Time) string {
	w.serial++
	return fmt.Sprintf("E99999020%s%011d", at.UTC().Format("200601021504"), w.serial)
}

// items are the payments a consent asks for.
func (w *world) items(c *consent.Consent, edit func(item doc)) []any {
	t := terms(c.Payment)
	stamps := []time.Time{w.clk.Now()}
	if days := occurrences(t); days != nil {
		stamps = nil
		for _, d := range days {
			at, _ := time.Parse(time.DateOnly, d)
			stamps = append(stamps, at.Add(15*time.Hour))
		}
	}
	var out []any
	for _, at := range stamps {
		details := t["payment"].(map[string]any)["details"].(map[string]any)
		item := doc{
			"endToEndId": w.e2e(at), "localInstrument": details["localInstrument"], "payment": doc{"amount": t.text("payment.amount"), "currency": "BRL"},
			"creditorAccount": maps.Clone(details["creditorAccount"].(map[string]any)), "cnpjInitiator": client.CNPJ, "remittanceInformation": "Pedido 1",
		}
		for _, name := range []string{"proxy", "qrCode"} {
			if v, ok := details[name]; ok {
				item[name] = v
			}
		}
		if edit != nil {
			edit(item)
		}
		out = append(out, item)
	}
	return out
}

func (w *world) pay(c *consent.Consent, key string, items any) (*call.Answer, error) {
	w.t.Helper()
	return w.do(ask{op: "payments.create", token: c.ID, key: key, data: items})
}

// stripe is the lock under which an initiation with the key runs.
func (w *world) stripe(key string) *sync.Mutex {
	op := spec.Find("payments.create")
	return w.service.memory.locks.of(scope(&call.Call{Operation: op, Client: client, Request: httptest.NewRequest(op.Method, op.FullPath(), nil)}, key))
}

func (w *world) paid(c *consent.Consent) *Payment {
	w.t.Helper()
	ans, err := w.pay(c, uuid.NewString(), w.items(c, nil))
	if err != nil {
		w.t.Fatal(err)
	}
	p, ok := w.service.Find(field1(ans, "paymentId"))
	if !ok {
		w.t.Fatal("no payment")
	}
	return p
}

// tell makes the core say something and waits until the payment shows it.
func (w *world) tell(id, state, want string, reason ...string) *Payment {
	w.t.Helper()
	r := connector.Receipt{State: state}
	if len(reason) > 0 {
		r.Reason = reason[0]
	}
	w.core.mu.Lock()
	w.core.receipts[id] = r
	w.core.mu.Unlock()
	w.core.changes <- connector.Change{Order: id, Receipt: r}
	return w.until(id, want)
}

func (w *world) until(id, want string) *Payment {
	w.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if p, ok := w.service.Find(id); ok && p.Status == want {
			return p
		}
		// The service works in goroutines of its own: give them the processor.
		<-time.After(time.Millisecond)
	}
	p, _ := w.service.Find(id)
	w.t.Fatalf("payment %s is %s, want %s", id, p.Status, want)
	return nil
}

func code(err error) string {
	var p *call.Problem
	if !errors.As(err, &p) {
		return fmt.Sprint(err)
	}
	return fmt.Sprintf("%d %s", p.Status, p.Items[0].Code)
}

func off(id string) fault.Defect { return fault.Defect{Name: "off/" + id, Kind: fault.Off, Rule: id} }

func status(w *world, id string) string {
	c, _ := w.consents.Get(id)
	return c.Status
}

func payload(edit func(doc)) string {
	d := doc{
		"txid": strings.Repeat("T", 30), "chave": "loja@example.com", "status": "ATIVA", "calendario": doc{"criacao": start.Format(time.RFC3339), "expiracao": 3600},
		"valor": doc{"original": "100.10"},
	}
	if edit != nil {
		edit(d)
	}
	b, _ := json.Marshal(d)
	return "e30." + base64.RawURLEncoding.EncodeToString(b) + ".c2ln"
}

// byCode turns a request into one by code.
func byCode(instrument, qr, payloadJWS string) func(doc) {
	return func(d doc) {
		details := dig(d, "payment.details")
		details["localInstrument"], details["qrCode"] = instrument, qr
		if payloadJWS != "" {
			details["payloadJWS"] = payloadJWS
		}
	}
}

func scheduled1(branch string, body doc) func(doc) {
	return func(d doc) {
		p := dig(d, "payment")
		delete(p, "date")
		p["purpose"] = "RECURRENT_SCHEDULED"
		if branch == "single" {
			p["purpose"] = "SINGLE_SCHEDULED"
		}
		p["schedule"] = doc{"additionalInformation": "Aluguel", branch: body}
	}
}
