package security

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"testing"

	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func TestEntropyTellsRandomFromCounted(t *testing.T) {
	draw := func(n int) (all []string) {
		for range 200 {
			raw := make([]byte, n)
			_, _ = rand.Read(raw)
			all = append(all, base64.RawURLEncoding.EncodeToString(raw))
		}
		return all
	}
	var counted []string
	for i := range 200 {
		counted = append(counted, fmt.Sprintf("token-of-the-bank-that-is-very-long-indeed-%08d", i))
	}
	if bits := entropy(draw(32)); bits < 128 {
		t.Errorf("32 random bytes: %.0f bits", bits)
	}
	if bits := entropy(draw(9)); bits >= 128 {
		t.Errorf("9 random bytes: %.0f bits", bits)
	}
	if bits := entropy(counted); bits >= 128 {
		t.Errorf("a counter: %.0f bits", bits)
	}
}

func TestMatchersRefuseTheirCounterExamples(t *testing.T) {
	came := func(raw string) arrival {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return arrival{redirect: u, answer: tpp.ReadAnswer(u)}
	}
	page := func(status int) arrival {
		return arrival{answer: tpp.ReadAnswer(nil), err: &psu.Stopped{Page: psu.Page{Status: status}}}
	}
	answer := func(body string) *tpp.Exchange { return &tpp.Exchange{Status: 200, Body: []byte(body)} }
	who := &check.Person{CPF: "52998224725"}
	for name, c := range map[string]struct {
		matcher expect.Matcher
		actual  any
		want    bool
	}{
		"error at the redirect URI":    {refusedOnArrival(), came("https://tpp.test/cb#error=access_denied"), true},
		"another error than wanted":    {refusedOnArrival("invalid_request"), came("https://tpp.test/cb#error=access_denied"), false},
		"a code":                       {refusedOnArrival(), came("https://tpp.test/cb#code=x&id_token=y"), false},
		"a code beside an error":       {refusedOnArrival(), came("https://tpp.test/cb#code=x&error=access_denied"), false},
		"nothing at all":               {refusedOnArrival(), came("https://tpp.test/cb"), false},
		"an error page":                {refusedOnArrival(), page(400), true},
		"a crash":                      {refusedOnArrival(), page(500), false},
		"a page where one is wanted":   {stoppedOnPage(), page(400), true},
		"a redirect instead of a page": {stoppedOnPage(), came("https://tpp.test/cb#error=invalid_request"), false},
		"no arrival":                   {stoppedOnPage(), nil, false},
		"lifetime in range":            {lifetime(), answer(`{"expires_in":300}`), true},
		"lifetime too short":           {lifetime(), answer(`{"expires_in":299}`), false},
		"lifetime too long":            {lifetime(), answer(`{"expires_in":901}`), false},
		"lifetime as text":             {lifetime(), answer(`{"expires_in":"600"}`), false},
		"client alone":                 {audience("c"), "c", true},
		"client alone in a list":       {audience("c"), []any{"c"}, true},
		"client among others":          {audience("c"), []any{"c", "d"}, false},
		"another client":               {audience("c"), "d", false},
		"anonymous claims":             {anonymous(who), map[string]any{"sub": "x"}, true},
		"a claim that names":           {anonymous(who), map[string]any{"email": "x"}, false},
		"a document in another claim":  {anonymous(who), map[string]any{"sub": "cpf-52998224725"}, false},
		"no claims":                    {anonymous(who), nil, false},
		"only the allowed":             {only("m", "a"), answer(`{"m":["a"]}`), true},
		"one too many":                 {only("m", "a"), answer(`{"m":["a","b"]}`), false},
		"all the wanted":               {names("m", "a"), answer(`{"m":["a","b"]}`), true},
		"one missing":                  {names("m", "a", "c"), answer(`{"m":["a","b"]}`), false},
		"the same refresh token":       {sameToken("r"), answer(`{"access_token":"a","refresh_token":"r"}`), true},
		"no refresh token":             {sameToken("r"), answer(`{"access_token":"a"}`), true},
		"a rotated refresh token":      {sameToken("r"), answer(`{"access_token":"a","refresh_token":"s"}`), false},
		"no access token":              {sameToken("r"), answer(`{"refresh_token":"r"}`), false},
	} {
		if got, err := c.matcher.Match(c.actual); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if expected, received := c.matcher.Texts(c.actual); expected == "" || received == "" {
			t.Errorf("%s: says nothing", name)
		}
	}
}

func TestEveryCheckExplainsItself(t *testing.T) {
	for _, c := range Checks() {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
		if len(c.Rules) == 0 || c.Why == "" || len(c.Causes) == 0 || len(c.Needs) == 0 {
			t.Errorf("check %s lacks rules, why, causes or needs", c.ID)
		}
	}
}
