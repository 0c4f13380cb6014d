package directory

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/sim/fault"
)

// What a request may cost.
const (
	maxBody     = 64 << 10
	maxAddress  = 4 << 10
	bodyTimeout = 10 * time.Second
)

// answer is what a handler gives back. Body is written as it is when it is []byte, else as JSON.
type answer struct {
	status int // 0 means 200
	kind   string
	header map[string]string
	body   any
}

// problem is a refusal. With code it is an OAuth error, else one of the directory's (errors: […]).
type problem struct {
	status int
	code   string
	text   string
}

func (p *problem) Error() string { return p.text }

func (p *problem) answer() answer {
	if p.code != "" {
		return answer{status: p.status, header: noStore, body: map[string]string{"error": p.code, "error_description": p.text}}
	}
	return answer{status: p.status, header: noStore, body: map[string][]string{"errors": {p.text}}}
}

var noStore = map[string]string{"Cache-Control": "no-store"}

func missing(what string) error {
	return &problem{status: http.StatusNotFound, text: what + " not found"}
}

// Handler serves every host of the directory, told apart by the Host of the request. The server in front
// asks for a client certificate at [Addresses.MutualTLS]; it is judged here.
func (d *Directory) Handler() http.Handler {
	unknown := d.serve("unknown", func(*http.Request) (answer, error) {
		return answer{}, &problem{status: http.StatusMisdirectedRequest, text: "no such host"}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := d.outage.Load(); status != 0 {
			d.serve("outage", func(*http.Request) (answer, error) {
				return answer{}, &problem{status: int(status), text: "the directory is down"}
			})(w, r)
			return
		}
		if d.cfg.Seams.Bends() {
			d.cfg.Seams.Request(&fault.Request{Place: "directory", HTTP: r})
		}
		if h, ok := d.public[hostOf("//"+strings.ToLower(r.Host))]; ok {
			h.ServeHTTP(w, r)
			return
		}
		unknown(w, r)
	})
}

// serve turns a function into a handler that bounds the request and passes the reply through the seam.
func (d *Directory) serve(operation string, h func(*http.Request) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var a answer
		var err error
		if len(r.RequestURI) > maxAddress {
			err = &problem{status: http.StatusRequestURITooLong, text: "address too long"}
		} else {
			if r.Body != nil && r.Body != http.NoBody {
				// A sender that dawdles loses its connection. The timer, unlike a deadline, needs no
				// reading of a clock that tests step.
				control := http.NewResponseController(w)
				late := time.AfterFunc(d.patience, func() { _ = control.SetReadDeadline(time.Unix(1, 0)) })
				defer late.Stop()
				r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			}
			a, err = h(r)
		}
		d.reply(w, r, operation, a, err)
	}
}

func (d *Directory) reply(w http.ResponseWriter, r *http.Request, operation string, a answer, err error) {
	var p *problem
	switch {
	case errors.As(err, &p):
		a = p.answer()
	case err != nil:
		a = (&problem{status: http.StatusInternalServerError, text: "internal error"}).answer()
	}
	body, ok := a.body.([]byte)
	if !ok && a.body != nil {
		if body, err = json.Marshal(a.body); err != nil {
			a.status, body = http.StatusInternalServerError, []byte(`{"errors":["internal error"]}`)
		}
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	header := w.Header()
	for k, v := range a.header {
		header.Set(k, v)
	}
	if len(body) > 0 {
		if a.kind == "" {
			a.kind = "application/json"
		}
		header.Set("Content-Type", a.kind)
	}
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("x-fapi-interaction-id", interaction(r))
	if d.cfg.Seams.Bends() {
		out := &fault.Reply{Place: "directory", Operation: operation, Request: r, Status: a.status, Header: header, Body: body}
		d.cfg.Seams.Reply(out)
		a.status, body = out.Status, out.Body
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

var interactionID = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9\-]{0,99}$`)

// interaction returns the caller's correlation id, or a new one.
func interaction(r *http.Request) string {
	if id := r.Header.Get("x-fapi-interaction-id"); interactionID.MatchString(id) {
		return id
	}
	return uuid.NewString()
}

// read returns the body of a request, or the refusal of one that is too large or never comes.
func read(r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(r.Body)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &problem{status: http.StatusRequestEntityTooLarge, text: "body too large"}
	case err != nil:
		return nil, &problem{status: http.StatusBadRequest, text: "body cannot be read"}
	}
	return b, nil
}

func readJSON(r *http.Request, into any) error {
	b, err := read(r)
	if err != nil {
		return err
	}
	if json.Unmarshal(b, into) != nil {
		return &problem{status: http.StatusBadRequest, text: "body is not the expected JSON"}
	}
	return nil
}

// routes is a mux whose own refusals are JSON too.
func (d *Directory) routes(table map[string]func(*http.Request) (answer, error), names map[string]string) http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range table {
		name := names[pattern]
		if name == "" {
			name = pattern
		}
		mux.HandleFunc(pattern, d.serve(name, h))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		v := verdict{header: http.Header{}, status: http.StatusNotFound}
		h.ServeHTTP(&v, r)
		if allow := v.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
		}
		d.reply(w, r, "unknown", answer{}, &problem{status: v.status, text: http.StatusText(v.status)})
	})
}

// verdict listens to what the mux would answer to a request that has no route.
type verdict struct {
	header http.Header
	status int
}

func (v *verdict) Header() http.Header         { return v.header }
func (v *verdict) WriteHeader(status int)      { v.status = status }
func (v *verdict) Write(b []byte) (int, error) { return len(b), nil }

// page cuts a list by the page and size of the query, counting pages from 0.
func page[T any](r *http.Request, all []T) (some []T, number, size int, err error) {
	number, size = 0, 100
	for name, to := range map[string]*int{"page": &number, "size": &size} {
		if v := r.URL.Query().Get(name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 || n > 1_000_000 || (name == "size" && (n == 0 || n > 1000)) {
				return nil, 0, 0, &problem{status: http.StatusBadRequest, text: name + " is out of range"}
			}
			*to = n
		}
	}
	from := min(number*size, len(all))
	return all[from:min(from+size, len(all))], number, size, nil
}

// paged wraps a list as the published pages do.
func paged[T any](r *http.Request, all []T) (any, error) {
	some, number, size, err := page(r, all)
	if err != nil {
		return nil, err
	}
	if some == nil {
		some = []T{}
	}
	order := map[string]any{"sorted": r.URL.Query().Get("sort") != "", "orderBy": []any{}}
	return map[string]any{
		"content": some, "empty": len(some) == 0, "numberOfElements": len(some), "offset": number * size,
		"pageNumber": number, "size": size, "totalPages": (len(all) + size - 1) / size, "totalSize": len(all),
		"pageable": map[string]any{"number": number, "offset": number * size, "size": size, "sorted": order["sorted"], "sort": order},
	}, nil
}
