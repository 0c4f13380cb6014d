package spec

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed contracts/*.yml
var contractFiles embed.FS

// The documents that hold only parts of others.
const (
	sharedFile   = "shared.yml"
	openDataFile = "opendata.yml"
)

// contracts holds one entry for each embedded document; each is loaded and checked once, at first use.
var contracts = func() map[string]func() (*openapi3.T, error) {
	entries, err := contractFiles.ReadDir("contracts")
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	m := map[string]func() (*openapi3.T, error){}
	for _, e := range entries {
		if name := e.Name(); name != sharedFile && name != openDataFile {
			m[strings.TrimSuffix(name, ".yml")] = sync.OnceValues(func() (*openapi3.T, error) { return load(contractFiles, "contracts/"+name) })
		}
	}
	return m
}()

// Contract returns our contract document of an API, loaded and validated once a process. The document is
// shared: nobody may change it. Every operation carries its own full list of parameters.
func Contract(api, version string) (*openapi3.T, error) {
	get := contracts[api+"-"+version]
	if get == nil {
		return nil, fmt.Errorf("contract of %s %s: not part of this build", api, version)
	}
	return get()
}

// Contract is the document of this API.
func (a *API) Contract() (*openapi3.T, error) { return Contract(a.Name, a.Version) }

func load(files fs.FS, name string) (*openapi3.T, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("contract %s: %w", name, err)
	}
	loader := openapi3.NewLoader()
	loader.IsExternalRefsAllowed = true
	loader.ReadFromURIFunc = func(_ *openapi3.Loader, at *url.URL) ([]byte, error) {
		return fs.ReadFile(files, path.Clean(at.Path))
	}
	doc, err := loader.LoadFromDataWithPath(data, &url.URL{Path: name})
	if err != nil {
		return nil, fmt.Errorf("contract %s: %w", name, err)
	}
	if err := doc.Validate(context.Background(), openapi3.SetRegexCompiler(CompilePattern)); err != nil {
		return nil, fmt.Errorf("contract %s: %w", name, err)
	}
	complete(doc)
	return doc, nil
}

// complete moves what a path says for all its operations into each of them, so that a reader of one
// operation sees all of it.
func complete(doc *openapi3.T) {
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			all := make(openapi3.Parameters, 0, len(item.Parameters)+len(op.Parameters))
			op.Parameters = append(append(all, item.Parameters...), op.Parameters...)
		}
		item.Parameters = nil
	}
}

// Described is the part of the contract that describes this operation.
func (o *Operation) Described() (*openapi3.Operation, error) {
	doc, err := o.API.Contract()
	if err != nil {
		return nil, err
	}
	if item := doc.Paths.Value(o.Path); item != nil {
		if d := item.GetOperation(o.Method); d != nil {
			return d, nil
		}
	}
	return nil, fmt.Errorf("contract of %s %s: no %s %s", o.API.Name, o.API.Version, o.Method, o.Path)
}
