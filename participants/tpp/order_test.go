package tpp

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/clock"
)

func date(s string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, s, brasilia)
	if err != nil {
		panic(err)
	}
	return t
}

func TestScheduleDates(t *testing.T) {
	for name, x := range map[string]struct {
		Schedule
		want string
	}{
		"single":            {Schedule{Single: date("2026-12-01")}, "2026-12-01"},
		"daily":             {Schedule{Every: "daily", Start: date("2026-12-30"), Quantity: 3}, "2026-12-30 2026-12-31 2027-01-01"},
		"weekly":            {Schedule{Every: "weekly", Start: date("2026-11-24"), Quantity: 2, DayOfWeek: "SEGUNDA_FEIRA"}, "2026-11-30 2026-12-07"},
		"monthly on the 31": {Schedule{Every: "monthly", Start: date("2027-01-31"), Quantity: 4, DayOfMonth: 31}, "2027-01-31 2027-03-01 2027-03-31 2027-05-01"},
		"monthly, day past": {Schedule{Every: "monthly", Start: date("2026-11-24"), Quantity: 2, DayOfMonth: 5}, "2026-12-05 2027-01-05"},
		"leap February":     {Schedule{Every: "monthly", Start: date("2028-02-01"), Quantity: 1, DayOfMonth: 29}, "2028-02-29"},
		"custom":            {Schedule{Custom: []time.Time{date("2026-12-01"), date("2026-12-24")}}, "2026-12-01 2026-12-24"},
	} {
		var got []string
		for _, d := range x.Dates() {
			got = append(got, day(d))
		}
		if s := strings.Join(got, " "); s != x.want {
			t.Errorf("%s: %s, want %s", name, s, x.want)
		}
	}
}

func TestPaymentsFollowTheirConsent(t *testing.T) {
	i := newIssuer(t)
	c := i.client()
	o := Order{Amount: "1.00", Instrument: "INIC", Proxy: "k", TransactionID: "tx", Schedule: &Schedule{Every: "weekly", Start: date("2026-11-24"), Quantity: 2}}
	body := o.ConsentBody(i.clk.Now())
	if dig(body, "data.payment.schedule.weekly.dayOfWeek") != "TERCA_FEIRA" || dig(body, "data.payment.purpose") != "RECURRENT_SCHEDULED" || dig(body, "data.payment.date") != nil {
		t.Errorf("consent %v", body)
	}
	if dig(body, "data.payment.schedule.additionalInformation") == nil {
		t.Error("a schedule without its note")
	}
	items := c.PaymentBody(o)["data"].([]any)
	if len(items) != 2 || dig(items, "0.transactionIdentification") != "tx" || dig(items, "0.cnpjInitiator") != "11222333000181" {
		t.Fatalf("items %v", items)
	}
	shape := regexp.MustCompile(`^E11222333202611241500[0-9A-Za-z]{11}$`)
	if id, _ := dig(items, "0.endToEndId").(string); !shape.MatchString(id) {
		t.Errorf("endToEndId %s", id)
	}
	now := c.EndToEndID(i.clk.Now())
	if !strings.HasPrefix(now, "E11222333202611221200") || len(now) != 32 || now == c.EndToEndID(i.clk.Now()) {
		t.Errorf("endToEndId %s", now)
	}
	again := func() string {
		c := i.client(func(cfg *Config) { cfg.Seed = clock.Seed(7).Stream("x") })
		return c.EndToEndID(i.clk.Now())
	}
	if first, second := again(), again(); first != second {
		t.Error("the same seed gave other identifiers")
	}
}

func TestPixCode(t *testing.T) {
	if CRC("123456789") != 0x29B1 {
		t.Errorf("CRC-16/CCITT-FALSE of the check string is %04X", CRC("123456789"))
	}
	code, err := BRCode{Key: "ana@example.com", Amount: "12.34", Name: "ANA SINTETICA SIMULADA DE TESTE", City: "SAO PAULO", TransactionID: "TX1"}.Text()
	if err != nil {
		t.Fatal(err)
	}
	if got := parseTLV(t, code); got["59"] != "ANA SINTETICA SIMULADA DE" || got["54"] != "12.34" || got["53"] != "986" || parseTLV(t, got["26"])["01"] != "ana@example.com" || parseTLV(t, got["62"])["05"] != "TX1" {
		t.Errorf("fields %v", got)
	}
	if fmt.Sprintf("%04X", CRC(code[:len(code)-4])) != code[len(code)-4:] {
		t.Error("the CRC does not fit")
	}
	dynamic, err := BRCode{URL: "pix.example.com/qr/v2/1", Name: "A", City: "B"}.Text()
	if err != nil {
		t.Fatal(err)
	}
	if got := parseTLV(t, dynamic); got["01"] != "12" || parseTLV(t, got["26"])["25"] != "pix.example.com/qr/v2/1" || parseTLV(t, got["62"])["05"] != "***" {
		t.Errorf("fields %v", got)
	}
	for _, bad := range []BRCode{{}, {Key: "a", URL: "b"}, {Key: strings.Repeat("a", 100)}, {Key: strings.Repeat("a", 77), Info: strings.Repeat("b", 40)}} {
		if _, err := bad.Text(); err == nil {
			t.Errorf("accepted %+v", bad)
		}
	}
}

func parseTLV(t *testing.T, s string) map[string]string {
	t.Helper()
	m := map[string]string{}
	for len(s) >= 4 {
		var n int
		if _, err := fmt.Sscanf(s[2:4], "%d", &n); err != nil || 4+n > len(s) {
			t.Fatalf("bad field at %q", s)
		}
		m[s[:2]] = s[4 : 4+n]
		s = s[4+n:]
	}
	return m
}
