package expect

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
)

func answer(status int, body string, header ...string) *tpp.Exchange {
	x := &tpp.Exchange{Method: "GET", URL: "https://bank.test/x", Status: status, Body: []byte(body), Header: http.Header{}, RequestHeader: http.Header{}}
	x.RequestHeader.Set(InteractionID, "8f0c2f6a-1111-4a6e-9c3f-0c0c0c0c0c0c")
	for i := 0; i+1 < len(header); i += 2 {
		x.Header.Add(header[i], header[i+1])
	}
	return x
}

func redirect(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

const ofb = `{"errors":[{"code":"NAO_INFORMADO","title":"t","detail":"d"},{"code":"PARAMETRO_INVALIDO","title":"t","detail":"d"}]}`

// Every matcher has what it accepts and counter-examples that it must not. A matcher that is always true
// fails here.
func TestEveryMatcherHasItsCounterExamples(t *testing.T) {
	id := "8f0c2f6a-1111-4a6e-9c3f-0c0c0c0c0c0c"
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	lost := &tpp.Exchange{Method: "GET", URL: "https://bank.test/x", Err: errors.New("dial: connection refused")}
	alert := &tpp.Exchange{Method: "GET", URL: "https://bank.test/x", Err: errors.New("remote error: tls: bad certificate")}
	signed := answer(201, "eyJ.x.y")
	signed.Claims = map[string]any{"data": map[string]any{"status": "RCVD"}}
	slow := answer(200, "")
	slow.Duration = 3 * time.Second
	for _, c := range []struct {
		name    string
		matcher Matcher
		accepts []any
		refuses []any
	}{
		{"Status", Status(200, 201), []any{answer(200, ""), answer(201, "")}, []any{answer(202, ""), answer(500, ""), lost, alert, nil, 200, (*tpp.Exchange)(nil)}},
		{"Succeeds", Succeeds(), []any{answer(204, "")}, []any{answer(302, ""), answer(404, ""), lost, nil}},
		{"Refused", Refused(), []any{answer(401, ""), answer(422, ""), alert}, []any{answer(200, ""), answer(500, ""), answer(302, ""), lost, nil}},
		{"Refused with status", Refused(401), []any{answer(401, "")}, []any{answer(403, ""), answer(200, ""), alert, lost}},
		{"RefusedConnection", RefusedConnection(401), []any{alert, answer(401, "")}, []any{answer(403, ""), answer(200, ""), lost, nil}},
		{"OAuthError", OAuthError("invalid_request", "invalid_client"), []any{answer(400, `{"error":"invalid_client"}`)},
			[]any{answer(400, `{"error":"invalid_grant"}`), answer(200, `{"error":"invalid_client"}`), answer(500, `{"error":"invalid_client"}`), answer(400, `<html>`), answer(400, `{"error":7}`), answer(400, ``), lost}},
		{"OAuthError of any code", OAuthError(), []any{answer(401, `{"error":"x"}`)}, []any{answer(401, `{}`), answer(401, `{"error":""}`), answer(302, `{"error":"x"}`)}},
		{"OAuthErrorStatus", OAuthErrorStatus([]int{401}, "invalid_client"), []any{answer(401, `{"error":"invalid_client"}`)}, []any{answer(400, `{"error":"invalid_client"}`)}},
		{"OFBError", OFBError(422, "PARAMETRO_INVALIDO"), []any{answer(422, ofb)},
			[]any{answer(400, ofb), answer(422, `{"errors":[]}`), answer(422, `{"errors":[{"code":"PARAMETRO_INVALIDO","title":"t"}]}`), answer(422, `{"errors":[{"code":"OUTRO","title":"t","detail":"d"}]}`), answer(422, `{}`), answer(422, ""), lost}},
		{"OFBError of any code", OFBError(422), []any{answer(422, ofb)}, []any{answer(422, `{"errors":[{"code":"A","title":" ","detail":"d"}]}`)}},
		{"EchoInteractionID", EchoInteractionID(), []any{answer(200, "", InteractionID, id)}, []any{answer(200, ""), answer(200, "", InteractionID, "9f0c2f6a-1111-4a6e-9c3f-0c0c0c0c0c0c"), answer(200, "", InteractionID, id, InteractionID, id), lost}},
		{"OwnInteractionID", OwnInteractionID(), []any{answer(400, "", InteractionID, id)}, []any{answer(400, ""), answer(400, "", InteractionID, "not-a-uuid"), lost}},
		{"Header", Header("Retry-After", Matching(`\d+`)), []any{answer(429, "", "Retry-After", "30")}, []any{answer(429, ""), answer(429, "", "Retry-After", "soon"), answer(429, "", "Retry-After", "1", "Retry-After", "2"), lost}},
		{"NoHeader", NoHeader("Set-Cookie"), []any{answer(200, "")}, []any{answer(200, "", "Set-Cookie", "a"), lost}},
		{"MediaType", MediaType("application/json"), []any{answer(200, "", "Content-Type", "application/json; charset=utf-8")},
			[]any{answer(200, "", "Content-Type", "text/html"), answer(200, "", "Content-Type", "application/json; charset=latin1"), answer(200, ""), lost}},
		{"NotStored", NotStored(), []any{answer(200, "", "Cache-Control", "no-cache, no-store")}, []any{answer(200, "", "Cache-Control", "no-cache"), answer(200, "", "Cache-Control", "no-storehouse"), answer(200, ""), lost}},
		{"Within", Within(time.Second), []any{answer(200, "")}, []any{slow, lost}},
		{"BodyWithout", BodyWithout("123.456", "Segredo"), []any{answer(500, `{"a":1}`)}, []any{answer(500, "x segredo y"), answer(500, "", "X-Debug", "123.456"), lost}},
		{"BodyWithout nothing", BodyWithout(), nil, []any{answer(200, "")}},
		{"JSON", JSON("data[*].status", "OK"), []any{answer(200, `{"data":[{"status":"OK"},{"status":"OK"}]}`)},
			[]any{answer(200, `{"data":[{"status":"OK"},{"status":"NO"}]}`), answer(200, `{"data":[]}`), answer(200, `{}`), answer(200, ``), lost, nil}},
		{"JSON of a signed answer", JSON("data.status", OneOf("RCVD", "ACCP")), []any{signed}, []any{answer(200, `{"data":{"status":"RJCT"}}`)}},
		{"JSONAbsent", JSONAbsent("data.cpf"), []any{answer(200, `{"data":{}}`)}, []any{answer(200, `{"data":{"cpf":null}}`), answer(200, `html`), lost}},
		{"JSONCount", JSONCount("data", 2), []any{answer(200, `{"data":[1,2]}`)}, []any{answer(200, `{"data":[1]}`), answer(200, `{"data":{}}`), answer(200, `{}`), lost}},
		{"Equal", Equal(2), []any{2, 2.0, int64(2)}, []any{3, "2", nil, true}},
		{"OneOf", OneOf("a", "b"), []any{"a"}, []any{"c", "", nil}},
		{"True", True("it is so"), []any{true}, []any{false, nil, "true"}},
		{"Nothing", Nothing(), []any{nil, "", []string{}}, []any{"x", []int{0}, 0, errors.New("e")}},
		{"Something", Something(), []any{"x", 0}, []any{nil, ""}},
		{"Success", Success(), []any{nil}, []any{errors.New("e"), 1}},
		{"Failure", Failure(), []any{errors.New("e")}, []any{nil, "e"}},
		{"InRange", InRange(300, 900), []any{300.0, 900, "600"}, []any{299, 900.5, "abc", nil, true}},
		{"Matching", Matching(`[a-z]+`), []any{"abc"}, []any{"abc1", "", nil, 3}},
		{"Containing", Containing("b"), []any{"abc", []any{"a", "b"}, []string{"b"}}, []any{"acd", []any{}, nil, []string{"bb"}}},
		{"UUID", UUID(), []any{id}, []any{"8f0c", "8f0c2f6a11114a6e9c3f0c0c0c0c0c0c", nil, ""}},
		{"UTC", UTC(), []any{"2026-11-22T03:00:00Z"}, []any{"2026-11-22T03:00:00-03:00", "2026-11-22", "2026-13-22T03:00:00Z", nil}},
		{"Near", Near(now, time.Minute), []any{now.Add(30 * time.Second), "2026-11-22T02:59:30Z"}, []any{now.Add(2 * time.Minute), "yesterday", nil}},
		{"Redirect", Redirect(map[string]any{"error": "access_denied", "state": "s"}), []any{redirect("https://a/cb#error=access_denied&state=s"), "https://a/cb#error=access_denied&state=s"},
			[]any{redirect("https://a/cb?error=access_denied&state=s"), redirect("https://a/cb#error=access_denied"), redirect("https://a/cb#error=access_denied&state=s&state=t"), redirect("https://a/cb#error=x&state=s"), nil, (*url.URL)(nil)}},
		{"Redirect without", Redirect(map[string]any{"code": Something(), "state": Nothing()}), []any{redirect("https://a/cb#code=c")}, []any{redirect("https://a/cb#code=c&state=s"), redirect("https://a/cb#state=s")}},
		{"All", All(Status(200), JSON("a", 1)), []any{answer(200, `{"a":1}`)}, []any{answer(200, `{"a":2}`), answer(400, `{"a":1}`)}},
		{"All of nothing", All(), nil, []any{answer(200, "")}},
		{"Any", Any(Status(200), OFBError(422)), []any{answer(200, ""), answer(422, ofb)}, []any{answer(422, ""), lost}},
		{"Any of nothing", Any(), nil, []any{answer(200, "")}},
	} {
		for i, v := range c.accepts {
			if ok, err := c.matcher.Match(v); !ok || err != nil {
				_, received := c.matcher.Texts(v)
				t.Errorf("%s refuses example %d: %s", c.name, i, received)
			}
		}
		if len(c.refuses) == 0 {
			t.Errorf("%s has no counter-example", c.name)
		}
		for i, v := range c.refuses {
			if ok, _ := c.matcher.Match(v); ok {
				t.Errorf("%s accepts counter-example %d: %v", c.name, i, show(v))
			}
			if expected, received := c.matcher.Texts(v); received == "" || (expected == "" && c.name != "All of nothing" && c.name != "Any of nothing") {
				t.Errorf("%s, counter-example %d: expected %q, received %q", c.name, i, expected, received)
			}
		}
	}
}

func TestTextsOfARedirectKeepSecrets(t *testing.T) {
	_, received := Redirect(map[string]any{"code": Nothing()}).Texts("https://a/cb#code=canary-code")
	if received != "code=a value" {
		t.Errorf("received %q", received)
	}
}
