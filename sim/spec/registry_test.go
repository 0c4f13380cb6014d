package spec

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"gopkg.in/yaml.v3"
)

// counts makes whoever adds an operation look here, at the contract and at what follows from both.
var counts = map[string]int{"consents": 5, "resources": 1, "customers": 6, "accounts": 7, "payments": 7, "common": 2, "admin": 1,
	"channels": 5, "opendata-accounts": 2, "opendata-creditcards": 2, "opendata-loans": 2, "opendata-financings": 2,
	"opendata-invoicefinancings": 2, "opendata-unarranged": 2, "investments": 5, "exchange": 2, "pension": 2, "insurances": 1,
	"capitalization-bonds": 1, "acquiring-services": 2}

func TestEveryContractOperationHasOneRow(t *testing.T) {
	rows := map[string]int{}
	for _, a := range APIs() {
		if len(a.Operations) != counts[a.Name] {
			t.Errorf("%s has %d operations, %d are known", a.Name, len(a.Operations), counts[a.Name])
		}
		for _, o := range a.Operations {
			rows[o.Method+" "+o.FullPath()]++
		}
		doc := contract(t, a)
		if base := doc.Servers[0].URL; base != a.Base {
			t.Errorf("%s: base path %s, contract says %s", a.Name, a.Base, base)
		}
		for path, item := range doc.Paths.Map() {
			for method, described := range item.Operations() {
				o, _, _ := Match(method, a.Base+path)
				switch {
				case o == nil:
					t.Errorf("%s %s%s has no row", method, a.Base, path)
				case o.ID != described.OperationID || o.Title != described.Summary:
					t.Errorf("%s is %q in the contract, titled %q", o.ID, described.OperationID, described.Summary)
				}
			}
		}
	}
	for row, n := range rows {
		if n != 1 {
			t.Errorf("%s has %d rows", row, n)
		}
	}
	for _, o := range Operations() {
		if _, err := o.Described(); err != nil {
			t.Error(err)
		}
		if Find(o.ID) != o {
			t.Errorf("%s is not found by its id", o.ID)
		}
	}
}

func TestGrantAndScopeAreTheContracts(t *testing.T) {
	for _, o := range Operations() {
		if security := described(t, o).Security; (security == nil) != (o.Grant == Public) {
			t.Errorf("%s: grant %s, the contract asks for a token: %t", o.ID, o.Grant, security != nil)
		}
		if o.Grant == Public {
			if o.Scope != "" || o.API.Role != "" {
				t.Errorf("%s is public and yet asks for scope %q and role %q", o.ID, o.Scope, o.API.Role)
			}
			continue
		}
		security := *described(t, o).Security
		if len(security) == 0 {
			t.Errorf("%s: the contract asks for no token", o.ID)
			continue
		}
		for _, way := range security {
			for scheme, scopes := range way {
				flows := contract(t, o.API).Components.SecuritySchemes[scheme].Value.Flows
				grant := AuthorizationCode
				if flows.ClientCredentials != nil {
					grant = ClientCredentials
				}
				if grant != o.Grant || !slices.Contains(scopes, o.Scope) {
					t.Errorf("%s: %s with %s, contract says %s with %v", o.ID, o.Grant, o.Scope, grant, scopes)
				}
				if dynamic := slices.ContainsFunc(scopes, func(s string) bool { return strings.Contains(s, ":") }); dynamic != (grant == AuthorizationCode) {
					t.Errorf("%s: scopes %v do not fit %s", o.ID, scopes, grant)
				}
			}
		}
		if allowed := ScopesOf(o.API.Role); !slices.Contains(allowed, o.Scope) {
			t.Errorf("%s: role %s does not allow scope %s", o.ID, o.API.Role, o.Scope)
		}
	}
}

func TestPermissionsBelongToAGroup(t *testing.T) {
	for _, o := range Operations() {
		for _, p := range o.Permissions {
			inGroup := p == ResourcesRead || slices.ContainsFunc(Groups(), func(g Group) bool {
				return slices.Contains(g.Permissions, p) && slices.Contains(g.APIs, o.API.Name)
			})
			if !inGroup {
				t.Errorf("%s: %s is in no group of %s", o.ID, p, o.API.Name)
			}
		}
		if data := o.Shape != Action && o.Grant != Public; data != (len(o.Permissions) > 0) {
			t.Errorf("%s: shape %s with permissions %v", o.ID, o.Shape, o.Permissions)
		}
	}
}

func TestPermissionsAreThoseOfTheConsentContract(t *testing.T) {
	doc, err := Contract("consents", "3.3.1")
	if err != nil {
		t.Fatal(err)
	}
	var published []string
	for _, v := range doc.Components.Schemas["Permission"].Value.Enum {
		published = append(published, v.(string))
	}
	ours := slices.Sorted(slices.Values(Permissions()))
	slices.Sort(published)
	if !slices.Equal(ours, published) {
		t.Errorf("groups hold   %v\ncontract holds %v", ours, published)
	}
}

