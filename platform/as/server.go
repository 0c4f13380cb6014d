// Package as is the FAPI-BR authorization server of the institution.
//
// It promises that a customer's data or money is opened only to a registered client that proved itself
// with a key of the directory and with its own certificate, for the consent it made, after the customer
// whom the consent names said yes on our page; and that whatever was opened closes with the consent. It
// knows one way of doing each thing, the certified one: pushed and signed requests, PKCE S256,
// private_key_jwt, code id_token in the fragment, encrypted ID tokens, certificate-bound tokens, refresh
// tokens that are never rotated. Everything else is refused, and no refusal tells internals.
//
// A third party's call that the second has no room for is answered 529 in the form of an OAuth error, which is
// what a client of these endpoints reads. Pages of the customer's browser are never answered so: they are no
// third party's calls, and a customer half way through must not be lost.
//
// Every sentence it enforces is a row of a rule set. The invariant that makes them worth testing: with a
// row switched off, the request that breaks only that sentence goes through.
package as

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/ensaio/ensaio/platform/as/screen"
	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/connector"
	"github.com/ensaio/ensaio/platform/memo"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/rule"
)

// Organisation is the institution as the directory and the screens know it.
type Organisation struct {
	ID    string // organisation id in the directory
	Brand string // CustomerFriendlyName of the authorization server
	Logo  string // https address, or ""
	ISPB  string // of the accounts held here
}

// Config is what a server is made of. All but Seed, Seams, Outbox, Seen, Admit, Assess and Log is needed.
type Config struct {
	// Issuer and MTLS are the base addresses of the public and of the mTLS host, without trailing slash.
	Issuer, MTLS string
	Clock        *clock.Clock
	// Seed makes client ids repeatable; nil draws them from the operating system. Secrets never come from it.
	Seed     *clock.Stream
	Seams    *fault.Seams
	Trust    Trust
	Consents Consents
	Source   connector.Source
	Store    Records
	Outbox   Outbox
	// Seen remembers which client assertions were used; nil is a memory that ends with the process.
	Seen *memo.Seen
	// Signing signs ID tokens; Encryption opens encrypted request objects. Both are published.
	Signing, Encryption jose.Key
	// SSAIssuer is the iss of the directory's software statements.
	SSAIssuer string
	Org       Organisation
	Screens   *screen.Screens
	// Admit, when set, counts a call of a third party, by the endpoint's name, and says whether this second
	// has room for it.
	Admit func(ctx context.Context, endpoint string) bool
	// Assess, when set, judges payment consents about to be authorised; without it the core is asked alone.
	Assess Assess
	Log    *slog.Logger
}

// Server is the authorization server. It is safe for concurrent use.
type Server struct {
	cfg   Config
	clock *clock.Clock
	seams *fault.Seams
	log   *slog.Logger

	clients registry
	grants  *grants
	sealer  sealer
	subject []byte // secret behind sub

	pushed   *lapsing[*request]
	sessions *lapsing[*session]
	codes    *lapsing[*code]
	revoked  *lapsing[struct{}] // access tokens revoked one by one, by id

	metadata, keys document

	mu sync.Mutex // guards the small states of requests and codes

	public, mtls http.Handler
}

