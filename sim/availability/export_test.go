package availability

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/sim/spec"
)

func exportedLine(side spec.Side, state, interaction, received string, status int) string {
	return fmt.Sprintf(`{"number":1,"kind":"private","state":%q,"reportId":"r","reporter":"o","receivedAt":%q,"report":{"fapiInteractionId":%q,"endpoint":%q,"statusCode":%d,"httpMethod":"GET","timestamp":"2027-03-01T12:00:00.000Z","processTimespan":120.5,"clientOrgId":"tpp","serverOrgId":"bank","role":%q,"additionalInfo":{}}}`+"\n",
		state, received, interaction, balances, status, side)
}

func TestAnExportIsCountedOnceAndItsTimelinessJudged(t *testing.T) {
	soon, late := "2027-03-01T12:00:02.000Z", "2027-03-03T12:00:00.000Z"
	b, in := read(t, exportedLine("CLIENT", "PAIRED", "1", soon, 200)+exportedLine("SERVER", "PAIRED", "1", late, 200)+
		exportedLine("SERVER", "UNPAIRED", "2", soon, 503)+exportedLine("CLIENT", "PAIRED_INCONSISTENT", "3", soon, 500)+exportedLine("SERVER", "PAIRED_INCONSISTENT", "3", soon, 200)+
		`{"number":9,"kind":"stock","report":{}}`+"\n")
	if in.Calls != 5 || in.Other != 1 || in.Bad != 0 {
		t.Fatalf("%+v", in)
	}
	if d := b.Traffic.Day(series, day0); d.Success != 1 || d.Failure != 1 {
		t.Errorf("traffic: %+v", d)
	}
	b.Judge(Options{})
	bank, tpp := b.Timeliness.Days("bank")[0], b.Timeliness.Days("tpp")[0]
	if bank.Owed8 != 3 || bank.Missing8 != 1 || bank.Missing7 != 0 || bank.Inconsistent != 1 {
		t.Errorf("bank: %+v", bank)
	}
	// The record ends before the seven days of what the third party has not told.
	if tpp.Owed8 != 3 || tpp.Missing8 != 1 || tpp.Owed7 != 2 || tpp.Missing7 != 0 || tpp.Inconsistent != 1 {
		t.Errorf("third party: %+v", tpp)
	}
}

func TestADeadlineToComeIsNotMissed(t *testing.T) {
	soon := "2027-03-01T12:00:02.000Z"
	pair := exportedLine("CLIENT", "PAIRED", "1", soon, 200) + exportedLine("SERVER", "PAIRED", "1", soon, 200)
	for last, want := range map[string]FilingDay{
		"2027-03-02T10:59:59.000Z": {Owed8: 1, Owed7: 1},
		"2027-03-02T11:00:01.000Z": {Owed8: 2, Missing8: 1, Owed7: 1},
		"2027-03-08T12:00:01.000Z": {Owed8: 2, Missing8: 1, Owed7: 2, Missing7: 1},
	} {
		later := strings.ReplaceAll(exportedLine("SERVER", "PAIRED", "3", last, 200)+exportedLine("CLIENT", "PAIRED", "3", last, 200), "2027-03-01T12", "2027-03-02T12")
		b, _ := read(t, pair+exportedLine("SERVER", "UNPAIRED", "2", soon, 200)+later)
		b.Judge(Options{})
		got := b.Timeliness.Days("tpp")[0]
		got.Day, got.Organisation = 0, ""
		if got != want {
			t.Errorf("known until %s: %+v, not %+v", last, got, want)
		}
	}
}

