package check

import (
	"fmt"
	"maps"
	"net/url"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// Party is a third party facing the bank under test. Its own methods are the common first steps of a
// check: they end it when they fail. Everything else is the embedded client's.
type Party struct {
	*tpp.Client
	Server *tpp.Server
	bench  *Bench
}

// Party is the i-th registered client with the bank as it sees it. The server is the check's own copy.
func (b *Bench) Party(i int) *Party {
	registered := b.session.target.Registered()
	if i >= len(registered) {
		b.end(report.Skip, fmt.Sprintf("the target declares %d registered clients, %d are needed", len(registered), i+1))
	}
	return b.facing(b.Client(i), registered[i])
}

// PartyWith is the first registered client whose software holds the directory role.
func (b *Bench) PartyWith(role string) *Party {
	for i, c := range b.session.target.Registered() {
		if c.Has(role) {
			return b.Party(i)
		}
	}
	b.end(report.Skip, "no registered client has the directory role "+role)
	return nil
}

// Newcomer is software that the bank does not know yet, with exactly the given roles (none: any). It
// belongs to this check alone; a registration that it still holds at the end is deleted.
func (b *Bench) Newcomer(roles ...string) *Party {
	client := b.Software(roles...)
	p := b.facing(client, nil)
	b.Cleanup(func() {
		if p.Server.RegistrationURI != "" && p.Server.RegistrationToken != "" {
			x := client.DeleteRegistrationRequest(p.Server).Send(b.cleanupContext())
			if x.Err == nil && x.Status < 300 {
				p.Server.RegistrationURI = ""
			}
		}
	})
	return p
}

func (b *Bench) facing(client *tpp.Client, c *target.Client) *Party {
	found := Given[*tpp.Server](b, "a usable discovery document")(b.session.discovered(b, client))
	server := *found
	server.Document = maps.Clone(found.Document)
	if c != nil {
		server.ClientID = c.ClientID
		server.RegistrationToken = b.session.target.Text(c.RegistrationToken)
		if server.RegistrationToken != "" {
			server.RegistrationURI = server.Registration + "/" + url.PathEscape(c.ClientID)
		}
	}
	return &Party{Client: client, Server: &server, bench: b}
}

// discovered keeps the bank's metadata for the session: it is fetched, and judged, once.
func (s *Session) discovered(b *Bench, client *tpp.Client) (*tpp.Server, error) {
	s.actors.mu.Lock()
	known := s.actors.server
	s.actors.mu.Unlock()
	if known != nil {
		return known, nil
	}
	t := s.target
	at := tpp.Institution{OrganisationID: t.Bank.OrganisationID, Discovery: t.Bank.Discovery, ResourceBase: t.Bank.ResourceBase}
	if at.ResourceBase == "" {
		found, err := client.FindInstitution(b.ctx, t.Bank.AuthorisationServerID)
		if err != nil {
			return nil, err
		}
		at.ResourceBase = found.ResourceBase
	}
	server, err := client.Discover(b.ctx, at, "")
	if err != nil {
		return nil, err
	}
	s.actors.mu.Lock()
	s.actors.server = server
	s.actors.mu.Unlock()
	return server, nil
}

// Document is the person in the client's terms.
func (p *Person) Document() tpp.Person { return tpp.Person{CPF: p.CPF, CNPJ: p.CNPJ} }

// Consent creates a data consent of the person with these permissions.
func (p *Party) Consent(who *Person, permissions []string, edits ...func(*tpp.APICall)) *tpp.Consent {
	return Given[*tpp.Consent](p.bench, "a data consent")(p.CreateConsent(p.bench.ctx, p.Server, permissions, who.Document(), edits...))
}

// Authorised takes a consent through the redirect journey, the person saying yes to everything.
func (p *Party) Authorised(consent *tpp.Consent, who *Person, edits ...func(*tpp.Push)) *tpp.Grant {
	return Given[*tpp.Grant](p.bench, "an authorised consent")(p.Authorise(p.bench.ctx, consent, p.bench.Robot(who), edits...))
}

// Sharing is a data consent of the person, created and authorised.
func (p *Party) Sharing(who *Person, permissions []string) *tpp.Grant {
	return p.Authorised(p.Consent(who, permissions), who)
}

// Credentials is a client-credentials grant of the scopes.
func (p *Party) Credentials(scopes ...string) *tpp.Grant {
	return Given[*tpp.Grant](p.bench, "a client-credentials token")(p.ClientCredentials(p.bench.ctx, p.Server, scopes...))
}

// Push is a pushed request for the consent, ready to be bent and sent.
func (p *Party) Push(consent *tpp.Consent) *tpp.Push { return p.PushedRequest(p.Server, consent) }

// Call is a call of an operation of the registry, with the grant's token, ready to be bent and sent.
func (p *Party) Call(operation string, grant *tpp.Grant) *tpp.APICall {
	op := spec.Find(operation)
	if op == nil {
		p.bench.end(report.Error, "the registry has no operation "+operation)
	}
	call := p.API(p.Server, op)
	if grant != nil {
		call.With(grant)
	}
	return call
}
