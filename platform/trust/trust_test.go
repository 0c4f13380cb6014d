package trust_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/trust"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/pki"
	"github.com/ensaio/ensaio/sim/rule"
)

var ctx = context.Background()

type office struct {
	*trust.Trust
	authority *pki.Authority
	clock     *clock.Clock
	board     *fault.Board
	down      atomic.Bool
	replay    atomic.Bool // of the first answer
	kept      []byte
	lists     atomic.Int32
}

func open(t testing.TB) *office {
	t.Helper()
	o := &office{clock: clock.Fixed(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))}
	var handler atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.lists.Add(1)
		if o.down.Load() {
			http.Error(w, "closed", http.StatusInternalServerError)
			return
		}
		if o.replay.Load() {
			_, _ = w.Write(o.kept)
			return
		}
		out := httptest.NewRecorder()
		handler.Load().(http.Handler).ServeHTTP(out, r)
		if o.kept == nil {
			o.kept = out.Body.Bytes()
		}
		w.WriteHeader(out.Code)
		_, _ = w.Write(out.Body.Bytes())
	}))
	t.Cleanup(server.Close)
	var err error
	if o.authority, err = pki.Open("", o.clock, pki.CRL(server.URL)); err != nil {
		t.Fatal(err)
	}
	handler.Store(http.Handler(o.authority.Handler()))
	var rows []fault.Defect
	for _, r := range trust.Rules() {
		rows = append(rows, fault.Defect{Name: "trust/" + r.ID, Kind: fault.Off, Rule: r.ID})
	}
	o.board = fault.NewBoard(rows)
	o.Trust = trust.New(trust.Config{Roots: o.authority.Roots(), HTTP: server.Client(), Clock: o.clock, Seams: o.board.Seams()})
	return o
}

var subject = pki.Subject{
	Name: "aurora", OrganisationID: "3d1f1c43-97b6-4c5b-8d2f-0c6d0e0d7a11", SoftwareID: "9f2c1c43-97b6-4c5b-8d2f-0c6d0e0d7a22",
	CNPJ: "12345678000195", LegalName: "Receptora Aurora", City: "Recife", State: "PE", CommonName: "app.aurora.test",
}

func TestEveryWrongCertificateIsRefusedByItsOwnRule(t *testing.T) {
	o := open(t)
	for kind, want := range map[string]string{
		pki.Expired: "RS-MTLS-01/in-date", pki.NotYetValid: "RS-MTLS-01/in-date", pki.Revoked: "CERT-13/not-revoked",
		pki.Untrusted: "CERT-10/trusted-chain", pki.SelfSigned: "CERT-10/trusted-chain", pki.LeafOnly: "CERT-10/trusted-chain",
		pki.ServerOnly: "CERT-02/client-authentication", pki.SigningOnly: "CERT-02/not-signing",
		pki.NoKeyUsage: "CERT-02/not-signing", pki.IsAuthority: "CERT-02/not-authority", pki.SmallKey: "CERT-01/key-size",
	} {
		t.Run(kind, func(t *testing.T) {
			id, err := o.authority.Hostile(kind, subject)
			if err != nil {
				t.Fatal(err)
			}
			o.clock.Advance(11 * time.Second) // past the copy of the list
			if got := rule.Of(o.Certificate(ctx, id.Chain)); got != want {
				t.Fatalf("refused by %q, want %q", got, want)
			}
			o.board.Disarm()
			if err := o.board.Arm("off:" + want); err != nil {
				t.Fatal(err)
			}
			if err := o.Certificate(ctx, id.Chain); err != nil {
				t.Errorf("with the rule off: %v", err)
			}
			o.board.Disarm()
			if o.Certificate(ctx, id.Chain) == nil {
				t.Error("the verdict of the defect outlived it")
			}
		})
	}
	if got := rule.Of(o.Certificate(ctx, nil)); got != "RS-MTLS-01/has-certificate" {
		t.Errorf("no certificate refused by %q", got)
	}
}

