package payments

import (
	"strings"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// put sets a member of a message at a path of dots, making the objects on the way.
func put(data map[string]any, path string, value any) {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		data[name] = value
		return
	}
	inner, ok := data[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		data[name] = inner
	}
	put(inner, rest, value)
}

// drop takes a member out.
func drop(data map[string]any, path string) {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		delete(data, name)
		return
	}
	if inner, ok := data[name].(map[string]any); ok {
		drop(inner, rest)
	}
}

func with(path string, value any) func(*check.Bench, map[string]any) {
	return func(_ *check.Bench, data map[string]any) { put(data, path, value) }
}

func without(path string) func(*check.Bench, map[string]any) {
	return func(_ *check.Bench, data map[string]any) { drop(data, path) }
}

// bend is one thing wrong with a request for a consent, and the codes that fit it.
type bend struct {
	what  string
	form  form
	edit  func(*check.Bench, map[string]any) // nil where the form itself is wrong
	codes []string
}

// refusedConsents is the body of a check in which every bend is refused with 422 and its code, while the
// sound request of the form is accepted.
func refusedConsents(sound form, bends ...bend) func(*check.Bench) {
	return func(b *check.Bench) {
		j := start(b, sound)
		b.Expect(j.asking().Send(b.Context()), "sound request").To(expect.Status(201))
		for _, one := range bends {
			k := j
			if one.form != nil {
				k = j.again(one.form)
			}
			call := k.asking()
			if one.edit != nil {
				call.Data(func(data map[string]any) { one.edit(b, data) })
			}
			b.Verify(call.Send(b.Context()), "%s", one.what).To(expect.OFBError(422, one.codes...))
		}
	}
}

// accepts expects that a request for a consent is accepted.
func (j *journey) accepts(call *tpp.APICall, what string) *tpp.Exchange {
	x := call.Send(j.Context())
	j.Expect(x, "%s", what).To(expect.Status(201))
	return x
}

// The codes of a request for a consent.
var (
	notInformed   = []string{"PARAMETRO_NAO_INFORMADO"}
	malformed     = []string{"PARAMETRO_INVALIDO"}
	badDate       = []string{"DATA_PAGAMENTO_INVALIDA"}
	badDetail     = []string{"DETALHE_PAGAMENTO_INVALIDO"}
	badForm       = []string{"FORMA_PAGAMENTO_INVALIDA"}
	badPurpose    = []string{"PROPOSITO_INVALIDO"}
	divergent     = []string{"PAGAMENTO_DIVERGENTE_CONSENTIMENTO"}
	invalid       = []string{"CONSENTIMENTO_INVALIDO"}
	idempotency   = []string{"ERRO_IDEMPOTENCIA"}
	uncancellable = []string{"PAGAMENTO_NAO_PERMITE_CANCELAMENTO"}
)
