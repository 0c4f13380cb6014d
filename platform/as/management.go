package as

import (
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// steward is somebody who manages a registration.
type steward struct {
	client      *registration
	token       string
	certificate *x509.Certificate
	body        map[string]any // of a PUT
}

var managementRules = rule.NewSet("client management",
	row("DCM-01/registration-token", fault.Critical, "A registration is managed with its own registration access token.", invalidToken("the registration access token is missing or wrong"),
		func(m *steward) bool { return m.client.owns(m.token) }),
	row("DCR-22/own-certificate", fault.Critical, "A registration is managed with a certificate of its own software and organisation.", invalidClient("the certificate is not the client's"),
		func(m *steward) bool { return fits(m.certificate, m.client) }),
	row("DCM-07/client-id", fault.Minor, "An update carries the client_id it is for.", invalidMetadata("client_id is not that of the client"),
		func(m *steward) bool { return m.body == nil || m.body["client_id"] == m.client.ID }),
)

// manage reads, changes or deletes a registration (RFC 7592; DCM-01 to DCM-09).
func (s *Server) manage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	certificate, err := s.transport(ctx, r, managementCertificateRules)
	if err != nil {
		return err
	}
	m := &steward{certificate: certificate, token: bearer(r), client: s.clients.get(r.PathValue("client"))}
	if m.client == nil {
		return invalidToken("the registration access token is missing or wrong")
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return s.readClient(ctx, w, r, m)
	case http.MethodPut:
		return s.updateClient(ctx, w, r, m)
	case http.MethodDelete:
		return s.deleteClient(ctx, w, r, m)
	}
	return errMethod
}

func (s *Server) readClient(ctx context.Context, w http.ResponseWriter, r *http.Request, m *steward) error {
	if err := managementRules.Check(ctx, s.seams, m); err != nil {
		return err
	}
	view := maps.Clone(m.client.Metadata)
	if m.client.owns(m.token) {
		view["registration_access_token"] = m.token
	}
	if s.seams.Bends() {
		s.seams.Claims(&fault.Claims{Kind: "registration", At: "read", Header: map[string]any{}, Body: view})
		if err := s.rotate(ctx, m, view); err != nil {
			return err
		}
	}
	s.reply(w, r, "register", http.StatusOK, nil, view)
	return nil
}

func (s *Server) updateClient(ctx context.Context, w http.ResponseWriter, r *http.Request, m *steward) error {
	var err error
	if m.body, err = readJSON(w, r); err != nil {
		return err
	}
	if err := managementRules.Check(ctx, s.seams, m); err != nil {
		return err
	}
	e := &enrolment{server: s, body: m.body, certificate: m.certificate, known: m.client, now: s.clock.Now()}
	if err := e.judge(ctx); err != nil {
		return err
	}
	answer, err := s.replace(ctx, m, e)
	if err != nil {
		return err
	}
	s.reply(w, r, "register", http.StatusOK, nil, answer)
	return nil
}

// replace puts an enrolment in the place of a registration. The answer is written after the lock is
// released: a client that reads slowly keeps nobody else waiting.
func (s *Server) replace(ctx context.Context, m *steward, e *enrolment) (map[string]any, error) {
	s.clients.writing.Lock()
	defer s.clients.writing.Unlock()
	if s.clients.get(m.client.ID) == nil {
		return nil, invalidToken("the registration access token is missing or wrong")
	}
	step := s.seams.Transition(fault.Transition{Machine: "client", ID: m.client.ID, Event: "update", From: "registered", To: "registered", Allowed: true})
	if !step.Allowed {
		return nil, invalidMetadata("the registration cannot be changed")
	}
	token := m.token
	if !m.client.owns(token) {
		token = "" // let pass without it; DCM-02: it is never rotated, so there is none to tell
	}
	made, answer := e.result(m.client.ID, issuedAt(m.client), "update", token)
	if last, ok := m.client.Metadata["software_statement"]; ok && e.compact == "" {
		made.Metadata["software_statement"], answer["software_statement"] = last, last
	}
	if err := s.keepClient(ctx, made, "client.updated"); err != nil {
		return nil, err
	}
	if step.To != "registered" {
		s.dropGrants(audit(ctx), made.ID)
	}
	return answer, nil
}

// rotate keeps faith with an answer that a defect gave another registration access token.
func (s *Server) rotate(ctx context.Context, m *steward, view map[string]any) error {
	token, _ := view["registration_access_token"].(string)
	if token == "" || token == m.token {
		return nil
	}
	next := *m.client
	next.TokenHash = hashed(token)
	return s.keepClient(ctx, &next, "client.updated")
}

func (s *Server) deleteClient(ctx context.Context, w http.ResponseWriter, r *http.Request, m *steward) error {
	if err := managementRules.Check(ctx, s.seams, m); err != nil {
		return err
	}
	if err := s.unregister(ctx, m); err != nil {
		return err
	}
	s.send(w, r, "register", http.StatusNoContent, http.Header{}, nil)
	return nil
}

func (s *Server) unregister(ctx context.Context, m *steward) error {
	s.clients.writing.Lock()
	defer s.clients.writing.Unlock()
	step := s.seams.Transition(fault.Transition{Machine: "client", ID: m.client.ID, Event: "delete", From: "registered", To: "deleted", Allowed: true})
	if step.Allowed && step.To == "deleted" {
		return s.dropClient(ctx, m.client)
	}
	return nil
}

// dropClient ends a registration and all that was granted to it. Its id stays known: whoever registers
// next must not come into what belonged to it. The caller holds the writing lock.
func (s *Server) dropClient(ctx context.Context, r *registration) error {
	err := s.cfg.Store.Commit(audit(ctx), store.Delete(kindClient, r.ID), store.Put(kindFormer, r.ID, struct{}{}),
		store.Emit("client.deleted", r.ID, s.clock.Now().UnixMilli(), map[string]any{"softwareStatementId": r.SoftwareID}))
	if err != nil {
		return fmt.Errorf("delete client %s: %w", r.ID, err)
	}
	s.clients.remove(r)
	s.dropGrants(audit(ctx), r.ID)
	return nil
}

// Forget ends the registration of a software statement, if there is one: the institution's own way, for
// a client that lost its registration access token or never heard of it.
func (s *Server) Forget(ctx context.Context, softwareID string) error {
	s.clients.writing.Lock()
	defer s.clients.writing.Unlock()
	r := s.clients.bySoftware(softwareID)
	if r == nil {
		return nil
	}
	return s.dropClient(ctx, r)
}

// bearer reads the token of the Authorization header, whatever the case of its scheme (AS-TOK-04).
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// issuedAt reads client_id_issued_at, which a restart turns from an integer into a float.
func issuedAt(r *registration) int64 {
	switch n := r.Metadata["client_id_issued_at"].(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}
