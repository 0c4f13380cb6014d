package message

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/memo"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

var (
	mine   = sync.OnceValue(newKey) // of the institution
	theirs = sync.OnceValue(newKey) // published for the client
	rogue  = sync.OnceValue(newKey) // published nowhere
	now    = time.Date(2026, 5, 6, 12, 0, 0, 5e8, time.UTC)
)

func newKey() jose.Key {
	k, err := jose.NewKey("sig")
	if err != nil {
		panic(err)
	}
	return k
}

type keystore struct{ fail error }

func (k keystore) KeysFor(context.Context, string, string) (jose.Set, error) {
	return jose.Set{Keys: []jose.Key{theirs()}}, k.fail
}

func (k keystore) OrganisationFor(context.Context, string, string) (jose.Set, error) {
	return jose.Set{}, k.fail
}

func desk(seams *fault.Seams) *Messages {
	return New(Config{Organisation: "bank-org", Key: mine(), Keys: keystore{}, Seams: seams})
}

func theCall() *call.Call {
	op := spec.Find("payments.consent-create")
	return &call.Call{
		Operation: op, Client: &call.Client{ID: "c1", OrganisationID: "client-org"}, Base: "https://matls-api.bank.test", Now: now,
		Request: httptest.NewRequest(http.MethodPost, op.FullPath(), nil),
	}
}

// letter is a request that can be bent before it is signed.
type letter struct {
	header map[string]any
	claims map[string]any
	alg    string
	key    jose.Key
	after  func(string) string
}

func write(edit func(*letter)) []byte {
	l := &letter{
		header: map[string]any{"typ": "JWT", "kid": theirs().ID}, alg: jose.PS256, key: theirs(), after: func(s string) string { return s },
		claims: map[string]any{
			"iss": "client-org", "aud": "https://matls-api.bank.test/open-banking/payments/v5/consents", "jti": uuid.NewString(), "iat": now.Unix(),
			"data": map[string]any{"amount": "1.00"},
		},
	}
	if edit != nil {
		edit(l)
	}
	s, err := jose.SignAs(l.alg, l.claims, l.key.Private, l.header)
	if err != nil {
		panic(err)
	}
	return []byte(l.after(s))
}

func status(err error) (int, string) {
	var p *call.Problem
	if errors.As(err, &p) {
		return p.Status, p.Items[0].Code
	}
	return 0, ""
}

func TestAGoodMessageOpens(t *testing.T) {
	body, claims, err := desk(nil).Open(context.Background(), write(func(l *letter) {
		l.claims["aud"] = []any{l.claims["aud"]}
		l.header["typ"] = "jwt"
		l.claims["iat"] = now.Unix() - 60
	}), theCall())
	if err != nil || string(body) != `{"data":{"amount":"1.00"}}` || claims.Issuer != "client-org" || claims.ID == "" || !strings.HasSuffix(claims.Audience, "/consents") {
		t.Fatalf("%s %+v %v", body, claims, err)
	}
}

// Every sentence is broken on the wire, refused with its own status, and accepted when it alone is off.
func TestEverySentenceIsEnforcedAndCanBeSwitchedOff(t *testing.T) {
	replayed := write(nil)
	cases := []struct {
		rule   string
		status int
		body   func() []byte
		twice  bool
	}{
		{"JWS-01/compact", 400, func() []byte { return []byte(`{"data":{"amount":"1.00"}}`) }, false},
		{"CRYPT-01/message-alg", 400, func() []byte { return write(func(l *letter) { l.alg = "RS256" }) }, false},
		{"JWS-02/typ", 400, func() []byte { return write(func(l *letter) { l.header["typ"] = "at+jwt" }) }, false},
		{"JWS-02/has-kid", 400, func() []byte { return write(func(l *letter) { delete(l.header, "kid") }) }, false},
		{"JWS-09/published-key", 400, func() []byte {
			return write(func(l *letter) { l.key = rogue(); l.header["kid"] = rogue().ID })
		}, false},
		{"JWS-09/ignores-embedded-key", 400, func() []byte {
			return write(func(l *letter) {
				l.key = rogue()
				raw, _ := json.Marshal(rogue())
				l.header["jwk"], _ = jwk.ParseKey(raw)
			})
		}, false},
		{"JWS-08/signature", 400, func() []byte { return write(func(l *letter) { l.key = rogue() }) }, false},
		{"JWS-03/aud", 403, func() []byte {
			return write(func(l *letter) { l.claims["aud"] = "https://matls-api.bank.test/open-banking/payments/v5/pix/payments" })
		}, false},
		{"JWS-04/iss", 403, func() []byte { return write(func(l *letter) { l.claims["iss"] = "other-org" }) }, false},
		{"JWS-06/iat-number", 403, func() []byte { return write(func(l *letter) { l.claims["iat"] = "1778068800" }) }, false},
		{"JWS-06/iat-window", 403, func() []byte { return write(func(l *letter) { l.claims["iat"] = now.Unix() + 120 }) }, false},
		{"JWS-05/jti-uuid", 403, func() []byte { return write(func(l *letter) { delete(l.claims, "jti") }) }, false},
		{"JWS-05/jti-unique", 403, func() []byte { return replayed }, true},
	}
	seen := map[string]bool{}
	for _, c := range cases {
		seen[c.rule] = true
		t.Run(c.rule, func(t *testing.T) {
			m := desk(nil)
			body := c.body()
			if c.twice {
				if _, _, err := m.Open(context.Background(), body, theCall()); err != nil {
					t.Fatal(err)
				}
			}
			_, _, err := m.Open(context.Background(), body, theCall())
			got, code := status(err)
			if rule.Of(err) != c.rule || got != c.status || (got == 400) != (code == "BAD_SIGNATURE") {
				t.Fatalf("%v: status %d, code %s", err, got, code)
			}
			board := fault.NewBoard([]fault.Defect{{Name: "x", Kind: fault.Off, Rule: c.rule}})
			if err := board.Arm("x"); err != nil {
				t.Fatal(err)
			}
			m = desk(board.Seams())
			for range 2 {
				out, _, err := m.Open(context.Background(), body, theCall())
				if err != nil || !strings.Contains(string(out), `"amount":"1.00"`) {
					t.Fatalf("switched off: %s %v", out, err)
				}
				if !c.twice {
					break
				}
			}
		})
	}
	for _, r := range Rules() {
		if !seen[r.ID] {
			t.Errorf("%s has no case", r.ID)
		}
	}
}

