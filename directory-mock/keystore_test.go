package directory

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/sim/file"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/pki"
)

func TestDeactivatedKeysMoveAside(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	base := "/" + auroraID + "/" + w.auroraApp.SoftwareStatementID
	sig, err := signing()
	ok(t, err)
	enc, err := encryption()
	ok(t, err)
	where := func() (live, aside []string) {
		return w.kids(base + "/application.jwks"), w.kids(base + "/inactive/application.jwks")
	}

	if live, aside := where(); !slices.Equal(live, []string{sig.ID, enc.ID}) || len(aside) != 0 {
		t.Fatalf("at first: %v, %v", live, aside)
	}
	w.must("/software/"+w.auroraApp.SoftwareStatementID+"/keys/"+sig.ID, map[string]string{"status": Inactive})
	if live, aside := where(); !slices.Equal(live, []string{enc.ID}) || !slices.Equal(aside, []string{sig.ID}) {
		t.Errorf("put aside: %v, %v", live, aside)
	}
	w.must("/software/"+w.auroraApp.SoftwareStatementID+"/keys/"+sig.ID, map[string]string{"status": Active})
	if live, aside := where(); len(live) != 2 || len(aside) != 0 {
		t.Errorf("brought back: %v, %v", live, aside)
	}
	next, err := jose.NewKey("sig")
	ok(t, err)
	w.must("/software/"+w.auroraApp.SoftwareStatementID+"/keys", next)
	if live, _ := where(); !slices.Contains(live, next.ID) {
		t.Errorf("added: %v", live)
	}
	for name, g := range map[string]got{
		"unknown key":       w.order("/software/"+w.auroraApp.SoftwareStatementID+"/keys/none", map[string]string{"status": Inactive}),
		"unknown statement": w.order("/software/none/status", map[string]string{"status": Inactive}),
	} {
		if g.StatusCode != 404 {
			t.Errorf("%s: %d %s", name, g.StatusCode, g.body)
		}
	}
	if g := w.order("/software/"+w.auroraApp.SoftwareStatementID+"/status", map[string]string{"status": "Tired"}); g.StatusCode != 400 {
		t.Errorf("a state that does not exist: %d", g.StatusCode)
	}
}

func TestRevokedAndExpiredCertificatesMoveAside(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	second, err := w.ca.Transport(subject("boreal-second", borealID, w.borealApp.SoftwareStatementID))
	ok(t, err)
	app, err := w.AddSoftware(Software{OrganisationID: borealID, Name: "second", RedirectURIs: []string{"https://b.localhost/cb"},
		Roles: []string{Data}, Transport: []*x509.Certificate{second.Certificate}})
	ok(t, err)
	base := "/" + borealID + "/" + app.SoftwareStatementID
	kid := jose.Thumbprint(second.Certificate)
	if live := w.kids(base + "/transport.jwks"); !slices.Equal(live, []string{kid}) {
		t.Fatalf("transport keys %v", live)
	}
	w.must("/certificates/"+kid+"/revoke", nil)
	if live, aside := w.kids(base+"/transport.jwks"), w.kids(base+"/inactive/transport.jwks"); len(live) != 0 || !slices.Equal(aside, []string{kid}) {
		t.Errorf("revoked: %v, %v", live, aside)
	}
	if !w.ca.IsRevoked(second.Certificate) {
		t.Error("the authority does not know")
	}
	// The authority may revoke by itself; the key store follows.
	first, err := w.ca.Transport(subject("boreal-third", borealID, "third"))
	ok(t, err)
	app, err = w.AddSoftware(Software{OrganisationID: borealID, Name: "third", RedirectURIs: []string{"https://c.localhost/cb"}, Transport: []*x509.Certificate{first.Certificate}})
	ok(t, err)
	ok(t, w.ca.Revoke(first.Certificate))
	if live := w.kids("/" + borealID + "/" + app.SoftwareStatementID + "/transport.jwks"); len(live) != 0 {
		t.Errorf("revoked by the authority: %v", live)
	}
	w.clk.Set(w.aurora.Certificate.NotAfter)
	d := w.Directory
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, h := range d.software[w.auroraApp.SoftwareStatementID].keys {
		if d.live(h) == (h.kind == "brcac") {
			t.Errorf("past the certificate's end, key of kind %s: live is %v", h.kind, d.live(h))
		}
	}
}

func TestPublishedKeysAgreeWithTheirCertificates(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	for path, use := range map[string]string{
		"/" + auroraID + "/application.jwks":                                       "sig",
		"/" + auroraID + "/" + w.auroraApp.SoftwareStatementID + "/transport.jwks": "enc",
	} {
		g := w.get(nil, w.cfg.Base.Keystore+path, "")
		if strings.Contains(string(g.body), `"d"`) {
			t.Fatalf("%s: a private key is published", path)
		}
		var set struct{ Keys []map[string]any }
		ok(t, json.Unmarshal(g.body, &set))
		var keys jose.Set
		ok(t, json.Unmarshal(g.body, &keys))
		if len(set.Keys) != 1 || len(keys.Keys) != 1 {
			t.Fatalf("%s: %s", path, g.body)
		}
		m, k := set.Keys[0], keys.Keys[0]
		if m["use"] != use || k.ID != jose.Thumbprint(k.Chain[0]) || m["x5t#S256"] != k.ID || m["x5dn"] != k.Chain[0].Subject.String() {
			t.Errorf("%s: %v", path, m)
		}
		file := w.get(nil, m["x5u"].(string), "")
		block, _ := pem.Decode(file.body)
		if block == nil || string(block.Bytes) != string(k.Chain[0].Raw) {
			t.Errorf("%s: x5u holds another certificate: %d", path, file.StatusCode)
		}
	}
	for _, path := range []string{"/", "/none/application.jwks", "/" + auroraID, "/" + auroraID + "/secrets.jwks",
		"/" + auroraID + "/" + w.borealApp.SoftwareStatementID + "/application.jwks", "/" + auroraID + "/inactive/inactive/application.jwks", "/..%2f"} {
		if g := w.get(nil, w.cfg.Base.Keystore+path, ""); g.StatusCode != 404 {
			t.Errorf("%s: %d", path, g.StatusCode)
		}
	}
}

