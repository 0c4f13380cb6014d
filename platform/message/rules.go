package message

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/jose"
	"github.com/ensaio/ensaio/sim/rule"
)

// tolerance is how far iat may lie from now (S2 6.1).
const tolerance = 60 * time.Second

// row makes a rule about a message; a message that is no JWS at all is the business of JWS-01 alone.
func row(id, text string, weight fault.Weight, kept func(in *incoming) bool, refusal func(string) error, detail string) rule.Rule[*incoming] {
	return rule.Rule[*incoming]{ID: id, Text: text, Weight: weight, Check: func(_ context.Context, in *incoming) error {
		if in.plain || kept(in) {
			return nil
		}
		return refusal(detail)
	}}
}

// signatureRules come first and answer 400.
var signatureRules = rule.NewSet("message signature",
	rule.Rule[*incoming]{ID: "JWS-01/compact", Text: "A request of a signed API is a compact JWS.", Weight: fault.Critical,
		Check: func(_ context.Context, in *incoming) error {
			if in.plain {
				return badSignature("O corpo não é uma mensagem assinada (JWS compacto).")
			}
			return nil
		}},
	row("CRYPT-01/message-alg", "A message is signed with PS256.", fault.Critical,
		func(in *incoming) bool { return in.token.Algorithm() == jose.PS256 }, badSignature, "O algoritmo da assinatura deve ser PS256."),
	row("JWS-02/typ", "The header's typ is JWT.", fault.Major,
		func(in *incoming) bool {
			typ, _ := in.token.Header["typ"].(string)
			return strings.EqualFold(typ, "JWT")
		}, badSignature, "O cabeçalho typ deve ser JWT."),
	row("JWS-02/has-kid", "The header names the signing key.", fault.Critical,
		func(in *incoming) bool { return in.token.KeyID() != "" }, badSignature, "O cabeçalho kid é obrigatório."),
	row("JWS-09/ignores-embedded-key", "A key inside the message proves nothing.", fault.Critical,
		func(in *incoming) bool { return !in.embedded }, badSignature, "A chave deve estar publicada no diretório."),
	row("JWS-09/published-key", "The signing key is one the directory publishes for the sender.", fault.Critical,
		func(in *incoming) bool { return in.known || in.embedded || in.token.KeyID() == "" }, badSignature, "A chave não está publicada no diretório para o remetente."),
	row("JWS-08/signature", "The signature is the named key's over exactly these bytes.", fault.Critical,
		func(in *incoming) bool { return in.proved || in.embedded || (!in.known && in.token.KeyID() != "") }, badSignature, "A assinatura não confere."),
)

// claimRules come second and answer 403.
var claimRules = rule.NewSet("message claims",
	row("JWS-03/aud", "aud is the address of the endpoint called.", fault.Critical,
		func(in *incoming) bool { return in.audience() == in.call.Base+in.call.Request.URL.Path }, invalidClient, "aud deve ser o endereço do recurso chamado."),
	row("JWS-04/iss", "iss is the sender's organisation.", fault.Critical,
		func(in *incoming) bool { return in.token.String("iss") == in.call.Client.OrganisationID }, invalidClient, "iss deve ser a organização do remetente."),
	row("JWS-06/iat-number", "iat is a number.", fault.Major,
		func(in *incoming) bool { _, ok := in.issued(); return ok }, invalidClient, "iat deve ser um número."),
	row("JWS-06/iat-window", "iat lies within sixty seconds of now.", fault.Major,
		func(in *incoming) bool {
			at, ok := in.issued()
			return !ok || in.call.Now.Sub(at).Abs() <= tolerance+time.Second-1 // iat has whole seconds
		}, invalidClient, "iat deve estar a até 60 segundos de agora."),
	row("JWS-05/jti-uuid", "jti is a version 4 UUID.", fault.Major,
		func(in *incoming) bool {
			id, err := uuid.Parse(in.token.String("jti"))
			return err == nil && id.Version() == 4 && len(in.token.String("jti")) == 36
		}, invalidClient, "jti deve ser um UUID versão 4."),
	row("JWS-05/jti-unique", "A jti serves once in 24 hours.", fault.Critical,
		func(in *incoming) bool {
			id := in.token.String("jti")
			return id == "" || in.fresh(strings.ToLower(id))
		}, invalidClient, "jti já utilizado."),
)
