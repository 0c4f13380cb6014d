package availability

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

func read(t *testing.T, text string) (*Book, *Input) {
	t.Helper()
	b := &Book{}
	in, err := b.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return b, in
}

func TestOneCallIsReadAlikeFromEveryForm(t *testing.T) {
	var first *Report
	for name, text := range map[string]string{
		"csv":        "timestamp,duration_ms,method,endpoint,status\n2027-03-01T12:00:00Z,1250.5,GET,/open-banking/accounts/v2/accounts/{accountId}/balances,200\n",
		"names":      "AT;responseTime;verb;URL;http_status\n2027-03-01T09:00:00-03:00;1250,5;get;https://api.bank.example:8443/prefix/open-banking/accounts/v2/accounts/abc-1/balances?page=2;200\n",
		"seconds":    "\ufefftime\tlatency_s\trequest\tstatusCode\n2027-03-01 09:00:00-03:00\t1.2505\tGET /open-banking/accounts/v2/accounts/x/balances HTTP/1.1\t200\n",
		"quotes":     "path,\"status\",timestamp,took_us\r\n\"/open-banking/accounts/v2/accounts/a/balances\",200,\"01/Mar/2027:09:00:00 -0300\",1250500\r\n",
		"json lines": `{"timestamp":"2027-03-01T12:00:00.000Z","elapsed":"1.2505s","method":"GET","path":"/open-banking/accounts/v2/accounts/9/balances","status":200}` + "\n",
		"numbers":    `{"ts":"2027-03-01T12:00:00Z","processTimespan":1250.5,"httpMethod":"GET","endpoint":"/open-banking/accounts/v2/accounts/{accountId}/balances","statusCode":200}`,
	} {
		b, in := read(t, text)
		if in.Calls != 1 || in.Bad != 0 {
			t.Errorf("%s: %+v", name, in)
			continue
		}
		r := b.Judge(Options{})
		if first == nil {
			first = r
		}
		if !reflect.DeepEqual(r, first) || len(r.Endpoints) != 1 || r.Endpoints[0].Endpoint != balances || r.Endpoints[0].Latency.Days[0].P95 != 1250500*time.Microsecond {
			t.Errorf("%s:\n%+v\nnot\n%+v", name, r, first)
		}
	}
}

