package directory

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/pki"
)

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	bankID   = "a0000000-0000-4000-8000-000000000001"
	auroraID = "a0000000-0000-4000-8000-000000000002"
	borealID = "a0000000-0000-4000-8000-000000000003"
)

// certificates are made once; tests revoke none of them.
var authority1 = sync.OnceValues(func() (*pki.Authority, error) { return pki.Open("", clock.Fixed(start), pki.Stock(12)) })

var signing, encryption = sync.OnceValues(func() (jose.Key, error) { return jose.NewKey("sig") }),
	sync.OnceValues(func() (jose.Key, error) { return jose.NewKey("enc") })

// world is a directory with a bank and two receivers, served over TLS.
type world struct {
	*testing.T
	*Directory
	clk            *clock.Clock
	ca             *pki.Authority
	addr           string
	aurora, boreal pki.Identity
	auroraApp      SoftwareStatement
	borealApp      SoftwareStatement
	control        *httptest.Server
}

func subject(name, org, software string) pki.Subject {
	return pki.Subject{Name: name, OrganisationID: org, SoftwareID: software, CNPJ: "12345678000195", LegalName: name,
		City: "Sao Paulo", State: "SP", CommonName: "app." + name + ".localhost"}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T, ca *pki.Authority, dir string, seams *fault.Seams) *world {
	t.Helper()
	if ca == nil {
		var err error
		ca, err = authority1()
		ok(t, err)
	}
	w := &world{T: t, clk: clock.Fixed(start), ca: ca}
	var err error
	w.Directory, err = New(Config{Authority: ca, Clock: w.clk, Seed: 7, Seams: seams, Dir: dir, Base: At(9443)})
	ok(t, err)
	w.populate()
	id, err := ca.Server("directory", w.cfg.Base.Hosts()...)
	ok(t, err)
	srv := httptest.NewUnstartedServer(w.Handler())
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{id.TLS()}, ClientAuth: tls.RequestClientCert, Time: w.clk.Now}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	w.addr = srv.Listener.Addr().String()
	w.control = httptest.NewServer(w.Control())
	t.Cleanup(w.control.Close)
	return w
}

func (w *world) populate() {
	w.Helper()
	seal, err := w.ca.Signing(subject("aurora", auroraID, ""))
	ok(w.T, err)
	ok(w.T, w.AddOrganisation(Organisation{OrganisationID: bankID, OrganisationName: "Banco Ensaio", RegistrationNumber: "00000000000191", Roles: []string{Data, Account}}))
	ok(w.T, w.AddOrganisation(Organisation{OrganisationID: auroraID, OrganisationName: "Receptora Aurora", RegistrationNumber: "12345678000195",
		Roles: []string{Data, Payment}, Seals: []*x509.Certificate{seal.Certificate}}))
	ok(w.T, w.AddOrganisation(Organisation{OrganisationID: borealID, OrganisationName: "Iniciadora Boreal", RegistrationNumber: "98765432000198", Roles: []string{Data, Payment}}))
	ok(w.T, w.AddAuthorisationServer(AuthorisationServer{OrganisationID: bankID, CustomerFriendlyName: "Banco Ensaio", Issuer: "https://auth.banco-ensaio.localhost:9443",
		SupportsDCR: true, APIResources: []APIResource{{APIFamilyType: "consents", APIVersion: "3.3.1",
			APIDiscoveryEndpoints: []APIEndpoint{{APIEndpoint: "https://matls-api.banco-ensaio.test:9443/open-banking/consents/v3/consents"}}}}}))
	sig, err := signing()
	ok(w.T, err)
	enc, err := encryption()
	ok(w.T, err)
	for _, x := range []struct {
		org, name string
		id        *pki.Identity
		app       *SoftwareStatement
	}{{auroraID, "aurora", &w.aurora, &w.auroraApp}, {borealID, "boreal", &w.boreal, &w.borealApp}} {
		id := w.id(x.org, "software", x.name)
		*x.id, err = w.ca.Transport(subject(x.name, x.org, id))
		ok(w.T, err)
		*x.app, err = w.AddSoftware(Software{OrganisationID: x.org, Name: x.name, RedirectURIs: []string{"https://app." + x.name + ".localhost:9443/cb"},
			WebhookURIs: []string{"https://app." + x.name + ".localhost:9443/webhook"}, OriginURIs: []string{"https://app." + x.name + ".localhost:9443"},
			Roles: []string{Data, Payment}, Transport: []*x509.Certificate{x.id.Certificate}, Keys: []jose.Key{sig, enc}})
		ok(w.T, err)
		if x.app.SoftwareStatementID != id {
			w.Fatal("identifiers must follow from the seed")
		}
	}
}

