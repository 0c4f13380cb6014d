package as

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"

	"github.com/ensaio/ensaio/platform/trust"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// The presence of a certificate is a sentence of each family of endpoints; what the certificate is worth
// is judged by trust, once one came.
var (
	certificateRules = rule.NewSet("certificate at the token endpoints",
		row("AS-TOK-01/has-certificate", fault.Critical, "Token, pushed request, userinfo and revocation endpoints require a client certificate.",
			invalidClient("a client certificate is required"), isPresented))
	registrationCertificateRules = rule.NewSet("certificate at registration",
		row("DCR-01/has-certificate", fault.Critical, "A client registers over mTLS only.",
			invalidClient("a client certificate is required"), isPresented))
	managementCertificateRules = rule.NewSet("certificate at management",
		row("DCM-03/has-certificate", fault.Critical, "A registration is managed over mTLS only.",
			invalidClient("a client certificate is required"), isPresented))
)

func isPresented(chain []*x509.Certificate) bool { return len(chain) > 0 }

// transport returns the certificate of the connection after judging it, or nil where having none was
// let pass.
func (s *Server) transport(ctx context.Context, r *http.Request, presence rule.Set[[]*x509.Certificate]) (*x509.Certificate, error) {
	var chain []*x509.Certificate
	if r.TLS != nil {
		chain = r.TLS.PeerCertificates
	}
	if err := presence.Check(ctx, s.seams, chain); err != nil {
		return nil, err
	}
	if len(chain) == 0 {
		return nil, nil
	}
	if err := s.cfg.Trust.Certificate(ctx, chain); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("judge certificate: %w", err)
		}
		return nil, errors.Join(invalidClient("the client certificate is not accepted"), err)
	}
	return chain[0], nil
}

// fits says whether the certificate names the client's software statement and organisation. No
// certificate is another row's matter.
func fits(c *x509.Certificate, client *registration) bool {
	if c == nil {
		return true
	}
	org, software := trust.CertificateIDs(c)
	return org == client.OrganisationID && software == client.SoftwareID
}