// New makes a server and loads its clients, grants and secrets from the store.
func New(cfg Config) (*Server, error) {
	cfg.Issuer, cfg.MTLS = strings.TrimSuffix(cfg.Issuer, "/"), strings.TrimSuffix(cfg.MTLS, "/")
	for _, base := range []string{cfg.Issuer, cfg.MTLS} {
		if u, err := url.Parse(base); err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("authorization server: %q is not an https base address", base)
		}
	}
	if cfg.Clock == nil || cfg.Trust == nil || cfg.Consents == nil || cfg.Source == nil || cfg.Store == nil || cfg.Screens == nil ||
		cfg.Signing.Private == nil || cfg.Encryption.Private == nil {
		return nil, errors.New("authorization server: incomplete configuration")
	}
	if cfg.Seen == nil {
		cfg.Seen = memo.NewSeen()
	}
	s := &Server{
		cfg: cfg, clock: cfg.Clock, seams: cfg.Seams, log: cfg.Log,
		pushed: newLapsing[*request](maxPushed), sessions: newLapsing[*session](maxSessions), codes: newLapsing[*code](maxCodes),
		revoked: newLapsing[struct{}](maxRevoked),
		grants:  newGrants(),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	ctx := context.Background()
	if err := s.loadSecrets(ctx); err != nil {
		return nil, fmt.Errorf("authorization server: %w", err)
	}
	if err := s.loadClients(ctx); err != nil {
		return nil, fmt.Errorf("authorization server: %w", err)
	}
	if err := s.loadGrants(ctx); err != nil {
		return nil, fmt.Errorf("authorization server: %w", err)
	}
	if err := s.loadRevoked(ctx); err != nil {
		return nil, fmt.Errorf("authorization server: %w", err)
	}
	if err := s.describe(); err != nil {
		return nil, fmt.Errorf("authorization server: %w", err)
	}
	cfg.Consents.OnChange(s.consentChanged)
	s.public, s.mtls = s.guard(s.publicRoutes()), s.guard(s.mtlsRoutes())
	return s, nil
}

// The addresses of the endpoints below their host.
const (
	pathDiscovery  = "/.well-known/openid-configuration"
	pathKeys       = "/jwks"
	pathAuthorize  = "/authorize"
	pathToken      = "/token"
	pathPush       = "/par"
	pathRegister   = "/register"
	pathUserInfo   = "/userinfo"
	pathRevocation = "/revocation"
)

// Public serves the issuer's host, which asks no client certificate: metadata, keys, pages.
func (s *Server) Public() http.Handler { return s.public }

// MTLS serves the endpoints that need a client certificate. The listener asks for one
// (tls.RequestClientCert) and verifies nothing; this handler does.
func (s *Server) MTLS() http.Handler { return s.mtls }

func (s *Server) publicRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(pathDiscovery, s.published("discovery", &s.metadata))
	mux.Handle(pathKeys, s.published("jwks", &s.keys))
	mux.HandleFunc(pathAuthorize, s.authorize)
	mux.HandleFunc(pathAuthorize+"/{session}", s.interact)
	mux.HandleFunc("/", s.nowhere)
	return mux
}

func (s *Server) mtlsRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(pathPush, s.endpoint("par", s.push))
	mux.HandleFunc(pathToken, s.endpoint("token", s.token))
	mux.HandleFunc(pathRevocation, s.endpoint("revocation", s.revoke))
	mux.HandleFunc(pathUserInfo, s.endpoint("userinfo", s.userInfo))
	mux.HandleFunc(pathRegister, s.endpoint("register", s.register))
	mux.HandleFunc(pathRegister+"/{client}", s.endpoint("register", s.manage))
	mux.HandleFunc("/", s.endpoint("error", func(http.ResponseWriter, *http.Request) error { return errPath }))
	return mux
}

// Client returns a registered client, or false.
func (s *Server) Client(id string) (*call.Client, bool) {
	r := s.clients.get(id)
	if r == nil {
		return nil, false
	}
	return &r.Client, true
}

// Rules lists every sentence this package keeps.
func Rules() []rule.Info {
	var all []rule.Info
	for _, list := range [][]rule.Info{
		formRules.Rules(), certificateRules.Rules(), registrationCertificateRules.Rules(), managementCertificateRules.Rules(),
		tokenAuthenticationRules.Rules(), pushAuthenticationRules.Rules(), assertionRules.Rules(),
		methodRules.Rules(), pushRules.Rules(), envelopeRules.Rules(), objectRules.Rules(), scopeRules.Rules(),
		authorizeRules.Rules(), redirectRules.Rules(), customerRules.Rules(),
		codeRules.Rules(), refreshRules.Rules(), clientCredentialsRules.Rules(),
		profileRules.Rules(), statementRules.Rules(), metadataRules.Rules(), managementRules.Rules(),
		accessRules.Rules(), userInfoRules.Rules(), revocationRules.Rules(),
	} {
		all = append(all, list...)
	}
	return all
}
