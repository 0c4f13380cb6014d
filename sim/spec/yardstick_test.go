package spec

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// exception is a difference from the published definition that we mean.
type exception struct{ fact, reason string }

var exceptions = []exception{
	{`header Authorization (minLength|pattern)$`, "the header's form is RFC 6750's, the same in every API; the definitions write it in three ways, none of which says more"},
	{`200 header x-fapi-interaction-id minLength$`, "a UUID is never empty; one definition of many leaves that out"},
	{`^POST /consents/\{consentId\}/extends 201 .*/data/permissions/\[\] enum$`, "the definition forgets EXCHANGES_READ here, so that a consent with it could never be renewed"},
	{`^GET /consents/\{consentId\}/pix/payments 200 application/jwt /data/\[\]/(consentId|creationDateTime|proxy|rejectionReason|localInstrument|cnpjInitiator|payment|transactionIdentification|remittanceInformation|creditorAccount|cancellation|debtorAccount|authorisationFlow)(/| |$)`, "the definition demands eleven fields of a listed payment and describes four; ours describes them as in the payment's own answer"},
	{`^GET /metrics query page(-size)? format$`, "a character that nobody sees follows the format's name in the definition"},
}

// TestContractsAgreeWithTheDefinitions holds each contract against the published definition of the same
// API and version, fact by fact.
func TestContractsAgreeWithTheDefinitions(t *testing.T) {
	dir := os.Getenv("ENSAIO_SPECS")
	if dir == "" {
		t.Skip("ENSAIO_SPECS names no folder of published definitions (<api>/<version>.yml), so there is nothing to compare with")
	}
	used := map[string]bool{}
	for name, get := range contracts {
		t.Run(name, func(t *testing.T) {
			ours, err := get()
			if err != nil {
				t.Fatal(err)
			}
			at := strings.LastIndexByte(name, '-')
			published, err := openapi3.NewLoader().LoadFromFile(filepath.Join(dir, name[:at], name[at+1:]+".yml"))
			if err != nil {
				t.Fatal(err)
			}
			a, b := facts(ours), facts(published)
			if len(b) < 300 {
				t.Errorf("only %d facts read from the definition", len(b))
			}
			for _, d := range differences(a, b) {
				if !excepted(d, used) {
					t.Error(d)
				}
			}
		})
	}
	for _, e := range exceptions {
		if !used[e.fact] {
			t.Errorf("the exception %q is not needed any more", e.fact)
		}
	}
}

func excepted(d difference, used map[string]bool) bool {
	for _, e := range exceptions {
		if regexp.MustCompile(e.fact).MatchString(d.fact) {
			used[e.fact] = true
			return true
		}
	}
	return false
}

