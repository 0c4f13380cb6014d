package gateway

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

var (
	noEndpoint         = call.Refuse(http.StatusNotFound, "NAO_ENCONTRADO", "Recurso não encontrado", "O endereço solicitado não existe ou não é oferecido")
	methodNotAllowed   = call.Refuse(http.StatusMethodNotAllowed, "METODO_NAO_PERMITIDO", "Método não permitido", "O recurso não suporta este método")
	certificateRefused = call.Refuse(http.StatusUnauthorized, "INVALID_CLIENT", "Certificado não aceito", "O certificado de cliente está ausente ou não é aceito")
	unauthorised       = call.Refuse(http.StatusUnauthorized, "UNAUTHORIZED", "Não autorizado", "O token de acesso está ausente ou não é válido")
	tooLarge           = call.Refuse(http.StatusRequestEntityTooLarge, "CORPO_MUITO_GRANDE", "Corpo muito grande", "O corpo da requisição excede o limite")
	incomplete         = call.Refuse(http.StatusRequestTimeout, "REQUISICAO_INCOMPLETA", "Requisição incompleta", "O corpo da requisição não chegou por inteiro")
)

func row(id, text string, weight fault.Weight, broken func(*exchange) bool, problem *call.Problem) rule.Rule[*exchange] {
	return rule.Rule[*exchange]{ID: id, Text: text, Weight: weight, Check: func(_ context.Context, x *exchange) error {
		if broken(x) {
			return problem
		}
		return nil
	}}
}

func badHeader(name, detail string) *call.Problem {
	return call.Refuse(http.StatusBadRequest, "PARAMETRO_INVALIDO", "Cabeçalho inválido", name+" "+detail)
}

var headerRules = rule.NewSet("request headers",
	row("RS-HDR-01/has-interaction-id", "x-fapi-interaction-id is present.", fault.Major,
		func(x *exchange) bool { return x.sent == "" && !x.public() }, badHeader("x-fapi-interaction-id", "é obrigatório")),
	row("RS-HDR-01/interaction-id-is-uuid", "x-fapi-interaction-id is a UUID of RFC 4122.", fault.Major,
		func(x *exchange) bool { return x.sent != "" && !isUUID(x.sent) && !x.public() }, badHeader("x-fapi-interaction-id", "deve ser um UUID")),
	row("RS-HDR-05/accept", "An Accept that does not take the API's media type is refused with 406.", fault.Minor,
		func(x *exchange) bool { return !acceptable(x.request.Header, media(x.Operation)) },
		call.Refuse(http.StatusNotAcceptable, "NAO_ACEITAVEL", "Formato não aceito", "O formato pedido em Accept não é oferecido")),
	row("RS-HDR-05/content-type", "A body of another media type than the API's is refused with 415.", fault.Minor,
		func(x *exchange) bool {
			return hasBody(x.request) && !contentType(x.request.Header, media(x.Operation))
		},
		call.Refuse(http.StatusUnsupportedMediaType, "FORMATO_NAO_SUPORTADO", "Formato não suportado", "O Content-Type da requisição não é suportado")),
	row("RS-HDR-03/customer-ip", "x-fapi-customer-ip-address is present where the API demands it.", fault.Major,
		func(x *exchange) bool {
			return x.Operation.CustomerHeaders && x.request.Header.Get("x-fapi-customer-ip-address") == ""
		}, badHeader("x-fapi-customer-ip-address", "é obrigatório")),
	row("RS-HDR-03/user-agent", "x-customer-user-agent is present where the API demands it.", fault.Major,
		func(x *exchange) bool {
			return x.Operation.CustomerHeaders && x.request.Header.Get("x-customer-user-agent") == ""
		}, badHeader("x-customer-user-agent", "é obrigatório")),
	row("RS-HDR-08/has-idempotency-key", "x-idempotency-key is present where the API demands it.", fault.Major,
		func(x *exchange) bool {
			return x.Operation.Idempotent && x.request.Header.Get("x-idempotency-key") == ""
		}, badHeader("x-idempotency-key", "é obrigatório")),
	row("RS-HDR-08/idempotency-key-length", "x-idempotency-key has at most forty characters.", fault.Minor,
		func(x *exchange) bool {
			return x.Operation.Idempotent && len(x.request.Header.Get("x-idempotency-key")) > 40
		}, badHeader("x-idempotency-key", "deve ter no máximo 40 caracteres")),
)