// client connects with the given identity, or without one.
func (w *world) client(id *pki.Identity) *http.Client {
	c := &tls.Config{RootCAs: w.ca.Roots(), Time: w.clk.Now}
	if id != nil {
		c.Certificates = []tls.Certificate{id.TLS()}
	}
	tr := &http.Transport{TLSClientConfig: c, DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, w.addr)
	}}
	return &http.Client{Transport: tr}
}

// got is an answer with its body read.
type got struct {
	*http.Response
	body []byte
}

func (g got) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(g.body, &m); err != nil {
		t.Fatalf("not JSON: %s", g.body)
	}
	return m
}

func (w *world) do(id *pki.Identity, method, address, token string, body io.Reader, kind string) got {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, address, body)
	ok(w.T, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := w.client(id).Do(req)
	ok(w.T, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	ok(w.T, err)
	return got{res, b}
}

func (w *world) get(id *pki.Identity, address, token string) got {
	w.Helper()
	return w.do(id, http.MethodGet, address, token, nil, "")
}

func (w *world) form(id *pki.Identity, values url.Values) got {
	w.Helper()
	return w.do(id, http.MethodPost, w.cfg.Base.Token+"/token", "", strings.NewReader(values.Encode()), "application/x-www-form-urlencoded")
}

func credentials(clientID string) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {clientID}, "scope": {"directory:software"}}
}

func (w *world) tokenOf(id *pki.Identity, clientID string) string {
	w.Helper()
	g := w.form(id, credentials(clientID))
	if g.StatusCode != http.StatusOK {
		w.Fatalf("token: %d %s", g.StatusCode, g.body)
	}
	return g.json(w.T)["access_token"].(string)
}

// order uses the control port.
func (w *world) order(path string, body any) got {
	w.Helper()
	b, err := json.Marshal(body)
	ok(w.T, err)
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.control.URL+path, bytes.NewReader(b))
	ok(w.T, err)
	res, err := w.control.Client().Do(req)
	ok(w.T, err)
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	ok(w.T, err)
	return got{res, answer}
}

func (w *world) must(path string, body any) {
	w.Helper()
	if g := w.order(path, body); g.StatusCode != http.StatusNoContent {
		w.Fatalf("control %s: %d %s", path, g.StatusCode, g.body)
	}
}

// kids reads a key set of the key store.
func (w *world) kids(path string) []string {
	w.Helper()
	g := w.get(nil, w.cfg.Base.Keystore+path, "")
	if g.StatusCode != http.StatusOK {
		w.Fatalf("%s: %d %s", path, g.StatusCode, g.body)
	}
	var set jose.Set
	ok(w.T, json.Unmarshal(g.body, &set))
	out := []string{}
	for _, k := range set.Keys {
		out = append(out, k.ID)
	}
	return out
}

func TestTokensNeedTheStatementsOwnCertificate(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	server, err := w.ca.Hostile(pki.ServerOnly, subject("aurora", auroraID, w.auroraApp.SoftwareStatementID))
	ok(t, err)
	untrusted, err := w.ca.Hostile(pki.Untrusted, subject("aurora", auroraID, w.auroraApp.SoftwareStatementID))
	ok(t, err)
	seal, err := w.ca.Signing(subject("aurora", auroraID, ""))
	ok(t, err)
	old, err := w.ca.Hostile(pki.LegacyUnit, subject("aurora", auroraID, w.auroraApp.SoftwareStatementID))
	ok(t, err)
	with := func(name, value string) url.Values {
		v := credentials(w.auroraApp.ClientID)
		v.Set(name, value)
		return v
	}
	for name, c := range map[string]struct {
		id     *pki.Identity
		form   url.Values
		status int
		code   string
	}{
		"own certificate":          {&w.aurora, credentials(w.auroraApp.ClientID), 200, ""},
		"organisation in OU":       {&old, credentials(w.auroraApp.ClientID), 200, ""},
		"no certificate":           {nil, credentials(w.auroraApp.ClientID), 401, "invalid_client"},
		"certificate of another":   {&w.boreal, credentials(w.auroraApp.ClientID), 401, "invalid_client"},
		"server certificate":       {&server, credentials(w.auroraApp.ClientID), 401, "invalid_client"},
		"certificate of no CA":     {&untrusted, credentials(w.auroraApp.ClientID), 401, "invalid_client"},
		"signing certificate":      {&seal, credentials(w.auroraApp.ClientID), 401, "invalid_client"},
		"unknown client":           {&w.aurora, credentials("nobody"), 401, "invalid_client"},
		"no client":                {&w.aurora, with("client_id", ""), 401, "invalid_client"},
		"other grant":              {&w.aurora, with("grant_type", "password"), 400, "unsupported_grant_type"},
		"other scope":              {&w.aurora, with("scope", "directory:admin"), 400, "invalid_scope"},
		"parameter given twice":    {&w.aurora, url.Values{"grant_type": {"client_credentials", "x"}}, 400, "invalid_request"},
		"scope left to the server": {&w.aurora, with("scope", ""), 200, ""},
	} {
		g := w.form(c.id, c.form)
		m := g.json(t)
		if g.StatusCode != c.status || (c.code != "" && m["error"] != c.code) {
			t.Errorf("%s: %d %s", name, g.StatusCode, g.body)
		}
		if g.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: may be cached", name)
		}
		if c.status == 200 && (m["token_type"] != "Bearer" || m["scope"] != scope || m["expires_in"] != 600.0) {
			t.Errorf("%s: %s", name, g.body)
		}
	}
}