// TestTheYardstickNotices changes one thing at a time in a contract and expects the comparison to say so.
func TestTheYardstickNotices(t *testing.T) {
	list := func(d *openapi3.T) *openapi3.Operation { return d.Paths.Value("/accounts").Get }
	row := func(d *openapi3.T) *openapi3.Schema { return d.Components.Schemas["Account"].Value }
	changes := map[string]func(d *openapi3.T){
		"path gone":      func(d *openapi3.T) { d.Paths.Delete("/accounts") },
		"method gone":    func(d *openapi3.T) { d.Paths.Value("/accounts/{accountId}").Get = nil },
		"status gone":    func(d *openapi3.T) { list(d).Responses.Delete("423") },
		"status added":   func(d *openapi3.T) { list(d).Responses.Set("418", list(d).Responses.Value("400")) },
		"parameter gone": func(d *openapi3.T) { list(d).Parameters = list(d).Parameters[1:] },
		"parameter demanded": func(d *openapi3.T) {
			p := *list(d).Parameters[1].Value
			p.Required = true
			list(d).Parameters[1].Value = &p
		},
		"parameter moved": func(d *openapi3.T) {
			p := *list(d).Parameters[1].Value
			p.In = "query"
			list(d).Parameters[1].Value = &p
		},
		"scope gone":  func(d *openapi3.T) { (*list(d).Security)[0]["AuthorizationCode"] = []string{"openid"} },
		"header gone": func(d *openapi3.T) { delete(list(d).Responses.Value("200").Value.Headers, "x-v") },
		"media type": func(d *openapi3.T) {
			c := list(d).Responses.Value("200").Value.Content
			c["text/plain"] = c["application/json"]
			delete(c, "application/json")
		},
		"field gone":     func(d *openapi3.T) { delete(row(d).Properties, "brandName") },
		"field added":    func(d *openapi3.T) { row(d).Properties["more"] = openapi3.NewStringSchema().NewRef() },
		"required gone":  func(d *openapi3.T) { row(d).Required = row(d).Required[1:] },
		"required added": func(d *openapi3.T) { row(d).Required = append(row(d).Required, "checkDigit") },
		"enum value gone": func(d *openapi3.T) {
			e := d.Components.Schemas["Remuneration"].Value.Properties["indexer"].Value
			e.Enum = e.Enum[1:]
		},
		"enum value misspelt": func(d *openapi3.T) {
			d.Components.Schemas["Remuneration"].Value.Properties["indexer"].Value.Enum[0] = "cdi"
		},
		"pattern":     func(d *openapi3.T) { d.Components.Schemas["Amount"].Value.Pattern = `^\d{1,15}\.\d{2}$` },
		"length":      func(d *openapi3.T) { *row(d).Properties["brandName"].Value.MaxLength = 81 },
		"length gone": func(d *openapi3.T) { row(d).Properties["brandName"].Value.MaxLength = nil },
		"items": func(d *openapi3.T) {
			list(d).Responses.Value("200").Value.Content["application/json"].Schema.Value.Properties["data"].Value.MinItems = 1
		},
		"format":    func(d *openapi3.T) { d.Components.Schemas["Amount"].Value.Format = "" },
		"type":      func(d *openapi3.T) { row(d).Properties["brandName"].Value.Type = &openapi3.Types{"integer"} },
		"closed":    func(d *openapi3.T) { no := false; row(d).AdditionalProperties.Has = &no },
		"base path": func(d *openapi3.T) { d.Servers[0].URL = "/open-banking/accounts/v3" },
	}
	same, err := load(contractFiles, "contracts/accounts-2.5.1.yml")
	if err != nil {
		t.Fatal(err)
	}
	published := facts(same)
	for name, change := range changes {
		doc, err := load(contractFiles, "contracts/accounts-2.5.1.yml")
		if err != nil {
			t.Fatal(err)
		}
		if d := differences(facts(doc), published); len(d) != 0 {
			t.Fatalf("a contract differs from itself: %v", d)
		}
		change(doc)
		if len(differences(facts(doc), published)) == 0 {
			t.Errorf("%s: not noticed", name)
		}
	}
}

type difference struct{ fact, ours, published string }

func (d difference) String() string {
	return fmt.Sprintf("%s: ours %s, published %s", d.fact, d.ours, d.published)
}

func differences(ours, published map[string]string) []difference {
	var all []difference
	seen := map[string]bool{}
	for _, side := range []map[string]string{ours, published} {
		for fact := range side {
			if a, b := said(ours, fact), said(published, fact); a != b && !seen[fact] {
				seen[fact] = true
				all = append(all, difference{fact, a, b})
			}
		}
	}
	slices.SortFunc(all, func(a, b difference) int { return strings.Compare(a.fact, b.fact) })
	return all
}

func said(side map[string]string, fact string) string {
	if v, ok := side[fact]; ok {
		return v
	}
	return "nothing"
}

// facts spells a document out: one entry for each thing it demands or describes, however it arranges them.
func facts(doc *openapi3.T) map[string]string {
	all := map[string]string{"version": doc.Info.Version}
	if u, err := url.Parse(doc.Servers[0].URL); err == nil {
		all["base path"] = u.Path
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			at := method + " " + path
			all[at] = "described"
			for _, p := range append(slices.Clone(item.Parameters), op.Parameters...) {
				where := at + " " + p.Value.In + " " + p.Value.Name
				all[where] = "required " + strconv.FormatBool(p.Value.Required)
				schemaFacts(all, where, p.Value.Schema.Value)
			}
			if op.RequestBody != nil {
				all[at+" request"] = "required " + strconv.FormatBool(op.RequestBody.Value.Required)
				contentFacts(all, at+" request", op.RequestBody.Value.Content)
			}
			for status, r := range op.Responses.Map() {
				where := at + " " + status
				all[where] = "described"
				for name, h := range r.Value.Headers {
					all[where+" header "+name] = "required " + strconv.FormatBool(h.Value.Required)
					schemaFacts(all, where+" header "+name, h.Value.Schema.Value)
				}
				contentFacts(all, where, r.Value.Content)
			}
			all[at+" security"] = securityFacts(doc, op)
		}
	}
	return all
}

