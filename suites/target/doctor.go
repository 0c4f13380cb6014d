package target

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/clock"
)

// State is what a look at one thing came to.
type State string

// The states. NotTried says why in Detail.
const (
	Good     State = "ok"
	Broken   State = "broken"
	NotTried State = "not-tried"
)

// Finding is one thing looked at before any judging.
type Finding struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail,omitempty"`
	Cause  string `json:"cause,omitempty"`
	Remedy string `json:"remedy,omitempty"`
	// Configuration marks a mistake on our side of the wire: the file, a key, a certificate.
	Configuration bool `json:"configuration,omitempty"`
}

// handshakeLimit bounds one look at a host.
const handshakeLimit = 5 * time.Second

// examination is one visit of the doctor.
type examination struct {
	ctx      context.Context
	target   *Target
	clock    *clock.Clock
	roots    *x509.CertPool
	findings []Finding
	client   *tpp.Client
	entry    *Client
	server   *tpp.Server
}

// Preflight looks whether a verdict can be reached at all: references, certificates and hosts. What an
// institution answers is left to the checks.
func Preflight(ctx context.Context, t *Target) []Finding {
	e := &examination{ctx: ctx, target: t, clock: clock.New()}
	if e.file() {
		e.time()
		e.identities()
		e.hosts()
	}
	return e.findings
}

// Doctor looks at everything that can be looked at before judging, and changes nothing. A branch stops at
// its first broken thing; the others go on.
func Doctor(ctx context.Context, t *Target) []Finding {
	e := &examination{ctx: ctx, target: t, clock: clock.New()}
	if !e.file() {
		return e.findings
	}
	e.time()
	known := e.identities()
	reached := e.hosts()
	if !known || !reached {
		e.skip("directory, metadata, keys, registration, tokens", "certificates or hosts are not in order")
		e.people()
		return e.findings
	}
	defer func() {
		if e.client != nil {
			e.client.Close()
		}
	}()
	if e.enter() {
		e.directory()
		if e.metadata() {
			e.keys()
			e.statement()
			if e.registration() {
				e.tokens()
			}
		}
	}
	e.people()
	e.powers()
	return e.findings
}

func (e *examination) good(name, format string, args ...any) bool {
	e.findings = append(e.findings, Finding{Name: name, State: Good, Detail: fmt.Sprintf(format, args...)})
	return true
}

func (e *examination) broken(name, cause, remedy string) bool {
	e.findings = append(e.findings, Finding{Name: name, State: Broken, Cause: cause, Remedy: remedy})
	return false
}

func (e *examination) mistake(name, cause, remedy string) bool {
	e.broken(name, cause, remedy)
	e.findings[len(e.findings)-1].Configuration = true
	return false
}

func (e *examination) skip(name, why string) {
	e.findings = append(e.findings, Finding{Name: name, State: NotTried, Detail: why})
}

func (e *examination) file() bool {
	if missing := e.target.Missing(); len(missing) > 0 {
		for _, m := range missing {
			e.mistake("target file", m, "correct the reference, or set the variable")
		}
		return false
	}
	roots, err := e.target.Roots()
	if err != nil {
		return e.mistake("target file", err.Error(), "ca: must name a PEM file with the authorities of the servers")
	}
	e.roots = roots
	return e.good("target file", "%d clients, %d people", len(e.target.Clients), len(e.target.People))
}

// time compares clocks. A declared clock is followed; otherwise a Date header is taken for what it says.
func (e *examination) time() {
	ask, tolerance := e.target.Capabilities.Clock, 30*time.Second
	if ask == "" {
		return
	}
	var state struct {
		OffsetSeconds float64 `json:"offsetSeconds"`
	}
	if err := e.fetch(ask, &state); err != nil {
		e.broken("clock", err.Error(), "is the ecosystem still running? start it with 'ensaio up'")
		return
	}
	offset := time.Duration(state.OffsetSeconds * float64(time.Second))
	e.clock.Advance(offset)
	if offset.Abs() > tolerance {
		e.good("clock", "stepped by %v, followed", offset.Round(time.Second))
		return
	}
	e.good("clock", "as here")
}

func (e *examination) fetch(address string, out any) error {
	req, err := http.NewRequestWithContext(e.ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: handshakeLimit, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", address, res.StatusCode)
	}
	return json.NewDecoder(http.MaxBytesReader(nil, res.Body, 4<<20)).Decode(out)
}

