package consent_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/consent"
)

// Whatever body asks for a consent or an extension: it is refused with a status of the standard, or the
// consent that was made reads the same after a restart.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{"", "{}", "[]", "null", `{"data":null}`, `{"data":[]}`, body([]string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", resources}, "", ""),
		body([]string{"CUSTOMERS_BUSINESS_IDENTIFICATIONS_READ", resources}, company, "2026-12-31T23:59:59Z"),
		body([]string{resources, resources}, "", "9999-99-99T00:00:00Z"), `{"data":{"permissions":[null,1],"loggedUser":{"document":[]}}}`,
		`{"data":{"permissions":["ACCOUNTS_READ"],"permissions":[]},"DATA":{}}`} {
		f.Add(seed)
	}
	d := desks(f, nil)
	made := d.make(f, consent.Data, nil).ID
	f.Fuzz(func(t *testing.T, text string) {
		for op, id := range map[string]string{"consents.create": "", "consents.extend": made} {
			a, err := d.do(op, id, text)
			var p *call.Problem
			switch {
			case errors.As(err, &p):
				if p.Status < 400 || p.Status > 499 || len(p.Items) == 0 {
					t.Fatalf("%s %q: %v", op, text, err)
				}
				continue
			case err != nil:
				t.Fatalf("%s %q: %v", op, text, err)
			}
			var said struct {
				Data struct{ ConsentID string }
			}
			if a.Status != http.StatusCreated || json.Unmarshal(a.Body, &said) != nil {
				t.Fatalf("%s %q: %d %s", op, text, a.Status, a.Body)
			}
			kept, known := d.Get(said.Data.ConsentID)
			if !known {
				t.Fatalf("%s %q: %s made nothing", op, text, a.Body)
			}
			raw, err := json.Marshal(kept)
			var again consent.Consent
			if err != nil || json.Unmarshal(raw, &again) != nil {
				t.Fatalf("%q is not kept: %v", text, err)
			}
			if twice, err := json.Marshal(again); err != nil || string(twice) != string(raw) {
				t.Fatalf("%q reads differently after a restart: %s, %s", text, raw, twice)
			}
		}
		_ = context.Background()
	})
}