// securityFacts names grant and scopes of each alternative. The definitions spread the scopes of one
// alternative over an OpenID Connect and an OAuth2 scheme; what counts is their union.
func securityFacts(doc *openapi3.T, op *openapi3.Operation) string {
	if op.Security == nil {
		return "public"
	}
	var ways []string
	for _, requirement := range *op.Security {
		grant := AuthorizationCode
		var scopes []string
		for scheme, s := range requirement {
			scopes = append(scopes, s...)
			if flows := doc.Components.SecuritySchemes[scheme].Value.Flows; flows != nil && flows.ClientCredentials != nil {
				grant = ClientCredentials
			}
		}
		slices.Sort(scopes)
		ways = append(ways, string(grant)+" "+strings.Join(slices.Compact(scopes), " "))
	}
	slices.Sort(ways)
	return strings.Join(ways, " or ")
}

func contentFacts(all map[string]string, at string, content openapi3.Content) {
	for mediaType, m := range content {
		all[at+" "+mediaType] = "described"
		schemaFacts(all, at+" "+mediaType+" ", m.Schema.Value)
	}
}

func schemaFacts(all map[string]string, at string, s *openapi3.Schema) {
	say := func(keyword string, value any, said bool) {
		if said {
			all[at+" "+keyword] = fmt.Sprint(value)
		}
	}
	say("type", strings.Join(s.Type.Slice(), ","), s.Type != nil)
	say("format", s.Format, s.Format != "")
	say("enum", sorted(s.Enum), len(s.Enum) > 0)
	say("default", s.Default, s.Default != nil)
	say("nullable", true, s.Nullable)
	say("readOnly", true, s.ReadOnly)
	say("writeOnly", true, s.WriteOnly)
	if s.Type.Is("string") {
		pattern := plainPattern(s.Pattern)
		say("pattern", pattern, pattern != "")
		say("minLength", s.MinLength, s.MinLength > 0)
		sayPointer(say, "maxLength", s.MaxLength)
	}
	sayPointer(say, "minimum", s.Min)
	sayPointer(say, "maximum", s.Max)
	say("exclusiveMinimum", s.ExclusiveMin, s.ExclusiveMin.IsTrue())
	say("exclusiveMaximum", s.ExclusiveMax, s.ExclusiveMax.IsTrue())
	sayPointer(say, "multipleOf", s.MultipleOf)
	say("minItems", s.MinItems, s.MinItems > 0)
	sayPointer(say, "maxItems", s.MaxItems)
	say("uniqueItems", true, s.UniqueItems)
	say("minProperties", s.MinProps, s.MinProps > 0)
	sayPointer(say, "maxProperties", s.MaxProps)
	required := slices.Clone(s.Required)
	slices.Sort(required)
	say("required", slices.Compact(required), len(required) > 0)
	if has := s.AdditionalProperties.Has; has != nil {
		say("closed", true, !*has)
	}
	if extra := s.AdditionalProperties.Schema; extra != nil {
		schemaFacts(all, at+"/*", extra.Value)
	}
	for name, p := range s.Properties {
		all[at+"/"+name] = "described"
		schemaFacts(all, at+"/"+name, p.Value)
	}
	if s.Items != nil {
		schemaFacts(all, at+"/[]", s.Items.Value)
	}
	for keyword, refs := range map[string]openapi3.SchemaRefs{"oneOf": s.OneOf, "anyOf": s.AnyOf, "allOf": s.AllOf} {
		say(keyword, len(refs), len(refs) > 0)
		for i, r := range refs {
			schemaFacts(all, fmt.Sprintf("%s<%s %d>", at, keyword, i), r.Value)
		}
	}
	if s.Not != nil {
		schemaFacts(all, at+"<not>", s.Not.Value)
	}
}

func sayPointer[T any](say func(string, any, bool), keyword string, value *T) {
	if value != nil {
		say(keyword, *value, true)
	}
}

func sorted(values []any) []string {
	set := map[string]bool{}
	for _, v := range values {
		set[fmt.Sprint(v)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

var innerGroup = regexp.MustCompile(`^\^\(+([^()|]*)\)+(?:\{1\})?\$$`)

// plainPattern writes patterns of the same language alike: one that every text matches is none, a group
// around everything is noise, and so is a backslash before the hyphen that ends a character class.
func plainPattern(p string) string {
	switch p {
	case `[\w\W\s]*`, `^[\w\W]*$`, `^[\w\W\s]*$`:
		return ""
	}
	if strings.HasPrefix(p, "(^") && strings.HasSuffix(p, "$)") {
		p = p[1 : len(p)-1]
	}
	p = strings.ReplaceAll(p, `\-]`, `-]`)
	return innerGroup.ReplaceAllString(p, "^$1$$")
}
