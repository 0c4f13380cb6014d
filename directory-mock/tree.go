package directory

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// visit is one request to the protected tree, with what its path names already found.
type visit struct {
	*http.Request
	caller   SoftwareStatement
	org      *organisation
	server   *AuthorisationServer
	resource *APIResource
	software *software
}

// node answers one place of the tree; it runs under the directory's read lock and its result is
// marshalled under it.
type node func(*visit) (any, error)

// protected serves the token endpoint and the tree of organisations on both mutual TLS hosts, as some
// callers use either (DIR-02). Any participant reads the tree; the certificates and software statements
// of an organisation are for itself alone.
func (d *Directory) protected() http.Handler {
	table := map[string]func(*http.Request) (answer, error){
		"POST /token": d.token,
		"GET /organisations/{org}/softwarestatements/{software}/assertion":                 d.assertion,
		"PUT /organisations/{org}/softwarestatements/{software}":                           d.putSoftware,
		"PUT /organisations/{org}/softwarestatements/{software}/unlock":                    d.unlock,
		"PUT /organisations/{org}/softwarestatements/{software}/certificates/{type}/{kid}": d.amend,
	}
	names := map[string]string{
		"POST /token": "token",
		"GET /organisations/{org}/softwarestatements/{software}/assertion": "ssa",
	}
	for pattern, n := range d.nodes() {
		table["GET "+pattern] = d.visited(n)
	}
	return d.routes(table, names)
}

func (d *Directory) nodes() map[string]node {
	const (
		org      = "/organisations/{org}"
		server   = org + "/authorisationservers/{server}"
		resource = server + "/apiresources/{resource}"
		software = org + "/softwarestatements/{software}"
	)
	table := map[string]node{
		"/organisations":         d.listOrganisations,
		"/organisations/{$}":     d.listOrganisations,
		"/clients":               d.listClients,
		org:                      d.showOrganisation,
		org + "/authorityclaims": func(v *visit) (any, error) { return v.org.roles, nil },
		org + "/authorityclaims/{id}": func(v *visit) (any, error) {
			return one(v.org.roles, func(r *RoleClaim) bool { return r.OrganisationAuthorityClaimID == v.PathValue("id") }, "authority claim")
		},
		org + "/authorityclaims/{id}/authorisations":          func(v *visit) (any, error) { return d.authorisations(v, "") },
		org + "/authorityclaims/{id}/authorisations/{member}": func(v *visit) (any, error) { return d.authorisations(v, v.PathValue("member")) },
		org + "/authoritydomainclaims":                        func(v *visit) (any, error) { return paged(v.Request, v.org.domains) },
		org + "/authoritydomainclaims/{id}": func(v *visit) (any, error) {
			return one(v.org.domains, func(c DomainClaim) bool { return c.OrganisationAuthorityDomainClaimID == v.PathValue("id") }, "domain claim")
		},
		org + "/contacts": func(v *visit) (any, error) { return paged(v.Request, v.org.Contacts) },
		org + "/contacts/{id}": func(v *visit) (any, error) {
			return one(v.org.Contacts, func(c Contact) bool { return c.ContactID == v.PathValue("id") }, "contact")
		},
		org + "/tnchistory": func(v *visit) (any, error) { return paged(v.Request, []any{}) },
		org + "/{rest...}":  func(v *visit) (any, error) { return d.users(v) },

		org + "/authorisationservers": func(v *visit) (any, error) { return cut(v.Request, v.org.servers) },
		server:                        func(v *visit) (any, error) { return v.server, nil },
		server + "/apiresources":      func(v *visit) (any, error) { return cut(v.Request, v.server.APIResources) },
		server + "/familystatus":      func(v *visit) (any, error) { return v.server.APIResources, nil },
		server + "/certifications":    func(v *visit) (any, error) { return v.server.AuthorisationServerCertifications, nil },
		server + "/certifications/{id}": func(v *visit) (any, error) {
			return one(v.server.AuthorisationServerCertifications, func(c Certification) bool { return c.CertificationID == v.PathValue("id") }, "certification")
		},
		resource:                            func(v *visit) (any, error) { return v.resource, nil },
		resource + "/apidiscoveryendpoints": func(v *visit) (any, error) { return cut(v.Request, v.resource.APIDiscoveryEndpoints) },
		resource + "/apidiscoveryendpoints/{id}": func(v *visit) (any, error) {
			return one(v.resource.APIDiscoveryEndpoints, func(e APIEndpoint) bool { return e.APIDiscoveryID == v.PathValue("id") }, "endpoint")
		},

		org + "/certificates": own(func(v *visit) (any, error) { return d.certificates(v.org.keys, v, "", "") }),
		org + "/certificates/{type}": own(func(v *visit) (any, error) {
			return d.certificates(v.org.keys, v, v.PathValue("type"), "")
		}),
		org + "/certificates/kid/{kid}": own(func(v *visit) (any, error) { return d.certificates(v.org.keys, v, "", v.PathValue("kid")) }),
		org + "/softwarestatements":     own(d.listSoftware),
		software:                        own(func(v *visit) (any, error) { return v.software.SoftwareStatement, nil }),
		software + "/authorityclaims":   own(func(v *visit) (any, error) { return v.software.roles, nil }),
		software + "/authorityclaims/{id}": own(func(v *visit) (any, error) {
			return one(v.software.roles, func(r *SoftwareRoleClaim) bool { return r.SoftwareAuthorityClaimID == v.PathValue("id") }, "authority claim")
		}),
		software + "/certificates": own(func(v *visit) (any, error) { return d.certificates(v.software.keys, v, "", "") }),
		software + "/certificates/{type}/{kid}": own(func(v *visit) (any, error) {
			return d.certificates(v.software.keys, v, v.PathValue("type"), v.PathValue("kid"))
		}),
		software + "/certifications": own(func(v *visit) (any, error) { return v.software.SoftwareStatementCertifications, nil }),
		software + "/certifications/{id}": own(func(v *visit) (any, error) {
			return one(v.software.SoftwareStatementCertifications, func(c Certification) bool { return c.CertificationID == v.PathValue("id") }, "certification")
		}),
		software + "/metadata": own(func(*visit) (any, error) { return []any{}, nil }),
	}
	for pattern, n := range references() {
		table[pattern] = n
	}
	return table
}

