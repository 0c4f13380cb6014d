package pcm

import (
	"fmt"
	"strings"
	"testing"
)

// TestPairingTable plays the worked examples of section 17.
func TestPairingTable(t *testing.T) {
	for _, row := range []struct {
		name           string
		client, server object
		want           State // of the client's report, or the server's when there is no other; DISCARDED at the door
		differs        string
	}{
		{"all five equal", clientReport(1), serverReport(1), Paired, ""},
		{"status differs", clientReport(1), with(serverReport(1), "statusCode", 201), PairedInconsistent, "statusCode"},
		{"method differs", clientReport(1), with(serverReport(1), "httpMethod", "POST"), PairedInconsistent, "httpMethod"},
		{"endpoint differs", clientReport(1), with(serverReport(1), "endpoint", reads+"/{accountId}"), PairedInconsistent, "endpoint"},
		{"client differs", clientReport(1), with(serverReport(1), "clientOrgId", orgC), PairedInconsistent, "clientOrgId"},
		{"server differs", with(clientReport(1), "serverOrgId", orgC), serverReport(1), PairedInconsistent, "serverOrgId"},
		{"408 without id", with(with(clientReport(1), "statusCode", 408), "fapiInteractionId", nil), nil, Discarded, ""},
		{"408 against 200", with(clientReport(1), "statusCode", 408), serverReport(1), PairedInconsistent, "statusCode"},
		{"408 on both sides", with(clientReport(1), "statusCode", 408), with(serverReport(1), "statusCode", 408), Paired, ""},
		{"200 without id", with(clientReport(1), "fapiInteractionId", nil), nil, Discarded, ""},
		{"no counterpart", clientReport(1), nil, Unpaired, ""},
		{"no client", nil, serverReport(1), Unpaired, ""},
		{"token alone", with(with(clientReport(1), "endpoint", "/token"), "httpMethod", "POST"), nil, Single, ""},
		{"child reported by the parent", with(clientReport(1), "clientOrgId", orgC), with(serverReport(1), "clientOrgId", orgC), Paired, ""},
		{"eight days old", with(clientReport(1), "timestamp", "2026-09-07T11:00:00.000Z"), nil, Discarded, ""},
		{"six minutes ahead", with(clientReport(1), "timestamp", "2026-09-15T12:06:00.000Z"), nil, Discarded, ""},
	} {
		for _, serverFirst := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/server first %t", row.name, serverFirst), func(t *testing.T) {
				p := start(t, Config{})
				tell := func(org string, o object) {
					if o == nil {
						return
					}
					_, got := post(t, p, org, privatePath, o)
					if (got[0].Status == Discarded) != (row.want == Discarded) {
						t.Fatalf("at the door: %+v", got[0])
					}
				}
				if serverFirst {
					tell(orgB, row.server)
				}
				tell(orgA, row.client)
				if !serverFirst {
					tell(orgB, row.server)
				}
				if err := p.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				found := p.Reports(Query{Interaction: interactionID(1)})
				if row.want == Discarded {
					if len(found) != 0 {
						t.Fatalf("kept %+v", found)
					}
					return
				}
				for _, r := range found {
					if r.Status != row.want || strings.Join(r.Differs, ",") != row.differs || (r.PairedReportID != "") != (row.want == Paired) {
						t.Errorf("%s is %s, differs in %q, paired with %q", r.Role, r.Status, r.Differs, r.PairedReportID)
					}
				}
				if want := len([]object{row.client, row.server}); row.client != nil && row.server != nil && len(found) != want {
					t.Errorf("found %d reports", len(found))
				}
			})
		}
	}
}

func TestPairingRulesCanBeSwitchedOff(t *testing.T) {
	rows := map[string]object{
		"PCM-PAIRING/same-client":   with(serverReport(1), "clientOrgId", orgC),
		"PCM-PAIRING/same-status":   with(serverReport(1), "statusCode", 404),
		"PCM-PAIRING/same-method":   with(serverReport(1), "httpMethod", "PUT"),
		"PCM-PAIRING/same-endpoint": with(serverReport(1), "endpoint", "/open-banking/resources/v3/resources"),
		"PCM-PAIRING/same-server":   with(serverReport(1), "serverOrgId", orgC),
	}
	for _, info := range pairing.Rules() {
		p := start(t, Config{Seams: off(t, info.ID)})
		post(t, p, orgA, privatePath, clientReport(1))
		by := orgB
		if info.ID == "PCM-PAIRING/same-server" {
			by = orgC
		}
		post(t, p, by, privatePath, rows[info.ID])
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := p.Summary(); s.ByStatus[Paired] != 2 {
			t.Errorf("%s off: %v", info.ID, s.ByStatus)
		}
	}
}

func TestSummaryTellsWhoIsMissing(t *testing.T) {
	p := start(t, Config{})
	post(t, p, orgA, privatePath, clientReport(1), clientReport(2), clientReport(3), clientReport(4))
	post(t, p, orgB, privatePath, serverReport(1), with(serverReport(2), "statusCode", 500), serverReport(3))
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := p.Summary()
	if s.Reports != 7 || s.ByStatus[Paired] != 4 || s.ByStatus[PairedInconsistent] != 2 || s.ByStatus[Unpaired] != 1 {
		t.Fatalf("got %+v", s)
	}
	for _, l := range s.Lines {
		if l.Org == orgB && (l.Received != 3 || l.Missing != 1 || l.SLA != 75) || l.Org == orgA && (l.Received != 4 || l.Unpaired != 1 || l.SLA != 100) {
			t.Errorf("got %+v", l)
		}
	}
	if r := p.Reports(Query{Status: Unpaired, Org: orgB}); len(r) != 1 || r[0].Interaction != interactionID(4) {
		t.Errorf("unpaired: %+v", r)
	}
}

// TestTimeoutWithoutIDStandsAloneInOldReleases plays the rows of section 17 that changed with 2025D and
// 2025B.
func TestTimeoutWithoutIDStandsAloneInOldReleases(t *testing.T) {
	p := speaking(t, object{"release": "2025C"})
	old := with(clientReport(1), "processTimespan", 12)
	for _, status := range []int{408, 503} {
		if v := verdictOf(t, p, orgA, privatePath, with(with(old, "statusCode", status), "fapiInteractionId", nil)); v != "ACCEPTED" {
			t.Fatal(v)
		}
	}
	if v := verdictOf(t, p, orgA, privatePath, with(old, "statusCode", 200)); v != "fapiInteractionId is not provided" {
		t.Error(v)
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := p.Summary(); s.ByStatus[Single] != 2 || s.Reports != 2 {
		t.Errorf("got %v", s.ByStatus)
	}
}
