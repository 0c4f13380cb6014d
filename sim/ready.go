package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/participants/corebank"
	"github.com/ensaio/ensaio/participants/people"
	"github.com/ensaio/ensaio/sim/pki"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/target"
)

// Ready is the ready file: everything a client of any language needs to take part. Its members are a
// contract with scripts: additions only.
type Ready struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	CA         string            `json:"ca"`
	Directory  ReadyDirectory    `json:"directory"`
	PCM        ReadyPCM          `json:"pcm"`
	Banks      []ReadyBank       `json:"banks"`
	TPPs       []ReadyTPP        `json:"tpps"`
	Customers  []ReadyCustomer   `json:"customers"`
	Hosts      map[string]string `json:"hosts"`
	Proxy      string            `json:"proxy"`
	Console    string            `json:"console"`
	Control    string            `json:"control"`
	Target     string            `json:"target"`
	Seed       int64             `json:"seed"`
	Defects    []string          `json:"defects"`
}

// ReadyDirectory says where the Central Directory is.
type ReadyDirectory struct {
	URL          string `json:"url"`
	Participants string `json:"participants"`
	Keystore     string `json:"keystore"`
	Token        string `json:"token"`
	SSAIssuer    string `json:"ssaIssuer"`
}

// ReadyPCM says where the metrics platform is.
type ReadyPCM struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// ReadyBank is an institution that holds accounts.
type ReadyBank struct {
	Name                  string `json:"name"`
	OrganisationID        string `json:"organisationId"`
	AuthorisationServerID string `json:"authorisationServerId"`
	Issuer                string `json:"issuer"`
	Discovery             string `json:"discovery"`
	ResourceBase          string `json:"resourceBase"`
	Control               string `json:"control"`
}

// ReadyTPP is a software statement with its keys.
type ReadyTPP struct {
	Name                string        `json:"name"`
	OrganisationID      string        `json:"organisationId"`
	SoftwareStatementID string        `json:"softwareStatementId"`
	Roles               []string      `json:"roles"`
	TransportCert       string        `json:"transportCert"`
	TransportKey        string        `json:"transportKey"`
	SigningJWK          string        `json:"signingJwk"`
	SigningKey          string        `json:"signingKey"` // the same key as PEM, for openssl
	SigningKeyID        string        `json:"signingKid"`
	EncryptionJWK       string        `json:"encryptionJwk"`
	JWKSURI             string        `json:"jwksUri"`
	RedirectURIs        []string      `json:"redirectUris"`
	SSA                 string        `json:"ssa"`
	Clients             []ReadyClient `json:"clients"`
}

// ReadyClient is a registration of a software statement at a bank.
type ReadyClient struct {
	Issuer   string `json:"issuer"`
	ClientID string `json:"clientId"`
}

// ReadyCustomer is a synthetic customer of the bank.
type ReadyCustomer struct {
	Name     string   `json:"name"`
	CPF      string   `json:"cpf"`
	CNPJ     string   `json:"cnpj"`
	Username string   `json:"username"`
	Password string   `json:"password"`
	Traits   []string `json:"traits"`
}

// WriteReady writes the ready file, whole or not at all.
func (e *Ecosystem) WriteReady(path string) error {
	b, err := json.MarshalIndent(e.ready, "", "  ")
	if err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	if err := writeFile(path, append(b, '\n')); err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	return nil
}

