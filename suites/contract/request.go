package contract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/ensaio/ensaio/sim/spec"
)

var parameterOptions = &openapi3filter.Options{
	MultiError:              true,
	SkipSettingDefaults:     true,
	SchemaValidationOptions: schemaOptions,
}

// Request holds a request against the contract: method, path, parameters and body. Of a signed request
// the body is the JWS payload. Without an operation there is no contract, and nothing to say.
func (j *Judge) Request(op *spec.Operation, method, rawURL string, header http.Header, body []byte) []Violation {
	if op == nil {
		return nil
	}
	described := j.described(op)
	if method != op.Method {
		return []Violation{breach("method", "%s, the operation is a %s", method, op.Method)}
	}
	target, err := url.Parse(rawURL)
	if err != nil {
		return []Violation{breach("url", "cannot be read")}
	}
	path, ok := pathValues(op, target)
	if !ok {
		return []Violation{breach("path", "is not %s", op.FullPath())}
	}
	return append(parameters(described, target, path, header), requestBody(described, header, body)...)
}

// pathValues reads the path's parameters, each decoded: a consent identifier is a URN and may travel with
// its colons escaped.
func pathValues(op *spec.Operation, target *url.URL) (map[string]string, bool) {
	escaped := target.EscapedPath()
	at := strings.Index(escaped, op.API.Base+"/")
	if at < 0 {
		return nil, false
	}
	got := strings.Split(strings.Trim(escaped[at+len(op.API.Base):], "/"), "/")
	want := strings.Split(strings.Trim(op.Path, "/"), "/")
	if len(got) != len(want) {
		return nil, false
	}
	values := map[string]string{}
	for i, segment := range want {
		text, err := url.PathUnescape(got[i])
		switch name, isParam := strings.CutPrefix(segment, "{"); {
		case err != nil:
			return nil, false
		case isParam:
			values[strings.TrimSuffix(name, "}")] = text
		case segment != text:
			return nil, false
		}
	}
	return values, true
}

func parameters(described *openapi3.Operation, target *url.URL, path map[string]string, header http.Header) []Violation {
	input := &openapi3filter.RequestValidationInput{
		Request:     &http.Request{URL: target, Header: header},
		PathParams:  path,
		QueryParams: target.Query(),
		Options:     parameterOptions,
	}
	if header == nil {
		input.Request.Header = http.Header{}
	}
	var all []Violation
	for _, ref := range described.Parameters {
		p := ref.Value
		where := p.In + " " + p.Name
		err := openapi3filter.ValidateParameter(context.Background(), input, p)
		var unread *openapi3filter.ParseError
		switch {
		case err == nil:
		case errors.Is(err, openapi3filter.ErrInvalidRequired):
			all = append(all, breach(where, "is missing"))
		case errors.Is(err, openapi3filter.ErrInvalidEmptyValue):
			all = append(all, breach(where, "is empty"))
		case errors.As(err, &unread):
			all = append(all, breach(where, "must be %s", strings.Join(p.Schema.Value.Type.Slice(), " or ")))
		default:
			all = append(all, explain(where, err)...)
		}
	}
	return all
}

func requestBody(described *openapi3.Operation, header http.Header, body []byte) []Violation {
	if described.RequestBody == nil {
		if len(body) > 0 {
			return []Violation{breach("body", "none is described for this operation")}
		}
		return nil
	}
	if len(body) == 0 {
		if described.RequestBody.Value.Required {
			return []Violation{breach("body", "is missing")}
		}
		return nil
	}
	schema, _, wrong := chosen(described.RequestBody.Value.Content, header)
	if wrong != nil {
		return []Violation{*wrong}
	}
	value, wrong := decoded(body)
	if wrong != nil {
		return []Violation{*wrong}
	}
	return check("", schema, value)
}

// chosen finds the schema for the content type sent. The definitions key error bodies with
// "; charset=utf-8" and others without; both name JSON in UTF-8, so only the media type counts and any
// other charset is refused.
func chosen(content openapi3.Content, header http.Header) (schema *openapi3.Schema, signed bool, wrong *Violation) {
	sent := header.Get("Content-Type")
	mediaType, params, err := mime.ParseMediaType(sent)
	if err != nil {
		v := breach("content-type", "%q cannot be read", shortened(sent, 60))
		return nil, false, &v
	}
	var known []string
	for key, media := range content {
		declared, _, _ := mime.ParseMediaType(key)
		if declared == mediaType && media.Schema != nil {
			if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
				v := breach("content-type", "charset is %s, must be utf-8", charset)
				return nil, false, &v
			}
			return media.Schema.Value, mediaType == "application/jwt", nil
		}
		known = append(known, declared)
	}
	v := breach("content-type", "is %s, must be %s", mediaType, strings.Join(known, " or "))
	return nil, false, &v
}

func decoded(body []byte) (any, *Violation) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		at := ""
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at = fmt.Sprintf(" (byte %d)", syntax.Offset)
		}
		v := breach("body", "is not JSON%s", at)
		return nil, &v
	}
	return value, nil
}
