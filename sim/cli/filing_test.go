package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const oneSided = `{"kind":"private","state":"UNPAIRED","reporter":"a","report":{"fapiInteractionId":"i-1","endpoint":"/open-banking/resources/v3/resources","statusCode":200,"httpMethod":"GET","timestamp":"2026-11-17T12:00:00.000Z","processTimespan":5,"clientOrgId":"a","serverOrgId":"b","role":"%s","additionalInfo":{}}}` + "\n"

func TestMandatoryReports(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	client, server := fmt.Sprintf(oneSided, "CLIENT"), fmt.Sprintf(oneSided, "SERVER")
	flushed := 0
	surface := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "POST /reporter/flush":
			flushed++
		case "GET /pcm/export":
			_, _ = fmt.Fprint(w, client, server)
		case "GET /bank/books/payments":
			_, _ = fmt.Fprint(w, `{"paymentId":"p","status":"ACSC","updated":"2026-11-17T12:00:00Z","amount":"1.00"}`)
		case "GET /bank/books/consents":
			_, _ = fmt.Fprint(w, `{"consentId":"c","kind":"payment-consent","created":"2026-11-17T12:00:00Z","cpf":"x"}`)
		case "GET /bank/books/downtime":
			_, _ = fmt.Fprint(w, `{"method":"GET","endpoint":"/open-banking/resources/v3/resources","date":"2026-11-17","downSeconds":30}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer surface.Close()
	running := file("target.yaml", "apiVersion: ensaio/v1\nkind: Target\nname: Banco\nrole: account-holder\ndirectory: {}\nbank: {organisationId: b, discovery: \"https://127.0.0.1:1/x\"}\nclients: []\npeople: []\ncapabilities: {pcm: \""+
		surface.URL+"/pcm\", reporter: \""+surface.URL+"/reporter\", bank: \""+surface.URL+"/bank\"}\n")
	gone := file("gone.yaml", "apiVersion: ensaio/v1\nkind: Target\nname: Banco\nrole: account-holder\ndirectory: {}\nbank: {organisationId: b, discovery: \"https://127.0.0.1:1/x\"}\nclients: []\npeople: []\ncapabilities: {pcm: \"http://127.0.0.1:1/pcm\"}\n")
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"from a running ecosystem", []string{"-t", running}, CodePass, "both sides tell the same"},
		{"one side is silent", []string{"--records", file("one.jsonl", client), "--organisation", "b"}, CodeFail, "client 1, server 0 (i-1 200)"},
		{"a week before the first record", []string{"--records", file("one.jsonl", client), "--organisation", "b", "--week", "2020-01-01"}, CodeUsage, "no record of the week"},
		{"a week after the last record", []string{"--records", file("one.jsonl", client), "--organisation", "b", "--week", "2026-11-28"}, CodeUsage, "the last is of 2026-11-17"},
		{"what the silent side owes", []string{"--records", file("one.jsonl", client), "--organisation", "b"}, CodeFail, "the server did not report it"},
		{"a week that is none", []string{"--records", file("one.jsonl", client), "--organisation", "b", "--week", "soon"}, CodeUsage, "such as 2026-11-20"},
		{"nobody's filings", []string{"--records", file("one.jsonl", client)}, CodeUsage, "--organisation"},
		{"no records", []string{"--records", file("none.jsonl", ""), "--organisation", "b"}, CodeIncomplete, "no records"},
		{"damaged records", []string{"--records", file("bad.jsonl", client+"{"), "--organisation", "b"}, CodeUsage, "bad.jsonl: line 2"},
		{"no such file", []string{"--records", filepath.Join(dir, "missing"), "--organisation", "b"}, CodeUsage, "missing"},
		{"impossible downtime", []string{"--records", file("one.jsonl", client), "--organisation", "b", "--downtime", file("down.jsonl", `{"date":"2026-11-17","downSeconds":90000}`)}, CodeUsage, "90000"},
		{"an ecosystem that is gone", []string{"-t", gone}, CodeNotReady, "still running"},
		{"a folder that cannot be", []string{"-t", running, "-o", filepath.Join(running, "x")}, CodeUsage, "can be written"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := t.TempDir()
			args := []string{"report", "mandatory"}
			if !strings.Contains(strings.Join(c.args, " "), "-o ") {
				args = append(args, "-o", out)
			}
			var said bytes.Buffer
			code := Run(t.Context(), append(args, c.args...), toyWorld(), strings.NewReader(""), &said, &said)
			if code != c.code || !strings.Contains(said.String(), c.says) {
				t.Fatalf("exit %d, want %d with %q:\n%s", code, c.code, c.says, said.String())
			}
			_, err := os.Stat(filepath.Join(out, "filings.json"))
			if written := err == nil; written != (code == CodePass || code == CodeFail) {
				t.Errorf("filings written: %v", written)
			}
		})
	}
	if flushed == 0 {
		t.Error("the reports that wait were not asked for")
	}
	var said bytes.Buffer
	Run(t.Context(), []string{"report", "mandatory", "-t", running, "-o", t.TempDir(), "--json"}, toyWorld(), strings.NewReader(""), &said, &said)
	var m struct {
		Filings []struct{ Rows int }
		Calls   int
	}
	if err := json.Unmarshal(said.Bytes(), &m); err != nil || len(m.Filings) != 7 || m.Calls != 2 {
		t.Errorf("%v: %s", err, said.String())
	}
}
