package directory

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/jose"
)

// scope is the only one that machines are given.
const scope = "directory:software"

const tokenLife = 10 * time.Minute

// grant is the content of an access token: whose it is, and to which certificate it is bound.
type grant struct {
	Software string `json:"sub"`
	Bound    string `json:"x5t"`
	Ends     int64  `json:"exp"`
}

func newSeal() ([]byte, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("draw token key: %w", err)
	}
	return key, nil
}

func (d *Directory) mint(g grant) (string, error) {
	b, err := json.Marshal(g)
	if err != nil {
		return "", fmt.Errorf("mint token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(append(d.mac(b), b...)), nil
}

func (d *Directory) mac(b []byte) []byte {
	m := hmac.New(sha256.New, d.seal)
	m.Write(b)
	return m.Sum(nil)
}

func (d *Directory) redeem(token string) (grant, bool) {
	var g grant
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < sha256.Size || !hmac.Equal(b[:sha256.Size], d.mac(b[sha256.Size:])) {
		return grant{}, false
	}
	return g, json.Unmarshal(b[sha256.Size:], &g) == nil && d.now().Unix() < g.Ends
}

// certificate returns the client certificate of a request after judging it: chained to the authority, in
// time, for clients, not a signing certificate, not revoked (DIR-02, CERT-02, CERT-13).
func (d *Directory) certificate(r *http.Request) (*x509.Certificate, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, fmt.Errorf("a client certificate is required")
	}
	chain := r.TLS.PeerCertificates
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: d.cfg.Authority.Roots(), Intermediates: between, CurrentTime: d.now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("the client certificate is not trusted")
	case chain[0].KeyUsage&x509.KeyUsageContentCommitment != 0:
		return nil, fmt.Errorf("a signing certificate is no client certificate")
	case d.cfg.Authority.IsRevoked(chain[0]):
		return nil, fmt.Errorf("the client certificate is revoked")
	}
	return chain[0], nil
}

// owner returns the organisation and the software statement that a certificate names, the organisation
// in the current or in the older place.
func owner(c *x509.Certificate) (organisation, software string) {
	unit := ""
	for _, n := range c.Subject.Names {
		value, _ := n.Value.(string)
		switch n.Type.String() {
		case "2.5.4.97":
			organisation = strings.TrimPrefix(value, "OFBBR-")
		case "2.5.4.11":
			unit = value
		case "0.9.2342.19200300.100.1.1":
			software = value
		}
	}
	if organisation == "" {
		organisation = unit
	}
	return organisation, software
}

// token answers the client credentials grant of a software statement, which authenticates with its
// certificate.
func (d *Directory) token(r *http.Request) (answer, error) {
	refuse := func(status int, code, text string) (answer, error) {
		return answer{}, &problem{status: status, code: code, text: text}
	}
	c, err := d.certificate(r)
	if err != nil {
		return refuse(http.StatusUnauthorized, "invalid_client", err.Error())
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return refuse(http.StatusBadRequest, "invalid_request", "the body must be a form")
	}
	body, err := read(r)
	if err != nil {
		return answer{}, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return refuse(http.StatusBadRequest, "invalid_request", "the form cannot be read")
	}
	for name, values := range form {
		if len(values) > 1 {
			return refuse(http.StatusBadRequest, "invalid_request", "repeated parameter "+clip(name))
		}
	}
	if form.Get("grant_type") != "client_credentials" {
		return refuse(http.StatusBadRequest, "unsupported_grant_type", "only client_credentials is supported")
	}
	if s := form.Get("scope"); s != "" && s != scope {
		return refuse(http.StatusBadRequest, "invalid_scope", "the scope of machines is "+scope)
	}
	id, err := d.authenticate(form.Get("client_id"), c)
	if err != nil {
		return refuse(http.StatusUnauthorized, "invalid_client", err.Error())
	}
	life := d.cfg.Seams.Lifetime("directory_token", tokenLife)
	token, err := d.mint(grant{Software: id, Bound: jose.Thumbprint(c), Ends: d.now().Add(life).Unix()})
	if err != nil {
		return answer{}, err
	}
	return answer{header: map[string]string{"Cache-Control": "no-store", "Pragma": "no-cache"}, body: map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(life.Seconds()), "scope": scope,
	}}, nil
}

func clip(s string) string { return s[:min(len(s), 40)] }

// authenticate finds the active statement of a client id and holds the certificate against it.
func (d *Directory) authenticate(clientID string, c *x509.Certificate) (string, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for id, s := range d.software {
		if s.ClientID == clientID && clientID != "" {
			return id, d.standing(s, c)
		}
	}
	return "", fmt.Errorf("unknown client_id")
}

// standing says why a statement may not act with this certificate now, if so; the caller holds the lock.
func (d *Directory) standing(s *software, c *x509.Certificate) error {
	organisation, software := owner(c)
	if software != s.SoftwareStatementID || organisation != s.OrganisationID {
		return fmt.Errorf("the client certificate is of another software statement")
	}
	kid := jose.Thumbprint(c)
	for _, h := range s.keys {
		if h.ID == kid && !d.live(h) {
			return fmt.Errorf("the client certificate is inactive")
		}
	}
	if s.Status != Active {
		return fmt.Errorf("the software statement is %s", s.Status)
	}
	if o := d.find(s.OrganisationID); o == nil || o.Status != Active {
		return fmt.Errorf("the organisation is not active")
	}
	return nil
}

// session says whose request this is: a living token, used with the certificate it is bound to.
func (d *Directory) session(r *http.Request) (SoftwareStatement, error) {
	refuse := func(text string) (SoftwareStatement, error) {
		return SoftwareStatement{}, &problem{status: http.StatusUnauthorized, text: text}
	}
	c, err := d.certificate(r)
	if err != nil {
		return refuse(err.Error())
	}
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	g, ok := d.redeem(strings.TrimSpace(token))
	if !strings.EqualFold(kind, "Bearer") || !ok || g.Bound != jose.Thumbprint(c) {
		return refuse("a valid access token of this client certificate is required")
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	s := d.software[g.Software]
	if s == nil {
		return refuse("the software statement is gone")
	}
	if err := d.standing(s, c); err != nil {
		return refuse(err.Error())
	}
	return s.SoftwareStatement, nil
}

// metadata is the authorization server metadata of the directory.
func (d *Directory) metadata() http.Handler {
	return d.routes(map[string]func(*http.Request) (answer, error){
		"GET /.well-known/openid-configuration": func(*http.Request) (answer, error) {
			b := d.cfg.Base
			return answer{header: map[string]string{"Cache-Control": "public, max-age=900"}, body: map[string]any{
				"issuer": b.Auth, "token_endpoint": b.Token + "/token", "jwks_uri": b.Keystore + "/openbanking.jwks",
				"mtls_endpoint_aliases":                      map[string]string{"token_endpoint": b.Token + "/token"},
				"grant_types_supported":                      []string{"client_credentials"},
				"scopes_supported":                           []string{scope},
				"response_types_supported":                   []string{},
				"token_endpoint_auth_methods_supported":      []string{"tls_client_auth"},
				"tls_client_certificate_bound_access_tokens": true,
			}}, nil
		},
	}, map[string]string{"GET /.well-known/openid-configuration": "metadata"})
}
