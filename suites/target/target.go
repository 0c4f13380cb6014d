// Package target describes what is under test: where it is, as whom one comes, with which people and
// which extra powers. One YAML file holds all of it and repeats a run.
//
// It promises that an unreadable or misspelt file is an error before anything is sent, naming the
// nearest known key, and that secrets stay outside the file, in files or environment variables. It knows
// nothing of how a platform is built: a bank's own environment and the reference platform look alike.
package target

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/ensaio/ensaio/sim/file"
)

// The identity of the document.
const (
	APIVersion = "ensaio/v1"
	Kind       = "Target"
)

// Target is one environment under test.
type Target struct {
	APIVersion   string                 `yaml:"apiVersion"`
	Kind         string                 `yaml:"kind"`
	Name         string                 `yaml:"name"`
	Role         string                 `yaml:"role"`
	CA           Ref                    `yaml:"ca,omitempty"`
	Hosts        map[string]string      `yaml:"hosts,omitempty"`
	Directory    Directory              `yaml:"directory"`
	Bank         Bank                   `yaml:"bank"`
	PCM          PCM                    `yaml:"pcm,omitempty"`
	APIs         map[string]string      `yaml:"apis,omitempty"`
	Clients      []Client               `yaml:"clients"`
	Hostile      map[string]Certificate `yaml:"hostile,omitempty"`
	People       []Person               `yaml:"people"`
	Payments     Payments               `yaml:"payments,omitempty"`
	Capabilities Capabilities           `yaml:"capabilities,omitempty"`
	Run          Run                    `yaml:"run,omitempty"`
	Baseline     string                 `yaml:"baseline,omitempty"`

	path string
}

// Directory says where the central directory is.
type Directory struct {
	URL          string `yaml:"url"`
	Participants string `yaml:"participants"`
	Keystore     string `yaml:"keystore"`
	Token        string `yaml:"token"`
	SSAIssuer    string `yaml:"ssaIssuer"`
}

// Bank says who is examined.
type Bank struct {
	OrganisationID        string `yaml:"organisationId"`
	AuthorisationServerID string `yaml:"authorisationServerId"`
	Discovery             string `yaml:"discovery"`
	ResourceBase          string `yaml:"resourceBase,omitempty"`
}

// PCM says where the metrics platform is.
type PCM struct {
	URL   string `yaml:"url,omitempty"`
	Token string `yaml:"token,omitempty"`
}

// Certificate is a certificate chain with its key.
type Certificate struct {
	Cert Ref `yaml:"cert"`
	Key  Ref `yaml:"key"`
}

// Key is a private JSON Web Key.
type Key struct {
	JWK Ref `yaml:"jwk"`
}

// Client is a third party's software, registered at the bank or not.
type Client struct {
	Name                string      `yaml:"name"`
	OrganisationID      string      `yaml:"organisationId"`
	SoftwareStatementID string      `yaml:"softwareStatementId"`
	CNPJ                string      `yaml:"cnpj,omitempty"`
	Roles               []string    `yaml:"roles"`
	Transport           Certificate `yaml:"transport"`
	Signing             Key         `yaml:"signing"`
	Encryption          Key         `yaml:"encryption,omitempty"`
	RedirectURIs        []string    `yaml:"redirectUris"`
	WebhookURIs         []string    `yaml:"webhookUris,omitempty"`
	SSA                 string      `yaml:"ssa,omitempty"`
	Registered          bool        `yaml:"registered,omitempty"`
	ClientID            string      `yaml:"clientId,omitempty"`
	RegistrationToken   Ref         `yaml:"registrationToken,omitempty"`
}

// Has says whether the software holds the directory role.
func (c *Client) Has(role string) bool { return slices.Contains(c.Roles, role) }

// Person is a customer of the bank, alone or for a company.
type Person struct {
	ID       string   `yaml:"id"`
	Name     string   `yaml:"name,omitempty"`
	CPF      Ref      `yaml:"cpf,omitempty"`
	CNPJ     Ref      `yaml:"cnpj,omitempty"`
	Username Ref      `yaml:"username,omitempty"`
	Password Ref      `yaml:"password,omitempty"`
	Login    string   `yaml:"login,omitempty"` // robot or human
	Has      []string `yaml:"has,omitempty"`
}

// Is says whether the person has every one of the traits. A trait with a leading "!" must be absent.
func (p *Person) Is(traits ...string) bool {
	for _, t := range traits {
		if t != "" && t[0] == '!' {
			if slices.Contains(p.Has, t[1:]) {
				return false
			}
			continue
		}
		if !slices.Contains(p.Has, t) {
			return false
		}
	}
	return true
}

