package directory

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/ensaio/ensaio/sim/jose"
)

// Control serves the powers of a test over the directory; they show downstream at once and are kept when
// the directory has a place to keep them:
//
//	GET  /organisations, /software              what is there, with states
//	POST /organisations/{id}/status             {"status": Active|Pending|Withdrawn}
//	POST /organisations/{id}/roles/{role}       {"status": Active|Inactive}
//	POST /organisations/{id}/keys/{kid}         {"status": Active|Inactive}
//	POST /servers/{id}                          members of the authorisation server to change
//	POST /software/{id}                         members of the statement to change
//	POST /software/{id}/status                  {"status": Active|Suspended|Inactive}
//	POST /software/{id}/roles/{role}            {"status": Active|Inactive}
//	POST /software/{id}/keys                    a JWK to publish
//	POST /software/{id}/keys/{kid}              {"status": Active|Inactive}
//	POST /software/{id}/assertion               {"claims": {…}, "alg": "…"}: an assertion with these claims
//	                                            in place of the true ones, whatever the states; null drops
//	POST /certificates/{kid}/revoke             revokes at the authority and puts the key aside
//	POST /outage                                {"status": 503}: answer this to everything; 0 ends it
func (d *Directory) Control() http.Handler {
	table := map[string]func(*http.Request) (answer, error){
		"GET /organisations": func(*http.Request) (answer, error) {
			d.mu.RLock()
			defer d.mu.RUnlock()
			all := []any{}
			for _, o := range d.organisations {
				all = append(all, map[string]any{"OrganisationId": o.OrganisationID, "OrganisationName": o.OrganisationName,
					"Status": o.Status, "Roles": o.roles, "Keys": d.states(o.keys)})
			}
			return marshalled(all)
		},
		"GET /software": func(*http.Request) (answer, error) {
			d.mu.RLock()
			defer d.mu.RUnlock()
			all := []any{}
			for _, s := range d.statements("") {
				n := d.software[s.SoftwareStatementID]
				all = append(all, map[string]any{"SoftwareStatement": s, "Roles": n.roles, "Keys": d.states(n.keys)})
			}
			return marshalled(all)
		},
		"POST /servers/{id}": func(r *http.Request) (answer, error) {
			var members json.RawMessage
			if err := readJSON(r, &members); err != nil {
				return answer{}, err
			}
			return d.order("servers/"+r.PathValue("id")+"/document", members)
		},
		"POST /software/{id}": func(r *http.Request) (answer, error) {
			var members json.RawMessage
			if err := readJSON(r, &members); err != nil {
				return answer{}, err
			}
			return d.order("software/"+r.PathValue("id")+"/document", members)
		},
		"POST /software/{id}/keys": func(r *http.Request) (answer, error) {
			var k jose.Key
			if err := readJSON(r, &k); err != nil {
				return answer{}, err
			}
			return d.order("software/"+r.PathValue("id")+"/added/"+k.ID, k)
		},
		"POST /software/{id}/assertion": d.forge,
		"POST /certificates/{kid}/revoke": func(r *http.Request) (answer, error) {
			return d.revoke(r.PathValue("kid"))
		},
		"POST /outage": func(r *http.Request) (answer, error) {
			var asked struct{ Status int }
			if err := readJSON(r, &asked); err != nil {
				return answer{}, err
			}
			if asked.Status != 0 && (asked.Status < 400 || asked.Status > 599) {
				return answer{}, &problem{status: http.StatusBadRequest, text: "status: want 0 or 400 to 599"}
			}
			d.outage.Store(int64(asked.Status))
			return answer{status: http.StatusNoContent}, nil
		},
	}
	for _, place := range []string{
		"organisations/{id}/status", "organisations/{id}/roles/{name}", "organisations/{id}/keys/{name}",
		"software/{id}/status", "software/{id}/roles/{name}", "software/{id}/keys/{name}",
	} {
		table["POST /"+place] = func(r *http.Request) (answer, error) {
			var asked struct{ Status string }
			if err := readJSON(r, &asked); err != nil {
				return answer{}, err
			}
			return d.order(r.URL.Path[1:], asked.Status)
		}
	}
	return d.routes(table, nil)
}

func marshalled(v any) (answer, error) {
	b, err := json.Marshal(v)
	return answer{body: b}, err
}

// states tells which keys are where.
func (d *Directory) states(keys []*held) []any {
	all := []any{}
	for _, h := range keys {
		status := Inactive
		if d.live(h) {
			status = Active
		}
		all = append(all, map[string]string{"kid": h.ID, "keyType": h.kind, "use": h.Use, "Status": status})
	}
	return all
}

// order makes a change and says so.
func (d *Directory) order(place string, value any) (answer, error) {
	err := d.change(place, value)
	switch {
	case errors.Is(err, errUnknown):
		return answer{}, missing(place)
	case err != nil:
		return answer{}, &problem{status: http.StatusBadRequest, text: err.Error()}
	}
	return answer{status: http.StatusNoContent}, nil
}

// forge signs an assertion that says what a test wants it to say.
func (d *Directory) forge(r *http.Request) (answer, error) {
	var asked struct {
		Claims map[string]any
		Alg    string
	}
	if err := readJSON(r, &asked); err != nil {
		return answer{}, err
	}
	d.mu.RLock()
	s := d.software[r.PathValue("id")]
	if s == nil {
		d.mu.RUnlock()
		return answer{}, missing("software statement")
	}
	claims := d.claims(d.find(s.OrganisationID), s)
	d.mu.RUnlock()
	for name, value := range asked.Claims {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	var signed string
	var err error
	if asked.Alg == "" {
		signed, err = jose.Sign(claims, d.signer, nil)
	} else {
		signed, err = jose.SignAs(asked.Alg, claims, d.signer.Private, map[string]any{"typ": "JWT", "kid": d.signer.ID})
	}
	if err != nil {
		return answer{}, &problem{status: http.StatusBadRequest, text: err.Error()}
	}
	return answer{kind: "application/jwt", body: []byte(signed)}, nil
}

// revoke finds the certificate with that kid, takes it back and puts its key aside.
func (d *Directory) revoke(kid string) (answer, error) {
	d.mu.RLock()
	var places []string
	var found *held
	look := func(place string, keys []*held) {
		for _, h := range keys {
			if h.ID == kid && len(h.Chain) > 0 {
				found, places = h, append(places, place+"/keys/"+kid)
			}
		}
	}
	for _, o := range d.organisations {
		look("organisations/"+o.OrganisationID, o.keys)
	}
	for id, s := range d.software {
		look("software/"+id, s.keys)
	}
	d.mu.RUnlock()
	if found == nil {
		return answer{}, missing("certificate")
	}
	if err := d.cfg.Authority.Revoke(found.Chain[0]); err != nil {
		return answer{}, err
	}
	for _, place := range places {
		if a, err := d.order(place, Inactive); err != nil {
			return a, err
		}
	}
	return answer{status: http.StatusNoContent}, nil
}
