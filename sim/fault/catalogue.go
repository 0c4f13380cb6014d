package fault

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Named lists the defects that are not simply a rule switched off, area by area, one file each.
func Named() []Defect {
	var all []Defect
	for _, area := range [][]Defect{directory, discovery, registration, authorization, tokens, idTokens, consents, data, limits, payments, reports, collector, openData, performance, status, availability} {
		all = append(all, area...)
	}
	return all
}

// reply makes an OnReply that acts on successful answers of the given operations; a name ending in * is
// a prefix, "!200" acts on errors instead.
func reply(edit func(*Reply), operations ...string) func(*Reply) {
	return func(r *Reply) {
		if r.Status < 300 && named(r.Operation, operations) {
			edit(r)
		}
	}
}

// refusal is reply for answers of 400 and above.
func refusal(edit func(*Reply), operations ...string) func(*Reply) {
	return func(r *Reply) {
		if r.Status >= 400 && named(r.Operation, operations) {
			edit(r)
		}
	}
}

func named(operation string, operations []string) bool {
	for _, o := range operations {
		if prefix, any := strings.CutSuffix(o, "*"); o == operation || (any && strings.HasPrefix(operation, prefix)) {
			return true
		}
	}
	return false
}

// claims makes an OnClaims for one kind of message, at every place or at the one given.
func claims(edit func(*Claims), kind string, at ...string) func(*Claims) {
	return func(c *Claims) {
		if c.Kind == kind && (len(at) == 0 || named(c.At, at)) {
			edit(c)
		}
	}
}

// set replaces a claim.
func set(name string, value any) func(*Claims) {
	return func(c *Claims) { c.Body[name] = value }
}

// drop removes a claim.
func drop(name string) func(*Claims) {
	return func(c *Claims) { delete(c.Body, name) }
}

// lasts makes an OnLifetime that bends the named durations.
func lasts(bend func(*Lifetime), of ...string) func(*Lifetime) {
	return func(l *Lifetime) {
		if named(l.Of, of) {
			bend(l)
		}
	}
}

// step makes an OnTransition for an event of a machine.
func step(machine, event string, bend func(*Transition)) func(*Transition) {
	return func(t *Transition) {
		if t.Machine == machine && named(t.Event, []string{event}) {
			bend(t)
		}
	}
}

func allow(to string) func(*Transition) {
	return func(t *Transition) {
		t.Allowed = true
		if to != "" {
			t.To = to
		}
	}
}

func stay(t *Transition) { t.To = t.From }

// items edits the objects of a body's data list, or its one data object.
func items(m map[string]any, edit func(map[string]any)) {
	switch data := m["data"].(type) {
	case map[string]any:
		edit(data)
	case []any:
		for _, one := range data {
			if o, ok := one.(map[string]any); ok {
				edit(o)
			}
		}
	}
}

// list edits a body's data list as a whole.
func list(m map[string]any, edit func([]any) []any) {
	if data, ok := m["data"].([]any); ok {
		m["data"] = edit(data)
	}
}

// walk visits every member of a JSON value, depth first.
func walk(v any, visit func(parent map[string]any, name string, value any)) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			walk(value, visit)
			visit(v, name, value)
		}
	case []any:
		for _, one := range v {
			walk(one, visit)
		}
	}
}

func body(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("defect body: %v", err))
	}
	return b
}
