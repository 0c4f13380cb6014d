package as

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// maxForm bounds a posted form, in bytes.
const maxForm = 512 << 10

// formRules are what every form posted by a client must keep.
var formRules = rule.NewSet("form",
	row("AS-REQ-19/no-duplicates", fault.Minor, "No parameter is sent twice.",
		invalidRequest("a parameter is sent more than once"), func(f url.Values) bool {
			for _, values := range f {
				if len(values) > 1 {
					return false
				}
			}
			return true
		}),
)

// form reads a posted form by the rules of every form.
func (s *Server) form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		return nil, errMethod
	}
	f, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	return f, formRules.Check(r.Context(), s.seams, f)
}

// readForm reads the body as a form, bounded.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, invalidRequest("the body is not a form")
	}
	body, err := readBody(w, r, maxForm)
	if err != nil {
		return nil, err
	}
	f, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalidRequest("the form cannot be read")
	}
	return f, nil
}

// readBody reads at most limit bytes (AS-REQ-19).
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, invalidRequest("the body is too large")
	case err != nil:
		return nil, invalidRequest("the body cannot be read")
	}
	return body, nil
}
