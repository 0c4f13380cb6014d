package trust

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// The ways in which a certificate can fail.
var (
	ErrMissing   = errors.New("a client certificate is required")
	ErrUntrusted = errors.New("the client certificate does not chain to an accepted authority")
	ErrDate      = errors.New("the client certificate is outside its validity")
	ErrPurpose   = errors.New("the certificate is not a transport certificate")
	ErrRevoked   = errors.New("the client certificate has been revoked")
)

type presented struct {
	*Trust
	chain []*x509.Certificate
	now   time.Time
}

func (p presented) leaf() *x509.Certificate {
	if len(p.chain) == 0 {
		return nil
	}
	return p.chain[0]
}

func (t *Trust) judge(ctx context.Context, chain []*x509.Certificate) error {
	return certificateRules.Check(ctx, t.cfg.Seams, presented{t, chain, t.cfg.Clock.Now()})
}

// about makes a row that has nothing to say when no certificate came: that is another row's matter.
func about(id, text string, weight fault.Weight, check func(context.Context, presented) error) rule.Rule[presented] {
	return rule.Rule[presented]{ID: id, Text: text, Weight: weight, Check: func(ctx context.Context, p presented) error {
		if p.leaf() == nil {
			return nil
		}
		return check(ctx, p)
	}}
}

var certificateRules = rule.NewSet("client certificate",
	rule.Rule[presented]{ID: "RS-MTLS-01/has-certificate", Text: "A protected endpoint is called with a client certificate.", Weight: fault.Critical,
		Check: func(_ context.Context, p presented) error {
			if p.leaf() == nil {
				return ErrMissing
			}
			return nil
		}},
	about("CERT-10/trusted-chain", "The client certificate chains to an accepted authority.", fault.Critical,
		func(_ context.Context, p presented) error {
			if err := p.chained(); err != nil {
				return fmt.Errorf("%w: %w", ErrUntrusted, err)
			}
			return nil
		}),
	about("RS-MTLS-01/in-date", "The client certificate is within its validity.", fault.Critical,
		func(_ context.Context, p presented) error {
			if p.now.Before(p.leaf().NotBefore) || p.now.After(p.leaf().NotAfter) {
				return ErrDate
			}
			return nil
		}),
	about("CERT-02/client-authentication", "The extended key usage of the client certificate holds clientAuth.", fault.Major,
		func(_ context.Context, p presented) error {
			usage := p.leaf().ExtKeyUsage
			if len(usage) > 0 && !slices.Contains(usage, x509.ExtKeyUsageClientAuth) && !slices.Contains(usage, x509.ExtKeyUsageAny) {
				return fmt.Errorf("%w: not for client authentication", ErrPurpose)
			}
			return nil
		}),
	about("CERT-02/not-signing", "The client certificate is a transport certificate, whose key usage holds keyEncipherment, not a signing one.", fault.Major,
		func(_ context.Context, p presented) error {
			if p.leaf().KeyUsage&x509.KeyUsageKeyEncipherment == 0 {
				return fmt.Errorf("%w: key usage of another kind", ErrPurpose)
			}
			return nil
		}),
	about("CERT-02/not-authority", "The client certificate is not that of an authority.", fault.Major,
		func(_ context.Context, p presented) error {
			if p.leaf().IsCA {
				return fmt.Errorf("%w: an authority's", ErrPurpose)
			}
			return nil
		}),
	about("CERT-01/key-size", "The client certificate holds an RSA key of 2048 bits or more.", fault.Major,
		func(_ context.Context, p presented) error {
			if key, ok := p.leaf().PublicKey.(*rsa.PublicKey); !ok || key.N.BitLen() < 2048 {
				return fmt.Errorf("%w: weak key", ErrPurpose)
			}
			return nil
		}),
	about("CERT-13/not-revoked", "The client certificate is not on its authority's revocation list.", fault.Critical,
		func(ctx context.Context, p presented) error { return p.revoked(ctx) }),
)

// chained verifies signatures and authorities, at an instant inside the leaf's validity: dates are
// another row's matter.
func (p presented) chained() error {
	between := x509.NewCertPool()
	for _, c := range p.chain[1:] {
		between.AddCert(c)
	}
	at := p.now
	if at.Before(p.leaf().NotBefore) {
		at = p.leaf().NotBefore
	}
	if at.After(p.leaf().NotAfter) {
		at = p.leaf().NotAfter
	}
	_, err := p.leaf().Verify(x509.VerifyOptions{
		Roots: p.cfg.Roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err
}

// revoked consults the lists of the certificate and of the configuration that its own issuer signed. A
// certificate of nobody's is not looked up: there is no list to ask.
func (p presented) revoked(ctx context.Context) error {
	var issuer *x509.Certificate
	for _, c := range p.chain[1:] {
		if p.leaf().CheckSignatureFrom(c) == nil {
			issuer = c
			break
		}
	}
	if issuer == nil || p.chained() != nil {
		return nil
	}
	asked := false
	var failed error
	for _, url := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(p.leaf().CRLDistributionPoints), p.cfg.CRL...)))) {
		list, err := p.lists.get(ctx, p.Trust, url, listLife)
		if err != nil {
			failed = err
			continue
		}
		if list.CheckSignatureFrom(issuer) != nil {
			continue // another authority's list
		}
		if !list.NextUpdate.IsZero() && p.now.After(list.NextUpdate) {
			failed = errOldList // it came over plain HTTP: whoever brought it may have kept it
			continue
		}
		asked = true
		for _, entry := range list.RevokedCertificateEntries {
			if entry.SerialNumber.Cmp(p.leaf().SerialNumber) == 0 {
				return ErrRevoked
			}
		}
	}
	if !asked {
		return fmt.Errorf("%w: its authority's list cannot be had: %w", ErrRevoked, errors.Join(failed, errNoList))
	}
	return nil
}

var (
	errNoList  = errors.New("no revocation list of the issuer")
	errOldList = errors.New("the revocation list of the issuer is out of date")
)

// CertificateIDs reads who a transport certificate speaks for: the organisation from
// organizationIdentifier (OFBBR-<id>), or from OU in certificates of the older form (DCR-12), and the
// software statement from UID. What is absent is "".
func CertificateIDs(c *x509.Certificate) (orgID, softwareID string) {
	for _, name := range c.Subject.Names {
		value, _ := name.Value.(string)
		switch name.Type.String() {
		case "2.5.4.97":
			if id, ok := strings.CutPrefix(value, "OFBBR-"); ok {
				orgID = id
			}
		case "2.5.4.11":
			if orgID == "" {
				orgID = value
			}
		case "0.9.2342.19200300.100.1.1":
			softwareID = value
		}
	}
	return orgID, softwareID
}
