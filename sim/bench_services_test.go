package sim_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/spec"
)

// A new consent is kept before it is answered: the floor is a bare handler that answers the same bytes and
// keeps nothing.
func BenchmarkConsent(b *testing.B) {
	for _, place := range []string{"memory", "durable"} {
		b.Run(place, func(b *testing.B) {
			o := sim.Options{Seed: 3}
			if place == "durable" {
				o.Dir = b.TempDir()
			}
			m := measure(b, o)
			body, err := json.Marshal(tpp.ConsentBody([]string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}, tpp.Person{CPF: ordinary(m.ready)[0].CPF}, nil))
			if err != nil {
				b.Fatal(err)
			}
			m.service(b, "consents.create", "consents", func() (string, error) { return string(body), nil }, nil)
		})
	}
}

// A payment consent is a signed message that is answered with one: the floor verifies the one and signs
// another. Reading it costs the signature of the answer.
func BenchmarkPaymentConsent(b *testing.B) {
	m := measure(b, sim.Options{Seed: 3})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	order := tpp.Order{Payer: tpp.Person{CPF: ordinary(m.ready)[0].CPF}, Amount: "1.00", Creditor: tpp.Creditor{Name: "Loja Simulada", Document: "99999008000151",
		Account: tpp.Account{ISPB: "99999008", Issuer: "0001", Number: "1234567890", Type: "CACC"}}}
	create := spec.Find("payments.consent-create")
	b.Run("create", func(b *testing.B) {
		m.service(b, create.ID, "payments", func() (string, error) {
			now := time.Now()
			claims := order.ConsentBody(now)
			claims["iss"], claims["aud"], claims["jti"], claims["iat"] = m.client.Config().OrganisationID, m.bank.ResourceBase+create.FullPath(), uuid.NewString(), now.Unix()
			payload, err := json.Marshal(claims)
			if err != nil {
				return "", err
			}
			return jose.Sign(payload, m.client.Config().Signing, map[string]any{"typ": "JWT"})
		}, key)
	})
	b.Run("read", func(b *testing.B) {
		k, err := m.client.CreatePaymentConsent(b.Context(), m.bank, order)
		if err != nil {
			b.Fatal(err)
		}
		m.service(b, "payments.consent-read", "payments", nil, key, "consentId", k.ID)
	})
}

// service measures a call with a client-credentials token beside its floor: a bare handler that verifies
// what was signed, signs with the key when there is one, and answers the same bytes. Bodies are made
// before.
func (m *measured) service(b *testing.B, operation, scope string, body func() (string, error), signing *rsa.PrivateKey, params ...string) {
	b.Helper()
	op := spec.Find(operation)
	path := op.FullPath()
	for i := 0; i < len(params); i += 2 {
		path = strings.ReplaceAll(path, "{"+params[i]+"}", params[i+1])
	}
	own, err := m.client.ClientCredentials(b.Context(), m.bank, scope)
	if err != nil {
		b.Fatal(err)
	}
	made := bodies(b, b.N+2*parallel+1, body)
	media := "application/json"
	if op.API.Signed {
		media = "application/jwt"
	}
	ask := func(c *http.Client, address string) func() error {
		var next atomic.Int64
		return func() error {
			q, err := http.NewRequest(op.Method, address, strings.NewReader(made[next.Add(1)-1]))
			if err != nil {
				return err
			}
			q.Header = http.Header{"Authorization": {"Bearer " + own.AccessToken()}, "Accept": {media}, "Content-Type": {media},
				"X-Fapi-Interaction-Id": {uuid.NewString()}, "X-Idempotency-Key": {uuid.NewString()}}
			a, answer, err := exchange(c, q)
			if err == nil && a.StatusCode/100 != 2 {
				err = fmt.Errorf("%s: %s", a.Status, answer)
			}
			return err
		}
	}
	// One answer is the floor's text.
	q, err := http.NewRequest(op.Method, m.bank.ResourceBase+path, strings.NewReader(made[len(made)-1]))
	if err != nil {
		b.Fatal(err)
	}
	q.Header = http.Header{"Authorization": {"Bearer " + own.AccessToken()}, "Accept": {media}, "Content-Type": {media}, "X-Fapi-Interaction-Id": {uuid.NewString()}, "X-Idempotency-Key": {uuid.NewString()}}
	a, answer, err := exchange(m.pool, q)
	if err != nil || a.StatusCode/100 != 2 {
		b.Fatal(err, a, string(answer))
	}
	public := &m.client.Config().Signing.Private.PublicKey
	floor := serveBare(b, func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err == nil && op.API.Signed && len(sent) > 0 {
			err = proven(string(sent), public)
		}
		if err == nil && signing != nil {
			sum := sha256.Sum256(answer)
			_, err = rsa.SignPSS(rand.Reader, signing, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		if err != nil {
			b.Error(err)
		}
		h := w.Header()
		for name, values := range a.Header {
			h[name] = values
		}
		w.WriteHeader(a.StatusCode)
		_, _ = w.Write(answer)
	})
	beside(b, ask(m.pool, m.bank.ResourceBase+path), ask(m.plain(b, floor), floorAddress(floor, "/")))
	b.ReportMetric(float64(len(answer)), "body-B")
}

// bodies makes n bodies on both cores; without a maker they are empty.
func bodies(b *testing.B, n int, make1 func() (string, error)) []string {
	b.Helper()
	made := make([]string, n)
	if make1 == nil {
		return made
	}
	var all sync.WaitGroup
	for part := range 2 {
		all.Go(func() {
			for i := part; i < len(made); i += 2 {
				text, err := make1()
				if err != nil {
					b.Error(err)
					return
				}
				made[i] = text
			}
		})
	}
	all.Wait()
	return made
}
