package consent

import (
	"time"

	"github.com/ensaio/ensaio/platform/call"
)

// The messages of consents v3, as far as they concern us.
type document struct {
	Identification string `json:"identification"`
	Rel            string `json:"rel"`
}

type party struct {
	Document *document `json:"document"`
}

type wireRequest struct {
	LoggedUser     *party   `json:"loggedUser"`
	BusinessEntity *party   `json:"businessEntity"`
	Permissions    []string `json:"permissions"`
	Expires        string   `json:"expirationDateTime"`
}

type wireRejection struct {
	By     string `json:"rejectedBy"`
	Reason struct {
		Code   string `json:"code"`
		Detail string `json:"additionalInformation,omitempty"`
	} `json:"reason"`
}

type wireConsent struct {
	ID          string         `json:"consentId"`
	Created     string         `json:"creationDateTime"`
	Status      string         `json:"status"`
	Updated     string         `json:"statusUpdateDateTime"`
	Permissions []string       `json:"permissions"`
	Expires     string         `json:"expirationDateTime,omitempty"`
	Rejection   *wireRejection `json:"rejection,omitempty"`
}

type wireExtension struct {
	Expires    string `json:"expirationDateTime,omitempty"`
	LoggedUser struct {
		Document document `json:"document"`
	} `json:"loggedUser"`
	Requested string `json:"requestDateTime"`
	Previous  string `json:"previousExpirationDateTime,omitempty"`
	IP        string `json:"xFapiCustomerIpAddress"`
	UserAgent string `json:"xCustomerUserAgent"`
}

type answer struct {
	Data  wireConsent `json:"data"`
	Links struct {
		Self string `json:"self"`
	} `json:"links"`
	Meta struct {
		RequestDateTime string `json:"requestDateTime"`
	} `json:"meta"`
}

func at(t *time.Time) string {
	if t == nil {
		return ""
	}
	return call.Time(*t)
}

// view is a consent as the API shows it; self is where it can be read.
func view(c *call.Call, of *Consent, permissions []string) answer {
	var v answer
	v.Data = wireConsent{
		ID: of.ID, Created: call.Time(of.Created), Status: of.Status, Updated: call.Time(of.Updated),
		Permissions: permissions, Expires: at(of.Expires),
	}
	v.Links.Self = c.Base + c.Operation.API.Base + "/consents/" + of.ID
	v.Meta.RequestDateTime = call.Time(c.Now)
	return v
}