// packed is a text under gzip.
func packed(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

// widened is a text in UTF-16 with its mark.
func widened(text string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func TestALogIsReadInEveryWrapping(t *testing.T) {
	const path = "/open-banking/accounts/v2/accounts/a/balances"
	comma := "timestamp,duration_ms,endpoint,status,note\n2027-03-01T12:00:00Z,1250.5," + path + ",200,á𝄞\n"
	for name, text := range map[string]string{
		"gzip":             packed(comma),
		"gzip of gzip":     packed(packed(comma)),
		"UTF-16":           widened(comma, binary.LittleEndian),
		"the other UTF-16": widened(strings.ReplaceAll(comma, "\n", "\r\n"), binary.BigEndian),
		"named separator":  "sep=|\r\n" + strings.ReplaceAll(comma, ",", "|"),
		"empty first cell": strings.ReplaceAll("note,"+strings.ReplaceAll(comma, "\n2027", "\n,2027"), ",", "\t"),
		"seconds":          "ts,request_time,uri,status\n1803902400.000,1.2505," + path + ",200\n",
		"thousandths":      `{"ts":1803902400000,"took":1250.5,"uri":"` + path + `","status":200}`,
		"millionths":       "ts;took_us;uri;status\n1803902400000000;1250500;" + path + ";200",
		"milliardths":      "ts;took_us;uri;status\n1803902400000000000;1250500;" + path + ";200",
		"local":            "Data/Hora;Duração (ms);Método;Rota;Código HTTP\n01/03/2027 09:00:00;1250,5;GET;" + path + ";200\n",
		"two cells":        "Data;Hora;Duração (ms);Rota;Status\n2027-03-01;09:00:00,000;1250,5;" + path + ";200\n",
		"array":            `[` + "\n" + ` {"timestamp":"2027-03-01T12:00:00Z","took":1250.5,"path":"` + path + `","status":200}` + "\n]\n",
	} {
		b := &Book{Zone: Brasilia}
		in, err := b.Read(strings.NewReader(text))
		if err != nil || in.Calls != 1 || in.Bad != 0 {
			t.Errorf("%s: %+v %v", name, in, err)
			continue
		}
		days := b.Latency.Days(Series{"", balances})
		if len(days) != 1 || days[0].Day != day0 || days[0].P95 != 1250500*time.Microsecond {
			t.Errorf("%s: %+v", name, days)
		}
		if d := b.Traffic.Day(Series{"", balances}, day0); b.Traffic.series[Series{"", balances}][day0].at(day0.Start().Add(9*time.Hour)).success != 1 {
			t.Errorf("%s: not at nine: %+v", name, d)
		}
	}
}

func TestWhatIsBrokenSpoilsNoMoreThanItself(t *testing.T) {
	good := "2027-03-01T12:00:00Z,200,/token\n"
	whole := "timestamp,status,endpoint\n" + good + good + good
	long := whole + strings.Repeat("x", 3*maxLine) + "\n" + good
	zipped := packed(long + strings.Repeat(good, 10_000))
	for name, c := range map[string]struct {
		text  string
		calls int64
		first string
	}{
		"a line too long":    {long, 4, "line 5: longer than 1048576 bytes"},
		"half a line":        {whole + "2027-03-01T12:0", 3, `line 5: "2027-03-01T12:0" is no time`},
		"half a line, cells": {whole + "2027-03-01T12:00:00Z,20", 3, "line 5: no endpoint (it has 2 cells and the header row 3: does a cell hold the separator?) (the file ends in the middle of this line)"},
		"a decimal comma":    {"timestamp,took,status,endpoint\n" + strings.ReplaceAll(good, ",200", ",1.5,200") + strings.ReplaceAll(good, ",200", ",1,5,200"), 1, `line 3: "200" is no path (it has 5 cells and the header row 4`},
		"half a gzip":        {zipped[:len(zipped)-40], -1, "line 5: longer"},
		"half an array":      {`[{"ts":1803902400,"status":200,"path":"/token"},{"ts":18039024`, 1, "record 2: the rest of the array cannot be read"},
		"an open array":      {`[{"ts":1803902400,"status":200,"path":"/token"}`, 1, "array 1: it does not end"},
	} {
		in, err := new(Book).Read(strings.NewReader(c.text))
		if err != nil || c.calls >= 0 && in.Calls != c.calls || in.Calls == 0 || in.Bad == 0 || !strings.HasPrefix(in.First[0], c.first) {
			t.Errorf("%s: %+v %v", name, in, err)
		}
		if name == "half a gzip" && !strings.Contains(in.First[len(in.First)-1], "cut short") {
			t.Errorf("%s: %q", name, in.First)
		}
	}
	if in, err := new(Book).Read(strings.NewReader(whole + "x\ny\nz\nz\n")); !errors.Is(err, ErrMostlyBad) {
		t.Errorf("three good of seven: %+v %v", in, err)
	}
}

func TestADoorThatNobodyHasIsNoCall(t *testing.T) {
	text := "timestamp,status,endpoint\n"
	for _, status := range []string{"200", "404", "405", "500"} {
		text += "2027-03-01T12:00:00Z," + status + ",/open-banking/wp-admin/x\n2027-03-01T12:00:00Z," + status + ",/open-banking/accounts/v2/accounts\n"
	}
	if _, in := read(t, text); in.Calls != 6 || in.Foreign != 2 {
		t.Errorf("%+v", in)
	}
}

func TestBadLinesAreCountedAndTheFirstNamed(t *testing.T) {
	text := "timestamp,status,endpoint,duration_ms\n"
	for _, bad := range []string{"2027-03-01T12:00:00,200,/token,1", "never,200,/token,1", "2027-03-01T12:00:00Z,hello,/token,1", "2027-03-01T12:00:00Z,200,,1",
		"2027-03-01T12:00:00Z,200,/token,-5", "1999-01-01T00:00:00Z,200,/token,1", `2027-03-01T12:00:00Z,200,"/token,1`, "2027-03-01T12:00:00Z,700,/token,1", "2027-03-01T12:00:00Z,0,/token,1"} {
		text += bad + "\n"
	}
	text += "2027-03-01T12:00:00Z,200,/favicon.ico,1\n" + strings.Repeat("2027-03-01T12:00:00Z,200,/auth/token,1\n", 9)
	_, in := read(t, text)
	if in.Calls != 9 || in.Bad != 9 || in.Foreign != 1 || len(in.First) != troubles {
		t.Fatalf("%+v", in)
	}
	if !strings.HasPrefix(in.First[0], "line 2: a time needs a zone") || !strings.HasPrefix(in.First[3], "line 5: ") {
		t.Errorf("%q", in.First)
	}
}

func TestAFileWithoutOneUsableRecordIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "blank": "\n\n", "another table": "a,b\n1,2\n", "header only": "timestamp,status,endpoint\n", "all bad": "timestamp,status,endpoint\nx,y,z\n",
		"array": `[{"timestamp":"2027-03-01T12:00:00Z"}]`, "workbook": "PK\x03\x04 and so on", "zstd": "\x28\xb5\x2f\xfd and so on", "one endless line": strings.Repeat("x", 2*maxLine), "foreign": `{"timestamp":"2027-03-01T12:00:00Z","path":"/health","status":200}`, "binary": "\x00\x01\x02\x03",
	} {
		if _, err := new(Book).Read(strings.NewReader(text)); !errors.Is(err, ErrNothing) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAHeaderRowIsToldWhatItLacks(t *testing.T) {
	for head, want := range map[string]string{
		"when;what":                 `the header row "when;what" names no columns of calls`,
		"timestamp,path,result":     `the header row "timestamp,path,result" has no column for the status of a call; understood: timestamp, endpoint`,
		"ts,duration_ms,tenant":     `has no column for the endpoint and the status of a call; understood: timestamp`,
		"took,tenant":               `understood: nothing that a call needs`,
		"status,path,when it began": `has no column for the timestamp of a call; understood: endpoint, status`,
	} {
		if _, err := new(Book).Read(strings.NewReader(head + "\n1,2,3\n")); !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", head, err)
		}
	}
}

func TestProbesAreReadFromEveryForm(t *testing.T) {
	for name, text := range map[string]string{
		"csv":    "timestamp,code,endpoints\n2027-03-01T12:00:00Z,PARTIAL_FAILURE,https://api.bank.example/open-banking/accounts/v2/accounts/{accountId}/balances;/token\n",
		"json":   `{"at":"2027-03-01T12:00:00Z","code":"PARTIAL_FAILURE","endpoints":["/open-banking/accounts/v2/accounts/{accountId}/balances","/token"]}`,
		"answer": `{"at":"2027-03-01T12:00:00Z","data":{"status":[{"code":"OK"},{"code":"PARTIAL_FAILURE","unavailableEndpoints":["https://a/open-banking/accounts/v2/accounts/{accountId}/balances","https://a/token"]}]}}`,
	} {
		b, in := read(t, text)
		if in.Probes != 1 || b.Probing.Day(balances, day0).Down != 30 || b.Probing.Day("/token", day0).Down != 30 {
			t.Errorf("%s: %+v %v", name, in, b.Probing.Endpoints())
		}
	}
	b, _ := read(t, "at,status\n2027-03-01T12:00:00Z,OK\n2027-03-01T12:00:30Z,\n2027-03-01T12:01:00Z,timeout\n")
	if d := b.Probing.Day("", day0); d.Down != 60 || d.Probes != 3 {
		t.Errorf("no answer: %+v", d)
	}
}

func TestAStatusAnswerIsReadByItsHierarchy(t *testing.T) {
	at := day0.Start()
	for body, want := range map[string]Probe{
		`{"data":{"status":[{"code":"OK"}]}}`:          {Code: OK},
		`{"data":{"status":[{"code":"UNAVAILABLE"}]}}`: {Code: Unavailable},
		`{"data":{"status":[{"code":"PARTIAL_FAILURE","unavailableEndpoints":["/a"]},{"code":"SCHEDULED_OUTAGE","unavailableEndpoints":["/b"]}]}}`: {Code: PartialFailure, Endpoints: []string{"/a"}, Scheduled: []string{"/b"}},
		`{"data":{"status":[{"code":"SCHEDULED_OUTAGE","unavailableEndpoints":["/b"]}]}}`:                                                          {Code: ScheduledOutage, Endpoints: []string{"/b"}},
		`{"data":{"status":[{"code":"SCHEDULED_OUTAGE"},{"code":"PARTIAL_FAILURE","unavailableEndpoints":["/a"]}]}}`:                               {Code: ScheduledOutage},
		`{"data":{"status":[{"code":"UNAVAILABLE"},{"code":"SCHEDULED_OUTAGE","unavailableEndpoints":["/b"]}]}}`:                                   {Code: Unavailable},
	} {
		want.At = at
		if got, err := ProbeOf(at, []byte(body)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v %v", body, got, err)
		}
	}
	for _, body := range []string{"", "{}", `{"data":{"status":[]}}`, `{"data":{"status":[{"code":"FINE"}]}}`, "<html>"} {
		if _, err := ProbeOf(at, []byte(body)); err == nil {
			t.Errorf("%q is an answer", body)
		}
	}
	whole, err := ProbeOf(at, []byte(`{"data":{"status":[{"code":"UNAVAILABLE","unavailableEndpoints":["https://a/open-banking/accounts/v2"]}]}}`))
	if err != nil || len(whole.Endpoints) < 5 {
		t.Errorf("the base of an API stands for %v, %v", whole.Endpoints, err)
	}
}

// TestAReportThatWasPairedMissesNothing has the export of one organisation alone: the counterparts of what was
// paired are at the metrics platform, and those of the rest are not.
// The rate is of requests: what was refused counts as much as what was never taken further, except where the
// institution had to refuse.
// What a quarter that was cut short had of its last day says nothing of that day.
func TestABookThatIsCutForgetsLaterDays(t *testing.T) {
	later := day0 + 1
	b, in := read(t, strings.Join([]string{
		`{"timestamp":"2027-03-01T12:00:00Z","endpoint":"` + balances + `","status":200,"duration_ms":20}`,
		`{"timestamp":"2027-03-02T12:00:00Z","endpoint":"` + balances + `","status":500,"duration_ms":20}`,
		`{"timestamp":"2027-03-02T12:01:00Z","endpoint":"` + balances + `","status":529,"duration_ms":20}`,
		`{"timestamp":"2027-03-02T12:00:00Z","code":"UNAVAILABLE"}`}, "\n")+"\n")
	if in.Calls != 3 || in.Probes != 1 {
		t.Fatalf("%+v", in)
	}
	b.Cut(day0)
	r := b.Judge(Options{})
	if r.From != day0 || r.To != day0 || r.Verdict != Conforming || b.Probing.Probes() != 0 {
		t.Errorf("%s to %s: %s %v, %d probes", r.From, r.To, r.Verdict, r.Reasons, b.Probing.Probes())
	}
	if b.Call(Call{At: later.Start(), Endpoint: balances, Method: "GET", Status: 200}) {
		t.Error("a call beyond the cut was taken")
	}
	if got := r.Sentence(); got != "2027-03-01, 1 endpoint" {
		t.Errorf("%q", got)
	}
}

func TestLengthsAndNumbersReadAsPeopleWriteThem(t *testing.T) {
	for seconds, want := range map[int64]string{0: "none", 45: "45 s", 60: "1 min", 150: "2 min 30 s", 4320: "1 h 12 min", 7200: "2 h", 3601: "1 h 1 s"} {
		if got := Span(seconds); got != want {
			t.Errorf("%d: %q, want %q", seconds, got, want)
		}
	}
	for n, want := range map[int]string{0: "0 days", 1: "1 day", 2: "2 days"} {
		if got := Count(n, "day"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAProbeTellsOfScheduledWorkBesideTrouble(t *testing.T) {
	const list = "/open-banking/accounts/v2/accounts"
	b, _ := read(t, `{"timestamp":"2027-03-01T15:00:00Z","code":"PARTIAL_FAILURE","endpoints":"`+balances+`","scheduled":"`+list+`"}`+"\n"+
		`{"timestamp":"2027-03-01T06:00:00Z","code":"PARTIAL_FAILURE","endpoints":"`+balances+`","scheduled":"`+list+`"}`+"\n")
	for endpoint, want := range map[string][2]int64{balances: {60, 0}, list: {30, 30}, "": {60, 0}} {
		if d := b.Probing.Day(endpoint, day0); [2]int64{d.Down, d.Scheduled} != want {
			t.Errorf("%q: %+v", endpoint, d)
		}
	}
}

func TestThePeriodHasBothItsEnds(t *testing.T) {
	b := &Book{From: day0 + 1, To: day0 + 2}
	var text strings.Builder
	text.WriteString("timestamp,code\n")
	for i := range 4 {
		fmt.Fprintf(&text, "%s,OK\n", (day0 + Day(i)).Start().Format(time.RFC3339))
	}
	in, err := b.Read(strings.NewReader(text.String()))
	if err != nil || in.Probes != 2 || in.Outside != 2 {
		t.Errorf("%+v %v", in, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("timestamp,duration_ms,method,endpoint,status,side,state\n2027-03-01T12:00:00Z,1.5,GET,/token,200,CLIENT,PAIRED\n")
	f.Add("at;code;endpoints\n2027-03-01T12:00:00Z;PARTIAL_FAILURE;\"/a;/b\"\n")
	f.Add(exportedLine("CLIENT", "PAIRED", "1", "2027-03-01T12:00:02Z", 200))
	f.Add(`{"at":"2027-03-01T12:00:00Z","data":{"status":[{"code":"OK"}]}}` + "\n[]\n{}\nnull")
	f.Fuzz(func(t *testing.T, text string) {
		b := &Book{}
		in, err := b.Read(strings.NewReader(text))
		if err == nil && in.Calls+in.Probes == 0 {
			t.Fatal("a file without records is read without an error")
		}
		r := b.Judge(Options{Input: in})
		var page strings.Builder
		if int(r.To-r.From) < 3650 {
			if err := r.HTML(&page); err != nil {
				t.Fatal(err)
			}
		}
		r.Text(&page, true)
	})
}

func FuzzProbeOf(f *testing.F) {
	f.Add(`{"data":{"status":[{"code":"PARTIAL_FAILURE","unavailableEndpoints":["https://a/open-banking/accounts/v2"]}]}}`)
	f.Add(`{"data":{"status":[{"code":"SCHEDULED_OUTAGE"},{"code":"UNAVAILABLE","unavailableEndpoints":["/a"]}]}}`)
	f.Fuzz(func(t *testing.T, body string) {
		p, err := ProbeOf(day0.Start(), []byte(body))
		if err != nil {
			return
		}
		var b Probing
		b.Add(p)
		if d := b.Day("", day0); d.Probes != 1 || d.Down+d.Scheduled > 30 || (p.Code == OK) != (d.Down+d.Scheduled == 0) {
			t.Fatalf("%+v gives %+v", p, d)
		}
	})
}

func BenchmarkReadCSV(b *testing.B) {
	var text strings.Builder
	text.WriteString("timestamp,duration_ms,method,endpoint,status\n")
	const n = 100_000
	for i := range n {
		fmt.Fprintf(&text, "%s,%d.%03d,GET,/open-banking/accounts/v2/accounts/acc-%d/balances?page=1,200\n", day0.Start().Add(time.Duration(i)*time.Second).UTC().Format(time.RFC3339), 50+i%400, i%1000, i)
	}
	records(b, n, func() { _, _ = new(Book).Read(strings.NewReader(text.String())) })
}

func BenchmarkReadExport(b *testing.B) {
	const n = 50_000
	var text strings.Builder
	for i := range n {
		text.WriteString(exportedLine("CLIENT", "PAIRED", fmt.Sprint(i), "2027-03-01T12:00:02Z", 200))
	}
	records(b, n, func() { _, _ = new(Book).Read(strings.NewReader(text.String())) })
}

func BenchmarkCalls(b *testing.B) {
	const n = 1_000_000
	records(b, n, func() {
		book := &Book{}
		c := call(day0, 0, 200)
		for i := range n {
			c.At, c.Took = day0.Start().Add(time.Duration(i)*80*time.Millisecond), time.Duration(50_000+i%30_000)*time.Microsecond
			book.Call(c)
		}
	})
}

func BenchmarkProbes(b *testing.B) {
	const n = 90 * 2880
	records(b, n, func() {
		book := &Book{}
		for i := range n {
			book.Probe(Probe{At: day0.Start().Add(time.Duration(i) * ProbeEvery), Code: OK})
		}
	})
}

func records(b *testing.B, n int, work func()) {
	b.ReportAllocs()
	for b.Loop() {
		work()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
