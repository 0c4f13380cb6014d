package dcr

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/pki"
)

var subject = pki.Subject{Name: "aurora", OrganisationID: "b961c4eb-509d-4edf-afeb-35642b38185d", SoftwareID: "25556d5a-b9dd-4e27-aa1a-cce732fe74de",
	CNPJ: "12345678000195", LegalName: "Receptora Aurora", City: "Recife", State: "PE", CommonName: "app.aurora.test"}

// Every lint sees what is wrong with the certificate made for it, and nothing else in any lawful one.
func TestLintsSeeWhatIsWrong(t *testing.T) {
	authority, err := pki.Open("", clock.Fixed(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)), pki.Stock(8))
	if err != nil {
		t.Fatal(err)
	}
	lints := map[string]func(*x509.Certificate) []string{"key": keyFlaws, "transport": transportFlaws, "subject": subjectFlaws, "names": nameFlaws}
	flawed := func(t *testing.T, id pki.Identity, err error, want ...string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for name, lint := range lints {
			if flaws := lint(id.Certificate); (len(flaws) > 0) != slices.Contains(want, name) {
				t.Errorf("%s: %q", name, flaws)
			}
		}
	}
	for kind, want := range map[string][]string{pki.SmallKey: {"key"}, pki.ServerOnly: {"transport"}, pki.NoKeyUsage: {"transport"}, pki.IsAuthority: {"transport"},
		pki.Accented: {"subject"}, "missing-san": {"names"}, "missing-cn": {"subject", "names"}} {
		t.Run(kind, func(t *testing.T) {
			id, err := authority.Hostile(kind, subject)
			flawed(t, id, err, want...)
		})
	}
	for _, kind := range missing {
		if kind != "missing-san" && kind != "missing-cn" {
			t.Run(kind, func(t *testing.T) {
				id, err := authority.Hostile(kind, subject)
				flawed(t, id, err, "subject")
			})
		}
	}
	for _, form := range append(pki.Forms(), "") {
		t.Run("form "+form, func(t *testing.T) {
			s := subject
			s.Form = form
			id, err := authority.Transport(s)
			flawed(t, id, err)
		})
	}
	transport, err := authority.Transport(subject)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := authority.Signing(subject)
	if err != nil {
		t.Fatal(err)
	}
	if flaws := append(sealFlaws(seal.Certificate, subject.OrganisationID), otherNameFlaws(seal.Certificate)...); len(flaws) > 0 {
		t.Errorf("signing certificate: %q", flaws)
	}
	if len(sealFlaws(seal.Certificate, "somebody else")) != 1 {
		t.Error("the signing certificate of another organisation is taken")
	}
	if len(sealFlaws(transport.Certificate, subject.OrganisationID)) == 0 || len(otherNameFlaws(transport.Certificate)) != 4 {
		t.Error("a transport certificate is taken for a signing one")
	}
}

func TestEveryCheckIsCompleteAndOfTheCatalogue(t *testing.T) {
	ids, names := map[string]bool{}, map[string]bool{}
	for _, c := range Checks() {
		c.Area = "dcr"
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
		if ids[c.ID] || names[c.Name] {
			t.Errorf("%s %s: twice", c.ID, c.Name)
		}
		ids[c.ID], names[c.Name] = true, true
		if len(c.Rules) == 0 || c.Why == "" || strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s: needs rules, a reason and a title without full stop", c.ID)
		}
		if strings.HasPrefix(c.ID, "DCR-T-") && len(c.Official) == 0 {
			t.Errorf("%s: names no official module", c.ID)
		}
	}
	for id := range reasons {
		if !ids[id] {
			t.Errorf("a reason for %s, which does not exist", id)
		}
	}
}
