package contract

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/ensaio/ensaio/sim/spec"
)

// Response holds an answer against the contract: status, headers, content type, body, and the fields that
// the contract does not know. Of a signed answer the body is the JWS payload. requestHeader, when given,
// lets the interaction id be compared with the one sent. Without an operation there is nothing to say.
func (j *Judge) Response(op *spec.Operation, status int, header http.Header, body []byte, requestHeader http.Header) []Violation {
	if op == nil {
		return nil
	}
	described := j.described(op)
	ref := described.Responses.Status(status)
	if ref == nil {
		ref = described.Responses.Default()
	}
	if ref == nil {
		return []Violation{breach("status", "%d is not described for this operation", status)}
	}
	answer := ref.Value
	all := headers(answer, header)
	all = append(all, echo(header, requestHeader)...)
	if len(answer.Content) == 0 {
		if len(body) > 0 {
			all = append(all, breach("body", "none is described for status %d", status))
		}
		return all
	}
	if len(body) == 0 {
		return append(all, breach("body", "is missing"))
	}
	schema, signed, wrong := chosen(answer.Content, header)
	if wrong != nil {
		return append(all, *wrong)
	}
	value, wrong := decoded(body)
	if wrong != nil {
		return append(all, *wrong)
	}
	all = append(all, check("", schema, value)...)
	return append(all, unknown("", schema, value, signed)...)
}

func headers(answer *openapi3.Response, header http.Header) []Violation {
	var all []Violation
	for name, ref := range answer.Headers {
		where, sent := "header "+strings.ToLower(name), header.Values(name)
		switch {
		case len(sent) == 0 && ref.Value.Required:
			all = append(all, breach(where, "is missing"))
		case len(sent) > 1:
			all = append(all, breach(where, "is sent %d times", len(sent)))
		case len(sent) == 1 && ref.Value.Schema != nil:
			all = append(all, check(where, ref.Value.Schema.Value, typed(ref.Value.Schema.Value, sent[0]))...)
		}
	}
	slices.SortFunc(all, func(a, b Violation) int { return strings.Compare(a.Where, b.Where) })
	return all
}

// typed reads a header's text as the schema's type; a text that cannot be read stays text and fails there.
func typed(schema *openapi3.Schema, text string) any {
	if schema.Type.Is("integer") || schema.Type.Is("number") {
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	}
	return text
}

const interactionID = "X-Fapi-Interaction-Id"

// echo compares the interaction ids of both directions, where the one sent was fit to be returned.
func echo(header, request http.Header) []Violation {
	sent, got := request.Get(interactionID), header.Get(interactionID)
	if got == "" || !isUUID(sent) || strings.EqualFold(sent, got) {
		return nil
	}
	return []Violation{breach("header x-fapi-interaction-id", "is not the one sent")}
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}

// claims of a signed message, beside the fields that its schema describes.
var claims = []string{"iss", "aud", "jti", "iat", "exp", "nbf"}

// unknown lists the fields that no part of the schema describes. Where the schema itself forbids them,
// they are breaches already and not repeated.
func unknown(where string, schema *openapi3.Schema, value any, signed bool) []Violation {
	var all []Violation
	switch v := value.(type) {
	case []any:
		if schema.Items != nil {
			for i, item := range v {
				all = append(all, unknown(where+"/"+strconv.Itoa(i), schema.Items.Value, item, false)...)
			}
		}
	case map[string]any:
		if len(schema.Properties)+len(schema.OneOf)+len(schema.AnyOf)+len(schema.AllOf) == 0 {
			return nil // anything goes
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if signed && slices.Contains(claims, name) {
				continue
			}
			fields, open := fieldsNamed(schema, name)
			if len(fields) == 0 && open {
				all = append(all, Violation{Kind: Unknown, Where: where + "/" + name, Message: "is not in the contract"})
			}
			if len(fields) == 1 {
				all = append(all, unknown(where+"/"+name, fields[0], v[name], false)...)
			}
		}
	}
	return all
}

// fieldsNamed finds the descriptions of a field in a schema and its alternatives, and tells whether a
// field without one is legal.
func fieldsNamed(schema *openapi3.Schema, name string) (fields []*openapi3.Schema, open bool) {
	extra := schema.AdditionalProperties
	open = extra.Schema == nil && (extra.Has == nil || *extra.Has)
	if p := schema.Properties[name]; p != nil {
		fields = append(fields, p.Value)
	}
	for _, part := range [][]*openapi3.SchemaRef{schema.OneOf, schema.AnyOf, schema.AllOf} {
		for _, ref := range part {
			more, _ := fieldsNamed(ref.Value, name)
			fields = append(fields, more...)
		}
	}
	return fields, open
}
