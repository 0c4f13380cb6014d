package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/journal"
)

// heap is a log that several write.
type heap struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (h *heap) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.Write(p)
}

func (h *heap) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.String()
}

const (
	plantedCPF   = "76109277673"
	plantedToken = "Zm9yZ290dGVuLXRva2VuLW9mLW5vYm9keS1hdC1hbGwtMTIzNA"
	plantedID    = "d78fc4e5-37ca-4da3-adf2-9b082bf92280"
)

func TestTheJournalKnowsEveryExchangeAndNobodysSecret(t *testing.T) {
	var log heap
	e, err := Start(t.Context(), Options{Seed: 3, Log: slog.New(journal.Log(&log, slog.LevelDebug))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	c := asking{t, e}

	// The first journey: a consent, from its creation to the data.
	all := c.find("limit=1000")
	var consent string
	roles, operations := map[string]bool{}, map[string]bool{}
	for _, x := range all {
		roles[x.Role], operations[x.Operation] = true, true
		if x.Operation == "par" && x.Status == http.StatusCreated {
			consent = x.Consent
		}
		if x.Interaction == "" && x.Role != "bank" || x.Role != "bank" && x.Endpoint == "" {
			t.Errorf("an exchange without interaction id or endpoint: %+v", x)
		}
	}
	for _, want := range []string{roleAPI, roleAS, roleDirectory} {
		if !roles[want] {
			t.Errorf("nothing of %s: %v", want, roles)
		}
	}
	of := map[string]journal.Entry{}
	for _, x := range c.find("consent=" + url.QueryEscape(consent)) {
		of[x.Operation] = x
	}
	for _, want := range []string{"consents.get", "par", "authorize", "token"} {
		if _, ok := of[want]; !ok && want != "consents.get" {
			t.Errorf("%s is not found by the consent %q: %v", want, consent, operations)
		}
	}
	if p := of["par"]; p.Client == "" || p.Rule != "" || !judged(p, "AS-REQ-03/has-exp", true) {
		t.Errorf("the pushed request has no trace: %+v", p)
	}

	// Strangers say what must not be kept.
	stranger := e.net.client(e.secrets.authority.Roots(), e.secrets.parties[0].transport)
	body := url.Values{"cpf": {plantedCPF}, "password": {"hunter2"}, "code": {plantedToken}, "client_assertion": {plantedToken}}.Encode()
	for _, address := range []string{
		e.net.url(nameAPI) + "/open-banking/accounts/v2/accounts/" + plantedCPF + "/balances?cpf=" + plantedCPF,
		e.net.url(nameAPI) + "/open-banking/consents/v3/consents/urn:bancoensaio:" + plantedToken,
		e.net.url(nameAuthTLS) + "/token", e.net.url(nameAuthTLS) + "/register/" + plantedToken, e.net.url(nameIssuer) + "/authorize/" + plantedToken + "?cpf=" + plantedCPF,
		e.directory.API + "/organisations/" + plantedCPF, e.net.url(namePCM) + "/report-api/v1/private/report/" + plantedCPF, e.net.url(namePCMAuth) + "/token/",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Accept", "text/plain")
			r.Header.Set("Authorization", "Bearer "+plantedToken)
			r.Header.Set("X-Fapi-Interaction-Id", plantedID)
			r.Header.Set("X-Customer-User-Agent", plantedCPF)
			answer, err := stranger.Do(r)
			if err != nil {
				t.Fatalf("%s: %v", address, err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
	}
	planted := c.find("interaction=" + plantedID)
	if len(planted) < 12 {
		t.Errorf("only %d of the strangers' calls are there: %+v", len(planted), planted)
	}
	refused := c.find("broken=true&interaction=" + plantedID + "&role=" + roleAPI)
	if len(refused) == 0 || refused[0].Rule == "" || refused[0].Status < 400 {
		t.Errorf("the gateway's refusal names no rule: %+v", refused)
	}
	kept := c.text("/journal?limit=1000") + c.text("/metrics") + log.String()
	secrets := []string{plantedCPF, plantedToken, "hunter2", "eyJ"}
	for _, p := range e.ready.Customers {
		secrets = append(secrets, p.CPF, p.Password)
		if p.CNPJ != "" {
			secrets = append(secrets, p.CNPJ)
		}
	}
	for _, s := range secrets {
		if at := strings.Index(kept, s); at >= 0 {
			t.Errorf("%q is kept: …%s…", s, kept[max(at-150, 0):min(at+100, len(kept))])
		}
	}
	for _, want := range []string{`"msg":"call"`, `"msg":"exchange"`, plantedID} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log holds no %s", want)
		}
	}
}

func TestTheFiguresTellTheState(t *testing.T) {
	e, err := Start(t.Context(), Options{Seed: 3, Journal: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	c := asking{t, e}
	e.clock.Advance(clock90)
	if err := e.board.Arm("par/accepts-missing-exp"); err != nil {
		t.Fatal(err)
	}
	text := c.text("/metrics")
	for _, want := range []string{
		`ensaio_calls_total{api="accounts",class="`, `ensaio_calls_total{api="bank-as",class="none",operation="par",role="bank-as",status="201"} 1`,
		`ensaio_call_duration_seconds_bucket{class="high",role="bank-api",le="1.5"}`, "ensaio_active_consents ", `ensaio_armed_defect{name="par/accepts-missing-exp"} 1`,
		"ensaio_clock_offset_seconds 7.776e+06", "ensaio_reports_waiting ", "ensaio_second_limit 3000", `ensaio_traffic_floor{when="next"} 300`, "ensaio_busy_seconds 0", `ensaio_reports_total{outcome="accepted"}`, "go_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	if status, _ := c.get("/journal"); status != http.StatusNotFound || e.journalAt() != "" {
		t.Errorf("a journal that is off answers %d", status)
	}
}

func TestTheJournalIsFollowedLive(t *testing.T) {
	e, err := Start(t.Context(), Options{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	c := asking{t, e}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.control+"/journal/stream?role="+roleDirectory, nil)
	if err != nil {
		t.Fatal(err)
	}
	way := &http.Transport{}
	answer, err := way.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() || lines.Text() != ": journal" || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%v %q", answer.Header, lines.Text())
	}
	public := e.net.client(e.secrets.authority.Roots())
	told, err := public.Get(e.directory.Data + "/participants")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, told.Body)
	_ = told.Body.Close()
	public.CloseIdleConnections()
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var x journal.Entry
			if err := json.Unmarshal([]byte(data), &x); err != nil || x.Role != roleDirectory || x.Endpoint != "/participants" || x.Status != http.StatusOK {
				t.Errorf("%v %s", err, data)
			}
			break
		}
	}
	for _, wrong := range []string{"?intraction=x", "?since=yesterday", "?limit=0", "?broken=perhaps"} {
		if status, body := c.get("/journal" + wrong); status != http.StatusBadRequest || !strings.Contains(body, "error") {
			t.Errorf("%s: %d %s", wrong, status, body)
		}
	}
	if err := e.Close(); err != nil { // the stream's reader is still there
		t.Error(err)
	}
	for lines.Scan() { // what was on its way
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the stream was cut off, not ended: %v", err)
	}
}

const clock90 = 90 * 24 * time.Hour

func judged(e journal.Entry, rule string, kept bool) bool {
	for _, v := range e.Verdicts {
		if v.Rule == rule && v.Kept == kept && v.Text != "" {
			return true
		}
	}
	return false
}

// asking reads the control port.
type asking struct {
	*testing.T
	e *Ecosystem
}

func (c asking) get(path string) (int, string) {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), http.MethodGet, c.e.control+path, nil)
	if err != nil {
		c.Fatal(err)
	}
	// A connection that nobody used would hold the end of the ecosystem up.
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		c.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

func (c asking) text(path string) string {
	c.Helper()
	status, body := c.get(path)
	if status != http.StatusOK {
		c.Fatalf("%s: %d %s", path, status, body)
	}
	return body
}

func (c asking) find(query string) []journal.Entry {
	c.Helper()
	var out struct{ Entries []journal.Entry }
	if err := json.Unmarshal([]byte(c.text("/journal?"+query)), &out); err != nil {
		c.Fatal(err)
	}
	return out.Entries
}
