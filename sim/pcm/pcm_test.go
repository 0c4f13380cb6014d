package pcm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	orgA   = "a0000000-0000-4000-8000-00000000000a" // client
	orgB   = "b0000000-0000-4000-8000-00000000000b" // server
	orgC   = "c0000000-0000-4000-8000-00000000000c" // child of A
	softA  = "50000000-0000-4000-8000-00000000000a"
	reads  = "/open-banking/accounts/v2/accounts"
	urnOne = "urn:bancoensaio:one"
)

var noon = time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)

// cast is a directory of three organisations, two of them in one conglomerate.
type cast struct{}

func (cast) Organisation(id string) bool { return id == orgA || id == orgB || id == orgC }
func (cast) Software(id string) (string, bool) {
	return orgA, id == softA
}
func (cast) SameGroup(a, b string) bool { return (a == orgA || a == orgC) && (b == orgA || b == orgC) }

func start(t testing.TB, cfg Config) *PCM {
	t.Helper()
	if cfg.Clock == nil {
		cfg.Clock = clock.Fixed(noon)
	}
	if cfg.Known == nil {
		cfg.Known = cast{}
	}
	if cfg.Rate == 0 {
		cfg.Rate = 1 << 20
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// bearer mints a token for an organisation without the TLS around it.
func bearer(t testing.TB, p *PCM, org string) string {
	t.Helper()
	s, err := p.mint(&tokenRequest{org: org, clientID: "client-" + org, now: p.cfg.Clock.Now()}, false)
	if err != nil {
		t.Fatal(err)
	}
	return s.token
}

func send(t testing.TB, p *PCM, method, path, token string, body []byte, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, "https://api.pcm.test"+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, fn := range edit {
		fn(r)
	}
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	return w
}

const privatePath = "/report-api/v1/private/report/"

type object = map[string]any

func interactionID(n int) string { return fmt.Sprintf("10000000-0000-4000-8000-%012d", n) }

func clientReport(n int) object {
	return object{
		"fapiInteractionId": interactionID(n), "endpoint": reads, "statusCode": 200, "httpMethod": "GET", "timestamp": "2026-09-15T11:59:00.000Z",
		"processTimespan": 12.5, "clientOrgId": orgA, "serverOrgId": orgB, "role": "CLIENT", "clientSSId": softA,
		"endpointUriPrefix": "https://api.banco.test/", "correlationId": "c-1", "additionalInfo": object{"consentId": urnOne, "tokenId": "c9ng8aKzxNXm"},
	}
}

func serverReport(n int) object {
	r := clientReport(n)
	r["role"] = "SERVER"
	for _, f := range []string{"clientSSId", "endpointUriPrefix", "correlationId", "additionalInfo"} {
		delete(r, f)
	}
	return r
}

type item struct {
	ReportID      string `json:"reportId"`
	Status        State  `json:"status"`
	Message       string `json:"message"`
	CorrelationID string `json:"correlationId"`
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func post(t testing.TB, p *PCM, org, path string, items ...object) (int, []item) {
	t.Helper()
	w := send(t, p, "POST", path, bearer(t, p, org), encode(t, items))
	var out []item
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return w.Code, out
}

func with(o object, field string, value any) object {
	if value == nil {
		delete(o, field)
	} else {
		o[field] = value
	}
	return o
}

// off builds a switchboard with one rule off.
func off(t testing.TB, id string) *fault.Seams {
	t.Helper()
	b := fault.NewBoard([]fault.Defect{{Name: "x/y", Kind: fault.Off, Rule: id}})
	if err := b.Arm("x/y"); err != nil {
		t.Fatal(err)
	}
	return b.Seams()
}

// TestEveryItemRuleDiscards breaks each rule alone: the item is discarded with the published message,
// and with that rule switched off it is accepted, so that no other rule hides it.
func TestEveryItemRuleDiscards(t *testing.T) {
	type row struct {
		item    object
		message string
	}
	step := func() object {
		return object{"consentId": urnOne, "os": "ANDROID", "osVersion": "14", "timestamp": "2026-09-15T11:59:00.000Z", "platform": "APP", "clientOrgId": orgA}
	}
	public := func() object {
		return object{
			"endpoint": "/open-banking/channels/v2/branches", "statusCode": 200, "httpMethod": "GET", "timestamp": "2026-09-15T11:59:00.000Z",
			"processTimespan": 3, "additionalInfo": object{"clientIp": "192.0.2.7"},
		}
	}
	spoiled := map[string]row{
		"PCM-PRIVATE/has-required-fields":    {with(clientReport(1), "processTimespan", nil), "Invalid type: processTimespan: Required"},
		"PCM-PRIVATE/fields-not-empty":       {with(clientReport(1), "endpointUriPrefix", ""), "Missing property, endpointUriPrefix can't be empty"},
		"PCM-PRIVATE/fields-typed":           {with(clientReport(1), "processTimespan", "12"), "Invalid type: processTimespan: Expected number, received string"},
		"PCM-PRIVATE/ids-are-uuids":          {with(clientReport(1), "fapiInteractionId", "not-a-uuid"), "Invalid format: fapiInteractionId: Invalid uuid"},
		"PCM-PRIVATE/values-listed":          {with(clientReport(1), "httpMethod", "HEAD"), "Invalid value: httpMethod: Invalid enum value."},
		"PCM-PRIVATE/no-unknown-fields":      {with(clientReport(1), "colour", "red"), "Unrecognized key(s) in object: 'colour'"},
		"PCM-PRIVATE/additional-info-filled": {with(clientReport(1), "additionalInfo", object{}), "additionalInfo should not be empty"},
		"PCM-PRIVATE/endpoint-listed":        {with(clientReport(1), "endpoint", "/open-banking/accounts/v2/accounts/42"), "Unlisted endpoint"},
		"PCM-PRIVATE/client-reports-itself":  {clientReport(1), "Requester id mismatch with clientOrgId"},
		"PCM-PRIVATE/server-reports-itself":  {serverReport(1), "Requester id mismatch with serverOrgId"},
		"PCM-PRIVATE/client-known":           {with(with(serverReport(1), "serverOrgId", orgA), "clientOrgId", interactionID(9)), "Client organization ID not in directory"},
		"PCM-PRIVATE/server-known":           {with(clientReport(1), "serverOrgId", interactionID(9)), "Server organization ID not in directory"},
		"PCM-PRIVATE/statement-known":        {with(clientReport(1), "clientSSId", interactionID(9)), "Client SSID not found in combined org IDs"},
		"PCM-PRIVATE/has-interaction-id":     {with(clientReport(1), "fapiInteractionId", nil), "fapiInteractionId is not provided"},
		"PCM-PRIVATE/interaction-id-not-nil": {with(clientReport(1), "fapiInteractionId", nilUUID), "fapiInteractionId mismatch"},
		"PCM-PRIVATE/correlation-pattern":    {with(clientReport(1), "correlationId", "a;b"), "Invalid format: correlationId: Invalid correlationId format"},
		"PCM-PRIVATE/prefix-pattern":         {with(clientReport(1), "endpointUriPrefix", "https://api.banco.test/?q"), "endpointUriPrefix"},
		"PCM-PRIVATE/timespan-positive":      {with(clientReport(1), "processTimespan", 0), "processTimespan must be greater than zero"},
		"PCM-PRIVATE/status-in-range":        {with(clientReport(1), "statusCode", 600), "statusCode must be between 200 and 599"},
		"PCM-PRIVATE/timestamp-form":         {with(clientReport(1), "timestamp", "2026-09-15 11:59"), "Invalid format: timestamp: Invalid date"},
		"PCM-PRIVATE/not-too-old":            {with(clientReport(1), "timestamp", "2026-09-07T12:00:00.000Z"), "Report is too old"},
		"PCM-PRIVATE/not-in-future":          {with(clientReport(1), "timestamp", "2026-09-15T12:06:00.000Z"), "Timestamp is in the future"},

		"PCM-HYBRID/has-required-fields": {with(step(), "osVersion", nil), "Invalid type: osVersion: Required"},
		"PCM-HYBRID/fields-not-empty":    {with(step(), "osVersion", ""), "Missing property, osVersion can't be empty"},
		"PCM-HYBRID/fields-typed":        {with(step(), "osVersion", 14), "Invalid type: osVersion: Expected string, received number"},
		"PCM-HYBRID/no-unknown-fields":   {with(step(), "serverOrgId", orgB), "Unrecognized key(s) in object: 'serverOrgId'"},
		"PCM-HYBRID/consent-id-is-urn":   {with(step(), "consentId", "42"), "consentId need match with regex"},
		"PCM-HYBRID/values-listed":       {with(step(), "os", "android"), "Invalid value: os"},
		"PCM-HYBRID/party-is-uuid":       {with(step(), "clientOrgId", "x"), "Invalid format: clientOrgId: Invalid uuid"},
		"PCM-HYBRID/reports-itself":      {with(step(), "clientOrgId", orgB), "Requester id mismatch with clientOrgId"},
		"PCM-HYBRID/uri-length":          {with(step(), "uriAuthorizationEndpoint", "https://x"), "uriAuthorizationEndpoint"},
		"PCM-HYBRID/timestamp-form":      {with(step(), "timestamp", "today"), "Invalid format: timestamp: Invalid date"},
		"PCM-HYBRID/timestamp-in-window": {with(step(), "timestamp", "2026-09-01T00:00:00.000Z"), "Report is too old"},

		"PCM-STATE/has-required-fields": {with(stateReport(1), "paymentStatus", nil), "Invalid type: paymentStatus: Required"},
		"PCM-STATE/fields-not-empty":    {with(stateReport(1), "paymentStatus", ""), "paymentStatus should not be empty"},
		"PCM-STATE/fields-typed":        {with(stateReport(1), "paymentId", 7), "paymentId must be a string"},
		"PCM-STATE/client-is-uuid":      {with(stateReport(1), "clientOrgId", "x"), "clientOrgId must be a UUID"},
		"PCM-STATE/client-known":        {with(stateReport(1), "clientOrgId", interactionID(9)), "OrganisationId doesn't exist on Directory"},
		"PCM-STATE/status-listed":       {with(stateReport(1), "paymentStatus", "PDNG"), "paymentStatus must be one of the following values: ACSC, RJCT, CANC, SCHD"},
		"PCM-STATE/type-listed":         {with(stateReport(1), "paymentType", "SCHEDULE"), "paymentType must be one of the following values"},
		"PCM-STATE/consent-id-is-urn":   {with(stateReport(1), "consentId", "42"), "consentId need match with regex"},
		"PCM-STATE/payment-id-form":     {with(stateReport(1), "paymentId", "-1"), "paymentId must match pattern"},
		"PCM-STATE/time-form":           {with(stateReport(1), "eventDateTime", "today"), "Invalid format: eventDateTime: Invalid date"},
		"PCM-STATE/not-too-old":         {with(stateReport(1), "eventDateTime", "2026-09-07T12:00:00.000Z"), "EventDateTime must not be older than 7 days"},
		"PCM-STATE/not-later":           {with(stateReport(1), "eventDateTime", "2026-09-15T12:00:00.001Z"), "eventDateTime must not be later than the report"},

		"PCM-PORTABILITY/has-required-fields":    {with(portabilityReport(1), "endpointUriPrefix", nil), "Invalid type: endpointUriPrefix: Required"},
		"PCM-PORTABILITY/fields-typed":           {with(portabilityReport(1), "creationDateTime", 5), "Invalid type: creationDateTime: Expected string, received number"},
		"PCM-PORTABILITY/only-its-fields":        {with(portabilityReport(1), "contractId", "x"), "property contractId should not exist"},
		"PCM-PORTABILITY/ids-are-uuids":          {with(portabilityReport(1), "portabilityId", "x"), "Invalid format: portabilityId: Invalid uuid"},
		"PCM-PORTABILITY/values-listed":          {with(portabilityReport(1), "creditPortabilityStatus", "ACCEPTED_SETTLEMENT_IN_PROCESS"), "creditPortabilityStatus must be a valid enum value"},
		"PCM-PORTABILITY/endpoint-listed":        {with(portabilityReport(1), "endpoint", reads), "Unlisted endpoint"},
		"PCM-PORTABILITY/client-reports-itself":  {portabilityReport(1), "Requester id mismatch with clientOrgId"},
		"PCM-PORTABILITY/server-reports-itself":  {portabilityServer(1), "Requester id mismatch with serverOrgId"},
		"PCM-PORTABILITY/client-known":           {with(with(portabilityServer(1), "serverOrgId", orgA), "clientOrgId", interactionID(9)), "clientOrgId is not found in directory"},
		"PCM-PORTABILITY/server-known":           {with(portabilityReport(1), "serverOrgId", interactionID(9)), "serverOrgId is not found in directory"},
		"PCM-PORTABILITY/statement-known":        {with(portabilityReport(1), "clientSSId", interactionID(9)), "Client SSID not found in combined org IDs"},
		"PCM-PORTABILITY/has-interaction-id":     {with(portabilityReport(1), "fapiInteractionId", nil), "fapiInteractionId is not provided"},
		"PCM-PORTABILITY/interaction-id-not-nil": {with(portabilityReport(1), "fapiInteractionId", nilUUID), "fapiInteractionId mismatch"},
		"PCM-PORTABILITY/texts-plain":            {with(portabilityReport(1), "correlationId", "a;b"), "correlationId must match pattern"},
		"PCM-PORTABILITY/timespan-positive":      {with(portabilityReport(1), "processTimespan", 0), "processTimespan must be greater than zero"},
		"PCM-PORTABILITY/timespan-whole":         {with(portabilityReport(1), "processTimespan", 1.5), "processTimespan must be an integer"},
		"PCM-PORTABILITY/status-in-range":        {with(portabilityReport(1), "statusCode", 600), "statusCode must be between 200 and 599"},
		"PCM-PORTABILITY/timestamp-form":         {with(portabilityReport(1), "timestamp", "today"), "Invalid format: timestamp: Invalid date"},
		"PCM-PORTABILITY/not-too-old":            {with(portabilityReport(1), "timestamp", "2026-09-07T12:00:00.000Z"), "Report is too old"},
		"PCM-PORTABILITY/not-in-future":          {with(portabilityReport(1), "timestamp", "2026-09-15T12:06:00.000Z"), "Timestamp is in the future"},

		"PCM-OPEN/has-required-fields": {with(public(), "processTimespan", nil), "Invalid type: processTimespan: Required"},
		"PCM-OPEN/only-its-fields":     {with(public(), "role", "SERVER"), "property role should not exist"},
		"PCM-OPEN/fields-typed":        {with(public(), "processTimespan", "3"), "Expected number, received string"},
		"PCM-OPEN/fields-not-empty":    {with(public(), "endpoint", ""), "Missing property, endpoint can't be empty"},
		"PCM-OPEN/endpoint-listed":     {with(public(), "endpoint", reads), "Unlisted endpoint: endpoint: endpoint must be listed"},
		"PCM-OPEN/method-listed":       {with(public(), "httpMethod", "HEAD"), "Invalid value: httpMethod"},
		"PCM-OPEN/has-client-ip":       {with(public(), "additionalInfo", object{"clientIp": "somewhere"}), "additionalInfo should not be empty"},
		"PCM-OPEN/timespan-positive":   {with(public(), "processTimespan", -1), "processTimespan must be greater than zero"},
		"PCM-OPEN/status-in-range":     {with(public(), "statusCode", 100), "statusCode must be between 200 and 599"},
		"PCM-OPEN/timestamp-form":      {with(public(), "timestamp", "2026-02-30T11:59:00.000Z"), "Invalid format: timestamp: Invalid date"},
		"PCM-OPEN/not-too-old":         {with(public(), "timestamp", "2026-09-07T12:00:00.000Z"), "Report is too old"},
		"PCM-OPEN/not-in-future":       {with(public(), "timestamp", "2026-09-15T12:06:00.000Z"), "Timestamp is in the future"},
	}
	paths := map[string]string{"PCM-PRIVATE": privatePath, "PCM-HYBRID": HybridFlow + "client/redirect-to-server", "PCM-OPEN": spec.OpenDataPath,
		"PCM-STATE": spec.PaymentStatesPath, "PCM-PORTABILITY": spec.PortabilityClientPath}
	good := map[string]object{"PCM-PRIVATE": clientReport(1), "PCM-HYBRID": step(), "PCM-OPEN": public(), "PCM-STATE": stateReport(1), "PCM-PORTABILITY": portabilityReport(1)}
	for area, path := range paths {
		if status, got := post(t, start(t, Config{}), orgA, path, good[area]); status != 200 || got[0].Status != Accepted || got[0].Message != "" {
			t.Errorf("%s: a sound item got %d %+v", area, status, got)
		}
	}
	for _, info := range slices.Concat(private.Rules(), hybrid.Rules(), open.Rules(), stateRules.Rules(), portability.Rules()) {
		t.Run(info.ID, func(t *testing.T) {
			row, covered := spoiled[info.ID]
			if !covered {
				t.Fatal("no item breaks this rule alone")
			}
			area, _, _ := strings.Cut(info.ID, "/")
			by, path := orgA, paths[area]
			if strings.HasSuffix(info.ID, "/client-reports-itself") {
				by = orgB
			}
			if _, client := row.item["clientSSId"]; area == "PCM-PORTABILITY" && !client {
				path = spec.PortabilityServerPath
			}
			status, got := post(t, start(t, Config{}), by, path, row.item)
			if status != http.StatusMultiStatus || got[0].Status != Discarded || !strings.Contains(got[0].Message, row.message) || strings.Contains(got[0].Message, ";") && !strings.Contains(row.message, ";") {
				t.Fatalf("got %d %+v, want %q alone", status, got[0], row.message)
			}
			if status, got := post(t, start(t, Config{Seams: off(t, info.ID)}), by, path, row.item); status != 200 || got[0].Status != Accepted {
				t.Fatalf("with the rule off: %d %+v", status, got[0])
			}
		})
	}
}

func TestAnswersKeepOrderAndReportDiscardsWith207(t *testing.T) {
	p := start(t, Config{})
	status, got := post(t, p, orgA, privatePath, clientReport(1), with(with(clientReport(2), "statusCode", nil), "endpoint", "/x"), with(clientReport(3), "correlationId", "mine"), clientReport(1))
	if status != http.StatusMultiStatus || len(got) != 4 {
		t.Fatalf("got %d %+v", status, got)
	}
	if got[0].Status != Accepted || got[1].Status != Discarded || got[2].CorrelationID != "mine" || got[2].Status != Accepted {
		t.Errorf("order is lost: %+v", got)
	}
	if got[1].Message != "Invalid type: statusCode: Required;Unlisted endpoint" {
		t.Errorf("messages are not joined: %q", got[1].Message)
	}
	if got[3].Status != Discarded || !strings.Contains(got[3].Message, "Duplicated") {
		t.Errorf("a repetition got %+v", got[3])
	}
	seen := map[string]bool{}
	for _, g := range got {
		if !isUUID([]byte(g.ReportID)) || seen[g.ReportID] {
			t.Errorf("report id %q", g.ReportID)
		}
		seen[g.ReportID] = true
	}
	if n := len(p.Discards()); n != 2 {
		t.Errorf("%d discards are remembered", n)
	}
}

func TestLookupShowsOwnReportToItsParties(t *testing.T) {
	p := start(t, Config{})
	post(t, p, orgA, privatePath, clientReport(1))
	post(t, p, orgB, privatePath, serverReport(1))
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for org, role := range map[string]string{orgA: "CLIENT", orgB: "SERVER"} {
		w := send(t, p, "GET", privatePath+interactionID(1), bearer(t, p, org), nil)
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		if got["role"] != role || got["status"] != "PAIRED" || got["endpoint"] != reads || got["pairedReportId"] == nil || got["createdAt"] != "2026-09-15T12:00:00.000Z" {
			t.Errorf("%s sees %v", role, got)
		}
	}
	for _, row := range []struct{ org, id string }{{orgC, interactionID(1)}, {orgA, interactionID(2)}} {
		if w := send(t, p, "GET", privatePath+row.id, bearer(t, p, row.org), nil); w.Code != 404 || w.Body.String() != `{"message":"Not Found"}` {
			t.Errorf("%v got %d %s", row, w.Code, w.Body)
		}
	}
	if w := send(t, p, "GET", privatePath+interactionID(1), "", nil); w.Code != 401 {
		t.Errorf("without a token: %d", w.Code)
	}
}

func TestContentFaultsAreFindingsNotDiscards(t *testing.T) {
	p := start(t, Config{})
	_, got := post(t, p, orgA, privatePath,
		with(clientReport(1), "additionalInfo", object{"consentId": "42", "tokenId": ""}),
		with(with(with(clientReport(2), "endpoint", "/token"), "httpMethod", "POST"), "additionalInfo", object{"grantType": "REFRESH_TOKEN", "tokenId": "c9ng8aKzxNXm"}),
		with(clientReport(3), "additionalInfo", object{"consentId": urnOne, "tokenId": "c9ng8aKzxNXm", "more": "is fine"}))
	for _, g := range got {
		if g.Status != Accepted {
			t.Fatalf("got %+v", got)
		}
	}
	for n, want := range []string{"", "[{consentId Invalido} {tokenId Vazio}]", "[{consentId Obrigatorio o preenchimento ou do consentId ou do enrollmentId}]", "[]"} {
		if n > 0 {
			if r := p.Reports(Query{Interaction: interactionID(n)}); fmt.Sprint(r[0].Findings) != want {
				t.Errorf("report %d: %v, want %s", n, r[0].Findings, want)
			}
		}
	}
	if r := p.Reports(Query{Findings: true}); len(r) != 2 {
		t.Errorf("%d reports with findings", len(r))
	}
}

func TestJourneyIsCollectedByConsent(t *testing.T) {
	p := start(t, Config{})
	common := func(party, org string) object {
		return object{"consentId": urnOne, "os": "LINUX", "osVersion": "6", "timestamp": "2026-09-15T11:59:00.000Z", "platform": "BROWSER", party: org}
	}
	bodies := []object{
		common("clientOrgId", orgA), with(with(common("serverOrgId", orgB), "type", "AWAITING_USER_AUTH"), "platform", nil), common("serverOrgId", orgB),
		with(with(common("serverOrgId", orgB), "type", "AUTHORISED"), "uri_callback", "https://app.test/cb"),
		with(common("clientOrgId", orgA), "error", "access_denied"), common("clientOrgId", orgA),
	}
	for i, e := range events {
		org := orgA
		if e.server {
			org = orgB
		}
		if status, got := post(t, p, org, HybridFlow+e.path, bodies[i]); status != 200 {
			t.Fatalf("%s: %d %+v", e.path, status, got)
		}
	}
	post(t, p, orgA, privatePath, with(with(with(clientReport(1), "endpoint", "/token"), "httpMethod", "POST"), "additionalInfo", object{"grantType": "AUTHORIZATION_CODE", "consentId": urnOne, "tokenId": "c9ng8aKzxNXm"}))
	var got []string
	for _, s := range p.Journey(urnOne) {
		got = append(got, s.Event)
	}
	if want := "client/redirect-to-server server/redirect-target server/authenticated server/redirect-to-client client/redirect-target-with-errors client/redirect-target-without-errors token"; strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
}

func TestBookIsBounded(t *testing.T) {
	p := start(t, Config{Keep: 1, Known: anyone{}})
	batch := make([]object, 4096)
	for round := range 5 {
		for i := range batch {
			batch[i] = clientReport(round*len(batch) + i)
		}
		post(t, p, orgA, privatePath, batch...)
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := p.Summary().Reports; n > chunkSize || n < 1 {
		t.Errorf("holds %d reports", n)
	}
	if n := p.book.index.used; n > 2*chunkSize {
		t.Errorf("index holds %d", n)
	}
	if len(p.Reports(Query{Interaction: interactionID(1)})) != 0 || len(p.Reports(Query{Interaction: interactionID(5*len(batch) - 1)})) != 1 {
		t.Error("the wrong ones were forgotten")
	}
}

// today is the dialect of the current release.
func today(t testing.TB) *Dialect {
	t.Helper()
	d, err := speak("")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

type anyone struct{}

func (anyone) Organisation(string) bool       { return true }
func (anyone) Software(string) (string, bool) { return orgA, true }
func (anyone) SameGroup(a, b string) bool     { return a == b }

func TestRulesAreListedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.ID] || !strings.HasPrefix(r.ID, "PCM-") {
			t.Errorf("rule %s", r.ID)
		}
		seen[r.ID] = true
	}
}

// TestEndpointListCoversTheRegistry holds the platform's list against the facts of the standard: every
// endpoint that participants must report is accepted, with its method and for its roles.
func TestEndpointListCoversTheRegistry(t *testing.T) {
	d := today(t)
	for _, want := range spec.PCMEndpoints() {
		e := endpoints.find([]byte(want.Endpoint))
		if e == nil || e.accepted(d, "") != want.Accepted(spec.CurrentRelease, false) {
			t.Errorf("%s is not accepted", want.Endpoint)
			continue
		}
		if want.ClientOnly && !e.clientOnly {
			t.Errorf("%s would be missed on the server side", want.Endpoint)
		}
	}
}
