// Package contract holds every message of an API call against the contract of that call.
//
// It promises to name each departure by place and rule, and to compile nothing while it judges. It
// refuses to start with a contract it cannot use. It never alters a message, never repeats a value that
// may be personal, and shares no code with the platform it judges.
package contract

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"golang.org/x/sync/errgroup"

	"github.com/ensaio/ensaio/sim/spec"
)

// Source says which contracts the judge holds messages against.
type Source struct {
	dir string
}

// Embedded are the contracts of this project.
func Embedded() Source { return Source{} }

// Published are the definitions in a folder laid out <api>/<version>.yml, as the standard publishes them.
// Of each API the version of the registry is taken or, where the folder lacks it, the newest of that major.
func Published(dir string) Source { return Source{dir: dir} }

// Judge knows the contract of every operation of the registry. It is safe for concurrent use.
type Judge struct {
	operations map[*spec.Operation]*openapi3.Operation
	// Versions tells which contract version stands behind each API, by name.
	Versions map[string]string
}

// New loads the contracts of all APIs of the registry.
func New(source Source) (*Judge, error) {
	apis := spec.APIs()
	docs := make([]*openapi3.T, len(apis))
	var group errgroup.Group
	for i, api := range apis {
		group.Go(func() (err error) {
			docs[i], err = source.load(api)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	j := &Judge{operations: map[*spec.Operation]*openapi3.Operation{}, Versions: map[string]string{}}
	for i, api := range apis {
		j.Versions[api.Name+"/"+api.Major()] = docs[i].Info.Version
		for _, op := range api.Operations {
			described, err := find(docs[i], op)
			if err != nil {
				return nil, err
			}
			j.operations[op] = described
		}
	}
	return j, nil
}

// find returns the operation's own description, completed by what its path says for all operations.
func find(doc *openapi3.T, op *spec.Operation) (*openapi3.Operation, error) {
	item := doc.Paths.Value(op.Path)
	if item == nil || item.GetOperation(op.Method) == nil {
		return nil, fmt.Errorf("contract of %s %s has no %s %s", op.API.Name, doc.Info.Version, op.Method, op.Path)
	}
	described := *item.GetOperation(op.Method)
	described.Parameters = append(append(openapi3.Parameters{}, item.Parameters...), described.Parameters...)
	return &described, nil
}

func (s Source) load(api *spec.API) (*openapi3.T, error) {
	if s.dir == "" {
		return api.Contract()
	}
	file, err := s.file(api)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("definition %s: %w", file, err)
	}
	// Published examples are often wrong; they judge nothing.
	err = doc.Validate(context.Background(), openapi3.SetRegexCompiler(spec.CompilePattern), openapi3.DisableExamplesValidation())
	if err != nil {
		return nil, fmt.Errorf("definition %s: %w", file, err)
	}
	return doc, nil
}

func (s Source) file(api *spec.API) (string, error) {
	folder := filepath.Join(s.dir, api.Name)
	exact := filepath.Join(folder, api.Version+".yml")
	if _, err := os.Stat(exact); err == nil {
		return exact, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", fmt.Errorf("definitions of %s: %w", api.Name, err)
	}
	best := ""
	for _, e := range entries {
		version, ok := strings.CutSuffix(e.Name(), ".yml")
		if ok && "v"+strings.SplitN(version, ".", 2)[0] == api.Major() && (best == "" || newer(version, best)) {
			best = version
		}
	}
	if best == "" {
		return "", fmt.Errorf("definitions of %s: no version of %s in %s", api.Name, api.Major(), folder)
	}
	return filepath.Join(folder, best+".yml"), nil
}

// newer compares versions number by number; a part that is no number counts as zero.
func newer(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, _ := strconv.Atoi(x[i])
		n, _ := strconv.Atoi(y[i])
		if m != n {
			return m > n
		}
	}
	return len(x) > len(y)
}

// described is the contract of an operation of the registry; asking for any other is a mistake in a suite.
func (j *Judge) described(op *spec.Operation) *openapi3.Operation {
	d := j.operations[op]
	if d == nil {
		panic("contract: operation " + op.ID + " is not of the registry")
	}
	return d
}
