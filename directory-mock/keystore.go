package directory

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"

	"github.com/ensaio/ensaio/sim/fault"
)

// place returns the base address of an organisation's or statement's part of the key store.
func (d *Directory) place(organisation, software string) string {
	p := d.cfg.Base.Keystore + "/" + organisation
	if software != "" {
		p += "/" + software
	}
	return p
}

// jwk writes a key as the key store publishes it.
func (d *Directory) jwk(h *held, at string) (map[string]any, error) {
	k := h.Key
	if len(k.Chain) > 0 {
		k.URL = at + "/" + k.ID + ".pem"
	}
	b, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	if h.kind == "brcac" {
		delete(m, "alg") // a transport key is for TLS, whatever its use says
	}
	if len(k.Chain) > 0 {
		m["x5dn"] = k.Chain[0].Subject.String()
	}
	return m, nil
}

// keySet writes the keys of one set, those that may be used or those put aside; the caller holds the
// lock.
func (d *Directory) keySet(keys []*held, set string, live bool, at string) ([]any, error) {
	out := []any{}
	for _, h := range keys {
		if h.set() != set || d.live(h) != live {
			continue
		}
		m, err := d.jwk(h, at)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// keystore serves key sets and certificates: /openbanking.jwks, then per organisation and per software
// statement application.jwks, transport.jwks, the same below inactive/, and <kid>.pem (DIR-01).
func (d *Directory) keystore() http.Handler {
	return d.routes(map[string]func(*http.Request) (answer, error){
		"GET /openbanking.jwks": func(r *http.Request) (answer, error) {
			d.mu.RLock()
			defer d.mu.RUnlock()
			m, err := d.jwk(&held{Key: d.Signer(), kind: "sigkey"}, d.cfg.Base.Keystore)
			if err != nil {
				return answer{}, err
			}
			return d.set(r, []any{m}), nil
		},
		"GET /{path...}": func(r *http.Request) (answer, error) {
			d.mu.RLock()
			defer d.mu.RUnlock()
			part := strings.Split(r.PathValue("path"), "/")
			o := d.find(part[0])
			if o == nil || len(part) < 2 || len(part) > 4 {
				return answer{}, missing("key set")
			}
			keys, at, part := o.keys, d.place(o.OrganisationID, ""), part[1:]
			if s := d.software[part[0]]; s != nil && s.OrganisationID == o.OrganisationID {
				keys, at, part = s.keys, d.place(o.OrganisationID, s.SoftwareStatementID), part[1:]
			}
			live := true
			if len(part) == 2 && part[0] == "inactive" {
				live, part = false, part[1:]
			}
			if len(part) != 1 {
				return answer{}, missing("key set")
			}
			if set, ok := strings.CutSuffix(part[0], ".jwks"); ok && (set == "application" || set == "transport") {
				list, err := d.keySet(keys, set, live, at)
				if err != nil {
					return answer{}, err
				}
				return d.set(r, list), nil
			}
			if kid, ok := strings.CutSuffix(part[0], ".pem"); ok && live {
				for _, h := range keys {
					if h.ID == kid && len(h.Chain) > 0 {
						return answer{kind: "application/x-pem-file", body: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Chain[0].Raw})}, nil
					}
				}
			}
			return answer{}, missing("key set")
		},
	}, map[string]string{"GET /openbanking.jwks": "keystore", "GET /{path...}": "keystore"})
}

// set answers a key set.
func (d *Directory) set(r *http.Request, keys []any) answer {
	c := &fault.Claims{Kind: "keystore", At: r.URL.Path, Body: map[string]any{"keys": keys}}
	d.bend(r.Context(), c)
	return answer{kind: "application/jwk-set+json", header: map[string]string{"Cache-Control": "no-cache"}, body: c.Body}
}
