package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/file"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/pki"
)

// errUnknown is answered for a thing that is not there.
var errUnknown = errors.New("not found")

// changes are the differences between what was added and what is, by place: the last word on each
// place, kept in one file.
type changes struct {
	path string // "" keeps nothing
	rows map[string]json.RawMessage
}

func openChanges(dir string) (*changes, error) {
	c := &changes{rows: map[string]json.RawMessage{}}
	if dir == "" {
		return c, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c.path = filepath.Join(dir, "changes.json")
	b, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &c.rows); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", c.path, err)
	}
	return c, nil
}

func (c *changes) record(place string, value json.RawMessage) error {
	c.rows[place] = value
	if c.path == "" {
		return nil
	}
	b, err := json.MarshalIndent(c.rows, "", "  ")
	if err != nil {
		return fmt.Errorf("record %s: %w", place, err)
	}
	return file.Replace(c.path, b, 0o600)
}

// change brings one place to a value, at once and for good.
func (d *Directory) change(place string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("change %s: %w", place, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.apply(place, raw); err != nil {
		return fmt.Errorf("change %s: %w", place, err)
	}
	return d.changes.record(place, raw)
}

// replay applies the kept changes below a place to what was just added there; the caller holds the lock.
// Added keys sort before the states of keys, so that a state finds its key.
func (d *Directory) replay(below string) error {
	for _, place := range slices.Sorted(maps.Keys(d.changes.rows)) {
		if !strings.HasPrefix(place, below) {
			continue
		}
		if err := d.apply(place, d.changes.rows[place]); err != nil && !errors.Is(err, errUnknown) {
			return fmt.Errorf("replay %s: %w", place, err)
		}
	}
	return nil
}

// apply understands the places: organisations, servers and software, by id, then what of them.
func (d *Directory) apply(place string, value json.RawMessage) error {
	part := strings.SplitN(place, "/", 4)
	if len(part) < 3 {
		return errUnknown
	}
	name := ""
	if len(part) == 4 {
		name = part[3]
	}
	switch part[0] {
	case "organisations":
		if o := d.find(part[1]); o != nil {
			return d.applyOrganisation(o, part[2], name, value)
		}
	case "servers":
		for _, o := range d.organisations {
			for _, s := range o.servers {
				if s.AuthorisationServerID == part[1] && part[2] == "document" {
					return s.edit(value)
				}
			}
		}
	case "software":
		if s := d.software[part[1]]; s != nil {
			return d.applySoftware(s, part[2], name, value)
		}
	}
	return errUnknown
}

func (d *Directory) applyOrganisation(o *organisation, what, name string, value json.RawMessage) error {
	switch what {
	case "status":
		return d.move("organisation", o.OrganisationID, &o.Status, value, Active, Pending, Withdrawn)
	case "roles":
		for _, r := range o.roles {
			if r.Role == name {
				return d.move("role", r.OrganisationAuthorityClaimID, &r.Status, value, Active, Inactive)
			}
		}
	case "keys":
		return d.moveKey(o.keys, name, value)
	}
	return errUnknown
}

func (d *Directory) applySoftware(s *software, what, name string, value json.RawMessage) error {
	switch what {
	case "status":
		return d.move("software", s.SoftwareStatementID, &s.Status, value, Active, Suspended, Inactive)
	case "roles":
		for _, r := range s.roles {
			if r.Role == name {
				return d.move("role", r.SoftwareAuthorityClaimID, &r.Status, value, Active, Inactive)
			}
		}
	case "keys":
		return d.moveKey(s.keys, name, value)
	case "added":
		var k jose.Key
		if err := json.Unmarshal(value, &k); err != nil {
			return err
		}
		if k.ID == "" || (k.Use != "sig" && k.Use != "enc") {
			return errors.New("a key needs a kid, and the use sig or enc")
		}
		if slices.ContainsFunc(s.keys, func(h *held) bool { return h.ID == k.ID }) {
			return fmt.Errorf("key %s is there already", k.ID)
		}
		s.add(k, d.now())
		return nil
	case "document":
		return s.edit(value)
	case "locked":
		return json.Unmarshal(value, &s.Locked)
	}
	return errUnknown
}

func (d *Directory) moveKey(keys []*held, kid string, value json.RawMessage) error {
	for _, h := range keys {
		if h.ID == kid {
			return d.move("key", kid, &h.status, value, Active, Inactive)
		}
	}
	return errUnknown
}

// move takes one step of a state machine of the directory.
func (d *Directory) move(machine, id string, status *string, value json.RawMessage, states ...string) error {
	var to string
	if err := json.Unmarshal(value, &to); err != nil || !slices.Contains(states, to) {
		return fmt.Errorf("status: want one of %s", strings.Join(states, ", "))
	}
	t := d.cfg.Seams.Transition(fault.Transition{Machine: machine, ID: id, Event: "status", From: *status, To: to, Allowed: true})
	if t.Allowed {
		*status = t.To
	}
	return nil
}

// edit changes the members of a statement that its owner may change. Members left out stay.
func (s *software) edit(value json.RawMessage) error {
	var e struct {
		ClientName, Description, ClientURI, LogoURI, PolicyURI, TermsOfServiceURI *string
		AdditionalSoftwareMetadata, OnBehalfOf, Environment, Mode                 *string
		Version                                                                   *float64
		RedirectURI, APIWebhookURI, OriginURI                                     *[]string
	}
	if err := json.Unmarshal(value, &e); err != nil { // member names match whatever their case
		return err
	}
	for _, list := range []*[]string{e.RedirectURI, e.APIWebhookURI, e.OriginURI} {
		if list != nil && len(*list) > 100 {
			return errors.New("too many addresses")
		}
	}
	if e.RedirectURI != nil && !allHTTPS(*e.RedirectURI) {
		return errors.New("RedirectUri must be in a URI format https://…")
	}
	if e.Mode != nil && *e.Mode != "Live" && *e.Mode != "Test" {
		return errors.New("Mode: want Live or Test")
	}
	set(&s.ClientName, e.ClientName)
	set(&s.Description, e.Description)
	set(&s.ClientURI, e.ClientURI)
	set(&s.LogoURI, e.LogoURI)
	set(&s.PolicyURI, e.PolicyURI)
	set(&s.TermsOfServiceURI, e.TermsOfServiceURI)
	set(&s.AdditionalSoftwareMetadata, e.AdditionalSoftwareMetadata)
	set(&s.OnBehalfOf, e.OnBehalfOf)
	set(&s.Environment, e.Environment)
	set(&s.Mode, e.Mode)
	set(&s.Version, e.Version)
	set(&s.RedirectURI, e.RedirectURI)
	set(&s.APIWebhookURI, e.APIWebhookURI)
	set(&s.OriginURI, e.OriginURI)
	return nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func allHTTPS(list []string) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(u string) bool {
		return !strings.HasPrefix(u, "https://") || len(u) > 255
	})
}

