package target

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
)

// directory looks for the institution and its addresses in the participants document.
func (e *examination) directory() {
	t := e.target
	if t.Directory.Participants == "" {
		e.skip("directory", "the file names no participants document")
		return
	}
	list, err := e.client.Participants(e.ctx)
	if err != nil {
		e.broken("directory", err.Error(), "directory.participants must answer the open list")
		return
	}
	if t.Bank.AuthorisationServerID == "" {
		e.good("directory", "%d participants; bank.authorisationServerId is not given, so it was not looked up", len(list))
		return
	}
	found, err := e.client.FindInstitution(e.ctx, t.Bank.AuthorisationServerID)
	switch {
	case err != nil:
		e.broken("directory", err.Error(), "bank.authorisationServerId must be the id under which the directory lists the server")
	case found.Discovery != t.Bank.Discovery:
		e.broken("directory", fmt.Sprintf("it says that the metadata is at %s, the file says %s", found.Discovery, t.Bank.Discovery), "one of the two is out of date")
	case !strings.EqualFold(found.OrganisationID, t.Bank.OrganisationID):
		e.broken("directory", fmt.Sprintf("the server belongs to organisation %s, the file says %s", found.OrganisationID, t.Bank.OrganisationID), "correct bank.organisationId")
	default:
		e.good("directory", "%d participants, the institution is listed", len(list))
	}
}

func (e *examination) metadata() bool {
	t := e.target
	at := tpp.Institution{OrganisationID: t.Bank.OrganisationID, Discovery: t.Bank.Discovery, ResourceBase: t.Bank.ResourceBase}
	server, err := e.client.Discover(e.ctx, at, e.entry.ClientID)
	if err != nil {
		return e.broken("metadata", err.Error(), "the authorization server must publish complete metadata under its issuer")
	}
	e.server = server
	return e.good("metadata", "issuer %s", server.Issuer)
}

func (e *examination) keys() {
	set, err := e.client.ServerKeys(e.ctx, e.server)
	if err != nil {
		e.broken("keys of the server", err.Error(), "jwks_uri must answer the key set")
		return
	}
	if _, ok := set.ForUse("sig"); !ok {
		e.broken("keys of the server", "no RSA signing key in the set", "publish the key that signs id_tokens with use sig")
		return
	}
	e.good("keys of the server", "%d keys", len(set.Keys))
}

func (e *examination) statement() {
	if e.entry.SSA == "" {
		e.skip("software statement", "the file names no address for it")
		return
	}
	if _, err := e.client.SSA(e.ctx); err != nil {
		e.broken("software statement", err.Error(), "directory.token and the client's ssa must let it fetch its assertion")
		return
	}
	e.good("software statement", "obtained for %s", e.entry.Name)
}

func (e *examination) registration() bool {
	if !e.entry.Registered {
		e.skip("registration", "no client is registered; checks register one themselves")
		return false
	}
	token := e.target.Text(e.entry.RegistrationToken)
	if token == "" {
		e.skip("registration", "the file gives no registration token to read it with")
		return true
	}
	server := *e.server
	server.RegistrationToken, server.RegistrationURI = token, server.Registration+"/"+e.entry.ClientID
	x := e.client.ReadRegistrationRequest(&server).Send(e.ctx)
	if x.Err != nil || x.Status != http.StatusOK {
		return e.broken("registration", x.String(), "clientId and registrationToken must be those of this client's registration")
	}
	return e.good("registration", "client %s is known", e.entry.ClientID)
}

func (e *examination) tokens() {
	scopes := map[string]string{"DADOS": "consents", "PAGTO": "payments"}
	for _, role := range e.entry.Roles {
		scope := scopes[role]
		if scope == "" {
			continue
		}
		if _, err := e.client.ClientCredentials(e.ctx, e.server, scope); err != nil {
			e.broken("token for "+scope, err.Error(), "the client must be allowed client_credentials with scope "+scope)
			continue
		}
		e.good("token for "+scope, "obtained")
	}
}

func (e *examination) people() {
	robots, humans := 0, 0
	for i := range e.target.People {
		p := &e.target.People[i]
		if p.Login == "human" {
			humans++
			continue
		}
		robots++
		if e.target.Text(p.CPF) == "" || e.target.Text(p.Username) == "" || e.target.Text(p.Password) == "" {
			e.mistake("person "+p.ID, "cpf, username or password is missing", "give them, or say login: human")
			return
		}
	}
	switch {
	case robots+humans == 0:
		e.mistake("people", "the file declares nobody", "people: needs test customers")
	case humans > 0:
		e.good("people", "%d log in by robot, %d by hand", robots, humans)
	default:
		e.good("people", "%d log in by robot", robots)
	}
}

func (e *examination) powers() {
	names := e.target.Capabilities.Names()
	if len(names) == 0 {
		e.skip("powers", "none declared: checks that need one are skipped")
		return
	}
	e.good("powers", "%s", strings.Join(names, ", "))
}
