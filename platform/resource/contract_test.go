package resource_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/resource"
	"github.com/ensaio/ensaio/sim/spec"
)

// example is a source whose records are just what the contracts ask for: what is wrong in an answer is
// then the envelope's fault.
type example struct{ bodies map[string]string }

func (e example) Get(_ context.Context, k connector.Key) (connector.Record, error) {
	return connector.Record{ID: k.ID, Type: "ACCOUNT", Status: "AVAILABLE", Body: json.RawMessage(e.bodies[k.Source])}, nil
}

func (e example) List(_ context.Context, q connector.Query) (connector.Page, error) {
	r, err := e.Get(context.Background(), connector.Key{Source: q.Source, ID: "92792126019929279212650822221989319252576"})
	p := connector.Page{Total: 60}
	for range min(q.Limit, 60-q.Offset) {
		p.Records = append(p.Records, r)
	}
	return p, err
}

type one struct{ *consent.Consent }

func (o one) Get(string) (*consent.Consent, bool) { return o.Consent, true }
func (o one) Each(fn func(*consent.Consent) bool) { fn(o.Consent) }

var instant = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// TestEnvelopesAreTheContracts reads every operation, first and second page, and holds links and meta
// against the contract's schema, where no member may be missing or too many.
func TestEnvelopesAreTheContracts(t *testing.T) {
	s := resource.New(resource.Config{Source: example{map[string]string{}}, Consents: one{&consent.Consent{
		Kind: consent.Data, Status: consent.Authorised, Owner: "p1", Permissions: spec.Permissions(), Resources: []string{"92792126019929279212650822221989319252576"},
	}}})
	for _, o := range spec.Operations() {
		if !s.Serves(o) {
			continue
		}
		described, err := o.Described()
		if err != nil {
			t.Fatal(err)
		}
		schema := described.Responses.Value("200").Value.Content.Get("application/json").Schema.Value
		for _, query := range []string{"", "?page=2", "?page=3&page-size=25"} {
			t.Run(o.ID+query, func(t *testing.T) {
				if o.Shape == spec.One && query != "" {
					t.Skip("not a list")
				}
				params, path := map[string]string{}, o.FullPath()
				if name := o.Param(); name != "" {
					params[name] = "92792126019929279212650822221989319252576"
					path = strings.ReplaceAll(path, "{"+name+"}", params[name])
				}
				a, err := s.Handle(t.Context(), &call.Call{
					Operation: o, Params: params, Request: httptest.NewRequest(o.Method, path+query, nil), Token: &call.Token{ConsentID: "x"},
					Base: "https://matls-api.banco-ensaio.test", Now: instant, PageKey: "key",
				})
				if err != nil {
					t.Fatal(err)
				}
				var body map[string]any
				text := strings.ReplaceAll(strings.ReplaceAll(string(a.Body), `"data":,`, `"data":{},`), "[,", "[")
				if o.Shape != spec.One { // records of no body leave only commas
					from, to := strings.IndexByte(text, '['), strings.IndexByte(text, ']')
					if o.Source != "resources" {
						text = text[:from+1] + text[to:]
					}
				}
				if err := json.Unmarshal([]byte(text), &body); err != nil {
					t.Fatalf("%v: %s", err, text)
				}
				for _, part := range []string{"links", "meta"} {
					want := schema.Properties[part].Value
					if err := want.VisitJSON(body[part], openapi3.SetSchemaRegexCompiler(spec.CompilePattern), openapi3.VisitAsResponse()); err != nil {
						t.Errorf("%s: %v", part, err)
					}
					for name := range body[part].(map[string]any) {
						if want.Properties[name] == nil {
							t.Errorf("%s.%s is not in the contract", part, name)
						}
					}
				}
			})
		}
	}
}

func TestOlderVersionsLackWhatTheyDoNotKnow(t *testing.T) {
	api := &spec.API{Name: "accounts", Version: "2.4.2"}
	o := &spec.Operation{API: api, ID: "accounts.balances"}
	got := string(resource.Project(o, []byte(`{"availableAmount":{"amount":"12345678901234567.89"},"hasReservedBalance":true}`)))
	if got != `{"availableAmount":{"amount":"12345678901234567.89"}}` {
		t.Error(got)
	}
	newest := []byte(`{"hasReservedBalance":true}`)
	if got := resource.Project(spec.Find("accounts.balances"), newest); string(got) != string(newest) {
		t.Errorf("%s", got)
	}
}