var forwardedRules = rule.NewSet("forwarded certificate",
	row("RS-MTLS-01/only-the-connection", "A certificate in a request header proves nothing; only the connection's does.", fault.Critical,
		func(*exchange) bool { return true }, certificateRefused),
)

var bearerRules = rule.NewSet("bearer",
	row("RS-TOK-01/only-in-header", "The access token comes in the Authorization header, never in the address.", fault.Major,
		func(x *exchange) bool { return x.Query("access_token") != "" }, unauthorised),
)

func denied(detail string) *call.Problem {
	return call.Refuse(http.StatusForbidden, "NAO_AUTORIZADO", "Acesso negado", detail)
}

var grantRules = rule.NewSet("grant and scope",
	row("RS-TOK-03/client-credentials", "Calls about a client's own consents and payments take a client_credentials token.", fault.Critical,
		func(x *exchange) bool {
			return x.Operation.Grant == spec.ClientCredentials && x.Token.Grant != spec.ClientCredentials
		}, denied("A operação exige um token client_credentials")),
	row("RS-TOK-03/authorization-code", "Calls on behalf of a customer take an authorization_code token.", fault.Critical,
		func(x *exchange) bool {
			return x.Operation.Grant == spec.AuthorizationCode && x.Token.Grant != spec.AuthorizationCode
		}, denied("A operação exige um token authorization_code")),
	row("RS-TOK-02/scope", "The token holds the scope of the API.", fault.Critical,
		func(x *exchange) bool {
			return x.Operation.Grant == x.Token.Grant && !x.Token.Has(x.Operation.Scope)
		}, denied("O token não tem o escopo da operação")),
)

// Rules lists the sentences this package keeps.
func Rules() []rule.Info {
	return slices.Concat(forwardedRules.Rules(), headerRules.Rules(), bearerRules.Rules(), grantRules.Rules(),
		demandRules.Rules(), shareRules.Rules(), exemptRules.Rules(), chargeRules.Rules(), successRules.Rules())
}

func media(o *spec.Operation) string {
	if o.API.Signed {
		return "application/jwt"
	}
	return "application/json"
}

func hasBody(r *http.Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return true
	}
	return false
}

// acceptable says whether one of the Accept ranges takes the media type in UTF-8. A range with q=0 takes
// nothing.
func acceptable(h http.Header, want string) bool {
	values := h.Values("Accept")
	if len(values) == 0 {
		return true
	}
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			name, parameters, _ := strings.Cut(item, ";")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case want, "*/*", "application/*":
			default:
				continue
			}
			parameters = strings.ToLower(strings.ReplaceAll(parameters, " ", ""))
			if parameters == "" || !refused(parameters) {
				return true
			}
		}
	}
	return false
}

func refused(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		switch name, value, _ := strings.Cut(p, "="); name {
		case "q":
			if strings.Trim(value, "0.") == "" {
				return true
			}
		case "charset":
			if strings.Trim(value, `"`) != "utf-8" {
				return true
			}
		}
	}
	return false
}

// contentType says whether a body is of the media type, in UTF-8.
func contentType(h http.Header, want string) bool {
	name, parameters, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(name), want) && !refused(strings.ToLower(strings.ReplaceAll(parameters, " ", "")))
}

// forwarded are the headers with which proxies hand a client certificate on.
var forwarded = []string{"X-Client-Cert", "X-Ssl-Client-Cert", "Ssl-Client-Cert", "X-Forwarded-Client-Cert", "X-Client-Certificate"}

func (x *exchange) headerCertificate() string {
	for _, name := range forwarded {
		if v := x.request.Header.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// parseHeader reads a PEM chain from a header, escaped or not.
func parseHeader(value string) []*x509.Certificate {
	if plain, err := url.PathUnescape(value); err == nil {
		value = plain
	}
	var chain []*x509.Certificate
	for rest := []byte(value); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return chain
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			chain = append(chain, c)
		}
	}
}