func TestChangesAreKept(t *testing.T) {
	ca, err := authority1()
	ok(t, err)
	dir := t.TempDir()
	w := newWorld(t, ca, dir, nil)
	sig, err := signing()
	ok(t, err)
	id := w.auroraApp.SoftwareStatementID
	w.must("/software/"+w.borealApp.SoftwareStatementID+"/status", map[string]string{"status": Suspended})
	w.must("/software/"+id+"/keys/"+sig.ID, map[string]string{"status": Inactive})
	next, err := jose.NewKey("sig")
	ok(t, err)
	w.must("/software/"+id+"/keys", next)
	w.must("/software/"+id+"/keys/"+next.ID, map[string]string{"status": Inactive})
	w.must("/organisations/"+bankID+"/status", map[string]string{"status": Withdrawn})
	server := w.organisations[0].servers[0].AuthorisationServerID
	w.must("/servers/"+server, map[string]string{"RetirementDate": "2027-01-01"})

	again := newWorld(t, ca, dir, nil)
	if again.Signer().ID != w.Signer().ID {
		t.Error("the signer changed")
	}
	if again.borealApp.Status != Suspended {
		t.Errorf("status %s", again.borealApp.Status)
	}
	if aside := again.kids("/" + auroraID + "/" + id + "/inactive/application.jwks"); !slices.Equal(aside, []string{sig.ID, next.ID}) {
		t.Errorf("keys aside: %v", aside)
	}
	if o := again.find(bankID); o.Status != Withdrawn || o.servers[0].RetirementDate != "2027-01-01" {
		t.Errorf("organisation %s, server until %q", o.Status, o.servers[0].RetirementDate)
	}
	ok(t, file.Replace(dir+"/changes.json", []byte(`{"software/`), 0o600))
	if _, err := New(Config{Authority: ca, Clock: w.clk, Dir: dir, Base: At(1)}); err == nil || !strings.Contains(err.Error(), "changes.json is damaged") {
		t.Errorf("a torn file: %v", err)
	}
}

func TestOwnersEditWithinBounds(t *testing.T) {
	w := newWorld(t, nil, "", nil)
	id := w.auroraApp.SoftwareStatementID
	token := w.tokenOf(&w.aurora, id)
	address := w.cfg.Base.API + "/organisations/" + auroraID + "/softwarestatements/" + id
	put := func(who *pki.Identity, path, body string) got {
		t.Helper()
		return w.do(who, "PUT", address+path, token, strings.NewReader(body), "application/json")
	}
	edit := `{"ClientName":"Aurora Nova","ClientUri":"https://a.localhost","LogoUri":"https://a.localhost/l.svg","RedirectUri":["https://a.localhost/cb"],"Version":2,"SoftwareStatementId":"mine"}`
	if g := put(&w.aurora, "", edit); g.StatusCode != 200 || g.json(t)["ClientName"] != "Aurora Nova" || g.json(t)["SoftwareStatementId"] != id {
		t.Errorf("edit: %d %s", g.StatusCode, g.body)
	}
	if g := put(&w.aurora, "", strings.Replace(edit, "https://a.localhost/cb", "http://a.localhost/cb", 1)); g.StatusCode != 400 {
		t.Errorf("a plain redirect URI: %d", g.StatusCode)
	}
	if g := put(&w.aurora, "", `{"ClientName":"x"}`); g.StatusCode != 400 {
		t.Errorf("half a statement: %d", g.StatusCode)
	}
	if g := w.get(&w.aurora, address+"/assertion", token); g.StatusCode != 200 {
		t.Fatalf("assertion: %d", g.StatusCode)
	}
	if g := put(&w.aurora, "", edit); g.StatusCode != 400 || !strings.Contains(string(g.body), "locked") {
		t.Errorf("edit of a locked statement: %d %s", g.StatusCode, g.body)
	}
	if g := put(&w.aurora, "/unlock", `{"Unlock":true}`); g.StatusCode != 200 || g.json(t)["Locked"] != false {
		t.Errorf("unlock: %d %s", g.StatusCode, g.body)
	}
	if g := put(&w.aurora, "", edit); g.StatusCode != 200 {
		t.Errorf("edit after unlock: %d %s", g.StatusCode, g.body)
	}
	sig, err := signing()
	ok(t, err)
	if g := put(&w.aurora, "/certificates/sigkey/"+sig.ID, `{"RevokeReason":"boredom"}`); g.StatusCode != 400 {
		t.Errorf("no such reason: %d", g.StatusCode)
	}
	if g := put(&w.aurora, "/certificates/sigkey/"+sig.ID, `{"RevokeReason":"superseded"}`); g.StatusCode != 204 || len(g.body) != 0 {
		t.Errorf("amend: %d %s", g.StatusCode, g.body)
	}
	if aside := w.kids("/" + auroraID + "/" + id + "/inactive/application.jwks"); !slices.Equal(aside, []string{sig.ID}) {
		t.Errorf("amended: %v", aside)
	}
	if g := put(&w.aurora, "", strings.Repeat("x", maxBody+1)); g.StatusCode != 413 {
		t.Errorf("an oversized body: %d", g.StatusCode)
	}
}
