package pcm

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/ensaio/ensaio/sim/fault"
)

// FuzzReport holds the parser against encoding/json: whatever is valid JSON is taken apart into the same
// members with the same strings, and no bytes make a rule, a finding or the book panic.
func FuzzReport(f *testing.F) {
	for _, seed := range []string{
		`[]`, `[{}]`, `[{"a":1}]`, ` [ { "endpoint" : "/token" , "additionalInfo" : { "grantType":"x", "errorCodes":"[\"A\"]" } } , null ] `,
		`[{"role":"SERVER","role":"CLIENT","httpMethod":"POST","statusCode":2e2,"endpoint":"\/token","x\u0041":"\"}]"}]`, `["\\",[[]],{"a":{"b":[{}]}}]`,
		`[{"timestamp":"2026-09-15T11:59:00.000Z","fapiInteractionId":"10000000-0000-4000-8000-000000000001","processTimespan":0.1}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		body := trim(b)
		if !json.Valid(body) || body.kind() != "array" {
			return
		}
		var want []json.RawMessage
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatal(err)
		}
		var got []raw
		elements(body, func(v raw) { got = append(got, v) })
		if len(got) != len(want) {
			t.Fatalf("%d elements, want %d", len(got), len(want))
		}
		r := &report{now: time.Unix(1_800_000_000, 0), known: cast{}, dialect: today(t), kind: kindPrivate, reporter: orgA}
		for i, v := range got {
			if !bytes.Equal(bytes.TrimSpace(v), bytes.TrimSpace(want[i])) {
				t.Fatalf("element %d is %q, want %q", i, v, want[i])
			}
			same(t, v)
			r.read(v)
			private.CheckAll(t.Context(), (*fault.Seams)(nil), r)
			r.criticise()
			newBook(1).record(r, kindPrivate, 0)
		}
	})
}

func same(t *testing.T, v raw) {
	if v.kind() == "string" {
		var want string
		if err := json.Unmarshal(v, &want); err != nil {
			t.Fatal(err)
		}
		if !bytes.ContainsRune([]byte(want), '\uFFFD') && v.text() != want {
			t.Fatalf("%q reads as %q", v, v.text())
		}
	}
	if v.kind() != "object" {
		return
	}
	var want map[string]json.RawMessage
	if err := json.Unmarshal(v, &want); err != nil {
		t.Fatal(err)
	}
	got := map[string]json.RawMessage{}
	members(v, func(k []byte, v raw) { got[string(k)] = json.RawMessage(v); same(t, v) })
	for k := range want {
		if bytes.ContainsRune([]byte(k), '\uFFFD') {
			return // encoding/json repairs broken text; the parser leaves it
		}
	}
	if !reflect.DeepEqual(got, want) && len(want)+len(got) > 0 {
		t.Fatalf("%s reads as %s, want %s", v, got, want)
	}
}

// FuzzLog holds the log's frames against arbitrary bytes.
func FuzzLog(f *testing.F) {
	f.Add(appendEntry(nil, &entry{reporter: orgA, message: "m", body: []byte("{}")}))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, n := parseEntry(b)
		if n == 0 {
			return
		}
		if again := appendEntry(nil, &e); !bytes.Equal(again, b[:n]) {
			t.Fatalf("%x reads as %+v", b[:n], e)
		}
	})
}
