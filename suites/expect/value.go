package expect

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onsi/gomega/types"

	"github.com/ensaio/ensaio/participants/tpp"
)

// JSON expects that the value at a path of the answer matches: a plain value or any matcher. The path
// reads "data.accounts[0].accountId"; [*] stands for every element, all of which must match, and there
// must be one. The body of a signed answer is its claims.
func JSON(path string, want any) Matcher {
	m := matcher(want)
	expected, _ := m.Texts(nil)
	return content(path+": "+expected, func(body any) (string, bool) {
		found, where := find(body, path)
		if len(found) == 0 {
			return "no " + where, false
		}
		for _, v := range found {
			ok, err := m.Match(v)
			if !ok || err != nil {
				_, received := m.Texts(v)
				return path + ": " + received, false
			}
		}
		return path + ": " + show(found[0]), true
	})
}

// JSONAbsent expects that nothing stands at the path.
func JSONAbsent(path string) Matcher {
	return content("no "+path, func(body any) (string, bool) {
		if body == nil {
			return "no JSON at all", false
		}
		found, _ := find(body, path)
		if len(found) == 0 {
			return "none", true
		}
		return path + ": " + show(found[0]), false
	})
}

// JSONCount expects an array of that many elements at the path.
func JSONCount(path string, want any) Matcher {
	m := matcher(want)
	expected, _ := m.Texts(nil)
	return content(path+" with "+expected+" elements", func(body any) (string, bool) {
		found, where := find(body, path)
		if len(found) == 0 {
			return "no " + where, false
		}
		list, ok := found[0].([]any)
		if !ok {
			return path + " is no array", false
		}
		ok, err := m.Match(len(list))
		return strconv.Itoa(len(list)) + " elements", ok && err == nil
	})
}

// content judges the JSON of an answer, or a decoded JSON value given as such.
func content(expected string, judge func(body any) (string, bool)) Matcher {
	return rule{expected, func(actual any) (string, bool) {
		switch v := actual.(type) {
		case *tpp.Exchange:
			if v == nil || v.Err != nil {
				return answered(v), false
			}
			received, ok := judge(view(v))
			if !ok && v.Status >= 400 {
				received += " (" + answered(v) + ")"
			}
			return received, ok
		case []byte:
			return judge(decode(v))
		case json.RawMessage:
			return judge(decode(v))
		}
		return judge(actual)
	}}
}

// matcher turns a plain value into a matcher of exactly it.
func matcher(want any) Matcher {
	switch m := want.(type) {
	case Matcher:
		return m
	case types.GomegaMatcher:
		return rule{"a value that satisfies " + fmt.Sprintf("%T", m), func(actual any) (string, bool) {
			ok, err := m.Match(actual)
			return show(actual), ok && err == nil
		}}
	}
	return Equal(want)
}

// view is the JSON content of an answer: the claims of a signed one, else the body.
func view(x *tpp.Exchange) any {
	if x.Claims != nil {
		return x.Claims
	}
	return decode(x.Body)
}

func decode(b []byte) any {
	var v any
	if json.Unmarshal(b, &v) != nil {
		return nil
	}
	return v
}

// Value returns what stands at a path of the answer, or nil.
func Value(x *tpp.Exchange, path string) any {
	if x == nil || x.Err != nil {
		return nil
	}
	found, _ := find(view(x), path)
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// Values returns everything at a path that may hold [*].
func Values(x *tpp.Exchange, path string) []any {
	if x == nil || x.Err != nil {
		return nil
	}
	found, _ := find(view(x), path)
	return found
}

// Text returns the text at a path of the answer, or "".
func Text(x *tpp.Exchange, path string) string {
	s, _ := Value(x, path).(string)
	return s
}

// find walks a path and returns the values there, and how far it came when there are none.
func find(body any, path string) (found []any, where string) {
	steps := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	found = []any{body}
	for _, step := range steps {
		where = strings.TrimPrefix(where+"."+step, ".")
		var next []any
		for _, v := range found {
			switch v := v.(type) {
			case map[string]any:
				if inner, ok := v[step]; ok {
					next = append(next, inner)
				} else if step == "*" {
					for _, inner := range v {
						next = append(next, inner)
					}
				}
			case []any:
				if step == "*" {
					next = append(next, v...)
				} else if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v) {
					next = append(next, v[i])
				}
			}
		}
		if found = next; len(found) == 0 {
			return nil, where
		}
	}
	return found, where
}