func TestAJTIMayComeBackAfterADay(t *testing.T) {
	m, c := desk(nil), theCall()
	id := uuid.NewString()
	send := func() error {
		_, _, err := m.Open(context.Background(), write(func(l *letter) { l.claims["jti"] = id; l.claims["iat"] = c.Now.Unix() }), c)
		return err
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	c.Now = c.Now.Add(23 * time.Hour)
	if err := send(); rule.Of(err) != "JWS-05/jti-unique" {
		t.Fatal(err)
	}
	c.Now = c.Now.Add(2 * time.Hour)
	if err := send(); err != nil {
		t.Fatal(err)
	}
	c.Client = &call.Client{ID: "c2", OrganisationID: "client-org"}
	if err := send(); err != nil {
		t.Fatalf("another client: %v", err)
	}
}

func TestADirectoryDownIsNotTheSendersFault(t *testing.T) {
	m := New(Config{Organisation: "bank-org", Key: mine(), Keys: keystore{fail: errors.New("down")}})
	if _, _, err := m.Open(context.Background(), write(nil), theCall()); err == nil || rule.Of(err) != "" {
		t.Fatal(err)
	}
}

func TestAnswersAreSealedForTheirReader(t *testing.T) {
	bent := fault.NewBoard([]fault.Defect{{Name: "x", Kind: fault.Mutate, OnClaims: func(c *fault.Claims) {
		if c.Kind == "payment" {
			c.Body["aud"] = "somebody-else"
		}
	}}})
	if err := bent.Arm("x"); err != nil {
		t.Fatal(err)
	}
	for _, seams := range []*fault.Seams{nil, bent.Seams()} {
		want := "client-org"
		if seams != nil {
			want = "somebody-else"
		}
		ids := map[string]bool{}
		for range 2 {
			compact, err := desk(seams).Seal(context.Background(), theCall(), []byte(`{"data":{"n":12345678901234567890},"meta":{}}`))
			if err != nil {
				t.Fatal(err)
			}
			tok, err := jose.Verify(compact, jose.Set{Keys: []jose.Key{mine()}})
			if err != nil || tok.String("iss") != "bank-org" || tok.String("aud") != want || tok.Header["typ"] != "JWT" || tok.Claims["iat"] != float64(now.Unix()) {
				t.Fatalf("%+v %v", tok.Claims, err)
			}
			if !strings.Contains(string(tok.Payload), "12345678901234567890") {
				t.Errorf("numbers changed: %s", tok.Payload)
			}
			ids[tok.String("jti")] = true
		}
		if len(ids) != 2 {
			t.Error("jti repeats")
		}
	}
}

func TestAMessageIsBelievedOnceADayOverARestart(t *testing.T) {
	dir := t.TempDir()
	begin := func(at time.Time) *Messages {
		seen, err := memo.OpenSeen(dir, at)
		if err != nil {
			t.Fatal(err)
		}
		return New(Config{Organisation: "bank-org", Key: mine(), Keys: keystore{}, Seen: seen})
	}
	id := uuid.NewString()
	open := func(m *Messages, at time.Time) (int, error) {
		c := theCall()
		c.Now = at
		_, _, err := m.Open(t.Context(), write(func(l *letter) { l.claims["jti"], l.claims["iat"] = id, at.Unix() }), c)
		code, _ := status(err)
		return code, err
	}
	if _, err := open(begin(now), now); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]int{now: 403, now.Add(remembered - time.Second): 403} {
		if got, err := open(begin(at), at); got != want { // the one before ended as a killed process does
			t.Errorf("at %v: %v", at, err)
		}
	}
	later := begin(now.Add(remembered))
	if _, err := open(later, now.Add(remembered)); err != nil {
		t.Error(err)
	}
	if err := later.cfg.Seen.Close(); err != nil {
		t.Fatal(err)
	}
	id = uuid.NewString()
	if got, err := open(later, now.Add(remembered)); got != 0 || err == nil {
		t.Errorf("a message that cannot be remembered: %d %v", got, err)
	}
}
