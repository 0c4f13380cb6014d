package directory

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// mine is the caller's own statement named by the path, for the requests that change something.
func (d *Directory) mine(r *http.Request) (SoftwareStatement, error) {
	v := &visit{Request: r}
	var err error
	if v.caller, err = d.session(r); err != nil {
		return SoftwareStatement{}, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if err := d.locate(v); err != nil {
		return SoftwareStatement{}, err
	}
	return v.software.SoftwareStatement, nil
}

func (d *Directory) assertion(r *http.Request) (answer, error) {
	s, err := d.mine(r)
	if err != nil {
		return answer{}, err
	}
	signed, err := d.Assertion(r.Context(), s.SoftwareStatementID)
	if err != nil {
		return answer{}, err
	}
	return answer{kind: "application/jwt", header: noStore, body: []byte(signed)}, nil
}

// putSoftware lets an owner edit a statement that is not locked. Setting it to Suspended and back is
// possible whatever the lock.
func (d *Directory) putSoftware(r *http.Request) (answer, error) {
	s, err := d.mine(r)
	if err != nil {
		return answer{}, err
	}
	body, err := read(r)
	if err != nil {
		return answer{}, err
	}
	var asked struct {
		ClientName, ClientURI, LogoURI *string
		RedirectURI                    *[]string
		Version                        *float64
		Status                         string
		APIWebhookURI                  *[]string
	}
	if json.Unmarshal(body, &asked) != nil {
		return answer{}, &problem{status: http.StatusBadRequest, text: "body is not the expected JSON"}
	}
	if asked.ClientName == nil || asked.ClientURI == nil || asked.LogoURI == nil || asked.RedirectURI == nil || asked.Version == nil {
		return answer{}, &problem{status: http.StatusBadRequest, text: "ClientName, ClientUri, LogoUri, RedirectUri and Version must be provided"}
	}
	if s.Locked {
		return answer{}, &problem{status: http.StatusBadRequest, text: "the software statement is locked"}
	}
	place := "software/" + s.SoftwareStatementID
	if err := d.change(place+"/document", json.RawMessage(body)); err != nil {
		return answer{}, &problem{status: http.StatusBadRequest, text: err.Error()}
	}
	if asked.Status == Active || asked.Status == Suspended {
		if err := d.change(place+"/status", asked.Status); err != nil {
			return answer{}, err
		}
	}
	return d.shown(s.SoftwareStatementID)
}

func (d *Directory) unlock(r *http.Request) (answer, error) {
	s, err := d.mine(r)
	if err != nil {
		return answer{}, err
	}
	var asked struct{ Unlock bool }
	if err := readJSON(r, &asked); err != nil {
		return answer{}, err
	}
	if asked.Unlock {
		if err := d.change("software/"+s.SoftwareStatementID+"/locked", false); err != nil {
			return answer{}, err
		}
	}
	return d.shown(s.SoftwareStatementID)
}

func (d *Directory) shown(softwareID string) (answer, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return answer{header: noStore, body: d.software[softwareID].SoftwareStatement}, nil
}

// amend takes a key or certificate of a statement back, for one of the published reasons.
func (d *Directory) amend(r *http.Request) (answer, error) {
	s, err := d.mine(r)
	if err != nil {
		return answer{}, err
	}
	var asked struct{ RevokeReason string }
	if err := readJSON(r, &asked); err != nil {
		return answer{}, err
	}
	reasons := []string{"unspecified", "keycompromise", "superseded", "cessationofoperation", "privilegewithdrawn"}
	if !slices.Contains(reasons, asked.RevokeReason) {
		return answer{}, &problem{status: http.StatusBadRequest, text: "RevokeReason: want one of " + strings.Join(reasons, ", ")}
	}
	if err := d.withdraw(s.SoftwareStatementID, r.PathValue("kid"), r.PathValue("type")); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent, header: noStore}, nil
}

// withdraw revokes the certificate of a statement's key, if it has one, and puts the key aside.
func (d *Directory) withdraw(softwareID, kid, kind string) error {
	d.mu.RLock()
	var found *held
	for _, h := range d.software[softwareID].keys {
		if h.ID == kid && (kind == "" || h.kind == kind) {
			found = h
		}
	}
	d.mu.RUnlock()
	if found == nil {
		return missing("certificate")
	}
	if len(found.Chain) > 0 {
		if err := d.cfg.Authority.Revoke(found.Chain[0]); err != nil {
			return fmt.Errorf("withdraw: %w", err)
		}
	}
	return d.change("software/"+softwareID+"/keys/"+kid, Inactive)
}