func TestTokensServeOneCertificateAndOneOrganisation(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	token := w.tokenOf(&w.aurora, w.auroraApp.ClientID)
	mine := w.cfg.Base.API + "/organisations/" + auroraID
	theirs := w.cfg.Base.API + "/organisations/" + borealID
	for name, c := range map[string]struct {
		id      *pki.Identity
		address string
		token   string
		status  int
	}{
		"own assertion":                {&w.aurora, w.SSA(auroraID, w.auroraApp.SoftwareStatementID), token, 200},
		"on the other mTLS host":       {&w.aurora, w.cfg.Base.Token + "/organisations/" + auroraID + "/softwarestatements", token, 200},
		"without token":                {&w.aurora, mine, "", 401},
		"without certificate":          {nil, mine, token, 401},
		"stolen by another":            {&w.boreal, mine, token, 401},
		"altered token":                {&w.aurora, mine, token[:20] + "AAAA" + token[24:], 401},
		"assertion of another":         {&w.aurora, w.SSA(borealID, w.borealApp.SoftwareStatementID), token, 403},
		"another's through own path":   {&w.aurora, w.SSA(auroraID, w.borealApp.SoftwareStatementID), token, 404},
		"statements of another":        {&w.aurora, theirs + "/softwarestatements", token, 403},
		"certificates of another":      {&w.aurora, theirs + "/certificates", token, 403},
		"statement nobody has":         {&w.aurora, theirs + "/softwarestatements/none", token, 403},
		"another's registration":       {&w.aurora, theirs, token, 200},
		"unknown organisation":         {&w.aurora, w.cfg.Base.API + "/organisations/none", token, 404},
		"unknown path":                 {&w.aurora, w.cfg.Base.API + "/elsewhere", token, 404},
		"tree is not on the data host": {&w.aurora, w.cfg.Base.Data + "/organisations", token, 404},
	} {
		if g := w.get(c.id, c.address, c.token); g.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", name, g.StatusCode, g.body, c.status)
		} else if c.status >= 400 && len(g.json(t)["errors"].([]any)) == 0 {
			t.Errorf("%s: no error is named", name)
		}
	}
	if g := w.do(&w.aurora, http.MethodDelete, mine, token, nil, ""); g.StatusCode != 405 || g.Header.Get("Allow") == "" {
		t.Errorf("a wrong method: %d, Allow %q", g.StatusCode, g.Header.Get("Allow"))
	}
	w.clk.Advance(tokenLife)
	if g := w.get(&w.aurora, mine, token); g.StatusCode != 401 {
		t.Errorf("a token past its time: %d", g.StatusCode)
	}
}