// Capabilities are powers outside the protocol, each the address of a control surface, or absent.
type Capabilities struct {
	Clock     string `yaml:"clock,omitempty"`
	Defects   string `yaml:"defects,omitempty"`
	Bank      string `yaml:"bank,omitempty"`
	Core      string `yaml:"core,omitempty"`
	Directory string `yaml:"directory,omitempty"`
	PCM       string `yaml:"pcm,omitempty"`
	Journal   string `yaml:"journal,omitempty"`
	Reporter  string `yaml:"reporter,omitempty"`
	Parties   string `yaml:"parties,omitempty"`
}

// Of returns the address of a capability by name, or "".
func (c Capabilities) Of(name string) string { return c.all()[name] }

// Names lists the declared capabilities.
func (c Capabilities) Names() []string {
	var out []string
	for name, address := range c.all() {
		if address != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (c Capabilities) all() map[string]string {
	return map[string]string{"clock": c.Clock, "defects": c.Defects, "bank": c.Bank, "core": c.Core,
		"directory": c.Directory, "pcm": c.PCM, "journal": c.Journal, "reporter": c.Reporter, "parties": c.Parties}
}

// Run holds the settings of a run.
type Run struct {
	Profile  string              `yaml:"profile,omitempty"`
	Timeouts map[string]Duration `yaml:"timeouts,omitempty"`
}

// Timeouts that a target may set, each with its default and what it bounds.
var Timeouts = map[string]struct {
	Default time.Duration
	Bounds  string
}{
	"check":   {45 * time.Second, "one check, all its exchanges and waits together"},
	"request": {20 * time.Second, "one exchange; the standard gives a server 15 s"},
	"settle":  {15 * time.Second, "a payment reaching its final status"},
	"report":  {10 * time.Second, "a report reaching the metrics platform"},
	"person":  {30 * time.Second, "a customer with the wanted traits becoming free"},
}

// Timeout returns the named timeout, as set or by default.
func (t *Target) Timeout(name string) time.Duration {
	if d := time.Duration(t.Run.Timeouts[name]); d > 0 {
		return d
	}
	return Timeouts[name].Default
}

// Path is the file the target was read from, or "".
func (t *Target) Path() string { return t.path }

// Registered lists the clients that the bank knows, in the file's order.
func (t *Target) Registered() []*Client {
	var out []*Client
	for i := range t.Clients {
		if t.Clients[i].Registered {
			out = append(out, &t.Clients[i])
		}
	}
	return out
}

// Statements lists the software that the bank does not know yet and that has exactly the given roles;
// without roles, all of it.
func (t *Target) Statements(roles ...string) []*Client {
	want := slices.Sorted(slices.Values(roles))
	var out []*Client
	for i := range t.Clients {
		c := &t.Clients[i]
		if c.Registered || (len(want) > 0 && !slices.Equal(want, slices.Sorted(slices.Values(c.Roles)))) {
			continue
		}
		out = append(out, c)
	}
	return out
}

// With lists the people who have every one of the traits.
func (t *Target) With(traits ...string) []*Person {
	var out []*Person
	for i := range t.People {
		if t.People[i].Is(traits...) {
			out = append(out, &t.People[i])
		}
	}
	return out
}

// HostileKinds lists the hostile certificates at hand.
func (t *Target) HostileKinds() []string { return slices.Sorted(maps.Keys(t.Hostile)) }

// Write stores the target as YAML, readable by its owner only. References are written as they stand.
func (t *Target) Write(path string) error {
	t.APIVersion, t.Kind = APIVersion, Kind
	b, err := yaml.Marshal(t)
	if err != nil {
		return fmt.Errorf("write target: %w", err)
	}
	head := "# Target of Ensaio: what is examined, as whom, and with which powers.\n# Repeat a run with: ensaio run -t " + filepath.Base(path) + "\n"
	if err := file.Replace(path, append([]byte(head), b...), 0o600); err != nil {
		return fmt.Errorf("write target: %w", err)
	}
	t.path = path
	return nil
}

// Duration reads "90s" and "3m".
type Duration time.Duration

// MarshalYAML writes the usual text form.
func (d Duration) MarshalYAML() (any, error) { return time.Duration(d).String(), nil }

// UnmarshalYAML reads the usual text form.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	if err != nil || v <= 0 {
		return fmt.Errorf("line %d: %q is not a positive duration such as 90s or 3m", n.Line, n.Value)
	}
	*d = Duration(v)
	return nil
}
