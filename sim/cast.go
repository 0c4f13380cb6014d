package sim

import (
	"slices"

	"github.com/ensaio/ensaio/directory-mock"
	"github.com/ensaio/ensaio/participants/people"
	"github.com/ensaio/ensaio/platform/opendata"
	"github.com/ensaio/ensaio/sim/clock"
)

// The public names of the ecosystem. What appears in links ends in .test, what a browser visits in
// .localhost.
const (
	nameIssuer  = "auth.banco-ensaio.localhost"
	nameAuthTLS = "matls-auth.banco-ensaio.test"
	nameAPI     = "matls-api.banco-ensaio.test"
	namePCMAuth = "auth.pcm.test"
	namePCM     = "api.pcm.test"
	nameCRL     = "crl.pki.test"
	nameOCSP    = "ocsp.pki.test"
	nameCore    = "core.banco-ensaio.test"
	nameConsole = "console.ensaio.localhost"
	nameControl = "control.ensaio.localhost"
	nameProxy   = "proxy.ensaio.localhost"
)

// population is how many synthetic people the bank has as customers: enough for each check to have one
// of its own.
const population = 80

// organisation is a participant of the cast.
type organisation struct {
	id, name, cnpj, city, state string
	roles                       []string
}

// software is a software statement of the cast. Registered ones are known to the bank when the ecosystem
// is ready; the others are there for whoever rehearses registration.
type software struct {
	id, name   string
	of         *organisation
	host       string
	roles      []string
	registered bool
}

// cast is who plays, drawn from the seed: the bank first, then two third parties with several programs.
type cast struct {
	bank   organisation
	server string // the bank's authorisation server id
	// bankSoftware is the statement under which the bank itself calls others: the metrics platform.
	bankSoftware string
	parties      []*organisation
	software     []*software
}

func newCast(seed clock.Seed) *cast {
	draw := seed.Stream("cast")
	c := &cast{bank: organisation{id: draw.UUID(), name: "Banco Ensaio", cnpj: "99999004000192", city: "Sao Paulo", state: "SP",
		roles: []string{directory.Data, directory.Payment, directory.Account}}, server: draw.UUID(), bankSoftware: draw.UUID()}
	aurora := &organisation{id: draw.UUID(), name: "Receptora Aurora", cnpj: people.CNPJ("990000010001"), city: "Recife", state: "PE",
		roles: []string{directory.Data, directory.Payment}}
	boreal := &organisation{id: draw.UUID(), name: "Iniciadora Boreal", cnpj: people.CNPJ("990000020001"), city: "Curitiba", state: "PR",
		roles: []string{directory.Data, directory.Payment, directory.Account}}
	c.parties = []*organisation{aurora, boreal}
	both := []string{directory.Data, directory.Payment}
	for _, s := range []software{
		{name: "Receptora Aurora", of: aurora, host: "app.receptora-aurora.localhost", roles: both, registered: true},
		{name: "Iniciadora Boreal", of: boreal, host: "app.iniciadora-boreal.localhost", roles: both, registered: true},
		{name: "Aurora Cadastro", of: aurora, host: "cadastro.receptora-aurora.localhost", roles: both},
		{name: "Aurora Dados", of: aurora, host: "dados.receptora-aurora.localhost", roles: []string{directory.Data}},
		{name: "Boreal Pagamentos", of: boreal, host: "pagamentos.iniciadora-boreal.localhost", roles: []string{directory.Payment}},
		{name: "Boreal Contas", of: boreal, host: "contas.iniciadora-boreal.localhost", roles: []string{directory.Account}},
	} {
		s.id = draw.UUID()
		c.software = append(c.software, &s)
	}
	return c
}

// brands are those of the bank: the one of the directory, and one for those who never visit a branch.
func (c *cast) brands() []opendata.Brand {
	company := c.bank.name + " S.A. (SIMULADOR)"
	return []opendata.Brand{{Name: c.bank.name, Company: company, CNPJ: c.bank.cnpj}, {Name: "Ensaio Digital", Company: company, CNPJ: c.bank.cnpj}}
}

// hosts lists the names at which the third parties' pages live.
func (c *cast) hosts() []string {
	var all []string
	for _, s := range c.software {
		all = append(all, s.host)
	}
	return all
}

// firstOf is the place of an organisation's first software.
func (c *cast) firstOf(o *organisation) int {
	return slices.IndexFunc(c.software, func(s *software) bool { return s.of == o })
}
