package as

import (
	"encoding/json"
	"net/http"
	"strings"
)

// maxAddress is the longest address a report carries.
const maxAddress = 200

// report tells the metrics platform of a step of the consent journey (hybrid-flow reports). It never
// stands in the customer's way.
func (s *Server) report(r *http.Request, q *request, step string, fields map[string]string) {
	if s.cfg.Outbox == nil || q.consentID == "" {
		return
	}
	system, version := operatingSystem(r.UserAgent())
	body := map[string]string{
		"consentId": q.consentID, "serverOrgId": s.cfg.Org.ID, "os": system, "osVersion": version,
		"timestamp": s.clock.Now().Format("2006-01-02T15:04:05.000Z"),
	}
	for k, v := range fields {
		body[k] = v
	}
	b, err := json.Marshal(body)
	if err == nil {
		err = s.cfg.Outbox.Append("hybrid-flow/server/"+step, b)
	}
	if err != nil {
		s.log.Error("journey not reported", "step", step, "error", err)
	}
}

func (s *Server) arrived(r *http.Request, q *request) {
	s.report(r, q, "redirect-target", map[string]string{"type": "AWAITING_USER_AUTH", "uriAuthorizationEndpoint": cut(s.cfg.Issuer + pathAuthorize)})
}

func (s *Server) authenticated(r *http.Request, q *request) {
	s.report(r, q, "authenticated", map[string]string{"platform": "BROWSER"})
}

func (s *Server) departed(r *http.Request, q *request, approved bool) {
	kind := "REJECTED"
	if approved {
		kind = "AUTHORISED"
	}
	s.report(r, q, "redirect-to-client", map[string]string{"platform": "BROWSER", "type": kind, "uri_callback": cut(q.redirect)})
}

func cut(s string) string { return s[:min(len(s), maxAddress)] }

// systems are the marks of a User-Agent, the more special first.
var systems = []struct{ mark, name string }{
	{"Android ", "ANDROID"}, {"iPhone OS ", "IOS"}, {"CPU OS ", "IOS"}, {"Windows NT ", "WINDOWS"}, {"Mac OS X ", "MACOS"}, {"Linux", "LINUX"}, {"X11", "UNIX"},
}

// operatingSystem reads system and version out of a User-Agent.
func operatingSystem(agent string) (name, version string) {
	for _, one := range systems {
		_, rest, ok := strings.Cut(agent, one.mark)
		if !ok {
			continue
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' && r != '_' })
		if end < 0 {
			end = len(rest)
		}
		if version = strings.ReplaceAll(rest[:min(end, 20)], "_", "."); version == "" {
			version = "0"
		}
		return one.name, version
	}
	return "OTHER", "0"
}
