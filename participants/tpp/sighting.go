package tpp

import (
	"net/http"
	"time"
)

// What a client can learn about a data consent.
const (
	// Created: the institution answered 201. Nothing is shared yet.
	Created = "created"
	// Granted: the token endpoint exchanged a code of the consent for tokens. From here on it is live.
	Granted = "granted"
	// Bounded: an extension or a reading told when the consent ends.
	Bounded = "bounded"
	// Ended: the client revoked it, or read that the institution or the customer did.
	Ended = "ended"
	// Left: the software's registration was withdrawn, and all of its consents with it.
	Left = "left"
)

// Sighting is one thing that a client learned about a data consent of its organisation, from an answer to
// one of its own calls. A third party has no other source: nobody tells it that a customer revoked on the
// institution's pages, so that it knows when it next reads the consent, whose answer says when that was.
// A refused token says nothing certain, and is no sighting.
type Sighting struct {
	Event        string    `json:"event"`
	Organisation string    `json:"organisation"` // the client's
	Software     string    `json:"software"`
	Server       string    `json:"server,omitempty"` // organisation of the institution
	Consent      string    `json:"consent,omitempty"`
	At           time.Time `json:"at"`
	// Until is when the consent ends by itself, for Created and Bounded; nil is without end.
	Until *time.Time `json:"until,omitempty"`
	// Document is the customer's CPF, or the CNPJ of the company they act for, for Created. It goes no
	// further than the organisation's register, which keeps a keyed digest.
	Document string `json:"document,omitempty"`
}

// Register is who in an organisation is told what its clients learn. Note never waits and may be called by
// many at once.
type Register interface {
	Note(Sighting)
}

// Note tells the organisation's register something that the client learned by a call it did not make
// through this package. It fills in who the client is.
func (c *Client) Note(s Sighting) {
	if c.cfg.Consents == nil {
		return
	}
	s.Organisation, s.Software = c.cfg.OrganisationID, c.cfg.SoftwareID
	c.cfg.Consents.Note(s)
}

// sight tells the register what an exchange says about a data consent, if it says anything.
func (c *Client) sight(e *Exchange) {
	if c.cfg.Consents == nil || e.Err != nil || e.Status/100 != 2 {
		return
	}
	s := Sighting{Server: e.party, Consent: e.consent, At: e.Started.Add(e.Duration)}
	switch {
	case e.Operation == nil && e.Name == "token" && e.Status == http.StatusOK:
		if s.Event = Granted; s.Consent == "" || e.formValue("grant_type") != "authorization_code" {
			return
		}
	case e.Operation == nil:
		if s.Event = Left; e.Name != "registration" || e.Method != http.MethodDelete {
			return
		}
	case e.Operation.ID == "consents.create" && e.Status == http.StatusCreated:
		s.Event, s.Consent, s.Until = Created, e.Text("data.consentId"), ending(e)
		sent := e.sent()
		if s.Document = text(dig(sent, "data.businessEntity.document.identification")); s.Document == "" {
			s.Document = text(dig(sent, "data.loggedUser.document.identification"))
		}
	case e.Operation.ID == "consents.extend" && e.Status == http.StatusCreated:
		s.Event, s.Until = Bounded, ending(e)
	case e.Operation.ID == "consents.read" && e.Status == http.StatusOK:
		s.Consent = e.Text("data.consentId")
		switch e.Text("data.status") {
		case "AUTHORISED":
			s.Event, s.Until = Bounded, ending(e)
		case "REJECTED":
			s.Event = Ended
			if t, err := time.Parse(time.RFC3339, e.Text("data.statusUpdateDateTime")); err == nil && t.Before(s.At) {
				s.At = t
			}
		default:
			return
		}
	case e.Operation.ID == "consents.delete" && e.Status == http.StatusNoContent:
		s.Event = Ended
	default:
		return
	}
	c.Note(s)
}

// ending is when the answer says that a consent ends; nil is without end.
func ending(e *Exchange) *time.Time {
	t, err := time.Parse(time.RFC3339, e.Text("data.expirationDateTime"))
	if err != nil {
		return nil
	}
	return &t
}
