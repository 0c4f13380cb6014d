package expect

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
)

// answered says in one line what an exchange brought.
func answered(x *tpp.Exchange) string {
	if x == nil {
		return "nothing"
	}
	if x.Err != nil {
		return short("no answer: " + x.Err.Error())
	}
	s := strconv.Itoa(x.Status)
	if text := http.StatusText(x.Status); text != "" {
		s += " " + text
	}
	body := view(x)
	if code, _ := find(body, "error"); len(code) > 0 {
		s += fmt.Sprintf(" with %v", code[0])
		if d, _ := find(body, "error_description"); len(d) > 0 {
			s += fmt.Sprintf(" (%v)", d[0])
		}
	} else if codes := errorCodes(x); len(codes) > 0 {
		s += " with " + strings.Join(codes, ", ")
	}
	return short(s)
}

func statuses(codes []int) string {
	var parts []string
	for _, c := range codes {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%d %s", c, http.StatusText(c))))
	}
	return strings.Join(parts, " or ")
}

// Status expects one of the HTTP statuses.
func Status(codes ...int) Matcher {
	return Answer("status "+statuses(codes), func(x *tpp.Exchange) (string, bool) {
		return answered(x), slices.Contains(codes, x.Status)
	})
}

// Succeeds expects any 2xx answer.
func Succeeds() Matcher {
	return Answer("success (2xx)", func(x *tpp.Exchange) (string, bool) {
		return answered(x), x.Status >= 200 && x.Status < 300
	})
}

// Refused expects a client error (4xx), or that the connection was refused during the TLS handshake:
// the ways in which a server may decline what it was sent. With statuses given, only those count.
func Refused(codes ...int) Matcher {
	expected := "a refusal (4xx, or at the TLS handshake)"
	if len(codes) > 0 {
		expected = "a refusal with " + statuses(codes)
	}
	return rule{expected, func(actual any) (string, bool) {
		x, ok := actual.(*tpp.Exchange)
		switch {
		case !ok || x == nil:
			return fmt.Sprintf("no exchange but %T", actual), false
		case x.Err != nil:
			return answered(x), len(codes) == 0 && AtHandshake(x.Err)
		case len(codes) > 0:
			return answered(x), slices.Contains(codes, x.Status)
		}
		return answered(x), x.Status >= 400 && x.Status < 500
	}}
}

// RefusedConnection expects a refusal at the TLS handshake, or one of the statuses given.
func RefusedConnection(codes ...int) Matcher {
	expected := "a refusal at the TLS handshake"
	if len(codes) > 0 {
		expected += " or with " + statuses(codes)
	}
	return rule{expected, func(actual any) (string, bool) {
		x, ok := actual.(*tpp.Exchange)
		switch {
		case !ok || x == nil:
			return fmt.Sprintf("no exchange but %T", actual), false
		case x.Err != nil:
			return answered(x), AtHandshake(x.Err)
		}
		return answered(x), slices.Contains(codes, x.Status)
	}}
}

// AtHandshake says whether the peer ended the connection with a TLS alert: a deliberate refusal, unlike
// a connection that broke.
func AtHandshake(err error) bool {
	return err != nil && strings.Contains(err.Error(), "remote error: tls:")
}

// OAuthError expects an error answer of the authorization server (RFC 6749 5.2): a 4xx JSON object whose
// error is one of the codes. Without codes any error code will do.
func OAuthError(codes ...string) Matcher { return OAuthErrorStatus(nil, codes...) }

// OAuthErrorStatus is [OAuthError] with the statuses that are right; nil means any 4xx.
func OAuthErrorStatus(allowed []int, codes ...string) Matcher {
	expected := "an OAuth error"
	if len(codes) > 0 {
		expected = "OAuth error " + strings.Join(codes, " or ")
	}
	if len(allowed) > 0 {
		expected += " with " + statuses(allowed)
	}
	return Answer(expected, func(x *tpp.Exchange) (string, bool) {
		found, _ := find(view(x), "error")
		if len(found) != 1 {
			return answered(x), false
		}
		code, isText := found[0].(string)
		right := x.Status >= 400 && x.Status < 500
		if len(allowed) > 0 {
			right = slices.Contains(allowed, x.Status)
		}
		return answered(x), isText && code != "" && right && (len(codes) == 0 || slices.Contains(codes, code))
	})
}

// OFBError expects an error answer of an Open Finance API: the status, and a non-empty list errors whose
// entries have code, title and detail. With codes given, one entry carries one of them.
func OFBError(status int, codes ...string) Matcher { return OFBErrorStatus([]int{status}, codes...) }

