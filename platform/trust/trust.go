// Package trust answers whom the platform believes: which client certificates, and which keys of which
// organisation.
//
// It promises that no certificate passes without its chain, dates, purpose and revocation having been
// looked at (RS-MTLS-01, CERT-02, CERT-10, CERT-13), and that keys come from the directory's key store
// alone. It fails closed: without a revocation list it believes nobody. Copies are kept for a short
// while, and a little longer while the directory is down (DIR, contingency of the key store).
package trust

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/rule"
)

// How long what was learnt is believed, on the ecosystem's clock.
const (
	verdictLife = 10 * time.Second
	listLife    = 10 * time.Second
	keysLife    = time.Minute
	keysRetry   = time.Second
	staleLife   = 10 * time.Minute
	fetchWait   = 5 * time.Second
	maxDocument = 1 << 20
	maxCopies   = 4096
)

// Config is what trust is founded on.
type Config struct {
	Roots *x509.CertPool
	// HTTP fetches key sets and lists; it verifies servers against the same roots.
	HTTP  *http.Client
	Clock *clock.Clock
	Seams *fault.Seams
	// Keystore is the base address of the directory's key store.
	Keystore string
	// CRL lists the revocation lists to consult besides those a certificate names itself.
	CRL []string
}

// Trust is safe for concurrent use.
type Trust struct {
	cfg      Config
	verdicts sync.Map // fingerprint → verdict
	keys     library[jose.Set]
	lists    library[*x509.RevocationList]
}

// verdict says when a certificate was believed, and until when that need not be asked again.
type verdict struct{ at, until time.Time }

// New makes a Trust that has learnt nothing yet.
func New(cfg Config) *Trust {
	cfg.Keystore = strings.TrimSuffix(cfg.Keystore, "/")
	return &Trust{cfg: cfg}
}

// Rules lists the sentences this package keeps.
func Rules() []rule.Info { return certificateRules.Rules() }

// Certificate says whether the chain, leaf first, is a transport certificate to be believed. That one is
// believed is remembered by its fingerprint for a few seconds, and never while a defect is armed. A refusal
// is not remembered: anybody can make certificates to be refused.
func (t *Trust) Certificate(ctx context.Context, chain []*x509.Certificate) error {
	if len(chain) == 0 || t.cfg.Seams.Bends() {
		return t.judge(ctx, chain)
	}
	print, now := sha256.Sum256(chain[0].Raw), t.cfg.Clock.Now()
	if v, ok := t.verdicts.Load(print); ok {
		if known := v.(verdict); now.Before(known.until) && !now.Before(known.at) {
			return nil
		}
	}
	err := t.judge(ctx, chain)
	if err != nil {
		return err
	}
	t.verdicts.Store(print, verdict{at: now, until: now.Add(verdictLife)})
	t.forget(now)
	return nil
}

// forget drops verdicts whose time is over once there are many.
func (t *Trust) forget(now time.Time) {
	n := 0
	t.verdicts.Range(func(_, _ any) bool { n++; return n <= maxCopies })
	if n <= maxCopies {
		return
	}
	t.verdicts.Range(func(k, v any) bool {
		if !now.Before(v.(verdict).until) {
			t.verdicts.Delete(k)
		}
		return true
	})
}

// Keys returns the key set at the address, at most a minute old.
func (t *Trust) Keys(ctx context.Context, jwksURI string) (jose.Set, error) {
	return t.keys.get(ctx, t, jwksURI, keysLife)
}

// KeysFor is Keys for a verifier that has seen a kid: a set without it is fetched again, at most once a
// second, so that a rotated key is known at once.
func (t *Trust) KeysFor(ctx context.Context, jwksURI, kid string) (jose.Set, error) {
	set, err := t.Keys(ctx, jwksURI)
	if err != nil {
		return set, err
	}
	if _, ok := set.Find(kid, ""); ok {
		return set, nil
	}
	return t.keys.get(ctx, t, jwksURI, keysRetry)
}

// Organisation returns the signing keys of an organisation.
func (t *Trust) Organisation(ctx context.Context, orgID string) (jose.Set, error) {
	return t.Keys(ctx, t.cfg.Keystore+"/"+orgID+"/application.jwks")
}

// OrganisationFor is Organisation for a verifier that has seen a kid.
func (t *Trust) OrganisationFor(ctx context.Context, orgID, kid string) (jose.Set, error) {
	return t.KeysFor(ctx, t.cfg.Keystore+"/"+orgID+"/application.jwks", kid)
}

// Statements returns the keys with which the directory signs software statements.
func (t *Trust) Statements(ctx context.Context) (jose.Set, error) {
	return t.Keys(ctx, t.cfg.Keystore+"/openbanking.jwks")
}
