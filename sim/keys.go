package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/ensaio/ensaio/sim/file"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/pki"
)

// secrets are all keys and certificates of the cast, made at the start or read from the directory.
type secrets struct {
	authority *pki.Authority

	bank, others            pki.Identity // servers: the bank's, and that of everybody else
	bankSeal                pki.Identity // BRSEAL: signs payment messages
	bankTransport           pki.Identity // BRCAC of the bank's own calls: the metrics reporter
	idToken, requestObjects jose.Key     // of the authorization server

	parties []partySecrets // one a software statement of the cast
	seals   map[string]pki.Identity
	hostile map[string]pki.Identity
}

type partySecrets struct {
	transport           pki.Identity
	signing, encryption jose.Key
}

// hostileSubject is whose certificates the hostile ones imitate: the first statement not registered.
const hostileSubject = 2

func makeSecrets(dir string, authority *pki.Authority, c *cast, dirNames []string) (*secrets, error) {
	s := &secrets{authority: authority, parties: make([]partySecrets, len(c.software)), seals: map[string]pki.Identity{}, hostile: map[string]pki.Identity{}}
	keys := keyRing{dir: dir, authority: authority}
	var all errgroup.Group
	all.Go(func() (err error) {
		s.bank, err = authority.Server("bank", nameIssuer, nameAuthTLS, nameAPI)
		return err
	})
	all.Go(func() (err error) {
		names := append([]string{nameConsole, nameCore, namePCMAuth, namePCM}, dirNames...)
		s.others, err = authority.Server("others", append(names, c.hosts()...)...)
		return err
	})
	all.Go(func() (err error) { s.bankSeal, err = authority.Signing(subject(&c.bank, "", "")); return err })
	all.Go(func() (err error) {
		s.bankTransport, err = authority.Transport(subject(&c.bank, c.bankSoftware, nameAPI))
		return err
	})
	all.Go(func() (err error) { s.idToken, err = keys.key("as-signing", "sig"); return err })
	all.Go(func() (err error) { s.requestObjects, err = keys.key("as-encryption", "enc"); return err })
	seals := make([]pki.Identity, len(c.parties))
	for i, o := range c.parties {
		all.Go(func() (err error) { seals[i], err = authority.Signing(subject(o, "", "")); return err })
	}
	for i, sw := range c.software {
		p := &s.parties[i]
		all.Go(func() (err error) { p.transport, err = authority.Transport(subject(sw.of, sw.id, sw.host)); return err })
		all.Go(func() (err error) { p.encryption, err = keys.key(sw.host+"-encryption", "enc"); return err })
	}
	sw := c.software[hostileSubject]
	odd := append(pki.Kinds(), pki.Forms()...)
	made := make([]pki.Identity, len(odd))
	for i, kind := range odd {
		all.Go(func() (err error) { made[i], err = authority.Hostile(kind, subject(sw.of, sw.id, sw.host)); return err })
	}
	if err := all.Wait(); err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	for i, o := range c.parties {
		s.seals[o.id] = seals[i]
	}
	// A party signs its messages with the seal of its organisation, whose key therefore also stands in the
	// key sets of its software (JWS-09).
	for i, sw := range c.software {
		seal := s.seals[sw.of.id]
		key, err := jose.FromCertificate(seal.Key, "sig", seal.Chain...)
		if err != nil {
			return nil, fmt.Errorf("make keys: %w", err)
		}
		s.parties[i].signing = key
	}
	for i, kind := range odd {
		s.hostile[kind] = made[i]
	}
	return s, nil
}

func subject(o *organisation, softwareID, host string) pki.Subject {
	name := o.name
	if host != "" {
		name = host
	}
	return pki.Subject{Name: name, OrganisationID: o.id, SoftwareID: softwareID, CNPJ: o.cnpj, LegalName: o.name, City: o.city, State: o.state, CommonName: host}
}

// keyRing makes plain keys, and keeps them where there is a directory.
type keyRing struct {
	dir       string
	authority *pki.Authority
}

func (k keyRing) key(name, use string) (jose.Key, error) {
	path := filepath.Join(k.dir, "keys", name+".jwk")
	if k.dir != "" {
		b, err := os.ReadFile(path)
		switch {
		case err == nil:
			var key jose.Key
			if err := json.Unmarshal(b, &key); err != nil || key.Private == nil {
				return jose.Key{}, fmt.Errorf("%s is damaged: remove it to get a new key", path)
			}
			return key, nil
		case !errors.Is(err, fs.ErrNotExist):
			return jose.Key{}, err
		}
	}
	private, err := k.authority.Key()
	if err != nil {
		return jose.Key{}, err
	}
	key := jose.FromPrivate(private, use)
	if k.dir == "" {
		return key, nil
	}
	b, err := key.MarshalPrivate()
	if err != nil {
		return jose.Key{}, err
	}
	return key, writeFile(path, b)
}

// writeFile writes a file whole or not at all, for its owner only, in a folder that is made if need be.
func writeFile(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return file.Replace(path, b, 0o600)
}
