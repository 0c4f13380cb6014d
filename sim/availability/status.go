package availability

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// ProbeOf reads an answer of GET /discovery/v2/status taken at an instant. What is no such answer is
// an error; the caller counts it as none.
func ProbeOf(at time.Time, body []byte) (Probe, error) {
	var answer struct {
		Data struct {
			Status []struct {
				Code                 string   `json:"code"`
				UnavailableEndpoints []string `json:"unavailableEndpoints"`
			} `json:"status"`
		} `json:"data"`
	}
	p := Probe{At: at}
	if err := json.Unmarshal(body, &answer); err != nil {
		return p, fmt.Errorf("status answer: %w", err)
	}
	if len(answer.Data.Status) == 0 {
		return p, errors.New("status answer: data.status is empty")
	}
	p.Code = OK
	all, scheduledAll := false, false
	for _, s := range answer.Data.Status {
		endpoints := templates(s.UnavailableEndpoints)
		switch s.Code {
		case OK:
		case ScheduledOutage:
			scheduledAll = scheduledAll || len(endpoints) == 0
			p.Scheduled = append(p.Scheduled, endpoints...)
			if p.Code == OK {
				p.Code = ScheduledOutage
			}
		case PartialFailure, Unavailable:
			if s.Code == Unavailable || p.Code != Unavailable {
				p.Code = s.Code
			}
			all = all || s.Code == Unavailable && len(endpoints) == 0
			p.Endpoints = append(p.Endpoints, endpoints...)
		default:
			return Probe{At: at}, fmt.Errorf("status answer: no code %q", s.Code)
		}
	}
	switch {
	case all: // whatever else is named is among them
		p.Endpoints, p.Scheduled = nil, nil
	case scheduledAll:
		p.Code, p.Endpoints, p.Scheduled = ScheduledOutage, nil, nil
	case p.Code == ScheduledOutage:
		p.Endpoints, p.Scheduled = p.Scheduled, nil
	}
	return p, nil
}

// templates are the templates behind addresses; the base of an API stands for all of it.
func templates(addresses []string) []string {
	var out []string
	for _, a := range addresses {
		path := Template(a)
		whole := false
		for _, api := range spec.APIs() {
			if strings.TrimSuffix(path, "/") == api.Base {
				whole = true
				for _, op := range api.Operations {
					out = append(out, op.FullPath())
				}
			}
		}
		if !whole {
			out = append(out, path)
		}
	}
	return out
}

// Endpoint is the template that the monitoring knows a call by: from a template, a path or an address. It
// is "" for what is no endpoint of the standard. An endpoint below /open-banking/ may be none that the
// registry knows.
func Endpoint(method, address string) (template string, known bool) {
	path, _, _ := strings.Cut(address, "?")
	if _, rest, ok := strings.Cut(path, "://"); ok {
		_, rest, _ = strings.Cut(rest, "/")
		path = "/" + rest
	}
	if i := strings.Index(path, "/open-banking/"); i >= 0 {
		path = path[i:]
		if op, _, _ := spec.Match(method, path); op != nil {
			return op.FullPath(), true
		}
		if op := anyMethod(path); op != nil {
			return op.FullPath(), true
		}
		return anonymous(path), false
	}
	path = strings.TrimSuffix(path, "/")
	for _, e := range spec.PCMEndpoints() {
		if e.Operation == nil && strings.HasSuffix(path, e.Endpoint) {
			return e.Endpoint, true // below a prefix of the institution's: "/auth/token"
		}
	}
	if i := strings.LastIndex(path, "/register/"); i >= 0 && !strings.Contains(path[i+len("/register/"):], "/") {
		return "/register/{clientId}", true
	}
	return "", false
}

// anonymous puts {id} where a path outside the registry names one thing, so that such paths make few
// series and carry nobody's identifier into a report.
func anonymous(path string) string {
	segments := strings.Split(path, "/")
	for i, seg := range segments {
		if seg == "" || strings.HasPrefix(seg, "{") || seg[0] == 'v' && strings.Trim(seg[1:], "0123456789") == "" {
			continue
		}
		if strings.ContainsAny(seg, "0123456789:%") || len(seg) > 40 {
			segments[i] = "{id}"
		}
	}
	return strings.Join(segments, "/")
}
