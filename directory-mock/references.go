package directory

// The reference data: one authority, one domain, four roles. The mapping joins the first two.
const mappingID = "9b2f3a52-2a4e-4d3a-9a3e-0c8e7d1f5b60"

var (
	authority = map[string]string{
		"AuthorityId": authorityID, "AuthorityName": authorityName, "AuthorityCode": authorityCode, "AuthorityCountry": "BR",
		"AuthorityUri": "https://www.bcb.gov.br", "Status": Active,
	}
	domainReference = map[string]string{
		"AuthorisationDomainName": domain, "AuthorisationDomainRegion": "BR",
		"AuthorisationDomainDescription": "Open Finance Brasil (SIMULADOR)", "Status": Active,
	}
	mapping = map[string]string{
		"AuthorityAuthorisationDomainId": mappingID, "AuthorityId": authorityID, "AuthorisationDomainName": domain, "Status": Active,
	}
)

func roleReferences() []map[string]string {
	var all []map[string]string
	for _, r := range []struct{ name, text string }{
		{Data, "Transmitter or receiver of data"}, {Payment, "Payment transaction initiator"},
		{Account, "Account holder"}, {Credit, "Credit correspondent"},
	} {
		all = append(all, map[string]string{
			"AuthorisationDomainName": domain, "AuthorisationDomainRoleName": r.name,
			"AuthorisationDomainRoleDescription": r.text, "Status": Active,
		})
	}
	return all
}

// references are the nodes below /references.
func references() map[string]node {
	const base = "/references"
	authorities := base + "/authorities"
	roles := base + "/authorisationdomainroles"
	only := func(name, value string, thing any, what string) node {
		return func(v *visit) (any, error) {
			if v.PathValue(name) != value {
				return nil, missing(what)
			}
			return thing, nil
		}
	}
	role := func(v *visit) (any, error) {
		return one(roleReferences(), func(r map[string]string) bool {
			return r["AuthorisationDomainRoleName"] == v.PathValue("role")
		}, "role")
	}
	return map[string]node{
		authorities:                  func(v *visit) (any, error) { return cut(v.Request, []any{authority}) },
		authorities + "/{authority}": only("authority", authorityID, authority, "authority"),
		authorities + "/{authority}/authorisationdomains": func(v *visit) (any, error) {
			if v.PathValue("authority") != authorityID {
				return nil, missing("authority")
			}
			return paged(v.Request, []any{mapping})
		},
		authorities + "/{authority}/authorisationdomains/{mapping}": only("mapping", mappingID, mapping, "mapping"),
		base + "/authorisationdomains":                              func(v *visit) (any, error) { return paged(v.Request, []any{domainReference}) },
		base + "/authorisationdomains/{domain}":                     only("domain", domain, domainReference, "domain"),
		roles:                                                       func(v *visit) (any, error) { return paged(v.Request, roleReferences()) },
		roles + "/{role}":                                           role,
		roles + "/{role}/metadata": func(v *visit) (any, error) {
			if _, err := role(v); err != nil {
				return nil, err
			}
			return []any{}, nil
		},
		base + "/authoritydomainmapping": func(v *visit) (any, error) { return paged(v.Request, []any{mapping}) },
		base + "/termsandconditions":     func(v *visit) (any, error) { return paged(v.Request, []any{}) },
	}
}