func TestAssertionsSayWhatTheModelSays(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	id := w.auroraApp.SoftwareStatementID
	address := w.SSA(auroraID, id)
	fetch := func() jose.Token {
		t.Helper()
		g := w.get(&w.aurora, address, w.tokenOf(&w.aurora, id))
		if g.StatusCode != 200 || g.Header.Get("Content-Type") != "application/jwt" {
			t.Fatalf("%d %s %s", g.StatusCode, g.Header.Get("Content-Type"), g.body)
		}
		var keys jose.Set
		ok(t, json.Unmarshal(w.get(nil, w.cfg.Base.Keystore+"/openbanking.jwks", "").body, &keys))
		tok, err := jose.Verify(string(g.body), keys)
		ok(t, err)
		return tok
	}
	tok := fetch()
	for _, name := range strings.Fields(`iss iat software_id software_client_id software_client_name software_client_description
		software_version software_mode software_environment software_status software_client_uri software_logo_uri software_policy_uri
		software_tos_uri software_redirect_uris software_api_webhook_uris origin software_origin_uris software_roles software_statement_roles
		software_jwks_uri software_jwks_inactive_uri software_jwks_transport_uri software_jwks_transport_inactive_uri
		org_jwks_uri org_jwks_inactive_uri org_jwks_transport_uri org_jwks_transport_inactive_uri
		org_id org_name org_number org_status organisation_competent_authority_claims`) {
		if v := tok.Claims[name]; v == nil || v == "" {
			t.Errorf("claim %s is missing", name)
		}
	}
	if tok.String("iss") != w.SSAIssuer() || tok.Claims["iat"] != float64(start.Unix()) || tok.String("org_id") != auroraID ||
		tok.String("software_jwks_uri") != w.cfg.Base.Keystore+"/"+auroraID+"/"+id+"/application.jwks" ||
		fmt.Sprint(tok.Claims["software_roles"]) != "[DADOS PAGTO]" {
		t.Errorf("claims %v", tok.Claims)
	}
	claim := tok.Claims["organisation_competent_authority_claims"].([]any)[0].(map[string]any)
	if claim["registration_id"] != "12345678-OBB-DADOS" || claim["authority_code"] != "BCB" {
		t.Errorf("competent authority claim %v", claim)
	}
	for _, path := range []string{"software_jwks_uri", "software_jwks_inactive_uri", "software_jwks_transport_uri", "software_jwks_transport_inactive_uri",
		"org_jwks_uri", "org_jwks_inactive_uri", "org_jwks_transport_uri", "org_jwks_transport_inactive_uri"} {
		if g := w.get(nil, tok.String(path), ""); g.StatusCode != 200 {
			t.Errorf("%s does not answer: %d", path, g.StatusCode)
		}
	}

	w.clk.Advance(time.Hour)
	if got := fetch().Claims["iat"]; got != float64(start.Add(time.Hour).Unix()) {
		t.Errorf("iat is not of the moment: %v", got)
	}
	w.must("/software/"+id+"/roles/PAGTO", map[string]string{"status": Inactive})
	if got := fmt.Sprint(fetch().Claims["software_statement_roles"]); !strings.Contains(got, "role:PAGTO status:Inactive") || !strings.Contains(got, "role:DADOS status:Active") {
		t.Errorf("role of the statement: %s", got)
	}
	w.must("/organisations/"+auroraID+"/roles/DADOS", map[string]string{"status": Inactive})
	if got := fmt.Sprint(fetch().Claims["software_statement_roles"]); !strings.Contains(got, "role:DADOS status:Inactive") {
		t.Errorf("role of the organisation: %s", got)
	}
	w.must("/software/"+id, map[string]any{"RedirectUri": []string{"https://new.localhost/cb"}})
	if got := fmt.Sprint(fetch().Claims["software_redirect_uris"]); got != "[https://new.localhost/cb]" {
		t.Errorf("redirect URIs: %s", got)
	}
}

func TestNoAssertionForTheInactive(t *testing.T) {
	for name, path := range map[string]string{
		"suspended": "/software/%s/status Suspended", "inactive": "/software/%s/status Inactive",
		"withdrawn": "/organisations/" + auroraID + "/status Withdrawn", "pending": "/organisations/" + auroraID + "/status Pending",
	} {
		w := newWorld(t, nil, "", nil)
		id := w.auroraApp.SoftwareStatementID
		token := w.tokenOf(&w.aurora, id)
		place, status, _ := strings.Cut(path, " ")
		w.must(strings.ReplaceAll(place, "%s", id), map[string]string{"status": status})
		if g := w.get(&w.aurora, w.SSA(auroraID, id), token); g.StatusCode != 401 {
			t.Errorf("%s: a token from before answers %d", name, g.StatusCode)
		}
		if g := w.form(&w.aurora, credentials(id)); g.StatusCode != 401 {
			t.Errorf("%s: a new token answers %d", name, g.StatusCode)
		}
		if _, err := w.Assertion(t.Context(), id); err == nil {
			t.Errorf("%s: an assertion is made", name)
		}
		if g := w.order("/software/"+id+"/assertion", nil); g.StatusCode != 200 {
			t.Errorf("%s: a test may have one: %d %s", name, g.StatusCode, g.body)
		}
	}
}

func TestAssertionsForTestsSayAnything(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	g := w.order("/software/"+w.auroraApp.SoftwareStatementID+"/assertion", map[string]any{
		"claims": map[string]any{"iat": 1, "org_status": "Withdrawn", "software_id": nil}, "alg": "RS256"})
	tok, err := jose.VerifyAny(string(g.body), jose.Set{Keys: []jose.Key{w.Signer()}})
	if err != nil || tok.Algorithm() != "RS256" || tok.Claims["iat"] != 1.0 || tok.String("org_status") != "Withdrawn" || tok.Claims["software_id"] != nil {
		t.Errorf("%v: %v", err, tok.Claims)
	}
}
