package fault

import (
	"bytes"
	"encoding/json"
	"time"
)

// Variants is the control group: what an institution may do otherwise and still conform. A suite that
// fails on one of these is wrong. They are armed like defects and count as none.
func Variants() []Defect { return variants }

var variants = []Defect{
	{Name: "variant/audience-as-array", Kind: Mutate, Rule: "TPP-08", Weight: Minor, Symptom: "aud is a one-element array",
		OnClaims: func(c *Claims) {
			if aud, ok := c.Body["aud"].(string); ok && (c.Kind == "id_token" || c.Kind == "payment") {
				c.Body["aud"] = []string{aud}
			}
		}},
	{Name: "variant/extra-claims", Kind: Mutate, Rule: "AS-IDT-06", Weight: Minor, Symptom: "tokens and metadata carry members nobody knows",
		OnClaims: func(c *Claims) {
			switch c.Kind {
			case "id_token", "discovery", "token":
				c.Body["x_simulador"] = "extra"
			}
		}},
	{Name: "variant/other-words", Kind: Mutate, Rule: "ERR-07", Weight: Minor, Symptom: "errors use other, longer words with accents",
		OnReply: func(r *Reply) {
			if r.Status < 400 || r.Place != "api" && r.Place != "as" {
				return
			}
			r.JSON(func(m map[string]any) {
				if _, ok := m["error_description"]; ok {
					m["error_description"] = "a solicitacao nao pode ser atendida por esta instituicao"
				}
				errs, _ := m["errors"].([]any)
				for _, e := range errs {
					if item, ok := e.(map[string]any); ok {
						item["title"], item["detail"] = "Não foi possível atender", "A requisição não pôde ser atendida; procure a documentação da instituição."
					}
				}
			})
		}},
	{Name: "variant/other-error-choice", Kind: Mutate, Rule: "ERR-02", Weight: Minor, Symptom: "a bad request object is answered invalid_request",
		OnReply: refusal(func(r *Reply) {
			r.JSON(func(m map[string]any) {
				if m["error"] == "invalid_request_object" {
					m["error"] = "invalid_request"
				}
			})
		}, "par")},
	{Name: "variant/short-lifetimes", Kind: Time, Rule: "AS-TOK-03", Weight: Minor, Symptom: "access tokens live 300 s, request_uris 60 s",
		OnLifetime: func(l *Lifetime) {
			switch l.Of {
			case "access_token":
				l.Duration = 300 * time.Second
			case "request_uri", "request_uri.advertised":
				l.Duration = time.Minute
			}
		}},
	{Name: "variant/long-lifetimes", Kind: Time, Rule: "AS-TOK-03", Weight: Minor, Symptom: "access tokens live 900 s, request_uris ten minutes",
		OnLifetime: func(l *Lifetime) {
			switch l.Of {
			case "access_token":
				l.Duration = 900 * time.Second
			case "request_uri", "request_uri.advertised":
				l.Duration = 10 * time.Minute
			}
		}},
	{Name: "variant/bearer-case", Kind: Mutate, Rule: "AS-TOK-04", Weight: Minor, Symptom: "token_type is written bearer",
		OnClaims: claims(set("token_type", "bearer"), "token")},
	{Name: "variant/omits-scope", Kind: Mutate, Rule: "TPP-08", Weight: Minor, Symptom: "token answers leave scope out, being what was asked",
		OnClaims: claims(drop("scope"), "token", "client_credentials")},
	{Name: "variant/silent-refresh", Kind: Mutate, Rule: "AS-RT-02", Weight: Minor, Symptom: "a refresh answers without refresh_token",
		OnClaims: claims(drop("refresh_token"), "token", "refresh_token")},
	{Name: "variant/indented", Kind: Mutate, Rule: "RS-HDR-05", Weight: Minor, Symptom: "JSON is written with white space, and another charset spelling",
		OnReply: func(r *Reply) {
			var out bytes.Buffer
			if r.Status < 300 && r.Place == "api" && len(r.Body) > 0 && r.Body[0] == '{' && json.Indent(&out, r.Body, "", "  ") == nil {
				r.Body = out.Bytes()
				r.Header.Set("Content-Type", "application/json; charset=UTF-8")
			}
		}},
	{Name: "variant/permissions-in-other-order", Kind: Mutate, Rule: "CONS-PERM", Weight: Minor, Symptom: "permissions come back in another order",
		OnReply: reply(func(r *Reply) {
			r.JSON(func(m map[string]any) {
				items(m, func(d map[string]any) {
					if p, ok := d["permissions"].([]any); ok {
						d["permissions"] = reversed(p)
					}
				})
			})
		}, "consents.*")},
}
