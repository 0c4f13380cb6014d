package sim

import (
	"context"
	"testing"
	"time"

	"github.com/ensaio/ensaio/participants/corebank"
	"github.com/ensaio/ensaio/participants/people"
	"github.com/ensaio/ensaio/platform"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/connector/conformance"
)

// Both adapters of our core keep the promises of the port.
func TestTheCoreConformsInProcessAndOverHTTP(t *testing.T) {
	for name, how := range map[string]string{"in process": "", "over HTTP": "http"} {
		t.Run(name, func(t *testing.T) {
			e, source := startCore(t, how)
			who := people.Population(e.options.Seed, population)
			conformance.Run(t, func(t *testing.T) conformance.Fixture { return fixture(t, e, source, who) })
		})
	}
}

// The whole first journey works across the process boundary too.
func TestTheEcosystemStandsOnACoreAcrossHTTP(t *testing.T) {
	e, err := Start(t.Context(), Options{Seed: 5, Core: "http"})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func startCore(t *testing.T, how string) (*Ecosystem, platform.Core) {
	t.Helper()
	e, err := Start(t.Context(), Options{Seed: 5, Core: how})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e, e.source
}

func fixture(t *testing.T, e *Ecosystem, source platform.Core, who []people.Person) conformance.Fixture {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	first, other := who[0], who[1]
	customer, err := source.Authenticate(ctx, first.Username, first.Password)
	if err != nil {
		t.Fatal(err)
	}
	payee, err := source.Resolve(ctx, other.Email)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := source.Resolve(ctx, first.Email)
	if err != nil {
		t.Fatal(err)
	}
	return conformance.Fixture{Source: source, Username: first.Username, Password: first.Password, CPF: first.CPF, Customer: customer.Key, Other: other.Key,
		Today: e.clock.Now().In(corebank.Brasilia), Order: connector.Order{ID: "conformance", Customer: customer.Key, Debtor: mine.Account, Creditor: payee.Account,
			CreditorDoc: payee.Document, CreditorName: payee.Owner, Amount: "1.23", EndToEndID: "E99999004202601011200abcdefghijk", Instrument: "MANU"}}
}
