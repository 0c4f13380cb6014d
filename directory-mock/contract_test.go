package directory

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/ensaio/ensaio/sim/clock"
)

var ca1Clock = clock.Fixed(start)

// decode shows the claims of a compact JWS.
func decode(t *testing.T, compact []byte) string {
	t.Helper()
	part := strings.Split(string(compact), ".")
	if len(part) != 3 {
		t.Fatalf("not a JWS: %s", compact)
	}
	b, err := base64.RawURLEncoding.DecodeString(part[1])
	ok(t, err)
	return string(b)
}

// published loads a definition of the standard, or skips where there is none.
func published(t *testing.T, file string) *openapi3.T {
	t.Helper()
	root := os.Getenv("ENSAIO_SPECS")
	if root == "" {
		t.Skip("ENSAIO_SPECS is not set")
	}
	path := filepath.Join(root, "openfinance-brasil", file)
	if _, err := os.Stat(path); err != nil {
		path = filepath.Join(root, file)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	ok(t, err)
	return doc
}

func keeps(t *testing.T, what string, schema *openapi3.SchemaRef, body []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Errorf("%s: not JSON: %s", what, body)
		return
	}
	if err := schema.Value.VisitJSON(v, openapi3.MultiErrors()); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func TestParticipantsKeepThePublishedShape(t *testing.T) {
	doc := published(t, "participants/1.1.0.yml")
	w := newWorld(t, nil, "", nil)
	keeps(t, "participants", doc.Components.Schemas["ParticipantObjectList"], w.get(nil, w.cfg.Base.Data+"/participants", "").body)
}

// TestTheTreeKeepsThePublishedShapes reads every path of the published definition and holds the answer
// against its schema.
func TestTheTreeKeepsThePublishedShapes(t *testing.T) {
	doc := published(t, "directory/1.3.7.yml")
	// The published limits of these two members cannot hold a key of 2048 bits.
	key := doc.Components.Schemas["CertificateOrKey"].Value.Properties
	key["n"].Value.MaxLength, key["x5c"].Value.Items.Value.MaxLength = nil, nil
	w := newWorld(t, nil, "", nil)
	token := w.tokenOf(&w.aurora, w.auroraApp.ClientID)
	bank, aurora := w.find(bankID), w.find(auroraID)
	server := bank.servers[0]
	sig, err := signing()
	ok(t, err)
	names := func(org string) *strings.Replacer {
		claim := w.find(org)
		return strings.NewReplacer("{OrganisationId}", org, "{AuthorisationServerId}", server.AuthorisationServerID,
			"{ApiResourceId}", server.APIResources[0].APIResourceID, "{ApiDiscoveryEndpointId}", server.APIResources[0].APIDiscoveryEndpoints[0].APIDiscoveryID,
			"{AuthorisationServerCertificationId}", server.AuthorisationServerCertifications[0].CertificationID,
			"{OrganisationAuthorityClaimId}", claim.roles[0].OrganisationAuthorityClaimID,
			"{OrganisationAuthorityDomainClaimId}", claim.domains[0].OrganisationAuthorityDomainClaimID,
			"{ContactId}", claim.Contacts[0].ContactID, "kid/{CertificateOrKeyId}", "kid/"+aurora.keys[0].ID, "{CertificateOrKeyId}", sig.ID,
			"{OrganisationCertificateType}", "brseal", "{SoftwareStatementCertificateOrKeyType}", "sigkey",
			"{SoftwareStatementId}", w.auroraApp.SoftwareStatementID, "{SoftwareAuthorityClaimId}", w.Directory.software[w.auroraApp.SoftwareStatementID].roles[0].SoftwareAuthorityClaimID,
			"{AuthorisationDomainName}", strings.ReplaceAll(domain, " ", "%20"), "{AuthorisationDomainRoleName}", Data,
			"{AuthorityId}", authorityID, "{AuthorityAuthorisationDomainId}", mappingID)
	}
	// Things that no statement and no role here has.
	empty := regexp.MustCompile(`\{OrganisationAuthorisationId\}|\{SoftwareStatementCertificationId\}|\{MetadataId\}|\{UserEmailId\}`)
	seen := 0
	for path, item := range doc.Paths.Map() {
		if item.Get == nil || empty.MatchString(path) {
			continue
		}
		org := auroraID
		if strings.Contains(path, "authorisationservers") {
			org = bankID
		}
		address := w.cfg.Base.API + names(org).Replace(path)
		g := w.get(&w.aurora, address, token)
		if g.StatusCode != 200 {
			t.Errorf("%s: %d %s", path, g.StatusCode, g.body)
			continue
		}
		kind := g.Header.Get("Content-Type")
		media := item.Get.Responses.Status(200).Value.Content[kind]
		switch {
		case media == nil:
			t.Errorf("%s: content type %q is not published", path, kind)
		case kind == "application/jwt":
			seen++
		default:
			seen++
			keeps(t, path, media.Schema, g.body)
		}
	}
	if seen < 40 {
		t.Errorf("only %d places were looked at", seen)
	}
}
