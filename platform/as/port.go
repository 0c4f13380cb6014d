package as

import (
	"context"
	"crypto/x509"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/jose"
)

// Trust says which certificates and keys to believe.
type Trust interface {
	// Certificate judges a presented chain, leaf first.
	Certificate(ctx context.Context, chain []*x509.Certificate) error
	// Keys returns the key set at an address of the directory.
	Keys(ctx context.Context, jwksURI string) (jose.Set, error)
	// KeysFor is Keys for a verifier that has seen a kid.
	KeysFor(ctx context.Context, jwksURI, kid string) (jose.Set, error)
	// Statements returns the keys that sign software statements.
	Statements(ctx context.Context) (jose.Set, error)
}

// Consents is the consent engine.
type Consents interface {
	Get(id string) (*consent.Consent, bool)
	Authorise(ctx context.Context, id string, d consent.Decision) (*consent.Consent, error)
	Reject(ctx context.Context, id string, r consent.Rejection, by, channel string) (*consent.Consent, error)
	OnChange(fn func(*consent.Consent))
}

// Records keeps what must survive a restart.
type Records interface {
	Commit(ctx context.Context, ops ...store.Op) error
	Each(ctx context.Context, kind string, fn func(store.Record) error) error
}

// Outbox takes reports for the metrics platform.
type Outbox interface {
	Append(kind string, body []byte) error
}

// Assess judges a payment consent about to be authorised by the rules of the payments API and by the core.
// The consent it is given carries owner, debtor and approvals as they would be.
type Assess func(ctx context.Context, c *consent.Consent) (rejectionReason string)