// visited finds what the path names, then asks the node.
func (d *Directory) visited(n node) func(*http.Request) (answer, error) {
	return func(r *http.Request) (answer, error) {
		v := &visit{Request: r}
		var err error
		if v.caller, err = d.session(r); err != nil {
			return answer{}, err
		}
		d.mu.RLock()
		defer d.mu.RUnlock()
		if err := d.locate(v); err != nil {
			return answer{}, err
		}
		body, err := n(v)
		if err != nil {
			return answer{}, err
		}
		a := answer{header: noStore}
		switch body.(type) {
		case keyView:
			a.kind = "application/jwk+json"
		case []keyView:
			a.kind = "application/jwk-set+json"
		}
		a.body, err = json.Marshal(body)
		return a, err
	}
}

func (d *Directory) locate(v *visit) error {
	id := v.PathValue("org")
	if id == "" {
		return nil
	}
	if v.org = d.find(id); v.org == nil {
		return missing("organisation")
	}
	if id := v.PathValue("server"); id != "" {
		i := slices.IndexFunc(v.org.servers, func(s *AuthorisationServer) bool { return s.AuthorisationServerID == id })
		if i < 0 {
			return missing("authorisation server")
		}
		v.server = v.org.servers[i]
	}
	if id := v.PathValue("resource"); id != "" {
		i := slices.IndexFunc(v.server.APIResources, func(r APIResource) bool { return r.APIResourceID == id })
		if i < 0 {
			return missing("API resource")
		}
		v.resource = &v.server.APIResources[i]
	}
	if id := v.PathValue("software"); id != "" {
		// Of another organisation one does not even learn whether a statement exists.
		if v.caller.OrganisationID != v.org.OrganisationID {
			return forbidden
		}
		if v.software = d.software[id]; v.software == nil || v.software.OrganisationID != v.org.OrganisationID {
			return missing("software statement")
		}
	}
	return nil
}

var forbidden = &problem{status: http.StatusForbidden, text: "this belongs to another organisation"}

// own keeps a node to the organisation it speaks of.
func own(n node) node {
	return func(v *visit) (any, error) {
		if v.caller.OrganisationID != v.org.OrganisationID {
			return nil, forbidden
		}
		return n(v)
	}
}

func one[T any](all []T, is func(T) bool, what string) (any, error) {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], nil
	}
	return nil, missing(what)
}

// cut pages a list that is published as a bare array.
func cut[T any](r *http.Request, all []T) (any, error) {
	some, _, _, err := page(r, all)
	if err == nil && some == nil {
		some = []T{}
	}
	return some, err
}