// identities looks at our own certificates and keys.
func (e *examination) identities() bool {
	all := true
	if len(e.target.Clients) == 0 {
		return e.mistake("clients", "the file declares none", "clients: needs at least one software statement of yours")
	}
	for i := range e.target.Clients {
		c := &e.target.Clients[i]
		name := fmt.Sprintf("client %s", c.Name)
		pair, err := e.target.Pair(c.Transport)
		if err != nil {
			all = e.mistake(name+": transport", fmt.Sprintf("%s with %s: %v", c.Transport.Cert, c.Transport.Key, err), "certificate chain and key must be PEM and belong together")
			continue
		}
		if flaw := e.identity(c, pair.Leaf); flaw != "" {
			all = e.mistake(name+": transport", fmt.Sprintf("%s: %s", c.Transport.Cert, flaw), "use the BRCAC that the directory issued for this software statement")
			continue
		}
		if _, err := e.target.Private(c.Signing); err != nil || c.Signing.JWK == "" {
			all = e.mistake(name+": signing key", fmt.Sprintf("%s: %v", c.Signing.JWK, err), "signing.jwk must name a private RSA JSON Web Key of 2048 bits or more")
			continue
		}
		if _, err := e.target.Private(c.Encryption); err != nil {
			all = e.mistake(name+": encryption key", fmt.Sprintf("%s: %v", c.Encryption.JWK, err), "encryption.jwk must name a private RSA JSON Web Key")
			continue
		}
		e.good(name, "certificate until %s", pair.Leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	return all
}

// identity says what is wrong with a client certificate, or "".
func (e *examination) identity(c *Client, leaf *x509.Certificate) string {
	now := e.clock.Now()
	switch {
	case now.After(leaf.NotAfter):
		return "expired on " + leaf.NotAfter.UTC().Format(time.RFC3339)
	case now.Before(leaf.NotBefore):
		return "not valid before " + leaf.NotBefore.UTC().Format(time.RFC3339)
	case !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return "not a transport certificate: it lacks the clientAuth usage"
	}
	organisation, software := subjectIDs(leaf)
	if organisation != "" && !strings.EqualFold(organisation, c.OrganisationID) {
		return fmt.Sprintf("belongs to organisation %s, the file expects %s", organisation, c.OrganisationID)
	}
	if software != "" && !strings.EqualFold(software, c.SoftwareStatementID) {
		return fmt.Sprintf("belongs to software %s, the file expects %s", software, c.SoftwareStatementID)
	}
	return ""
}

// subjectIDs reads organisation and software from a certificate's subject (organizationIdentifier
// 2.5.4.97, or organizationalUnit of the legacy form; UID 0.9.2342.19200300.100.1.1).
func subjectIDs(leaf *x509.Certificate) (organisation, software string) {
	for _, name := range leaf.Subject.Names {
		value, _ := name.Value.(string)
		switch name.Type.String() {
		case "2.5.4.97":
			organisation = strings.TrimPrefix(value, "OFBBR-")
		case "0.9.2342.19200300.100.1.1":
			software = value
		}
	}
	if organisation == "" && len(leaf.Subject.OrganizationalUnit) > 0 {
		organisation = leaf.Subject.OrganizationalUnit[0]
	}
	return organisation, software
}

// hosts looks at names, TCP, TLS and server chains.
func (e *examination) hosts() bool {
	all := true
	seen := map[string]bool{}
	for _, address := range []string{e.target.Bank.Discovery, e.target.Bank.ResourceBase, e.target.Directory.Participants,
		e.target.Directory.Keystore, e.target.Directory.Token, e.target.PCM.URL, e.target.PCM.Token} {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || seen[u.Host] || u.Scheme != "https" {
			continue
		}
		seen[u.Host] = true
		all = e.host(u) && all
	}
	return all
}

func (e *examination) host(u *url.URL) bool {
	name := "host " + u.Host
	port := u.Port()
	if port == "" {
		port = "443"
	}
	address := net.JoinHostPort(u.Hostname(), port)
	if mapped := e.target.Hosts[u.Hostname()]; mapped != "" {
		address = mapped
		if _, _, err := net.SplitHostPort(mapped); err != nil {
			address = net.JoinHostPort(mapped, port)
		}
	}
	ctx, cancel := context.WithTimeout(e.ctx, handshakeLimit)
	defer cancel()
	plain, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) {
			return e.broken(name, "the name does not resolve", "correct the address, or add the name to hosts:")
		}
		return e.broken(name, "no connection to "+address+": "+err.Error(), "is it running, and is the way open from this machine?")
	}
	defer func() { _ = plain.Close() }()
	cfg := &tls.Config{ServerName: u.Hostname(), RootCAs: e.roots, MinVersion: tls.VersionTLS12, Time: e.clock.Now}
	if len(e.target.Clients) > 0 {
		if pair, err := e.target.Pair(e.target.Clients[0].Transport); err == nil {
			cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
	}
	conn := tls.Client(plain, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		remedy := "compare TLS versions and ciphers of both sides"
		var unknown x509.UnknownAuthorityError
		var verify *tls.CertificateVerificationError
		switch {
		case errors.As(err, &unknown):
			remedy = "ca: must name the authority that issued the server's certificate"
		case errors.As(err, &verify):
			remedy = "the server's certificate does not fit its name or date"
		}
		return e.broken(name, err.Error(), remedy)
	}
	state := conn.ConnectionState()
	return e.good(name, "%s, certificate until %s", tls.VersionName(state.Version), state.PeerCertificates[0].NotAfter.UTC().Format(time.DateOnly))
}

// enter picks the client that asks from here on.
func (e *examination) enter() bool {
	e.entry = &e.target.Clients[0]
	if r := e.target.Registered(); len(r) > 0 {
		e.entry = r[0]
	}
	cfg, err := e.target.Configure(e.entry, e.clock)
	if err != nil {
		return e.mistake("client "+e.entry.Name, err.Error(), "correct the client's files")
	}
	cfg.PCM = tpp.PCMURLs{} // looking is no call of the ecosystem's business
	if e.client, err = tpp.New(cfg); err != nil {
		return e.mistake("client "+e.entry.Name, err.Error(), "correct the client's entry")
	}
	return true
}
