package as

import (
	"crypto/x509"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
)

// profileRules hold the certificate of a registration against the certificate standard: what stands in
// the subject of a BRCAC besides organisation and software, which are compared with the statement, and
// its DNS name. Order and string types are free (CERT-05), and so is what the values say.
var profileRules = rule.NewSet("profile of the certificate",
	names("CERT-03/business-category", "businessCategory", "2.5.4.15"),
	names("CERT-03/jurisdiction", "jurisdictionCountryName", "1.3.6.1.4.1.311.60.2.1.3"),
	names("CERT-03/serial-number", "serialNumber", "2.5.4.5"),
	names("CERT-03/country", "C", "2.5.4.6"),
	names("CERT-03/organisation", "O", "2.5.4.10"),
	names("CERT-03/state", "ST", "2.5.4.8"),
	names("CERT-03/locality", "L", "2.5.4.7"),
	names("CERT-03/common-name", "CN", "2.5.4.3"),
	row("CERT-04/dns-name", fault.Minor, "The certificate of a registration has a DNS name.", invalidClient("the client certificate has no DNS name"),
		func(c *x509.Certificate) bool { return c == nil || len(c.DNSNames) > 0 }),
)

// names makes the row of one attribute of the subject. No certificate is another row's matter.
func names(id, attribute, oid string) rule.Rule[*x509.Certificate] {
	return row(id, fault.Minor, "The subject of the certificate of a registration has "+attribute+".", invalidClient("the subject of the client certificate lacks "+attribute),
		func(c *x509.Certificate) bool {
			if c == nil {
				return true
			}
			for _, n := range c.Subject.Names {
				if value, _ := n.Value.(string); n.Type.String() == oid && value != "" {
					return true
				}
			}
			return false
		})
}
