package drive

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/target"
)

// party is one registered client of the target file.
type party struct {
	entry  *target.Client
	client *tpp.Client
	server *tpp.Server
	wire   *wire
	own    map[string]*bearer // client-credentials tokens by scope
	grants []*grant
}

// leave delivers what a client still has to report, and ends it.
func leave(c *tpp.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = c.FlushReports(ctx) // what cannot be delivered in time stays unreported
	c.Close()
}

func (p *party) close() {
	if p.client != nil {
		leave(p.client)
	}
	if p.wire != nil {
		p.wire.close()
	}
}

// follow steps our clock to the target's, where it can be asked.
func (s *Source) follow(ctx context.Context) error {
	if s.target.Capabilities.Clock == "" {
		return nil
	}
	var state struct {
		OffsetSeconds float64 `json:"offsetSeconds"`
	}
	if err := control(ctx, http.MethodGet, s.target.Capabilities.Clock, nil, &state); err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	s.clock.Advance(time.Duration(state.OffsetSeconds * float64(time.Second)))
	return nil
}

// identity is how to be a client of the target, whose consents are made known to its organisation's office.
func (s *Source) identity(entry *target.Client) (tpp.Config, error) {
	cfg, err := s.target.Configure(entry, s.clock)
	if !s.options.Reports {
		cfg.PCM = tpp.PCMURLs{}
	}
	if s.courier != nil {
		cfg.Consents = s.courier
	}
	return cfg, err
}

// recall ends the courier, when everything that can be told was.
func (s *Source) recall() {
	if s.courier == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.courier.Flush(ctx); err != nil {
		s.options.Log.Warn("the third parties' stock will miss consents of this run", "error", err)
	}
	s.courier.Close()
}

// enter opens the registered clients.
func (s *Source) enter(ctx context.Context, roots *x509.CertPool) error {
	registered := s.target.Registered()
	if len(registered) == 0 {
		return errors.New("the target file declares no registered client")
	}
	at := tpp.Institution{OrganisationID: s.target.Bank.OrganisationID, Discovery: s.target.Bank.Discovery, ResourceBase: s.target.Bank.ResourceBase}
	for _, entry := range registered {
		cfg, err := s.identity(entry)
		if err != nil {
			return err
		}
		cfg.Record = s.aside
		client, err := tpp.New(cfg)
		if err != nil {
			return fmt.Errorf("client %s: %w", entry.Name, err)
		}
		p := &party{entry: entry, client: client, own: map[string]*bearer{}, wire: newWire(s.target, roots, &cfg.Transport, s.clock, s.inFlight(), s.options.HTTP2)}
		s.parties = append(s.parties, p)
		if at.ResourceBase == "" || at.OrganisationID == "" {
			if at, err = client.FindInstitution(ctx, s.target.Bank.AuthorisationServerID); err != nil {
				return err
			}
		}
		if p.server, err = client.Discover(ctx, at, entry.ClientID); err != nil {
			return fmt.Errorf("client %s: %w", entry.Name, err)
		}
		for _, address := range []string{p.server.ResourceBase, p.server.Authorization, p.server.Token, p.server.PAR, p.server.Registration} {
			if err := s.named(address); err != nil {
				return err
			}
			s.hosts[hostOf(address)] = address != ""
		}
	}
	return nil
}

// aside counts what goes to the bank beside the arrivals.
func (s *Source) aside(e *tpp.Exchange) {
	if s.hosts[hostOf(e.URL)] {
		s.beside.Count(e.Err == nil)
	}
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// named refuses an address of the bank's metadata or of the directory that leads to a host which the target
// file does not name: whoever runs that one was not asked.
func (s *Source) named(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("the address %q cannot be used: %w", address, err)
	}
	t := s.target
	host := u.Hostname()
	if _, mapped := t.Hosts[host]; host == "" || mapped {
		return nil
	}
	for _, own := range []string{t.Bank.Discovery, t.Bank.ResourceBase, t.Directory.URL, t.Directory.Participants, t.Directory.Keystore, t.Directory.Token} {
		if at, err := url.Parse(own); err == nil && strings.EqualFold(at.Hostname(), host) {
			return nil
		}
	}
	return fmt.Errorf("the bank sends us to %s, which the target file does not name: add %q under hosts if load may go there", host, host+": "+host)
}

// bearer is the client's own token of a scope, made when it is first wanted.
func (s *Source) bearer(ctx context.Context, p *party, scope string) (*bearer, error) {
	if b := p.own[scope]; b != nil {
		return b, nil
	}
	b := &bearer{renew: func(ctx context.Context) (string, time.Duration, error) {
		e := p.client.CredentialsRequest(p.server, scope).Send(ctx)
		token := e.Text("access_token")
		life, _ := e.Field("expires_in").(float64)
		if e.Err != nil || e.Status != http.StatusOK || token == "" || life <= 0 {
			return "", 0, fmt.Errorf("token for %s: %w", scope, &tpp.Failure{Exchange: e})
		}
		return token, time.Duration(life * float64(time.Second)), nil
	}}
	if err := s.keeper.keep(ctx, b); err != nil {
		return nil, err
	}
	p.own[scope] = b
	return b, nil
}

// robot is a customer of the target file at the bank's pages.
func (s *Source) robot(p *party, who *target.Person) (*psu.Robot, error) {
	roots, err := s.target.Roots()
	if err != nil {
		return nil, err
	}
	return &psu.Robot{Network: psu.Network{CA: roots, Hosts: s.target.Hosts, Clock: s.clock},
		Username: s.target.Text(who.Username), Password: s.target.Text(who.Password), Back: p.entry.RedirectURIs}, nil
}

// people lists those who can log in by themselves: with all of the traits, else whoever is no special
// case. Company people act for their company.
func (s *Source) people(company bool) []*target.Person {
	var plain, others []*target.Person
	for i := range s.target.People {
		who := &s.target.People[i]
		switch {
		case who.Login == "human", (s.target.Text(who.CNPJ) != "") != company,
			company && who.Is("company-several"):
		case company || who.Is("ordinary"):
			plain = append(plain, who)
		case !who.Is("no-accounts") && !who.Is("unavailable-account") && !who.Is("joint") && !who.Is("poor"):
			others = append(others, who)
		}
	}
	return append(plain, others...)
}

func (s *Source) person(who *target.Person) tpp.Person {
	return tpp.Person{CPF: s.target.Text(who.CPF), CNPJ: s.target.Text(who.CNPJ)}
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // made of strings and numbers
	}
	return b
}
