package profile

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ensaio/ensaio/suites/target"
)

// maxFile bounds a profile, in bytes.
const maxFile = 1 << 20

//go:embed profiles/*.yaml
var files embed.FS

// order is how the profiles that come with it are listed.
var order = []string{"regulatory", "payday", "soak", "limits", "outage", "capacity", "quarter", "spike", "step"}

// All lists the profiles that come with it.
func All() []*Profile {
	var out []*Profile
	for _, name := range order {
		p, err := builtin(name)
		if err != nil {
			panic(err) // they are held against the reader by a test
		}
		out = append(out, p)
	}
	return out
}

// Names lists their names.
func Names() []string { return slices.Clone(order) }

// Open reads the profile of that name, or from a file where the name looks like a path.
func Open(name string) (*Profile, error) {
	if slices.Contains(order, name) {
		return builtin(name)
	}
	if !strings.ContainsAny(name, "./"+string(filepath.Separator)) {
		return nil, fmt.Errorf("no load profile %q; did you mean %q?", name, target.Nearest(name, order))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("load profile: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("load profile: %w", err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("load profile %s: larger than %d bytes", name, maxFile)
	}
	p, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("load profile %s: %w", name, err)
	}
	if p.Plan != "" && !filepath.IsAbs(p.Plan) {
		p.Plan = filepath.Join(filepath.Dir(name), p.Plan)
	}
	return p, nil
}

func builtin(name string) (*Profile, error) {
	b, err := files.ReadFile(path.Join("profiles", name+".yaml"))
	if err != nil {
		return nil, fmt.Errorf("load profile: %w", err)
	}
	p, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("load profile %s: %w", name, err)
	}
	return p, nil
}

// Parse reads a profile from YAML. Its error lists every mistake.
func Parse(b []byte) (*Profile, error) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, target.Problems{"the file is empty"}
		}
		return nil, target.Problems{strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, target.Problems{"not a YAML mapping"}
	}
	if p := target.UnknownKeys(doc.Content[0], reflect.TypeFor[Profile](), ""); len(p) > 0 {
		return nil, p
	}
	var p Profile
	if err := doc.Decode(&p); err != nil {
		return nil, target.Problems{strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if bad := p.problems(); len(bad) > 0 {
		return nil, bad
	}
	return &p, nil
}
