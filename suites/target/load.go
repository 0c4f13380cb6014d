package target

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// MaxFile bounds a target file, in bytes.
const MaxFile = 4 << 20

// Ref is a value by reference: "file:<path>" (relative to the target file), "env:<NAME>", or the value
// itself where it is no secret.
type Ref string

// Problems are all mistakes of a target file at once.
type Problems []string

func (p Problems) Error() string {
	if len(p) == 1 {
		return p[0]
	}
	return fmt.Sprintf("%d mistakes:\n  %s", len(p), strings.Join(p, "\n  "))
}

// Load reads and checks a target file. Its errors name the line and what to write instead.
func Load(path string) (*Target, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	if len(b) > MaxFile {
		return nil, fmt.Errorf("target %s: larger than %d bytes", path, MaxFile)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	t, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", path, err)
	}
	t.path = abs
	return t, nil
}

// Parse reads a target from YAML.
func Parse(b []byte) (*Target, error) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, Problems{"the file is empty"}
		}
		return nil, Problems{err.Error()}
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, Problems{"not a YAML mapping"}
	}
	if p := UnknownKeys(doc.Content[0], reflect.TypeFor[Target](), ""); len(p) > 0 {
		return nil, p
	}
	var t Target
	if err := doc.Decode(&t); err != nil {
		return nil, Problems{strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if p := t.problems(); len(p) > 0 {
		return nil, p
	}
	return &t, nil
}

// UnknownKeys lists the keys under node that the type does not know by its yaml tags, each with its line and
// the nearest known key. at is where the node stands; "" is the document.
func UnknownKeys(node *yaml.Node, typ reflect.Type, at string) (p Problems) {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case node.Kind == yaml.AliasNode:
		return UnknownKeys(node.Alias, typ, at)
	case node.Kind == yaml.SequenceNode && typ.Kind() == reflect.Slice:
		for i, item := range node.Content {
			p = append(p, UnknownKeys(item, typ.Elem(), fmt.Sprintf("%s[%d]", at, i))...)
		}
	case node.Kind == yaml.MappingNode && typ.Kind() == reflect.Map:
		for i := 0; i+1 < len(node.Content); i += 2 {
			p = append(p, UnknownKeys(node.Content[i+1], typ.Elem(), at+"."+node.Content[i].Value)...)
		}
	case node.Kind == yaml.MappingNode && typ.Kind() == reflect.Struct:
		known := map[string]reflect.Type{}
		var names []string
		for i := range typ.NumField() {
			if name, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ","); name != "" {
				known[name] = typ.Field(i).Type
				names = append(names, name)
			}
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if inner, ok := known[key.Value]; ok {
				p = append(p, UnknownKeys(node.Content[i+1], inner, strings.TrimPrefix(at+"."+key.Value, "."))...)
				continue
			}
			p = append(p, fmt.Sprintf("line %d: unknown key %q%s; did you mean %q?", key.Line, key.Value, within(at), Nearest(key.Value, names)))
		}
	}
	return p
}

func within(at string) string {
	if at == "" {
		return ""
	}
	return " in " + at
}

