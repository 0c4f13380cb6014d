package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/ensaio/ensaio/participants/people"
	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
)

// registration is what a registered software keeps of it.
type registration struct {
	ClientID string `json:"clientId"`
	Token    string `json:"registrationToken"`
}

// party makes the third party behind a software statement. It knows only what its own files and the
// directory say. Whoever records is told of every exchange.
func (e *Ecosystem) party(i int, record ...func(*tpp.Exchange)) (*tpp.Client, error) {
	cfg := e.partyConfig(i)
	office := e.offices[cfg.OrganisationID]
	cfg.Through, cfg.Consents = office.client, office.inventory
	if len(record) > 0 {
		cfg.Record = record[0]
	}
	return tpp.New(cfg)
}

// partyConfig is who the third party behind a software statement is.
func (e *Ecosystem) partyConfig(i int) tpp.Config {
	sw, s := e.cast.software[i], e.secrets.parties[i]
	return tpp.Config{
		Name: sw.name, OrganisationID: sw.of.id, SoftwareID: sw.id, CNPJ: sw.of.cnpj, Transport: s.transport.TLS(), Signing: s.signing, Encryption: s.encryption,
		RedirectURIs: e.redirects(sw), WebhookURIs: e.webhooks(sw), SSA: e.assertion(sw), CA: e.secrets.authority.Roots(),
		Hosts: e.net.hosts(), Clock: e.clock,
		Directory: tpp.DirectoryURLs{Participants: e.directory.Data + "/participants", Keystore: e.directory.Keystore, Token: e.directory.Token + "/token"},
		PCM:       tpp.PCMURLs{URL: e.net.url(namePCM), Token: e.net.url(namePCMAuth) + "/token/"},
	}
}

func (e *Ecosystem) institution() tpp.Institution {
	return tpp.Institution{OrganisationID: e.cast.bank.id, Discovery: e.net.url(nameIssuer) + "/.well-known/openid-configuration", ResourceBase: e.net.url(nameAPI)}
}

// register registers the software that is to be known to the bank, over the wire, once: what came of it
// is kept beside the directory's other files.
func (e *Ecosystem) register(ctx context.Context) ([]registration, error) {
	kept := filepath.Join(e.options.Dir, "registrations.json")
	had := map[string]registration{}
	if e.options.Dir != "" {
		b, err := os.ReadFile(kept)
		switch {
		case err == nil:
			if err := json.Unmarshal(b, &had); err != nil {
				return nil, fmt.Errorf("%s is damaged: %w", kept, err)
			}
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	all := make([]registration, len(e.cast.software))
	group, ctx := errgroup.WithContext(ctx)
	for i, sw := range e.cast.software {
		if !sw.registered {
			continue
		}
		if r, known := had[sw.id]; known {
			all[i] = r
			continue
		}
		group.Go(func() error {
			c, err := e.party(i)
			if err != nil {
				return err
			}
			defer c.Close()
			// A start that was cut short may have registered it and told nobody.
			if err := e.forget(ctx, sw.id); err != nil {
				return fmt.Errorf("register %s: %w", sw.name, err)
			}
			s, err := c.Discover(ctx, e.institution(), "")
			if err != nil {
				return fmt.Errorf("register %s: %w", sw.name, err)
			}
			if _, err := c.Register(ctx, s); err != nil {
				return fmt.Errorf("register %s: %w", sw.name, err)
			}
			all[i] = registration{ClientID: s.ClientID, Token: s.RegistrationToken}
			return c.FlushReports(ctx)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if e.options.Dir == "" {
		return all, nil
	}
	for i, sw := range e.cast.software {
		if sw.registered {
			had[sw.id] = all[i]
		}
	}
	b, err := json.MarshalIndent(had, "", "  ")
	if err != nil {
		return nil, err
	}
	return all, writeFile(kept, append(b, '\n'))
}

// rehearse plays one real consent journey: create, authorise on the bank's pages, read. Ready means that
// this worked.
func (e *Ecosystem) rehearse(ctx context.Context, all []people.Person, known registration) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return e.journey(ctx, all[len(all)-1], known)
}

func (e *Ecosystem) journey(ctx context.Context, who people.Person, known registration) error {
	c, err := e.party(0)
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.Discover(ctx, e.institution(), known.ClientID)
	if err != nil {
		return fmt.Errorf("first journey: %w", err)
	}
	customer := &psu.Robot{Network: psu.Network{CA: e.secrets.authority.Roots(), Hosts: e.net.hosts(), Clock: e.clock},
		Username: who.Username, Password: who.Password, Back: c.Config().RedirectURIs}
	grant, err := c.Share(ctx, s, []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}, tpp.Person{CPF: who.CPF}, customer)
	if err != nil {
		return fmt.Errorf("first journey: %w", err)
	}
	read, err := c.Read(ctx, grant, spec.Find("accounts.list"), nil, nil)
	if err != nil {
		return fmt.Errorf("first journey: %w", err)
	}
	if read.Status != 200 {
		return fmt.Errorf("first journey: accounts were answered %d", read.Status)
	}
	if _, err := c.DeleteConsent(ctx, grant.Consent); err != nil {
		return fmt.Errorf("first journey: %w", err)
	}
	return c.FlushReports(ctx)
}