// edit changes the members of an authorisation server that come and go during its life.
func (s *AuthorisationServer) edit(value json.RawMessage) error {
	var e struct {
		Status, CustomerFriendlyName, OpenIDDiscoveryDocument, Issuer     *string
		DeprecatedDate, RetirementDate, SupersededByAuthorisationServerID *string
		APIResources                                                      *[]APIResource
	}
	if err := json.Unmarshal(value, &e); err != nil {
		return err
	}
	if e.Status != nil && !slices.Contains([]string{Active, Inactive, "Discontinued"}, *e.Status) {
		return errors.New("status: want Active, Inactive or Discontinued")
	}
	set(&s.Status, e.Status)
	set(&s.CustomerFriendlyName, e.CustomerFriendlyName)
	set(&s.OpenIDDiscoveryDocument, e.OpenIDDiscoveryDocument)
	set(&s.Issuer, e.Issuer)
	set(&s.DeprecatedDate, e.DeprecatedDate)
	set(&s.RetirementDate, e.RetirementDate)
	set(&s.SupersededByAuthorisationServerID, e.SupersededByAuthorisationServerID)
	set(&s.APIResources, e.APIResources)
	return nil
}

// openSigner loads the key that signs assertions, or makes one.
func openSigner(dir string, a *pki.Authority) (jose.Key, error) {
	path := filepath.Join(dir, "ssa-signer.jwk")
	if dir != "" {
		b, err := os.ReadFile(path)
		if err == nil {
			var k jose.Key
			if err := json.Unmarshal(b, &k); err != nil || k.Private == nil {
				return jose.Key{}, fmt.Errorf("%s is damaged; remove it to have it made again", path)
			}
			return k, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return jose.Key{}, err
		}
	}
	private, err := a.Key()
	if err != nil {
		return jose.Key{}, err
	}
	k := jose.FromPrivate(private, "sig")
	if dir == "" {
		return k, nil
	}
	b, err := k.MarshalPrivate()
	if err != nil {
		return jose.Key{}, err
	}
	return k, file.Replace(path, b, 0o600)
}
