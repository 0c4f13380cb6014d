package contract

import (
	"errors"
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/ensaio/ensaio/sim/spec"
)

// Kind tells a broken contract from something merely noticed.
type Kind string

// Breach is a departure from the contract. Unknown is a field that the contract does not mention: legal
// wherever additional fields are, and often a misspelt optional one.
const (
	Breach  Kind = "breach"
	Unknown Kind = "unknown"
)

// Violation is one thing wrong with one message.
type Violation struct {
	Kind    Kind
	Where   string // "/data/0/compeCode", "header x-v", "query page-size", "status"
	Message string // short, for a person; free of personal values
}

func (v Violation) String() string { return v.Where + ": " + v.Message }

// Breaches keeps what breaks the contract.
func Breaches(all []Violation) []Violation {
	var kept []Violation
	for _, v := range all {
		if v.Kind == Breach {
			kept = append(kept, v)
		}
	}
	return kept
}

func breach(where, format string, args ...any) Violation {
	return Violation{Kind: Breach, Where: where, Message: fmt.Sprintf(format, args...)}
}

var schemaOptions = []openapi3.SchemaValidationOption{
	openapi3.MultiErrors(),
	openapi3.SetSchemaRegexCompiler(spec.CompilePattern),
}

// check holds a decoded value against a schema. Within a body, where is "" and places are JSON pointers.
func check(where string, schema *openapi3.Schema, value any) []Violation {
	return explain(where, schema.VisitJSON(value, schemaOptions...))
}

func explain(where string, err error) []Violation {
	if err == nil {
		return nil
	}
	switch e := err.(type) { //nolint:errorlint // unwrapped below, one layer at a time
	case openapi3.MultiError:
		var all []Violation
		for _, one := range e {
			all = append(all, explain(where, one)...)
		}
		return all
	case *openapi3.SchemaError:
		at := where
		if path := e.JSONPointer(); len(path) > 0 {
			at += "/" + strings.Join(path, "/")
		}
		if branch := intended(e); branch != nil {
			if inner := check(at, branch, e.Value); len(inner) > 0 {
				return inner
			}
		}
		return []Violation{breach(place(at), "%s", reason(e))}
	}
	if inner := errors.Unwrap(err); inner != nil {
		return explain(where, inner)
	}
	return []Violation{breach(place(where), "%s", firstLine(err.Error()))}
}

// intended guesses which alternative of a oneOf the sender meant: the only one whose required fields are
// all there. Naming that one's faults helps more than "none fits".
func intended(e *openapi3.SchemaError) *openapi3.Schema {
	value, ok := e.Value.(map[string]any)
	if e.SchemaField != "oneOf" || !ok {
		return nil
	}
	var found *openapi3.Schema
	for _, ref := range e.Schema.OneOf {
		fits := len(ref.Value.Required) > 0
		for _, name := range ref.Value.Required {
			_, has := value[name]
			fits = fits && has
		}
		switch {
		case fits && found != nil:
			return nil
		case fits:
			found = ref.Value
		}
	}
	return found
}

func place(where string) string {
	if where == "" {
		return "body"
	}
	return where
}

// reason says what a schema asked for. A wrong value of an enumeration is repeated, shortened; other
// values may be personal and are not.
func reason(e *openapi3.SchemaError) string {
	s := e.Schema
	switch e.SchemaField {
	case "required":
		return "is missing"
	case "type":
		return fmt.Sprintf("must be %s, is %s", strings.Join(s.Type.Slice(), " or "), kindOf(e.Value))
	case "nullable":
		return "must not be null"
	case "enum":
		allowed := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			allowed[i] = fmt.Sprint(v)
		}
		return fmt.Sprintf("%q is not one of %s", shortened(fmt.Sprint(e.Value), 40), shortened(strings.Join(allowed, ", "), 160))
	case "pattern":
		return "does not match " + s.Pattern
	case "format":
		return "is not a valid " + s.Format
	case "minLength":
		return fmt.Sprintf("is %d characters long, at least %d are needed", lengthOf(e.Value), s.MinLength)
	case "maxLength":
		return fmt.Sprintf("is %d characters long, at most %d are allowed", lengthOf(e.Value), *s.MaxLength)
	case "minItems":
		return fmt.Sprintf("has %d items, at least %d are needed", lengthOf(e.Value), s.MinItems)
	case "maxItems":
		return fmt.Sprintf("has %d items, at most %d are allowed", lengthOf(e.Value), *s.MaxItems)
	case "oneOf":
		return fmt.Sprintf("must fit exactly one of %d alternatives", len(s.OneOf))
	case "anyOf":
		return fmt.Sprintf("fits none of %d alternatives", len(s.AnyOf))
	case "properties":
		return strings.Replace(e.Reason, "is unsupported", "is not allowed here", 1)
	}
	return firstLine(e.Reason)
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64, int, int64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

func lengthOf(v any) int {
	switch v := v.(type) {
	case string:
		return len([]rune(v))
	case []any:
		return len(v)
	}
	return 0
}

func shortened(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return shortened(line, 200)
}