// OFBErrorStatus is [OFBError] with several right statuses.
func OFBErrorStatus(allowed []int, codes ...string) Matcher {
	expected := "error list with status " + statuses(allowed)
	if len(codes) > 0 {
		expected += " and code " + strings.Join(codes, " or ")
	}
	return Answer(expected, func(x *tpp.Exchange) (string, bool) {
		if !slices.Contains(allowed, x.Status) {
			return answered(x), false
		}
		if flaw := errorForm(x); flaw != "" {
			return answered(x) + "; " + flaw, false
		}
		if len(codes) == 0 {
			return answered(x), true
		}
		return answered(x), slices.ContainsFunc(errorCodes(x), func(c string) bool { return slices.Contains(codes, c) })
	})
}

func errorCodes(x *tpp.Exchange) []string {
	found, _ := find(view(x), "errors[*].code")
	var out []string
	for _, v := range found {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func errorForm(x *tpp.Exchange) string {
	list, _ := find(view(x), "errors[*]")
	if len(list) == 0 {
		return "there is no list of errors"
	}
	for i, entry := range list {
		m, _ := entry.(map[string]any)
		for _, member := range []string{"code", "title", "detail"} {
			if s, ok := m[member].(string); !ok || strings.TrimSpace(s) == "" {
				return fmt.Sprintf("errors[%d] lacks %s", i, member)
			}
		}
	}
	return ""
}

// InteractionID is the header that ties both sides of a call together.
const InteractionID = "X-Fapi-Interaction-Id"

// EchoInteractionID expects x-fapi-interaction-id in the answer, once, equal to the request's (RS-HDR-02).
func EchoInteractionID() Matcher {
	return Answer("x-fapi-interaction-id as it was sent", func(x *tpp.Exchange) (string, bool) {
		sent, got := x.RequestHeader.Get(InteractionID), x.Header.Values(InteractionID)
		switch {
		case sent == "":
			return "the request had none", false
		case len(got) == 0:
			return "none", false
		case len(got) > 1:
			return fmt.Sprintf("%d of them: %s", len(got), strings.Join(got, ", ")), false
		}
		return got[0], strings.EqualFold(got[0], sent)
	})
}

// OwnInteractionID expects an x-fapi-interaction-id that the server made: a UUID.
func OwnInteractionID() Matcher {
	return Answer("an x-fapi-interaction-id of the server's making", func(x *tpp.Exchange) (string, bool) {
		got := x.Header.Get(InteractionID)
		if got == "" {
			return "none", false
		}
		return got, isUUID(got)
	})
}

// Header expects a header whose single value matches.
func Header(name string, want any) Matcher {
	m := matcher(want)
	expected, _ := m.Texts(nil)
	return Answer("header "+strings.ToLower(name)+": "+expected, func(x *tpp.Exchange) (string, bool) {
		values := x.Header.Values(name)
		if len(values) != 1 {
			return fmt.Sprintf("%d values of %s", len(values), strings.ToLower(name)), false
		}
		_, received := m.Texts(values[0])
		ok, err := m.Match(values[0])
		return received, ok && err == nil
	})
}

// NoHeader expects that a header is absent.
func NoHeader(name string) Matcher {
	return Answer("no header "+strings.ToLower(name), func(x *tpp.Exchange) (string, bool) {
		values := x.Header.Values(name)
		return strings.Join(values, ", "), len(values) == 0
	})
}

// MediaType expects the content type, whatever its parameters.
func MediaType(want string) Matcher {
	return Answer("media type "+want, func(x *tpp.Exchange) (string, bool) {
		got, params, err := mime.ParseMediaType(x.Header.Get("Content-Type"))
		if err != nil {
			return show(x.Header.Get("Content-Type")), false
		}
		if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
			return got + " in " + cs, false
		}
		return got, got == want
	})
}

// NotStored expects that no cache may keep the answer.
func NotStored() Matcher {
	return Answer("cache-control: no-store", func(x *tpp.Exchange) (string, bool) {
		got := strings.ToLower(strings.Join(x.Header.Values("Cache-Control"), ", "))
		if got == "" {
			return "no cache-control", false
		}
		return got, slices.Contains(strings.FieldsFunc(got, func(r rune) bool { return r == ',' || r == ' ' }), "no-store")
	})
}

// Within expects an answer in time.
func Within(limit time.Duration) Matcher {
	return Answer("an answer within "+limit.String(), func(x *tpp.Exchange) (string, bool) {
		return x.Duration.Round(time.Millisecond).String(), x.Duration <= limit
	})
}

// Reveals nothing: BodyWithout expects that none of the texts stands in the answer's body or headers.
func BodyWithout(secrets ...string) Matcher {
	return Answer(fmt.Sprintf("an answer that reveals none of %d protected values", len(secrets)), func(x *tpp.Exchange) (string, bool) {
		all := string(x.Body) + " " + show(x.Claims)
		for name, values := range x.Header {
			all += " " + name + ": " + strings.Join(values, " ")
		}
		for _, s := range secrets {
			if s != "" && strings.Contains(strings.ToLower(all), strings.ToLower(s)) {
				return "an answer that holds one, " + strconv.Itoa(len(s)) + " characters long", false
			}
		}
		return "none of them", len(secrets) > 0
	})
}
