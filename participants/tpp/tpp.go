// Package tpp is a third party of Open Finance Brasil: a receiver of data and an initiator of payments
// that knows an institution only by the wire.
//
// It has two faces. Every step of the protocol is a request value that can be bent in any way before it
// is sent, and whose answer is returned as an [Exchange] whatever it is: that is for those who judge.
// On top of them stand strict helpers ([Client.Discover], [Client.Authorise], [Client.Read],
// [Client.Pay], …) that do what the profile demands of a client (TPP-01..12) and refuse, with a
// [Refusal] that names the demand, whatever a sound client must refuse. [Config.Ignore] switches single
// demands off, which makes a saboteur.
//
// Secrets are in every Exchange, for the judge needs them; [Exchange.Redacted] is the form for reports.
package tpp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/jose"
)

// DirectoryURLs are the addresses of the participant directory.
type DirectoryURLs struct {
	Participants string // the open list
	Keystore     string // base of <org>/application.jwks
	Token        string // token endpoint of the directory
}

// PCMURLs are the addresses of the metrics platform. Empty means that nothing is reported.
type PCMURLs struct {
	URL   string // base of the report API
	Token string // token endpoint, with its final slash
}

// Customer is the person in front of the third party's page: told to visit an address, they come back
// with the redirect that brought them to the third party again.
type Customer interface {
	Visit(ctx context.Context, address string) (*url.URL, error)
}

// Config is who a third party is and how it reaches the others.
type Config struct {
	Name           string
	OrganisationID string
	SoftwareID     string
	CNPJ           string
	Transport      tls.Certificate
	Signing        jose.Key
	Encryption     jose.Key
	RedirectURIs   []string
	WebhookURIs    []string
	SSA            string // address that answers a fresh software statement assertion
	Directory      DirectoryURLs
	PCM            PCMURLs
	// Outbox keeps reports until they are told; nil keeps them in memory, 256 MiB at most.
	Outbox Outbox
	// Through is another client of the same organisation, which tells this one's reports with its own and
	// must outlive it. PCM and Outbox are then that client's.
	Through *Client
	// Consents is told what is learned about data consents; nil is nobody. See [Inventory] and [Courier].
	Consents Register
	CA       *x509.CertPool
	// Hosts maps a public name to the address it is reached at, with or without port.
	Hosts map[string]string
	Clock *clock.Clock
	// Seed, when given, draws interaction ids, idempotency keys and endToEndIds, which then repeat from
	// run to run: give it only where the institution is as new as the run. Secrets never come from it.
	Seed *clock.Stream
	// Record is told of every exchange, secrets present. It may be called from several goroutines.
	Record func(*Exchange)
	// Ignore names demands (see [Demands]) that this client does not make: a saboteur.
	Ignore []string
	// Timeout is how long an answer may take; zero is the standard's 15 seconds.
	Timeout time.Duration
}

// Client is one third party. It is safe for concurrent use; [Client.Close] ends it.
type Client struct {
	cfg    Config
	ignore map[string]bool
	keys   keyring
	out    *reporter

	mu     sync.Mutex
	pools  map[string]*http.Client // by certificate fingerprint
	tokens map[string]*Grant       // client-credentials tokens by server and scope
	owners map[string]string       // consent of an access token, by tokenId
	kinds  map[string]string       // paymentType of a payment consent
	last   string                  // last interaction id, for the saboteur that repeats it
}

// New makes a client. It refuses a configuration that cannot work.
func New(cfg Config) (*Client, error) {
	if cfg.Clock == nil || cfg.CA == nil {
		return nil, errors.New("third party: clock and trusted roots are required")
	}
	for _, name := range cfg.Ignore {
		if !slices.ContainsFunc(demands, func(d Demand) bool { return d.ID == name }) {
			return nil, errors.New("third party: no such demand: " + name)
		}
	}
	if cfg.Through != nil && cfg.Through.cfg.OrganisationID != cfg.OrganisationID {
		return nil, errors.New("third party: reports go through a client of the same organisation")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 15 * time.Second
	}
	c := &Client{cfg: cfg, ignore: map[string]bool{}, pools: map[string]*http.Client{}, tokens: map[string]*Grant{}, owners: map[string]string{}, kinds: map[string]string{}}
	for _, name := range cfg.Ignore {
		c.ignore[name] = true
	}
	c.keys.client = c
	if c.out = cfg.Through.reporter(); c.out == nil {
		c.out = newReporter(c)
	}
	return c, nil
}

// Config returns who the client is. Keys inside are the client's own: treat them as secrets.
func (c *Client) Config() Config { return c.cfg }

// Close ends background reporting, without flushing it, and closes every connection. What was not told
// stays in an outbox that was given.
func (c *Client) Close() {
	if c.cfg.Through == nil {
		c.out.close()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pools {
		p.CloseIdleConnections()
	}
}

// reporter tells the client's reports; nil of no client.
func (c *Client) reporter() *reporter {
	if c == nil {
		return nil
	}
	return c.out
}
