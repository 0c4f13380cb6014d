package consent

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// request is what the rules see of a creation or an extension.
type request struct {
	wire    *wireRequest
	call    *call.Call
	now     time.Time
	expires *time.Time // nil when absent or malformed
	granted []string   // what a creation may grant, in the order asked
	consent *Consent   // the one to extend
}

func (r request) cpf() string  { return identification(r.wire.LoggedUser) }
func (r request) cnpj() string { return identification(r.wire.BusinessEntity) }

func identification(p *party) string {
	if p == nil || p.Document == nil {
		return ""
	}
	return p.Document.Identification
}

func (r request) asks(prefix string) bool {
	return slices.ContainsFunc(r.wire.Permissions, func(p string) bool { return strings.HasPrefix(p, prefix) })
}

const (
	personal = "CUSTOMERS_PERSONAL_"
	business = "CUSTOMERS_BUSINESS_"
)

// grant reduces the permissions to what the institution offers: a group chosen resource by resource
// leaves when none of its APIs is served, grouped products stay (consent guidance, rules 1 and 2).
func (r *request) grant(offered func(string) bool) {
	lost := map[string]bool{}
	for _, g := range spec.Groups() {
		if g.Removable() && !slices.ContainsFunc(g.APIs, offered) {
			for _, p := range g.Permissions {
				lost[p] = true
			}
		}
	}
	for _, p := range r.wire.Permissions {
		if !lost[p] && !slices.Contains(r.granted, p) {
			r.granted = append(r.granted, p)
		}
	}
}

// whole says whether every known permission belongs to a group that is asked for in full.
func whole(permissions []string) bool {
	covered := map[string]bool{spec.ResourcesRead: true}
	for _, g := range spec.Groups() {
		if !slices.ContainsFunc(g.Permissions, func(p string) bool { return !slices.Contains(permissions, p) }) {
			for _, p := range g.Permissions {
				covered[p] = true
			}
		}
	}
	return !slices.ContainsFunc(permissions, func(p string) bool { return spec.KnownPermission(p) && !covered[p] })
}

var (
	cpfForm  = regexp.MustCompile(`^\d{11}$`)
	cnpjForm = regexp.MustCompile(`^[0-9A-Z]{12}[0-9]{2}$`)
)

func row(id, text string, weight fault.Weight, broken func(request) bool, problem error) rule.Rule[request] {
	return rule.Rule[request]{ID: id, Text: text, Weight: weight, Check: func(_ context.Context, r request) error {
		if broken(r) {
			return problem
		}
		return nil
	}}
}

func business422(code, title, detail string) error {
	return refuse(http.StatusUnprocessableEntity, code, title, detail)
}

func combination(detail string) error {
	return business422("COMBINACAO_PERMISSOES_INCORRETA", "Permissões incorretas", detail)
}

func badExpiry(detail string) error {
	return business422("DATA_EXPIRACAO_INVALIDA", "Data de expiração inválida", detail)
}

// personRules hold for every body that names people.
var personRules = rule.NewSet("consent person",
	row("CONS-REQ-01/has-logged-user", "A consent request names the logged user with a document.", fault.Major,
		func(r request) bool { return r.wire.LoggedUser == nil || r.wire.LoggedUser.Document == nil },
		malformed("loggedUser.document é obrigatório")),
	row("CONS-REQ-02/cpf-form", "The logged user's document is a CPF of eleven digits.", fault.Minor,
		func(r request) bool {
			return r.wire.LoggedUser != nil && r.wire.LoggedUser.Document != nil &&
				(!cpfForm.MatchString(r.cpf()) || r.wire.LoggedUser.Document.Rel != "CPF")
		}, malformed("loggedUser.document deve ser um CPF de onze dígitos")),
	row("CONS-REQ-03/cnpj-form", "The business entity's document is a CNPJ of twelve digits or capitals and two check digits.", fault.Minor,
		func(r request) bool {
			return r.wire.BusinessEntity != nil && (r.wire.BusinessEntity.Document == nil || !cnpjForm.MatchString(r.cnpj()) || r.wire.BusinessEntity.Document.Rel != "CNPJ")
		}, malformed("businessEntity.document deve ser um CNPJ")),
	row("CONS-REQ-04/expiry-form", "expirationDateTime is written in UTC with seconds.", fault.Minor,
		func(r request) bool { return r.wire.Expires != "" && r.expires == nil },
		malformed("expirationDateTime deve ter a forma AAAA-MM-DDTHH:MM:SSZ")),
)

