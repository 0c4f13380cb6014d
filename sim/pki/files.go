package pki

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ensaio/ensaio/sim/file"
)

// files keeps identities in a directory, one file each: key first, then the chain. With an empty
// directory nothing is kept.
type files struct{ dir string }

func (f files) prepare() error {
	if f.dir == "" {
		return nil
	}
	return os.MkdirAll(f.dir, 0o700)
}

// path turns a name into a file of the directory, whatever characters the name has.
func (f files) path(name string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, name)
	return filepath.Join(f.dir, safe+".pem")
}

// read returns the identity of that name with a chain of that length, or nil when there is none yet.
func (f files) read(name string, length int) (*Identity, error) {
	if f.dir == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	id, err := parseIdentity(text, length)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); remove it to have it made again", f.path(name), err)
	}
	return id, nil
}

func (f files) write(name string, id Identity) error {
	if f.dir == "" {
		return nil
	}
	return file.Replace(f.path(name), append(id.KeyPEM(), id.CertPEM()...), 0o600)
}