// publish writes certificates, keys and the target file into the files directory and fills the ready
// value.
func (e *Ecosystem) publish(all []people.Person, registered []registration) error {
	dir := e.files
	ca := filepath.Join(dir, "ca.pem")
	if err := writeFile(ca, e.secrets.authority.CAPEM()); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	issuer := e.net.url(nameIssuer)
	bank := ReadyBank{Name: e.cast.bank.name, OrganisationID: e.cast.bank.id, AuthorisationServerID: e.cast.server, Issuer: issuer,
		Discovery: issuer + "/.well-known/openid-configuration", ResourceBase: e.net.url(nameAPI), Control: e.control + "/bank"}
	e.ready = Ready{APIVersion: "ensaio/v1", Kind: "Ecosystem", CA: ca,
		Directory: ReadyDirectory{URL: e.directory.API, Participants: e.directory.Data + "/participants", Keystore: e.directory.Keystore,
			Token: e.directory.Token + "/token", SSAIssuer: e.ssaIssuer},
		PCM:   ReadyPCM{URL: e.net.url(namePCM), Token: e.net.url(namePCMAuth) + "/token/"},
		Banks: []ReadyBank{bank}, Hosts: e.net.hosts(), Proxy: e.proxy, Console: e.console, Control: e.control,
		Target: filepath.Join(dir, "target.yaml"), Seed: int64(e.options.Seed), Defects: e.options.Defects}
	if e.ready.Defects == nil {
		e.ready.Defects = []string{}
	}
	t := &target.Target{Name: e.cast.bank.name, Role: "account-holder", CA: "file:ca.pem", Hosts: e.ready.Hosts,
		Directory: target.Directory(e.ready.Directory), PCM: target.PCM(e.ready.PCM), APIs: map[string]string{}, Hostile: map[string]target.Certificate{},
		Bank: target.Bank{OrganisationID: bank.OrganisationID, AuthorisationServerID: bank.AuthorisationServerID, Discovery: bank.Discovery, ResourceBase: bank.ResourceBase},
		Capabilities: target.Capabilities{Clock: e.control + "/clock", Defects: e.control + "/defects", Bank: e.control + "/bank",
			Core: e.control + "/core", Directory: e.control + "/directory", PCM: e.control + "/pcm", Reporter: e.control + "/reporter", Parties: e.control + "/parties", Journal: e.journalAt()},
		Payments: payments()}
	for _, a := range spec.APIs() {
		t.APIs[a.Name] = a.Version
	}
	for i, sw := range e.cast.software {
		if err := e.publishSoftware(t, sw, e.secrets.parties[i], registered[i]); err != nil {
			return fmt.Errorf("publish %s: %w", sw.name, err)
		}
	}
	for kind, id := range e.secrets.hostile {
		cert, err := e.publishIdentity("hostile-"+kind, id)
		if err != nil {
			return fmt.Errorf("publish certificate %s: %w", kind, err)
		}
		t.Hostile[kind] = cert
	}
	for _, p := range all {
		cnpj := ""
		if len(p.Companies) > 0 {
			cnpj = p.Companies[0].CNPJ
		}
		traits := make([]string, len(p.Traits))
		for i, one := range p.Traits {
			traits[i] = string(one)
		}
		slices.Sort(traits)
		e.ready.Customers = append(e.ready.Customers, ReadyCustomer{Name: p.Name, CPF: p.CPF, CNPJ: cnpj, Username: p.Username, Password: p.Password, Traits: traits})
		t.People = append(t.People, target.Person{ID: p.Key, Name: p.Name, CPF: target.Ref(p.CPF), CNPJ: target.Ref(cnpj),
			Username: target.Ref(p.Username), Password: target.Ref(p.Password), Login: "robot", Has: traits})
	}
	return t.Write(e.ready.Target)
}

// journalAt is where the journal is asked, or "" where it is off.
func (e *Ecosystem) journalAt() string {
	if e.watch.journal == nil {
		return ""
	}
	return e.control + "/journal"
}

// payments says who can be paid and which amounts choose an outcome: those that the core reserves.
func payments() target.Payments {
	p := target.Payments{InventedCharges: true, Amounts: map[string]string{
		target.RefusedAtOnce: "10422.05", target.RefusedLater: "10423.06", target.Held: "10424.01", target.HeldThenSettled: "10424.02",
		target.HeldThenRejected: "10424.03", target.Undisclosed: "10421.08", target.Outage: "10503.00", target.BeyondWithdrawal: "3000.01",
	}}
	place := map[string]int{}
	for _, k := range corebank.Payees() {
		i, known := place[k.Account.Number]
		if !known {
			i = len(p.Payees)
			place[k.Account.Number] = i
			p.Payees = append(p.Payees, target.Payee{Name: k.Owner, Document: k.Document,
				Account: target.Account{ISPB: k.Account.ISPB, Issuer: k.Account.Issuer, Number: k.Account.Number, Type: k.Account.Type}})
		}
		p.Payees[i].Keys = append(p.Payees[i].Keys, k.Key)
	}
	return p
}