func TestParametersFitTheShape(t *testing.T) {
	for _, o := range Operations() {
		has := map[string]*openapi3.Parameter{}
		for _, p := range described(t, o).Parameters {
			has[p.Value.Name] = p.Value
		}
		list := o.Shape == List || o.Shape == Dated || o.Shape == Recent
		if size := has["page-size"]; size != nil {
			if got := int(*size.Schema.Value.Min); got != o.MinPageSize {
				t.Errorf("%s: smallest page %d, contract says %d", o.ID, o.MinPageSize, got)
			}
			if *size.Schema.Value.Max != 1000 || size.Schema.Value.Default.(float64) != 25 || has["page"] == nil {
				t.Errorf("%s: paging differs from the standard's", o.ID)
			}
		} else if list {
			t.Errorf("%s is a list without page-size", o.ID)
		}
		dated := has["fromBookingDate"] != nil && has["toBookingDate"] != nil
		if dated != (o.Shape == Dated || o.Shape == Recent) {
			t.Errorf("%s: shape %s, booking dates %t", o.ID, o.Shape, dated)
		}
		demanded := func(name string) bool { return has[name] != nil && has[name].Required }
		if demanded("x-idempotency-key") != o.Idempotent {
			t.Errorf("%s: idempotent %t differs from the contract", o.ID, o.Idempotent)
		}
		if both := demanded("x-fapi-customer-ip-address") && demanded("x-customer-user-agent"); both != o.CustomerHeaders {
			t.Errorf("%s: customer headers %t differ from the contract", o.ID, o.CustomerHeaders)
		}
		if param := o.Param(); param != "" && !demanded(param) {
			t.Errorf("%s: parameter %s is not in the contract", o.ID, param)
		}
	}
}

func TestAnswersFitTheShape(t *testing.T) {
	for _, o := range Operations() {
		if o.Shape == Action {
			continue
		}
		answer := described(t, o).Responses.Value("200").Value.Content["application/json"].Schema.Value
		if array := answer.Properties["data"].Value.Type.Is("array"); array == (o.Shape == One) {
			t.Errorf("%s: shape %s, data is an array: %t", o.ID, o.Shape, array)
		}
	}
}

func TestSignedAPIsSpeakJWT(t *testing.T) {
	for _, o := range Operations() {
		d, jwt := described(t, o), 0
		bodies := 0
		count := func(c openapi3.Content) {
			for mediaType := range c {
				bodies++
				if mediaType == "application/jwt" {
					jwt++
				}
			}
		}
		if d.RequestBody != nil {
			count(d.RequestBody.Value.Content)
		}
		for _, status := range []string{"200", "201", "422"} {
			if r := d.Responses.Value(status); r != nil {
				count(r.Value.Content)
			}
		}
		if o.API.Signed && jwt != bodies || !o.API.Signed && jwt != 0 {
			t.Errorf("%s: %d of %d bodies are signed", o.ID, jwt, bodies)
		}
	}
}

func TestSharedPartsAreUsed(t *testing.T) {
	text := ""
	parts := map[string][]byte{}
	for _, name := range []string{sharedFile, openDataFile} {
		data, err := contractFiles.ReadFile("contracts/" + name)
		if err != nil {
			t.Fatal(err)
		}
		parts[name] = data
		text += string(data)
	}
	for name := range contracts {
		data, err := contractFiles.ReadFile("contracts/" + name + ".yml")
		if err != nil {
			t.Fatal(err)
		}
		text += string(data)
	}
	var names []string
	for file, data := range parts {
		var doc struct {
			Components struct{ Schemas map[string]yaml.Node }
		}
		if err := yaml.Unmarshal(data, &doc); err != nil || len(doc.Components.Schemas) == 0 {
			t.Fatal(file, err)
		}
		names = slices.AppendSeq(names, maps.Keys(doc.Components.Schemas))
	}
	for _, name := range names {
		if !strings.Contains(text, "#/components/schemas/"+name+"}") && !strings.Contains(text, "#/components/schemas/"+name+"'") {
			t.Errorf("nobody refers to the shared schema %s", name)
		}
	}
}

func TestCodes(t *testing.T) {
	if got := Find("consents.delete").Codes(); !slices.Equal(got, []string{"CONSENTIMENTO_EM_STATUS_REJEITADO"}) {
		t.Errorf("consents.delete: %v", got)
	}
	if got := Find("payments.create").Codes(); !slices.Contains(got, "SALDO_INSUFICIENTE") || len(got) != 16 {
		t.Errorf("payments.create: %v", got)
	}
	if got := Find("accounts.list").Codes(); got != nil {
		t.Errorf("accounts.list: %v", got)
	}
	if got := Find("payments.read").Values("data", "rejectionReason", "code"); !slices.Contains(got, "QRCODE_INVALIDO") {
		t.Errorf("rejection reasons: %v", got)
	}
	if got := Find("payments.create").Values("data", "status"); !slices.Contains(got, "RCVD") {
		t.Errorf("payment states: %v", got)
	}
}

func TestUnknownContractsAreRefused(t *testing.T) {
	if _, err := Contract("accounts", "1.0.0"); err == nil {
		t.Error("a contract that is not there was loaded")
	}
}

func contract(t *testing.T, a *API) *openapi3.T {
	t.Helper()
	doc, err := a.Contract()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func described(t *testing.T, o *Operation) *openapi3.Operation {
	t.Helper()
	d, err := o.Described()
	if err != nil {
		t.Fatal(err)
	}
	return d
}
