package spec

import (
	"fmt"
	"slices"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

// Codes lists the error codes that the operation may answer with 422, in the order of the contract; nil
// where the contract leaves them free or has no 422.
func (o *Operation) Codes() []string {
	list, _ := codes.LoadOrStore(o, sync.OnceValue(func() []string {
		return o.enum("422", "errors", "code")
	}))
	return list.(func() []string)()
}

// Values lists what a field of the operation's successful answers may hold, by contract:
// payments.read.Values("data", "rejectionReason", "code"). Arrays are walked through. Nil where free.
func (o *Operation) Values(path ...string) []string {
	for _, status := range []string{"200", "201"} {
		if list := o.enum(status, path...); list != nil {
			return list
		}
	}
	return nil
}

var codes sync.Map // *Operation → func() []string

func (o *Operation) enum(status string, path ...string) []string {
	described, err := o.Described()
	if err != nil {
		return nil
	}
	answer := described.Responses.Value(status)
	if answer == nil {
		return nil
	}
	for _, media := range answer.Value.Content {
		if s := field(media.Schema, path); s != nil {
			var list []string
			for _, v := range s.Enum {
				list = append(list, fmt.Sprint(v))
			}
			return slices.Clip(list)
		}
	}
	return nil
}

func field(ref *openapi3.SchemaRef, path []string) *openapi3.Schema {
	for ref != nil && ref.Value.Items != nil {
		ref = ref.Value.Items
	}
	if ref == nil || len(path) == 0 {
		if ref == nil {
			return nil
		}
		return ref.Value
	}
	return field(ref.Value.Properties[path[0]], path[1:])
}