// InRange expects a number between two bounds, both included. Texts that are numbers count.
func InRange(low, high float64) Matcher {
	return rule{fmt.Sprintf("between %v and %v", low, high), func(actual any) (string, bool) {
		n, ok := number(actual)
		if s, isText := actual.(string); isText {
			f, err := strconv.ParseFloat(s, 64)
			n, ok = f, err == nil
		}
		return show(actual), ok && n >= low && n <= high
	}}
}

// Matching expects a text that fits the whole regular expression.
func Matching(expression string) Matcher {
	re := regexp.MustCompile(`^(?:` + expression + `)$`)
	return rule{"a text like " + expression, func(actual any) (string, bool) {
		s, ok := actual.(string)
		return show(actual), ok && re.MatchString(s)
	}}
}

// Containing expects a text that holds the part, or a list that holds the element.
func Containing(part any) Matcher {
	return rule{"something that holds " + show(part), func(actual any) (string, bool) {
		switch v := actual.(type) {
		case string:
			s, ok := part.(string)
			return show(actual), ok && s != "" && strings.Contains(v, s)
		case []any:
			for _, e := range v {
				if same(part, e) {
					return show(actual), true
				}
			}
		case []string:
			for _, e := range v {
				if same(part, e) {
					return show(actual), true
				}
			}
		}
		return show(actual), false
	}}
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$`)

func isUUID(s string) bool { return uuidForm.MatchString(s) }

// UUID expects a UUID as RFC 4122 writes it.
func UUID() Matcher {
	return rule{"a UUID", func(actual any) (string, bool) {
		s, ok := actual.(string)
		return show(actual), ok && isUUID(s)
	}}
}

// UTC expects a timestamp of the form 2027-03-01T08:30:00Z.
func UTC() Matcher {
	return rule{"a UTC timestamp such as 2027-03-01T08:30:00Z", func(actual any) (string, bool) {
		s, ok := actual.(string)
		_, err := time.Parse("2006-01-02T15:04:05Z", s)
		return show(actual), ok && err == nil
	}}
}

// Near expects a timestamp, text or time, no further than slack from want.
func Near(want time.Time, slack time.Duration) Matcher {
	return rule{fmt.Sprintf("a time within %v of %s", slack, want.UTC().Format(time.RFC3339)), func(actual any) (string, bool) {
		var got time.Time
		switch v := actual.(type) {
		case time.Time:
			got = v
		case string:
			t, err := time.Parse(time.RFC3339, v)
			if err != nil {
				return show(actual), false
			}
			got = t
		default:
			return show(actual), false
		}
		return got.UTC().Format(time.RFC3339), got.Sub(want).Abs() <= slack
	}}
}

// Redirect expects the parameters of an answer at the client's redirect address: in the fragment, as the
// hybrid flow demands, each with a value that matches. The actual value is a *url.URL or its text.
func Redirect(params map[string]any) Matcher {
	var parts []string
	names := slices.Sorted(maps.Keys(params))
	for _, name := range names {
		expected, _ := matcher(params[name]).Texts(nil)
		parts = append(parts, name+"="+expected)
	}
	return rule{"a redirect with " + strings.Join(parts, ", ") + " in the fragment", func(actual any) (string, bool) {
		u := address(actual)
		if u == nil {
			return "no redirect", false
		}
		values, err := url.ParseQuery(u.EscapedFragment())
		if err != nil {
			return "a fragment that is no form", false
		}
		for _, name := range names {
			m := matcher(params[name])
			var v any
			if values.Has(name) {
				v = values.Get(name)
			}
			if ok, err := m.Match(v); !ok || err != nil || len(values[name]) > 1 {
				_, received := m.Texts(v)
				if name == "code" || name == "id_token" {
					received = presence(v)
				}
				if e := values.Get("error"); e != "" && name != "error" {
					received += " (error " + e + ")"
				}
				return name + "=" + received, false
			}
		}
		return "such a redirect", len(params) > 0
	}}
}

func presence(v any) string {
	if v == nil {
		return "nothing"
	}
	return "a value"
}

func address(actual any) *url.URL {
	switch v := actual.(type) {
	case *url.URL:
		return v
	case string:
		if u, err := url.Parse(v); err == nil && u.Scheme != "" {
			return u
		}
	}
	return nil
}