func (e *Ecosystem) publishIdentity(name string, id pki.Identity) (target.Certificate, error) {
	cert, key := filepath.Join("keys", name+".pem"), filepath.Join("keys", name+".key")
	if err := writeFile(filepath.Join(e.files, cert), id.CertPEM()); err != nil {
		return target.Certificate{}, err
	}
	if err := writeFile(filepath.Join(e.files, key), id.KeyPEM()); err != nil {
		return target.Certificate{}, err
	}
	return target.Certificate{Cert: target.Ref("file:" + cert), Key: target.Ref("file:" + key)}, nil
}

func (e *Ecosystem) publishSoftware(t *target.Target, sw *software, s partySecrets, r registration) error {
	name := strings.TrimSuffix(sw.host, ".localhost")
	transport, err := e.publishIdentity(name+"-transport", s.transport)
	if err != nil {
		return err
	}
	keys := map[string]string{}
	for use, key := range map[string]interface{ MarshalPrivate() ([]byte, error) }{"signing": s.signing, "encryption": s.encryption} {
		b, err := key.MarshalPrivate()
		if err != nil {
			return err
		}
		keys[use] = filepath.Join("keys", name+"-"+use+".jwk")
		if err := writeFile(filepath.Join(e.files, keys[use]), b); err != nil {
			return err
		}
	}
	seal := filepath.Join("keys", name+"-signing.key")
	if err := writeFile(filepath.Join(e.files, seal), e.secrets.seals[sw.of.id].KeyPEM()); err != nil {
		return err
	}
	c := target.Client{Name: sw.name, OrganisationID: sw.of.id, SoftwareStatementID: sw.id, CNPJ: sw.of.cnpj, Roles: sw.roles,
		Transport: transport, Signing: target.Key{JWK: target.Ref("file:" + keys["signing"])}, Encryption: target.Key{JWK: target.Ref("file:" + keys["encryption"])},
		RedirectURIs: e.redirects(sw), WebhookURIs: e.webhooks(sw), SSA: e.assertion(sw), Registered: r.ClientID != "", ClientID: r.ClientID}
	party := ReadyTPP{Name: sw.name, OrganisationID: sw.of.id, SoftwareStatementID: sw.id, Roles: sw.roles,
		TransportCert: e.path(transport.Cert), TransportKey: e.path(transport.Key), SigningJWK: filepath.Join(e.files, keys["signing"]),
		SigningKey: filepath.Join(e.files, seal), SigningKeyID: s.signing.ID,
		EncryptionJWK: filepath.Join(e.files, keys["encryption"]), JWKSURI: e.directory.Keystore + "/" + sw.of.id + "/" + sw.id + "/application.jwks",
		RedirectURIs: c.RedirectURIs, SSA: c.SSA, Clients: []ReadyClient{}}
	if r.ClientID != "" {
		token := filepath.Join("keys", name+"-registration.token")
		if err := writeFile(filepath.Join(e.files, token), []byte(r.Token)); err != nil {
			return err
		}
		c.RegistrationToken = target.Ref("file:" + token)
		party.Clients = append(party.Clients, ReadyClient{Issuer: e.net.url(nameIssuer), ClientID: r.ClientID})
	}
	t.Clients = append(t.Clients, c)
	e.ready.TPPs = append(e.ready.TPPs, party)
	return nil
}

// path is where a reference of the target file lies.
func (e *Ecosystem) path(r target.Ref) string {
	return filepath.Join(e.files, strings.TrimPrefix(string(r), "file:"))
}

// filesDir is where certificates, keys and the target file go: below the ecosystem's directory, or in a
// folder of their own that goes with it.
func filesDir(dir string) (path string, temporary bool, err error) {
	if dir != "" {
		path, err = filepath.Abs(filepath.Join(dir, "files"))
		if err == nil {
			err = os.MkdirAll(path, 0o700)
		}
		return path, false, err
	}
	path, err = os.MkdirTemp("", "ensaio-")
	return path, true, err
}