func (t *Target) problems() (p Problems) {
	say := func(format string, args ...any) { p = append(p, fmt.Sprintf(format, args...)) }
	if t.APIVersion != APIVersion {
		say("apiVersion is %q, want %q", t.APIVersion, APIVersion)
	}
	if t.Kind != Kind {
		say("kind is %q, want %q", t.Kind, Kind)
	}
	roles := []string{"account-holder", "data-transmitter", "receiver", "initiator"}
	if !slices.Contains(roles, t.Role) {
		say("role is %q, want one of %s", t.Role, strings.Join(roles, ", "))
	}
	addresses := map[string]string{"bank.discovery": t.Bank.Discovery, "bank.resourceBase": t.Bank.ResourceBase,
		"directory.url": t.Directory.URL, "directory.participants": t.Directory.Participants,
		"directory.keystore": t.Directory.Keystore, "directory.token": t.Directory.Token}
	for name, address := range t.Capabilities.all() {
		addresses["capabilities."+name] = address
	}
	for _, name := range sortedKeys(addresses) {
		address := addresses[name]
		u, err := url.Parse(address)
		if address != "" && (err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http")) {
			say("%s is %q, want an absolute http(s) address", name, address)
		}
	}
	if t.Bank.Discovery == "" && (t.Role == "account-holder" || t.Role == "data-transmitter") {
		say("bank.discovery is missing: the address of the authorization server's metadata")
	}
	for name := range t.Run.Timeouts {
		if _, ok := Timeouts[name]; !ok {
			say("unknown key %q in run.timeouts; did you mean %q?", name, Nearest(name, sortedKeys(Timeouts)))
		}
	}
	t.Payments.problems(say)
	seen := map[string]bool{}
	for i, person := range t.People {
		if person.ID == "" || seen[person.ID] {
			say("people[%d].id %q is missing or repeated", i, person.ID)
		}
		seen[person.ID] = true
		if !slices.Contains([]string{"", "robot", "human"}, person.Login) {
			say("people[%d].login is %q, want robot or human", i, person.Login)
		}
	}
	for i, c := range t.Clients {
		at := fmt.Sprintf("clients[%d]", i)
		if c.Name != "" {
			at += " (" + c.Name + ")"
		}
		if c.Registered && c.ClientID == "" {
			say("%s is registered but has no clientId", at)
		}
		for key, ref := range map[string]Ref{"transport.key": c.Transport.Key, "signing.jwk": c.Signing.JWK, "encryption.jwk": c.Encryption.JWK} {
			if ref != "" && !ref.Indirect() {
				say("%s.%s holds the secret itself; write file:<path> or env:<NAME>", at, key)
			}
		}
	}
	slices.Sort(p)
	return p
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Indirect says whether the value stands elsewhere.
func (r Ref) Indirect() bool {
	return strings.HasPrefix(string(r), "file:") || strings.HasPrefix(string(r), "env:")
}

// Read returns the value behind a reference.
func (t *Target) Read(r Ref) ([]byte, error) {
	s := string(r)
	switch {
	case strings.HasPrefix(s, "env:"):
		v, ok := os.LookupEnv(s[4:])
		if !ok {
			return nil, fmt.Errorf("environment variable %s is not set", s[4:])
		}
		return []byte(v), nil
	case strings.HasPrefix(s, "file:"):
		b, err := os.ReadFile(t.file(s[5:]))
		if err != nil {
			return nil, err
		}
		return b, nil
	}
	return []byte(s), nil
}

// Text returns the value behind a reference without surrounding blanks, or "" when it cannot be read;
// [Target.Missing] names what cannot.
func (t *Target) Text(r Ref) string {
	b, err := t.Read(r)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// Missing lists every reference that cannot be read, with the reason.
func (t *Target) Missing() []string {
	var out []string
	try := func(name string, r Ref) {
		if _, err := t.Read(r); err != nil {
			out = append(out, fmt.Sprintf("%s: %v", name, err))
		}
	}
	try("ca", t.CA)
	for i, c := range t.Clients {
		at := fmt.Sprintf("clients[%d]", i)
		try(at+".transport.cert", c.Transport.Cert)
		try(at+".transport.key", c.Transport.Key)
		try(at+".signing.jwk", c.Signing.JWK)
		try(at+".encryption.jwk", c.Encryption.JWK)
		try(at+".registrationToken", c.RegistrationToken)
	}
	for _, kind := range t.HostileKinds() {
		try("hostile."+kind+".cert", t.Hostile[kind].Cert)
		try("hostile."+kind+".key", t.Hostile[kind].Key)
	}
	for _, p := range t.People {
		try("people."+p.ID+".cpf", p.CPF)
		try("people."+p.ID+".cnpj", p.CNPJ)
		try("people."+p.ID+".username", p.Username)
		try("people."+p.ID+".password", p.Password)
	}
	return out
}

func (t *Target) file(name string) string {
	if filepath.IsAbs(name) || t.path == "" {
		return name
	}
	return filepath.Join(filepath.Dir(t.path), name)
}

// Nearest returns the known word that needs the fewest edits to become word; one that holds it is near.
func Nearest(word string, known []string) string {
	best, cost := "", 1<<30
	for _, k := range known {
		d := distance(strings.ToLower(word), strings.ToLower(k))
		if len(word) > 2 && strings.Contains(strings.ToLower(k), strings.ToLower(word)) {
			d = min(d, 1)
		}
		if d < cost {
			best, cost = k, d
		}
	}
	return best
}

func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			step := diagonal
			if a[i-1] != b[j-1] {
				step++
			}
			diagonal = row[j]
			row[j] = min(step, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