// requestRules judge a creation, in order of precedence (payments-and-consents rules 2.3).
var requestRules = rule.NewSet("consent request",
	row("CONS-PERM-01/not-both-persons", "Personal and business registration permissions do not come together.", fault.Major,
		func(r request) bool { return r.asks(personal) && r.asks(business) },
		business422("PERMISSAO_PF_PJ_EM_CONJUNTO", "Permissões de PF e PJ em conjunto", "Permissões de pessoa natural e de pessoa jurídica não podem ser pedidas em conjunto")),
	row("CONS-PERM-02/company-informed", "Business registration permissions require a businessEntity.", fault.Major,
		func(r request) bool { return r.asks(business) && !r.asks(personal) && r.wire.BusinessEntity == nil },
		business422("INFORMACOES_PJ_NAO_INFORMADAS", "Informações de PJ não informadas", "Permissões de pessoa jurídica exigem businessEntity")),
	row("CONS-PERM-03/no-personal-for-company", "A request for a businessEntity holds no personal registration permission.", fault.Major,
		func(r request) bool { return r.asks(personal) && !r.asks(business) && r.wire.BusinessEntity != nil },
		business422("PERMISSOES_PJ_INCORRETAS", "Permissões de PJ incorretas", "Um pedido com businessEntity não pode ter permissões de pessoa natural")),
	row("CONS-PERM-04/known", "Every permission is one of the standard.", fault.Major,
		func(r request) bool {
			return slices.ContainsFunc(r.wire.Permissions, func(p string) bool { return !spec.KnownPermission(p) })
		}, combination("Há permissão que não existe no padrão")),
	row("CONS-PERM-05/whole-groups", "Permissions come in whole groups.", fault.Major,
		func(r request) bool { return !whole(r.wire.Permissions) },
		combination("As permissões não formam agrupamentos completos")),
	row("CONS-PERM-06/resources-read", "RESOURCES_READ accompanies every group.", fault.Major,
		func(r request) bool { return !slices.Contains(r.wire.Permissions, spec.ResourcesRead) },
		combination("RESOURCES_READ deve acompanhar os agrupamentos")),
	row("CONS-PERM-07/functional-left", "Something besides RESOURCES_READ is left once what the institution does not offer is taken away.", fault.Minor,
		func(r request) bool {
			return !slices.ContainsFunc(r.granted, func(p string) bool { return p != spec.ResourcesRead })
		},
		business422("SEM_PERMISSOES_FUNCIONAIS_RESTANTES", "Sem permissões funcionais restantes", "Nenhuma permissão funcional resta para esta instituição")),
	row("CONS-EXP-01/not-past", "expirationDateTime lies in the future.", fault.Major,
		func(r request) bool { return r.expires != nil && !r.expires.After(r.now) },
		badExpiry("A data de expiração já passou")),
	row("CONS-EXP-02/within-a-year", "expirationDateTime is at most one year ahead.", fault.Major,
		func(r request) bool { return r.expires != nil && r.expires.After(r.now.AddDate(1, 0, 0)) },
		badExpiry("A data de expiração passa de um ano")),
)

func forbidden(detail string) error {
	return refuse(http.StatusForbidden, "NAO_AUTORIZADO", "Acesso negado", detail)
}

// extenderRules say who may extend; security comes before business (2.4).
var extenderRules = rule.NewSet("consent extender",
	row("CONS-EXT-01/own-consent", "A consent is extended with the token of that very consent.", fault.Critical,
		func(r request) bool {
			// A token of no consent at all is the gateway's matter (RS-TOK-03).
			return r.call.Token.ConsentID != "" && r.call.Token.ConsentID != r.consent.ID
		},
		forbidden("O token não é deste consentimento")),
	row("CONS-EXT-02/same-person", "A natural person's consent is extended by that same person.", fault.Critical,
		func(r request) bool { return r.consent.CNPJ == "" && r.cpf() != "" && r.cpf() != r.consent.CPF },
		forbidden("O usuário não é o do consentimento")),
	row("CONS-EXT-03/same-company", "A company's consent is extended for that same company.", fault.Critical,
		func(r request) bool { return r.cnpj() != r.consent.CNPJ },
		forbidden("A empresa não é a do consentimento")),
)

// extensionRules say what an extension may ask.
var extensionRules = rule.NewSet("consent extension",
	row("CONS-EXT-04/single-approver", "A consent that needed several approvers is not extended without redirect.", fault.Major,
		func(r request) bool { return len(r.consent.Approvals)+len(r.consent.Approved) > 0 },
		business422("DEPENDE_MULTIPLA_ALCADA", "Necessário aprovação de múltipla alçada", "O consentimento depende de múltipla alçada para aprovação")),
	row("CONS-EXT-05/later", "The new expiry is later than now and than the current one.", fault.Major,
		func(r request) bool {
			return r.expires != nil && (!r.expires.After(r.now) || r.consent.Expires != nil && !r.expires.After(*r.consent.Expires))
		}, badExpiry("A nova data de expiração deve ser posterior à atual")),
	row("CONS-EXT-06/within-a-year", "The new expiry is at most one year ahead.", fault.Minor,
		func(r request) bool { return r.expires != nil && r.expires.After(r.now.AddDate(1, 0, 0)) },
		badExpiry("A nova data de expiração passa de um ano")),
	row("CONS-EXT-07/endless-stays", "A consent without end is not given an end by an extension.", fault.Minor,
		func(r request) bool {
			return r.expires != nil && r.consent.Expires == nil && r.expires.After(r.now) && !r.expires.After(r.now.AddDate(1, 0, 0))
		}, badExpiry("O consentimento não tem data de expiração")),
)

type owned struct {
	call  *call.Call
	found *Consent
}

// ownerRules keep a consent to the client that made it, one row for each kind of call.
var ownerRules = func() map[string]rule.Set[owned] {
	sets := map[string]rule.Set[owned]{}
	for verb, text := range map[string]string{"read": "reads", "delete": "deletes", "extensions": "lists the extensions of"} {
		sets[verb] = rule.NewSet("consent owner", rule.Rule[owned]{
			ID: "AS-CONS-07/" + verb, Text: "Only the client that created a consent " + text + " it.", Weight: fault.Critical,
			Check: func(_ context.Context, o owned) error {
				if o.call.Client.ID != o.found.ClientID {
					return forbidden("O consentimento é de outra instituição receptora")
				}
				return nil
			},
		})
	}
	return sets
}()

// Rules lists the sentences this package keeps.
func Rules() []rule.Info {
	all := slices.Concat(personRules.Rules(), requestRules.Rules(), extenderRules.Rules(), extensionRules.Rules())
	for _, verb := range []string{"read", "delete", "extensions"} {
		all = append(all, ownerRules[verb].Rules()...)
	}
	return all
}
