package sim

import (
	"crypto/x509"
	"fmt"

	"github.com/ensaio/ensaio/directory-mock"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/pcm"
	"github.com/ensaio/ensaio/sim/pki"
	"github.com/ensaio/ensaio/sim/spec"
)

// stock is how many keys are made at once, on every core, while the rest of the world is set up.
const stock = 24

func (e *Ecosystem) openTrust(at *places) error {
	lists := fmt.Sprintf("http://%s:%d", nameCRL, port(at.pki))
	authority, err := pki.Open(e.sub("pki"), e.clock, pki.CRL(lists), pki.OCSP(fmt.Sprintf("http://%s:%d/ocsp", nameOCSP, port(at.pki))), pki.Stock(stock))
	if err != nil {
		return fmt.Errorf("certificate authority: %w", err)
	}
	if e.secrets, err = makeSecrets(e.options.Dir, authority, e.cast, e.directory.Hosts()); err != nil {
		return err
	}
	e.net.serve(at.pki, authority.Handler())
	return nil
}

func (e *Ecosystem) openDirectory(at *places, c *control) error {
	d, err := directory.New(directory.Config{Authority: e.secrets.authority, Clock: e.clock, Seed: e.options.Seed,
		Seams: e.board.Seams(), Dir: e.sub("directory"), Base: e.directory})
	if err != nil {
		return err
	}
	for _, o := range append([]*organisation{&e.cast.bank}, e.cast.parties...) {
		seal := e.secrets.bankSeal
		if o != &e.cast.bank {
			seal = e.secrets.seals[o.id]
		}
		if err := d.AddOrganisation(directory.Organisation{OrganisationID: o.id, OrganisationName: o.name, LegalEntityName: o.name + " S.A. (SIMULADOR)",
			RegistrationNumber: o.cnpj, City: o.city, Roles: o.roles, Seals: []*x509.Certificate{seal.Certificate}}); err != nil {
			return err
		}
	}
	issuer := e.net.url(nameIssuer)
	if err := d.AddAuthorisationServer(directory.AuthorisationServer{AuthorisationServerID: e.cast.server, OrganisationID: e.cast.bank.id,
		CustomerFriendlyName: e.cast.bank.name, Issuer: issuer, OpenIDDiscoveryDocument: issuer + "/.well-known/openid-configuration",
		SupportsDCR: true, APIResources: families(e.net.url(nameAPI))}); err != nil {
		return err
	}
	if _, err := d.AddSoftware(directory.Software{ID: e.cast.bankSoftware, OrganisationID: e.cast.bank.id, Name: e.cast.bank.name,
		RedirectURIs: []string{issuer + "/cb"}, Roles: e.cast.bank.roles, Transport: []*x509.Certificate{e.secrets.bankTransport.Certificate}}); err != nil {
		return err
	}
	for i, sw := range e.cast.software {
		s := e.secrets.parties[i]
		if _, err := d.AddSoftware(directory.Software{ID: sw.id, OrganisationID: sw.of.id, Name: sw.name, RedirectURIs: e.redirects(sw),
			WebhookURIs: e.webhooks(sw), Roles: sw.roles, Transport: []*x509.Certificate{s.transport.Certificate},
			Keys: []jose.Key{s.signing, s.encryption}}); err != nil {
			return err
		}
	}
	e.ssaIssuer = d.SSAIssuer()
	e.assertion = func(sw *software) string { return d.SSA(sw.of.id, sw.id) }
	mutual := map[string]bool{}
	for _, name := range e.directory.MutualTLS() {
		mutual[name] = true
	}
	e.net.serveTLS(at.directory, e.secrets.others, func(name string) bool { return mutual[name] }, e.watch.of(roleDirectory, d.Handler()))
	c.mount("directory", d.Control())
	return nil
}

// families lists what the bank offers, one resource a family and version, each with its addresses.
func families(base string) []directory.APIResource {
	var all []directory.APIResource
	place := map[string]int{}
	for _, o := range spec.Operations() {
		key := o.FamilyType() + " " + o.API.Version
		i, known := place[key]
		if !known {
			i = len(all)
			place[key] = i
			all = append(all, directory.APIResource{APIFamilyType: o.FamilyType(), APIVersion: o.API.Version})
		}
		address := base + o.FullPath()
		r := &all[i]
		dup := false
		for _, had := range r.APIDiscoveryEndpoints {
			dup = dup || had.APIEndpoint == address
		}
		if !dup {
			r.APIDiscoveryEndpoints = append(r.APIDiscoveryEndpoints, directory.APIEndpoint{APIEndpoint: address})
		}
	}
	return all
}

func (e *Ecosystem) openPCM(at *places, c *control) error {
	platform, err := newCollector(e.clock, e.options.Dir != "", func() (*pcm.PCM, error) {
		return pcm.New(pcm.Config{Clock: e.clock, Seed: e.options.Seed, Seams: e.board.Seams(), Roots: e.secrets.authority.Roots(),
			Revoked: e.secrets.authority.IsRevoked, Known: e.cast, Dir: e.sub("pcm"), Release: e.options.Release, Keep: e.options.Reports, AuthHost: namePCMAuth, APIHost: namePCM, Log: e.log})
	})
	if err != nil {
		return err
	}
	e.closing("metrics platform", platform.stop)
	e.net.serveTLS(severed{at.pcm, platform}, e.secrets.others, func(name string) bool { return name == namePCMAuth }, e.watch.of(rolePCM, platform))
	c.mount("pcm", platform.control())
	return nil
}

// openSurfaces serves what is no part of the standard: the third parties' pages, control and proxy.
func (e *Ecosystem) openSurfaces(at *places, c *control) {
	never := func(string) bool { return false }
	e.apps = e.newApps()
	e.net.serveTLS(at.pages, e.secrets.others, never, e.apps)
	e.net.serveTLS(at.console, e.secrets.others, never, e.newConsole())
	e.net.serve(at.control, c)
	e.net.serve(at.proxy, e.net.proxy())
}

func (e *Ecosystem) redirects(sw *software) []string {
	base := e.net.url(sw.host)
	return []string{base + "/cb", base + "/cb2"}
}

func (e *Ecosystem) webhooks(sw *software) []string { return []string{e.net.url(sw.host) + "/webhook"} }

// Organisation says whether the cast has it.
func (c *cast) Organisation(id string) bool {
	if id == c.bank.id {
		return true
	}
	for _, o := range c.parties {
		if o.id == id {
			return true
		}
	}
	return false
}

// OrganisationName is the name of an organisation of the cast, or "".
func (c *cast) OrganisationName(id string) string {
	for _, o := range append([]*organisation{&c.bank}, c.parties...) {
		if o.id == id {
			return o.name
		}
	}
	return ""
}

// Software says whose a software statement is.
func (c *cast) Software(id string) (string, bool) {
	if id == c.bankSoftware {
		return c.bank.id, true
	}
	for _, s := range c.software {
		if s.id == id {
			return s.of.id, true
		}
	}
	return "", false
}

// SameGroup says whether two organisations are one conglomerate: nobody is, here.
func (c *cast) SameGroup(a, b string) bool { return a == b }
