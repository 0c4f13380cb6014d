// Package directory is a mock of the Central Directory: who takes part, with which software, roles, keys
// and certificates, and the signed word about it.
//
// It promises the published paths and shapes: the participants document and the roles, the protected
// tree of organisations, software statement assertions made from the model at the moment they are asked
// for, and a key store whose inactive keys move aside at once. Tokens are bound to the certificate they
// were given to and to its organisation. Changes are made through [Directory.Control], which is no part
// of the regulated surface.
package directory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/pki"
)

// Addresses are the base URLs of the directory's hosts, without a trailing slash.
type Addresses struct {
	Auth     string // metadata; no client certificate
	Token    string // token endpoint; mutual TLS
	API      string // protected tree; mutual TLS
	Keystore string // key sets; public
	Data     string // participants and roles; public
}

// At returns the usual addresses on one port.
func At(port int) Addresses {
	base := func(host string) string { return fmt.Sprintf("https://%s.directory.test:%d", host, port) }
	return Addresses{
		Auth: base("auth"), Token: base("matls-auth"), API: base("matls-api"), Keystore: base("keystore"), Data: base("data"),
	}
}

// Hosts lists the host names of the addresses, for certificates and name tables.
func (a Addresses) Hosts() []string {
	var out []string
	for _, u := range []string{a.Auth, a.Token, a.API, a.Keystore, a.Data} {
		out = append(out, hostOf(u))
	}
	return out
}

// MutualTLS lists the host names at which a client certificate must be asked for.
func (a Addresses) MutualTLS() []string { return []string{hostOf(a.Token), hostOf(a.API)} }

func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Config is what a directory is made of.
type Config struct {
	Authority *pki.Authority // whose client certificates are trusted and whose word on revocation counts
	Clock     *clock.Clock
	Seed      clock.Seed
	Seams     *fault.Seams
	Dir       string // keeps the signing key and every change; "" keeps nothing
	Base      Addresses
}

// Directory is the mock. It is safe for concurrent use.
type Directory struct {
	cfg    Config
	signer jose.Key
	seal   []byte // authenticates access tokens
	public map[string]http.Handler
	outage atomic.Int64 // status answered to everything while not 0

	patience time.Duration // how long the body of a request may take

	mu            sync.RWMutex
	organisations []*organisation
	software      map[string]*software
	changes       *changes
}

// New makes an empty directory, or one that remembers the changes kept in cfg.Dir and applies them to
// what is added.
func New(cfg Config) (*Directory, error) {
	if cfg.Authority == nil || cfg.Clock == nil || cfg.Base.Keystore == "" {
		return nil, errors.New("directory: needs an authority, a clock and its addresses")
	}
	d := &Directory{cfg: cfg, software: map[string]*software{}, patience: bodyTimeout}
	var err error
	if d.changes, err = openChanges(cfg.Dir); err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	if d.signer, err = openSigner(cfg.Dir, cfg.Authority); err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	if d.seal, err = newSeal(); err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	d.public = map[string]http.Handler{}
	protected := d.protected()
	for base, h := range map[string]http.Handler{
		cfg.Base.Auth: d.metadata(), cfg.Base.Keystore: d.keystore(), cfg.Base.Data: d.openData(),
		cfg.Base.Token: protected, cfg.Base.API: protected,
	} {
		if name := hostOf(base); name != "" {
			d.public[name] = h
		}
	}
	return d, nil
}

// SSAIssuer is the issuer of this environment's software statement assertions (SSA-02).
func (d *Directory) SSAIssuer() string { return "Open Banking Brasil sandbox SSA issuer" }

// Signer returns the public key that verifies the directory's assertions.
func (d *Directory) Signer() jose.Key {
	k := d.signer
	k.Private = nil
	return k
}

// SSA returns the address of a statement's assertion.
func (d *Directory) SSA(organisationID, softwareID string) string {
	return d.cfg.Base.API + "/organisations/" + organisationID + "/softwarestatements/" + softwareID + "/assertion"
}

// organisation is a participant with all that belongs to it. Everything in it is guarded by
// Directory.mu.
type organisation struct {
	Organisation
	domains []DomainClaim
	roles   []*RoleClaim
	keys    []*held
	servers []*AuthorisationServer
}

// software is a statement with its roles and keys.
type software struct {
	SoftwareStatement
	roles []*SoftwareRoleClaim
	keys  []*held
}

// held is a key or certificate in the key store.
type held struct {
	jose.Key
	kind   string // brcac, brseal, sigkey, enckey
	status string
	since  time.Time
}

// set names the key set to which a key belongs.
func (h *held) set() string {
	if h.kind == "brcac" {
		return "transport"
	}
	return "application"
}

// live says whether a key may be used: not put aside, and its certificate neither over nor revoked
// (DIR-01).
func (d *Directory) live(h *held) bool {
	if h.status != Active {
		return false
	}
	if len(h.Chain) == 0 {
		return true
	}
	return d.cfg.Clock.Now().Before(h.Chain[0].NotAfter) && !d.cfg.Authority.IsRevoked(h.Chain[0])
}

// find returns an organisation; the caller holds the lock.
func (d *Directory) find(id string) *organisation {
	for _, o := range d.organisations {
		if o.OrganisationID == id {
			return o
		}
	}
	return nil
}

// id derives a stable identifier for a thing from the seed and the thing's place.
func (d *Directory) id(place ...string) string {
	return d.cfg.Seed.Stream("directory/" + strings.Join(place, "/")).UUID()
}

func (d *Directory) now() time.Time { return d.cfg.Clock.Now() }

// bend passes a document through the seam before it is signed or sent.
func (d *Directory) bend(_ context.Context, c *fault.Claims) {
	if d.cfg.Seams.Bends() {
		d.cfg.Seams.Claims(c)
	}
}
