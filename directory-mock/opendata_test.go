package directory

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
)

// listed reads the participants document.
func (w *world) listed() []map[string]any {
	w.Helper()
	g := w.get(nil, w.cfg.Base.Data+"/participants", "")
	var all []map[string]any
	ok(w.T, json.Unmarshal(g.body, &all))
	if g.Header.Get("Cache-Control") != "public, max-age=900" {
		w.Errorf("participants: Cache-Control %q", g.Header.Get("Cache-Control"))
	}
	return all
}

func TestParticipantsListServersInService(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	all := w.listed()
	if len(all) != 1 || all[0]["OrganisationId"] != bankID || all[0]["Status"] != Active {
		t.Fatalf("DIR-03: %v", all)
	}
	server := all[0]["AuthorisationServers"].([]any)[0].(map[string]any)
	family := server["ApiResources"].([]any)[0].(map[string]any)
	endpoint := family["ApiDiscoveryEndpoints"].([]any)[0].(map[string]any)
	if server["OpenIDDiscoveryDocument"] != "https://auth.banco-ensaio.localhost:9443/.well-known/openid-configuration" ||
		family["ApiFamilyType"] != "consents" || family["ApiVersion"] != "3.3.1" || family["CertificationStatus"] != certified ||
		!strings.HasSuffix(endpoint["ApiEndpoint"].(string), "/consents") || len(server["AuthorisationServerCertifications"].([]any)) != 2 {
		t.Errorf("DIR-03: %v", server)
	}
	w.must("/organisations/"+bankID+"/roles/CONTA", map[string]string{"status": Inactive})
	w.must("/organisations/"+bankID+"/status", map[string]string{"status": Withdrawn})
	all = w.listed()
	if all[0]["Status"] != Withdrawn || all[0]["OrgDomainRoleClaims"].([]any)[1].(map[string]any)["Status"] != Inactive {
		t.Errorf("changes do not show: %v", all[0])
	}
	id := server["AuthorisationServerId"].(string)
	w.must("/servers/"+id, map[string]string{"RetirementDate": w.clk.Now().Format("2006-01-02")})
	if len(w.listed()) != 1 {
		t.Error("a server is in service on its last day")
	}
	w.clk.Advance(24 * 60 * 60 * 1e9)
	if len(w.listed()) != 0 {
		t.Error("a retired server must leave the list")
	}

	var roles []map[string]any
	ok(t, json.Unmarshal(w.get(nil, w.cfg.Base.Data+"/roles", "").body, &roles))
	if len(roles) != 3 || roles[1]["RegistrationNumber"] != "12345678000195" ||
		roles[1]["OrgDomainRoleClaims"].([]any)[1].(map[string]any)["AuthorisationDomainRoleName"] != Payment {
		t.Errorf("roles: %v", roles)
	}
}

func TestMetadataNamesTheHosts(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	m := w.get(nil, w.cfg.Base.Auth+"/.well-known/openid-configuration", "").json(t)
	if m["issuer"] != w.cfg.Base.Auth || m["token_endpoint"] != w.cfg.Base.Token+"/token" || m["jwks_uri"] != w.cfg.Base.Keystore+"/openbanking.jwks" {
		t.Errorf("metadata %v", m)
	}
}

