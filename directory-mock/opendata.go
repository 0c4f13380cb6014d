package directory

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/ensaio/ensaio/sim/fault"
)

// publicly is how long consumers may keep the open documents.
var publicly = map[string]string{"Cache-Control": "public, max-age=900", "Access-Control-Allow-Origin": "*"}

// participant is an organisation as the open list shows it.
type participant struct {
	Organisation
	AuthorisationServers []AuthorisationServer `json:"AuthorisationServers"`
	OrgDomainClaims      []DomainClaim         `json:"OrgDomainClaims"`
	OrgDomainRoleClaims  []*RoleClaim          `json:"OrgDomainRoleClaims"`
	Contacts             []Contact             `json:"Contacts"`
}

// openData serves what anybody may read: /participants and /roles (DIR-03). Both are made from the model
// at each request.
func (d *Directory) openData() http.Handler {
	return d.routes(map[string]func(*http.Request) (answer, error){
		"GET /participants": d.participants,
		"GET /roles":        d.rolesFile,
	}, map[string]string{"GET /participants": "participants", "GET /roles": "roles"})
}

// participants lists the organisations that have an authorisation server in service.
func (d *Directory) participants(r *http.Request) (answer, error) {
	d.mu.RLock()
	all := []participant{}
	for _, o := range d.organisations {
		p := participant{Organisation: o.Organisation, OrgDomainClaims: o.domains, OrgDomainRoleClaims: o.roles, Contacts: o.Contacts}
		for _, s := range o.servers {
			if d.inService(s) {
				p.AuthorisationServers = append(p.AuthorisationServers, *s)
			}
		}
		if len(p.AuthorisationServers) > 0 {
			all = append(all, p)
		}
	}
	b, err := json.Marshal(all)
	d.mu.RUnlock()
	if err != nil {
		return answer{}, err
	}
	if !d.cfg.Seams.Bends() {
		return answer{header: publicly, body: b}, nil
	}
	var list []any
	if err := json.Unmarshal(b, &list); err != nil {
		return answer{}, err
	}
	c := &fault.Claims{Kind: "participants", At: "participants", Body: map[string]any{"participants": list}}
	d.bend(r.Context(), c)
	return answer{header: publicly, body: c.Body["participants"]}, nil
}

// inService says whether a server is Active and not past its last day.
func (d *Directory) inService(s *AuthorisationServer) bool {
	return s.Status == Active && (s.RetirementDate == "" || d.now().Format("2006-01-02") <= s.RetirementDate)
}

// rolesFile lists every organisation with its roles.
func (d *Directory) rolesFile(*http.Request) (answer, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	all := []any{}
	for _, o := range slices.SortedFunc(slices.Values(d.organisations), func(a, b *organisation) int {
		return cmp.Compare(a.OrganisationID, b.OrganisationID)
	}) {
		domains, roles := []any{}, []any{}
		for _, c := range o.domains {
			domains = append(domains, map[string]string{"AuthorisationDomainName": c.AuthorisationDomainName, "Status": c.Status})
		}
		for _, c := range o.roles {
			roles = append(roles, map[string]string{
				"AuthorisationDomainName": c.AuthorisationDomain, "AuthorisationDomainRoleName": c.Role, "Status": c.Status,
			})
		}
		all = append(all, map[string]any{
			"OrganisationId": o.OrganisationID, "Status": o.Status, "RegisteredName": o.RegisteredName,
			"RegistrationNumber": o.RegistrationNumber, "ParentOrganisationReference": o.ParentOrganisationReference,
			"OrgDomainClaims": domains, "OrgDomainRoleClaims": roles,
		})
	}
	return answer{header: publicly, body: all}, nil
}