func TestTheSidesOfACallMayLieInTwoFiles(t *testing.T) {
	soon, b := "2027-03-01T12:00:02.000Z", &Book{}
	for _, text := range []string{exportedLine("CLIENT", "PAIRED", "1", soon, 200) + exportedLine("CLIENT", "PAIRED", "2", "2027-03-09T12:00:00.000Z", 200), exportedLine("SERVER", "PAIRED", "1", soon, 200)} {
		if _, err := b.Read(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	b.Judge(Options{})
	if tpp, bank := b.Timeliness.Days("tpp")[0], b.Timeliness.Days("bank")[0]; tpp.Missing8 != 0 || bank.Missing8 != 0 || tpp.Owed8 != 1 {
		t.Errorf("%+v %+v", tpp, bank)
	}
}

func TestAReportThatWasPairedMissesNothing(t *testing.T) {
	soon := "2027-03-01T12:00:02.000Z"
	b, _ := read(t, exportedLine("SERVER", "PAIRED", "1", soon, 200)+exportedLine("SERVER", "UNPAIRED", "2", soon, 200)+exportedLine("SERVER", "PAIRED", "3", "2027-03-19T12:00:00.000Z", 200))
	b.Judge(Options{})
	if tpp := b.Timeliness.Days("tpp")[0]; tpp.Owed8 != 1 || tpp.Missing8 != 1 || tpp.Owed7 != 1 || tpp.Missing7 != 1 {
		t.Errorf("%+v", tpp)
	}
}

func TestReportsOutsideThePeriodOweNothing(t *testing.T) {
	b := &Book{From: day0 + 1}
	text := "timestamp,status,endpoint,role,interaction,received\n" +
		"2027-03-01T12:00:00Z,200,/open-banking/accounts/v2/accounts/a/balances,CLIENT,1,2027-03-01T12:00:01Z\n" +
		"2027-03-02T12:00:00Z,200,/open-banking/accounts/v2/accounts/a/balances,CLIENT,2,2027-03-20T12:00:01Z\n"
	if _, err := b.Read(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	b.Judge(Options{})
	for _, r := range b.Timeliness.Rows() {
		if r.Day == day0 {
			t.Errorf("owed outside the period: %+v", r)
		}
	}
}

func TestAnExportTellsOfConversion(t *testing.T) {
	line := func(method, endpoint, consent string, status int) string {
		return fmt.Sprintf(`{"kind":"private","state":"UNPAIRED","receivedAt":"2027-03-01T12:00:02Z","report":{"endpoint":%q,"statusCode":%d,"httpMethod":%q,"timestamp":"2027-03-01T12:00:00.000Z","processTimespan":1,"clientOrgId":"tpp","serverOrgId":"bank","role":"CLIENT","additionalInfo":{"consentId":%q}}}`+"\n", endpoint, status, method, consent)
	}
	consents := "/open-banking/consents/v3/consents"
	b, _ := read(t, line("POST", consents, "a", 201)+line("POST", "/token", "a", 200)+line("POST", consents, "b", 201)+line("POST", "/token", "stranger", 200))
	b.Judge(Options{})
	if got := b.Conversion.Rates("bank")["2027-03"]; got != (Share{1, 2}) {
		t.Errorf("%+v", got)
	}
}

func TestConversionIsOfAllRequestsButThoseThatHadToBeRefused(t *testing.T) {
	side := func(role, id, method, endpoint string, status int, info string) string {
		return fmt.Sprintf(`{"kind":"private","state":"PAIRED","receivedAt":"2027-03-01T12:00:02Z","report":{"fapiInteractionId":%q,"endpoint":%q,"statusCode":%d,"httpMethod":%q,"timestamp":"2027-03-01T12:00:00.000Z","processTimespan":1,"clientOrgId":"tpp","serverOrgId":"bank","role":%q,"additionalInfo":{%s}}}`+"\n", id, endpoint, status, method, role, info)
	}
	const consents = "/open-banking/consents/v3/consents"
	for _, c := range []struct {
		name string
		log  string
		want Share
	}{
		{"a token", side("CLIENT", "1", "POST", consents, 201, `"consentId":"a"`) + side("SERVER", "1", "POST", consents, 201, `"consentId":"a","dropReason":"NONE"`) + side("CLIENT", "2", "POST", "/token", 200, `"consentId":"a"`), Share{1, 1}},
		{"the token is told first", side("CLIENT", "2", "POST", "/token", 200, `"consentId":"a"`) + side("CLIENT", "1", "POST", consents, 201, `"consentId":"a"`), Share{1, 1}},
		{"no token", side("CLIENT", "1", "POST", consents, 201, `"consentId":"a"`), Share{0, 1}},
		{"no consent", side("CLIENT", "1", "POST", consents, 422, ``) + side("CLIENT", "2", "POST", consents, 500, ``) + side("CLIENT", "3", "POST", consents, 408, ``), Share{0, 3}},
		{"not allowed to ask", side("CLIENT", "1", "POST", consents, 403, ``) + side("CLIENT", "2", "POST", consents, 401, ``), Share{}},
		{"nobody's customer", side("CLIENT", "1", "POST", consents, 201, `"consentId":"a"`) + side("SERVER", "1", "POST", consents, 201, `"consentId":"a","dropReason":"NO_CREDENTIAL"`), Share{}},
		{"told by the provider first", side("SERVER", "1", "POST", consents, 422, `"dropReason":"NO_CREDENTIAL"`) + side("CLIENT", "1", "POST", consents, 422, ``), Share{}},
		{"only the provider told", side("SERVER", "1", "POST", consents, 201, `"consentId":"a"`), Share{}},
		{"another customer without powers", side("CLIENT", "1", "POST", consents, 201, `"consentId":"a"`) + side("SERVER", "1", "POST", consents, 201, `"consentId":"a","dropReason":"NO_AUTHORITY"`), Share{0, 1}},
		{"a read is no request", side("CLIENT", "1", "GET", consents+"/{consentId}", 200, `"consentId":"a"`), Share{}},
	} {
		b, _ := read(t, c.log)
		b.Judge(Options{})
		if got := b.Conversion.Rates("bank")["2027-03"]; got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