func TestLegalFormsPassAndNameTheirOwner(t *testing.T) {
	o := open(t)
	for _, form := range append(pki.Forms(), "") {
		s := subject
		s.Form = form
		id, err := o.authority.Transport(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Certificate(ctx, id.Chain); err != nil {
			t.Errorf("%q: %v", form, err)
		}
		if org, software := trust.CertificateIDs(id.Certificate); org != s.OrganisationID || software != s.SoftwareID {
			t.Errorf("%q: %s %s", form, org, software)
		}
	}
}

func TestRevocationIsNoticedWithinSeconds(t *testing.T) {
	o := open(t)
	id, err := o.authority.Transport(subject)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if err := o.Certificate(ctx, id.Chain); err != nil {
			t.Fatal(err)
		}
	}
	if n := o.lists.Load(); n != 1 {
		t.Errorf("the list was fetched %d times for fifty calls", n)
	}
	if err := o.authority.Revoke(id.Certificate); err != nil {
		t.Fatal(err)
	}
	o.clock.Advance(11 * time.Second)
	if rule.Of(o.Certificate(ctx, id.Chain)) != "CERT-13/not-revoked" {
		t.Error("a revoked certificate still works")
	}
}

func TestAnOldListThatIsPlayedAgainProvesNothing(t *testing.T) {
	o := open(t)
	id, err := o.authority.Transport(subject)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Certificate(ctx, id.Chain); err != nil {
		t.Fatal(err)
	}
	if err := o.authority.Revoke(id.Certificate); err != nil {
		t.Fatal(err)
	}
	o.replay.Store(true)
	o.clock.Advance(2 * time.Hour)
	if rule.Of(o.Certificate(ctx, id.Chain)) != "CERT-13/not-revoked" {
		t.Error("a revoked certificate works with the list of before")
	}
}

func TestARefusalForWantOfAListDoesNotOutlastTheWant(t *testing.T) {
	o := open(t)
	id, err := o.authority.Transport(subject)
	if err != nil {
		t.Fatal(err)
	}
	o.down.Store(true)
	if o.Certificate(ctx, id.Chain) == nil {
		t.Fatal("believed without a revocation list")
	}
	o.down.Store(false)
	o.clock.Advance(2 * time.Second)
	if err := o.Certificate(ctx, id.Chain); err != nil {
		t.Error(err)
	}
}

func TestWithoutListsNobodyIsBelieved(t *testing.T) {
	o := open(t)
	id, err := o.authority.Transport(subject)
	if err != nil {
		t.Fatal(err)
	}
	o.down.Store(true)
	if o.Certificate(ctx, id.Chain) == nil {
		t.Error("believed without a revocation list")
	}
	o.down.Store(false)
	o.clock.Advance(time.Minute)
	if err := o.Certificate(ctx, id.Chain); err != nil {
		t.Fatal(err)
	}
	o.down.Store(true)
	o.clock.Advance(5 * time.Minute)
	if err := o.Certificate(ctx, id.Chain); err != nil {
		t.Errorf("the last list does not bridge an outage: %v", err)
	}
	o.clock.Advance(6 * time.Minute)
	if o.Certificate(ctx, id.Chain) == nil {
		t.Error("believed on an old list")
	}
}

func TestKeySetsAreCopiedRotatedAndBridged(t *testing.T) {
	clk := clock.Fixed(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	old, err := jose.NewKey("sig")
	if err != nil {
		t.Fatal(err)
	}
	rotated := old
	rotated.ID = "new"
	var asked atomic.Int32
	var down atomic.Bool
	served := []jose.Key{old}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if down.Load() || r.URL.Path != "/org/application.jwks" {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(jose.Set{Keys: served})
	}))
	defer server.Close()
	tr := trust.New(trust.Config{Roots: x509.NewCertPool(), HTTP: server.Client(), Clock: clk, Keystore: server.URL + "/"})
	find := func(kid string, want bool, requests int32) {
		t.Helper()
		set, err := tr.OrganisationFor(ctx, "org", kid)
		_, ok := set.Find(kid, "sig")
		if ok != want || asked.Swap(0) != requests {
			t.Fatalf("%s: found %v (%v), want %v with %d requests", kid, ok, err, want, requests)
		}
	}
	find(old.ID, true, 1)
	find(old.ID, true, 0)
	find("new", false, 0) // asked less than a second ago
	served = []jose.Key{old, rotated}
	clk.Advance(2 * time.Second)
	find("new", true, 1)
	down.Store(true)
	clk.Advance(5 * time.Minute)
	find(old.ID, true, 1)
	find(old.ID, true, 0)
	clk.Advance(6 * time.Minute)
	find(old.ID, false, 1)
	down.Store(false)
	clk.Advance(2 * time.Second)
	find(old.ID, true, 1)
	if _, err := tr.Organisation(ctx, "other"); err == nil {
		t.Error("keys of an unknown organisation")
	}
}

func BenchmarkCertificate(b *testing.B) {
	o := open(b)
	id, err := o.authority.Transport(subject)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := o.Certificate(ctx, id.Chain); err != nil {
			b.Fatal(err)
		}
	}
}