// listOrganisations lists participants, filtered and sorted as the query asks.
func (d *Directory) listOrganisations(v *visit) (any, error) {
	q := v.URL.Query()
	var all []Organisation
	for _, o := range d.organisations {
		if q.Get("hideInactive") == "true" && o.Status != Active {
			continue
		}
		if f := strings.ToLower(q.Get("filterBy")); f != "" && !strings.Contains(strings.ToLower(o.OrganisationName+"\n"+
			o.LegalEntityName+"\n"+o.RegisteredName+"\n"+o.RegistrationNumber+"\n"+o.OrganisationID), f) {
			continue
		}
		all = append(all, o.Organisation)
	}
	field, order, _ := strings.Cut(q.Get("sort"), ",")
	by := map[string]func(Organisation) string{
		"OrganisationName": func(o Organisation) string { return o.OrganisationName }, "CreatedOn": func(o Organisation) string { return o.CreatedOn },
		"Status": func(o Organisation) string { return o.Status }, "RegistrationNumber": func(o Organisation) string { return o.RegistrationNumber },
	}[field]
	if by == nil && field != "" {
		return nil, &problem{status: http.StatusBadRequest, text: "sort: unknown field"}
	}
	if by != nil {
		slices.SortStableFunc(all, func(a, b Organisation) int {
			if strings.EqualFold(order, "desc") {
				a, b = b, a
			}
			return cmp.Compare(by(a), by(b))
		})
	}
	return paged(v.Request, all)
}

func (d *Directory) showOrganisation(v *visit) (any, error) {
	return map[string]any{
		"OrgDetails": v.org.Organisation,
		"TncDetails": map[string]any{"TnCSigned": !v.org.RequiresParticipantTermsAndConditionsSigning, "TnCUpdated": false},
	}, nil
}

func (d *Directory) authorisations(v *visit, id string) (any, error) {
	claim, err := one(v.org.roles, func(r *RoleClaim) bool { return r.OrganisationAuthorityClaimID == v.PathValue("id") }, "authority claim")
	if err != nil {
		return nil, err
	}
	all := claim.(*RoleClaim).Authorisations
	if id == "" {
		return all, nil
	}
	return one(all, func(a Authorisation) bool { return a.OrganisationAuthorisationID == id }, "authorisation")
}

// users answers the two lists of domain users, whose path cannot be told apart by a pattern. People
// enter through the directory's pages, of which machines see none.
func (d *Directory) users(v *visit) (any, error) {
	part := strings.Split(v.PathValue("rest"), "/")
	if len(part) < 2 || len(part) > 3 || part[1] != "users" {
		return nil, missing("resource")
	}
	if v.caller.OrganisationID != v.org.OrganisationID {
		return nil, forbidden
	}
	return paged(v.Request, []any{})
}

func (d *Directory) listSoftware(v *visit) (any, error) {
	return d.statements(v.org.OrganisationID), nil
}

// listClients lists every statement of every organisation.
func (d *Directory) listClients(v *visit) (any, error) { return cut(v.Request, d.statements("")) }

func (d *Directory) statements(organisationID string) []SoftwareStatement {
	all := []SoftwareStatement{}
	for _, s := range d.software {
		if organisationID == "" || s.OrganisationID == organisationID {
			all = append(all, s.SoftwareStatement)
		}
	}
	slices.SortFunc(all, func(a, b SoftwareStatement) int { return cmp.Compare(a.SoftwareStatementID, b.SoftwareStatementID) })
	return all
}

// keyView is a key or certificate as the tree shows it.
type keyView map[string]any

// certificates shows keys, all of them, those of one type, or the one with a kid.
func (d *Directory) certificates(keys []*held, v *visit, kind, kid string) (any, error) {
	software := ""
	if v.software != nil {
		software = v.software.SoftwareStatementID
	}
	at := d.place(v.org.OrganisationID, software)
	all := []keyView{}
	for _, h := range keys {
		if (kind != "" && h.kind != kind) || (kid != "" && h.ID != kid) {
			continue
		}
		m, err := d.jwk(h, at)
		if err != nil {
			return nil, err
		}
		view := keyView{"OrganisationId": v.org.OrganisationID, "keyType": h.kind, "Status": Inactive,
			"ValidFromDateTime": h.since.Format(time.RFC3339), "JwkPath": at + "/" + h.set() + ".jwks",
			"OrgJwkPath": d.place(v.org.OrganisationID, "") + "/" + h.set() + ".jwks"}
		for _, name := range []string{"kid", "kty", "use", "n", "e", "x5c", "x5u"} {
			if value, ok := m[name]; ok {
				view[name] = value
			}
		}
		if d.live(h) {
			view["Status"] = Active
		}
		if v.software != nil {
			view["SoftwareStatementIds"], view["ClientName"] = []string{software}, v.software.ClientName
		}
		if len(h.Chain) > 0 {
			view["x5thashS256"], view["SignedCertPath"] = m["x5t#S256"], m["x5u"]
			view["ValidFromDateTime"] = h.Chain[0].NotBefore.UTC().Format(time.RFC3339)
			view["ExpiryDateTime"] = h.Chain[0].NotAfter.UTC().Format(time.RFC3339)
		}
		if kid != "" {
			return view, nil
		}
		all = append(all, view)
	}
	if kid != "" {
		return nil, missing("certificate")
	}
	return all, nil
}
