package corebank

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/ensaio/ensaio/sim/clock"
)

// TestRecordsAreOfThePublishedShape needs the published definitions: ENSAIO_SPECS names their folder.
func TestRecordsAreOfThePublishedShape(t *testing.T) {
	dir := os.Getenv("ENSAIO_SPECS")
	if dir == "" {
		t.Skip("ENSAIO_SPECS is not set")
	}
	b := open(t, clock.Fixed(start), "")
	ctx := context.Background()
	accounts, customers, resources := load(t, dir, "accounts/2.5.1"), load(t, dir, "customers/2.3.0"), load(t, dir, "resources/3.1.0")
	item := func(doc *openapi3.T, schema string) *openapi3.Schema {
		data := doc.Components.Schemas[schema].Value.Properties["data"].Value
		if data.Items != nil {
			return data.Items.Value
		}
		return data
	}
	validate := func(s *openapi3.Schema, what string, body json.RawMessage) {
		t.Helper()
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Fatalf("%s: %v in %s", what, err, body)
		}
		if err := s.VisitJSON(v, openapi3.EnableFormatValidation()); err != nil {
			t.Errorf("%s: %v\n%s", what, err, body)
		}
	}
	transactions := 0
	for key, p := range b.people {
		for source, rec := range b.about(p) {
			schema := map[string]string{
				"personal-identifications": "ResponsePersonalCustomersIdentification", "personal-qualifications": "ResponsePersonalCustomersQualification",
				"personal-financial-relations": "ResponsePersonalCustomersFinancialRelation", "business-identifications": "ResponseBusinessCustomersIdentification",
				"business-qualifications": "ResponseBusinessCustomersQualification", "business-financial-relations": "ResponseBusinessCustomersFinancialRelation",
			}[source]
			validate(item(customers, schema), key+" "+source, rec.Body)
		}
		for _, a := range p.accounts {
			for source, schema := range map[string]string{"accounts": "ResponseAccountList", "account": "ResponseAccountIdentification", "balances": "ResponseAccountBalances", "overdraft-limits": "ResponseAccountOverdraftLimits"} {
				rec, err := b.Get(ctx, Key{source, key, a.id})
				if err != nil || rec.Status == "" {
					t.Fatal(source, err)
				}
				validate(item(accounts, schema), key+" "+source, rec.Body)
			}
			for source, schema := range map[string]string{"transactions": "ResponseAccountTransactions", "reserved-balances": "ResponseReservedBalances"} {
				pg, err := b.List(ctx, Query{Source: source, Customer: key, Parent: a.id})
				if err != nil {
					t.Fatal(source, err)
				}
				for i, rec := range pg.Records {
					if i%7 == 0 || i < 50 {
						validate(item(accounts, schema), key+" "+source, rec.Body)
						transactions++
					}
				}
			}
			rec, _ := b.Get(ctx, Key{"resources", key, a.id})
			validate(item(resources, "ResponseResourceList"), "resource", encode(map[string]string{"resourceId": rec.ID, "type": rec.Type, "status": rec.Status}))
		}
	}
	if transactions < 500 {
		t.Errorf("only %d records validated", transactions)
	}
}

func load(t *testing.T, dir, api string) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(dir, api+".yml"))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
