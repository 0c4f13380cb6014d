package target

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const whole = `apiVersion: ensaio/v1
kind: Target
name: Banco Exemplo
role: account-holder
ca: file:ca.pem
hosts: {api.banco.test: 127.0.0.1}
directory: {url: "https://matls-api.directory.test", participants: "https://data.directory.test/participants", keystore: "https://keystore.directory.test", token: "https://matls-auth.directory.test/token", ssaIssuer: issuer}
bank: {organisationId: o, authorisationServerId: s, discovery: "https://auth.banco.test/.well-known/openid-configuration"}
clients:
  - {name: Aurora, organisationId: o1, softwareStatementId: s1, roles: [DADOS, PAGTO], transport: {cert: "file:a.pem", key: "env:ENSAIO_TEST_KEY"}, signing: {jwk: "file:a.jwk"}, redirectUris: ["https://app.test/cb"], registered: true, clientId: c1}
  - {name: Boreal, organisationId: o2, softwareStatementId: s2, roles: [PAGTO], transport: {cert: "file:b.pem", key: "file:b.key"}, signing: {jwk: "file:b.jwk"}, redirectUris: []}
hostile: {expired: {cert: "file:x.pem", key: "file:x.key"}}
people:
  - {id: ana, cpf: "76109277673", username: ana, password: "env:ENSAIO_TEST_PASSWORD", login: robot, has: [ordinary, joint]}
  - {id: bia, cpf: "76109277674", login: human}
capabilities: {clock: "http://127.0.0.1:1/clock"}
run: {profile: fapi-op, timeouts: {settle: 3m}}
`

func TestAWholeFileIsRead(t *testing.T) {
	tg, err := Parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if len(tg.Registered()) != 1 || len(tg.Statements()) != 1 || len(tg.Statements("PAGTO")) != 1 || len(tg.Statements("DADOS", "PAGTO")) != 0 {
		t.Error("clients and statements are mixed up")
	}
	if len(tg.With("ordinary", "joint")) != 1 || len(tg.With("!joint")) != 1 || tg.Timeout("settle") != 3*time.Minute || tg.Timeout("check") != Timeouts["check"].Default {
		t.Error("people or timeouts are not as written")
	}
	if names := tg.Capabilities.Names(); len(names) != 1 || names[0] != "clock" {
		t.Errorf("capabilities %v", names)
	}
}

func TestMistakesAreNamedWithWhatToWrite(t *testing.T) {
	for _, c := range []struct{ name, from, to, want string }{
		{"unknown key", "role:", "rolle:", `line 4: unknown key "rolle"; did you mean "role"?`},
		{"unknown nested key", "organisationId: o,", "organizationId: o,", `unknown key "organizationId" in bank; did you mean "organisationId"?`},
		{"unknown key in a list", "login: robot", "logon: robot", `unknown key "logon" in people[0]; did you mean "login"?`},
		{"unknown key in a map", `key: "file:x.key"`, `kee: "file:x.key"`, `in hostile.expired; did you mean "key"?`},
		{"wrong version", "ensaio/v1", "ensaio/v2", `apiVersion is "ensaio/v2"`},
		{"wrong kind", "kind: Target", "kind: Report", `kind is "Report"`},
		{"wrong role", "role: account-holder", "role: bank", "role is \"bank\", want one of account-holder"},
		{"no address", `"https://auth.banco.test/.well-known/openid-configuration"`, `auth.banco.test`, `bank.discovery is "auth.banco.test", want an absolute http(s) address`},
		{"secret inside", `key: "file:b.key"`, `key: "-----BEGIN PRIVATE KEY-----"`, "clients[1] (Boreal).transport.key holds the secret itself"},
		{"registered without id", "clientId: c1", `clientId: ""`, "clients[0] (Aurora) is registered but has no clientId"},
		{"person twice", "id: bia", "id: ana", `people[1].id "ana" is missing or repeated`},
		{"bad login", "login: human", "login: magic", `people[1].login is "magic"`},
		{"bad duration", "settle: 3m", "settle: soon", `line 17: "soon" is not a positive duration`},
		{"unknown timeout", "settle: 3m", "setle: 3m", `unknown key "setle" in run.timeouts; did you mean "settle"?`},
		{"not yaml", "kind: Target", "kind: [", "line"},
		{"not a mapping", whole, "- a\n", "not a YAML mapping"},
		{"empty", whole, "", "the file is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(whole, c.from, c.to, 1)
			if text == whole {
				t.Fatal("nothing was changed")
			}
			_, err := Parse([]byte(text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "BEGIN PRIVATE KEY") {
				t.Error("the error repeats the secret")
			}
		})
	}
}

func TestReferencesAreReadFromWhereTheyPoint(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "target.yaml")
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ENSAIO_TEST_PASSWORD", " segredo \n")
	tg, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if tg.Text(tg.People[0].Password) != "segredo" || tg.Text(tg.CA) != "x" || tg.Text(tg.People[0].CPF) != "76109277673" {
		t.Error("a reference was read wrongly")
	}
	missing := strings.Join(tg.Missing(), "\n")
	for _, want := range []string{"clients[0].transport.cert", "environment variable ENSAIO_TEST_KEY is not set", "hostile.expired.key"} {
		if !strings.Contains(missing, want) {
			t.Errorf("missing lacks %q: %s", want, missing)
		}
	}
}

func TestAWrittenFileReadsTheSame(t *testing.T) {
	tg, err := Parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "target.yaml")
	if err := tg.Write(path); err != nil {
		t.Fatal(err)
	}
	again, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	a, b := *tg, *again
	a.path, b.path = "", ""
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if string(x) != string(y) {
		t.Errorf("%s\n%s", x, y)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

func TestTheDoctorNamesTheFileThatIsWrong(t *testing.T) {
	tg, err := Parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	findings := Doctor(t.Context(), tg)
	if len(findings) == 0 || findings[0].State != Broken || !findings[0].Configuration || findings[0].Remedy == "" || !strings.Contains(findings[0].Cause, "ca:") {
		t.Errorf("got %+v", findings)
	}
}

func TestNearestWord(t *testing.T) {
	if got := Nearest("capabilites", []string{"clients", "capabilities", "ca"}); got != "capabilities" {
		t.Errorf("got %s", got)
	}
}