func TestRegistrationIsChecked(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	_, noRole := w.AddSoftware(Software{OrganisationID: auroraID, Name: "x", RedirectURIs: []string{"https://x.localhost"}, Roles: []string{Account}})
	_, noOrganisation := w.AddSoftware(Software{OrganisationID: "none", Name: "x", RedirectURIs: []string{"https://x.localhost"}})
	_, noRedirect := w.AddSoftware(Software{OrganisationID: auroraID, Name: "x"})
	_, twice := w.AddSoftware(Software{OrganisationID: auroraID, Name: "aurora", RedirectURIs: []string{"https://x.localhost"}})
	for name, err := range map[string]error{
		"role the organisation lacks": noRole, "no organisation": noOrganisation, "no redirect URI": noRedirect, "twice": twice,
		"organisation twice":          w.AddOrganisation(Organisation{OrganisationID: bankID, OrganisationName: "x", RegistrationNumber: "1"}),
		"role that does not exist":    w.AddOrganisation(Organisation{OrganisationID: "n", OrganisationName: "x", RegistrationNumber: "1", Roles: []string{"DATA"}}),
		"brand of another":            w.AddAuthorisationServer(AuthorisationServer{OrganisationID: auroraID, CustomerFriendlyName: "Banco Ensaio"}),
		"server without organisation": w.AddAuthorisationServer(AuthorisationServer{OrganisationID: "none"}),
		"organisation without a name": w.AddOrganisation(Organisation{OrganisationID: "n"}),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOutageAnswersEverything(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	w.must("/outage", map[string]int{"status": 503})
	if g := w.get(nil, w.cfg.Base.Data+"/participants", ""); g.StatusCode != 503 {
		t.Errorf("during the outage: %d", g.StatusCode)
	}
	w.must("/outage", map[string]int{"status": 0})
	if len(w.listed()) != 1 {
		t.Error("the outage does not end")
	}
}

func TestDefectsReachWhatIsSaid(t *testing.T) {
	board := fault.NewBoard([]fault.Defect{
		{Name: "directory/lists-wrong-api-address", OnClaims: func(c *fault.Claims) {
			if c.Kind == "participants" {
				c.Body["participants"].([]any)[0].(map[string]any)["Status"] = "Bent"
			}
		}},
		{Name: "directory/old-assertion", OnClaims: func(c *fault.Claims) {
			if c.Kind == "ssa" {
				c.Body["iat"] = 1
			}
		}},
		{Name: "directory/loses-keys", OnClaims: func(c *fault.Claims) {
			if c.Kind == "keystore" && strings.HasSuffix(c.At, "/application.jwks") {
				c.Body["keys"] = []any{}
			}
		}},
		{Name: "directory/token-without-type", OnReply: func(r *fault.Reply) {
			if r.Place == "directory" && r.Operation == "token" {
				r.JSON(func(m map[string]any) { delete(m, "token_type") })
			}
		}},
		{Name: "directory/keeps-participant", OnTransition: func(x *fault.Transition) {
			if x.Machine == "organisation" {
				x.Allowed = false
			}
		}},
	})
	w := newWorld(t, nil, "", board.Seams())
	for _, d := range board.Catalogue() {
		ok(t, board.Arm(d.Name))
	}
	if got := w.listed()[0]["Status"]; got != "Bent" {
		t.Errorf("participants: %v", got)
	}
	if got := w.kids("/" + auroraID + "/application.jwks"); len(got) != 0 {
		t.Errorf("keys: %v", got)
	}
	m := w.form(&w.aurora, credentials(w.auroraApp.ClientID)).json(t)
	if m["token_type"] != nil {
		t.Errorf("token: %v", m)
	}
	g := w.get(&w.aurora, w.SSA(auroraID, w.auroraApp.SoftwareStatementID), m["access_token"].(string))
	if !strings.Contains(decode(t, g.body), `"iat":1,`) {
		t.Errorf("assertion: %s", decode(t, g.body))
	}
	w.must("/organisations/"+bankID+"/status", map[string]string{"status": Withdrawn})
	board.Disarm()
	if got := w.listed()[0]["Status"]; got != Active {
		t.Errorf("the transition was not stopped: %v", got)
	}
}

func TestStrangeRequestsAreBounded(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	h := w.Handler()
	ask := func(method, host, target string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
		r.Host = host
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec
	}
	data := hostOf(w.cfg.Base.Data)
	for name, c := range map[string]struct {
		method, host, target string
		status               int
	}{
		"unknown host":       {"GET", "elsewhere.test", "/participants", http.StatusMisdirectedRequest},
		"host without port":  {"GET", data, "/participants", 200},
		"host in capitals":   {"GET", strings.ToUpper(data), "/participants", 200},
		"endless address":    {"GET", data, "/participants?" + strings.Repeat("x", maxAddress), http.StatusRequestURITooLong},
		"method not allowed": {"POST", data, "/participants", http.StatusMethodNotAllowed},
		"nothing there":      {"GET", data, "/", 404},
	} {
		rec := ask(c.method, c.host, c.target)
		if rec.Code != c.status {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
		if c.status >= 400 && !json.Valid(rec.Body.Bytes()) {
			t.Errorf("%s: the error is not JSON: %s", name, rec.Body)
		}
	}
	token := w.tokenOf(&w.aurora, w.auroraApp.ClientID)
	for query, status := range map[string]int{"size=1&page=2": 200, "size=0": 400, "size=99999": 400, "page=-1": 400, "page=x": 400,
		"sort=Secret": 400, "sort=OrganisationName,desc": 200, "filterBy=aurora&hideInactive=true": 200} {
		g := w.get(&w.aurora, w.cfg.Base.API+"/organisations?"+query, token)
		if g.StatusCode != status {
			t.Errorf("%s: %d %s", query, g.StatusCode, g.body)
			continue
		}
		if strings.HasPrefix(query, "filterBy") && g.json(t)["totalSize"] != 1.0 {
			t.Errorf("%s: %s", query, g.body)
		}
	}
}

func TestASlowSenderLosesItsConnection(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	w.patience = 10 * time.Millisecond
	conn, err := tls.Dial("tcp", w.addr, &tls.Config{RootCAs: w.ca.Roots(), ServerName: hostOf(w.cfg.Base.Token), Time: w.clk.Now,
		Certificates: []tls.Certificate{w.aurora.TLS()}})
	ok(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "POST /token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant",
		hostOf(w.cfg.Base.Token))
	ok(t, err)
	answer, err := io.ReadAll(conn) // ends because the other side closes
	ok(t, err)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 400") {
		t.Errorf("answer %q", answer)
	}
}

func FuzzKeystorePath(f *testing.F) {
	for _, s := range []string{"/openbanking.jwks", "/" + auroraID + "/application.jwks", "/a/b/inactive/transport.jwks", "/%2e%2e/x.pem", "//"} {
		f.Add(s)
	}
	ca, err := authority1()
	if err != nil {
		f.Fatal(err)
	}
	d, err := New(Config{Authority: ca, Clock: ca1Clock, Base: At(1)})
	if err != nil {
		f.Fatal(err)
	}
	h := d.Handler()
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Host, r.URL.Path, r.RequestURI = "keystore.directory.test", path, path
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code >= 500 {
			t.Errorf("%q: %d", path, rec.Code)
		}
	})
}
