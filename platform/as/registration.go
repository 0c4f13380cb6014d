package as

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/platform/store"
	"github.com/ensaio/ensaio/sim/fault"
)

// The words of every client of the profile.
const responseType = "code id_token"

var grantTypes = []string{"authorization_code", "implicit", "refresh_token", "client_credentials"}

// secret draws 256 bits that nobody can guess.
func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime stops the program first
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// register creates a client (RFC 7591; DCR-01 to DCR-22).
func (s *Server) register(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if r.Method != http.MethodPost {
		return errMethod
	}
	certificate, err := s.transport(ctx, r, registrationCertificateRules)
	if err != nil {
		return err
	}
	body, err := readJSON(w, r)
	if err != nil {
		return err
	}
	e := &enrolment{server: s, body: body, certificate: certificate, now: s.clock.Now()}
	if err := e.judge(ctx); err != nil {
		return err
	}
	answer, err := s.enrol(ctx, e)
	if err != nil {
		return err
	}
	s.reply(w, r, "register", http.StatusCreated, nil, answer)
	return nil
}

// enrol makes a judged enrolment a client and returns what to tell it.
func (s *Server) enrol(ctx context.Context, e *enrolment) (map[string]any, error) {
	s.clients.writing.Lock()
	defer s.clients.writing.Unlock()
	step := fault.Transition{Machine: "client", ID: e.claims.SoftwareID, Event: "register", To: "registered", Allowed: true}
	if s.clients.bySoftware(e.claims.SoftwareID) != nil {
		step.From, step.Allowed = "registered", false
	}
	if !s.seams.Transition(step).Allowed { // DCR-15
		return nil, invalidStatement("the software statement is registered already")
	}
	made, answer := e.result(s.newClientID(), e.now.Unix(), "register", secret())
	if err := s.keepClient(ctx, made, "client.registered"); err != nil {
		return nil, err
	}
	return answer, nil
}

// newClientID draws an id that nobody has or had: a repeatable sequence begins again with each start.
func (s *Server) newClientID() string {
	for {
		id := uuid.NewString()
		if s.cfg.Seed != nil {
			id = s.cfg.Seed.UUID()
		}
		if s.clients.fresh(id) {
			return id
		}
	}
}

func (s *Server) keepClient(ctx context.Context, r *registration, event string) error {
	told := map[string]any{"organisationId": r.OrganisationID, "softwareStatementId": r.SoftwareID, "webhooks": len(r.WebhookURIs) > 0}
	err := s.cfg.Store.Commit(audit(ctx), store.Put(kindClient, r.ID, r), store.Emit(event, r.ID, s.clock.Now().UnixMilli(), told))
	if err != nil {
		return fmt.Errorf("keep client %s: %w", r.ID, err)
	}
	s.clients.put(r)
	return nil
}
