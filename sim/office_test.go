package sim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ensaio/ensaio/participants/tpp"
)

// What a third party has to report waits on the disk while the metrics platform is away, and is told once by
// the process after the one that was killed, torn tail or not. Its register of consents comes back too.
func TestWhatAThirdPartyReportsOutlivesItsProcess(t *testing.T) {
	before, after := filepath.Join(t.TempDir(), "before"), filepath.Join(t.TempDir(), "after")
	e, err := Start(t.Context(), Options{Seed: 6, Dir: before})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	asked(t, e, http.MethodPost, "/pcm/fail", map[string]any{"kind": "down", "times": 1000}, nil)
	var ids []string
	c, err := e.party(0, func(x *tpp.Exchange) {
		if x.Name == "consents.create" {
			ids = append(ids, x.Interaction())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Discover(t.Context(), e.institution(), e.ready.TPPs[0].Clients[0].ClientID)
	if err != nil {
		t.Fatal(err)
	}
	who := tpp.Person{CPF: e.ready.Customers[0].CPF}
	for range 5 {
		if _, err := c.CreateConsent(t.Context(), s, []string{"ACCOUNTS_READ", "ACCOUNTS_BALANCES_READ", "RESOURCES_READ"}, who); err != nil {
			t.Fatal(err)
		}
	}
	c.Close() // a journey ends; its reports are the office's
	org := c.Config().OrganisationID
	if waiting, lost := e.offices[org].client.ReportsWaiting(); waiting < len(ids) || lost != 0 {
		t.Fatalf("%d reports wait, %d are lost", waiting, lost)
	}
	held := e.offices[org].inventory.Stats().Held
	if err := os.CopyFS(after, os.DirFS(before)); err != nil { // what a killed process leaves
		t.Fatal(err)
	}
	tear(t, filepath.Join(after, "outbox-"+org))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	again, err := Start(t.Context(), Options{Seed: 6, Dir: after})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}()
	if got := again.offices[org].inventory.Stats().Held; got != held || held < 5 {
		t.Errorf("%d consents are in the register, %d were", got, held)
	}
	asked(t, again, http.MethodPost, "/parties/flush", nil, nil)
	for _, id := range ids {
		var list []struct{ Role string }
		asked(t, again, http.MethodGet, "/pcm/reports?role=CLIENT&interaction="+id, nil, &list)
		if len(list) != 1 {
			t.Errorf("the call %s has %d reports of its client", id, len(list))
		}
	}
	if len(ids) != 5 {
		t.Errorf("%d calls were seen", len(ids))
	}
}

// tear leaves half an entry at the end of an outbox.
func tear(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no log of an outbox in %s: %v", dir, err)
	}
	f, err := os.OpenFile(slices.Max(files), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write([]byte{0x40, 0, 0, 0, 1, 2, 3, 4, 'p', 'r', 'i', 'v'})
	if closed := f.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
}

// asked asks the control port of an ecosystem.
func asked(t *testing.T, e *Ecosystem, method, path string, body, out any) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(t.Context(), method, e.control+path, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	a, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	if a.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s", method, path, a.Status)
	}
	if out != nil {
		if err := json.NewDecoder(a.Body).Decode(out); err != nil {
			t.Fatal(err)
		}
	}
}
