package pcm

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// obligation is a row of the additionalInfo tables, ready to be applied.
type obligation struct {
	*spec.Obligation
	values map[string]bool // the domain, where it is a list
	member string          // of the condition; "" is always
	among  []string
	unseen bool // the condition cannot be seen: what is missing may be missing
}

// duty is what obligations are looked up by.
type duty struct {
	endpoint uint16
	server   bool
	method   string
}

func compileObligations(r spec.Release) map[duty][]*obligation {
	out := map[duty][]*obligation{}
	rows := spec.Obligations()
	for i := range rows {
		if !r.Within(rows[i].Since, rows[i].Until) {
			continue
		}
		o := &obligation{Obligation: &rows[i], values: map[string]bool{}, unseen: strings.HasPrefix(rows[i].If, "?")}
		for _, v := range o.Values {
			o.values[v] = true
		}
		if member, values, ok := strings.Cut(o.If, "="); ok && !o.unseen {
			o.member, o.among = member, strings.Split(values, ",")
		}
		for _, e := range endpoints.all[1:] {
			for _, m := range methods[1:] {
				if o.Covers(m, e.name) {
					k := duty{e.number, o.By() == spec.ServerSide, m}
					out[k] = append(out[k], o)
				}
			}
		}
	}
	return out
}

// info is additionalInfo taken apart, without copying.
type info struct {
	names  [][]byte
	values []raw
}

func (in *info) read(v raw) {
	in.names, in.values = in.names[:0], in.values[:0]
	if v.kind() == "object" {
		members(v, func(k []byte, v raw) { in.names, in.values = append(in.names, k), append(in.values, v) })
	}
}

func (in *info) get(name string) raw {
	for i := range in.names {
		if string(in.names[i]) == name {
			return in.values[i]
		}
	}
	return nil
}

// owedNow says whether the row asks something of this report.
func (o *obligation) owedNow(r *report) bool {
	if !o.When.Holds(r.status) {
		return false
	}
	return o.member == "" || slices.Contains(o.among, string(r.info.get(o.member).bytes()))
}

// owesContent says whether the tables ask for anything in this report's additionalInfo.
func (r *report) owesContent() bool {
	if r.endpoint == nil || r.server {
		return false
	}
	for _, o := range r.dialect.duties[duty{r.endpoint.number, false, r.method}] {
		if o.If == "" && o.When.Holds(r.status) {
			return true
		}
	}
	return false
}

// Finding is a fault in the content of an accepted report: it becomes a ticket, not a discard.
type Finding struct {
	Field   string `json:"field"`
	Verdict string `json:"verdict"` // in the published words: "Nulo", "Vazio", "Invalido", …
}

// The published verdicts of section 12.2.
const (
	verdictNull     = "Nulo"
	verdictEmpty    = "Vazio"
	verdictInvalid  = "Invalido"
	verdictMultiple = "Multiplos itens"
	verdictCode     = "Error_Code invalido"
	verdictCompany  = "Nulo/Vazio"
	verdictNature   = "Incompleto - sem Natureza Juridica"
	verdictSize     = "Incompleto - sem Porta da Empresa" // so written
	verdictEither   = "Obrigatorio o preenchimento ou do consentId ou do enrollmentId"
	verdictOne      = "Pelo menos consentId ou recurringConsentId deve estar preenchido"
	verdictSchedule = "Conteudo do additionalInfo paymentSchedule nulo ou invalido"
)

// criticism is what an accepted report lacks.
type criticism []Finding

func (c criticism) Error() string {
	var m messages
	for _, f := range c {
		m = append(m, f.Field+" "+f.Verdict)
	}
	return m.Error()
}

// content judges what is taken in; a breach discards nothing.
var content = rule.NewSet("pcm.content",
	rule.Rule[*report]{ID: "PCM-CONTENT/as-owed", Weight: fault.Major, Text: "additionalInfo holds what the side, endpoint, method and code owe, in its domain",
		Check: func(_ context.Context, r *report) error {
			if found := r.criticise(); found != nil {
				return criticism(found)
			}
			return nil
		}},
)

// findings are the faults in a report's content.
func (p *PCM) findings(ctx context.Context, r *report) []Finding {
	var found criticism
	errors.As(content.Check(ctx, p.cfg.Seams, r), &found)
	return found
}

// criticise compares an accepted report's additionalInfo with what is owed.
func (r *report) criticise() (found []Finding) {
	if r.endpoint == nil {
		return nil
	}
	for _, o := range r.dialect.duties[duty{r.endpoint.number, r.server, r.method}] {
		if !o.owedNow(r) {
			continue
		}
		v := r.info.get(o.Field)
		if o.unseen && (v.absent() || len(v) == 2 && v[0] == '"') { // an empty text tells of its absence
			continue
		}
		if word := o.verdict(r, v); word != "" {
			found = append(found, Finding{o.Field, word})
		}
	}
	return found
}

// verdict judges a member that is owed; "" is nothing to say.
func (o *obligation) verdict(r *report, v raw) string {
	empty := v.kind() == "string" && len(trim(v.bytes())) == 0
	switch o.Form {
	case spec.FormEither, spec.FormOne:
		a, b := filled(v), filled(r.info.get(o.Or))
		switch {
		case !a && !b && o.Form == spec.FormOne:
			return verdictOne
		case !a && !b:
			return verdictEither
		case a && b && o.Form == spec.FormOne:
			return verdictInvalid
		}
		return ""
	case spec.FormSchedule:
		return scheduleVerdict(v)
	case spec.FormCodes:
		return o.codesVerdict(v, empty)
	case spec.FormCompany:
		if !v.absent() && !empty {
			return companyVerdict(v, r.dialect.on[swSlips])
		}
	}
	switch {
	case v.absent():
		return verdictNull
	case empty:
		return verdictEmpty
	case !o.valid(v, r.dialect.on[swSlips]):
		return verdictInvalid
	}
	return ""
}

var (
	urn      = regexp.MustCompile(`^urn:[a-zA-Z0-9][a-zA-Z0-9\-]{0,31}:[a-zA-Z0-9()+,\-.:=@;$_!*'%/?#]+$`)
	day      = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	nature   = regexp.MustCompile(`^\d{4}$`)
	tokenTag = regexp.MustCompile(`^[A-Za-z0-9_-]{12}$`)
	number   = regexp.MustCompile(`^\d+$`)
)

// valid judges a member that is there. With slips, blanks around a listed value and accents are
// overlooked.
func (o *obligation) valid(v raw, slips bool) bool {
	b := v.bytes()
	switch o.Form {
	case "":
		if slips {
			return o.values[string(trim([]byte(strings.ReplaceAll(string(b), "Í", "I"))))]
		}
		return o.values[string(b)]
	case spec.FormURN:
		return len(b) <= 256 && urn.Match(b)
	case spec.FormTag:
		return tokenTag.Match(b)
	case spec.FormUUID:
		return isUUID(b)
	case spec.FormDay:
		return day.Match(b)
	case spec.FormBool:
		return v.kind() == "boolean"
	case spec.FormCounts, spec.FormNumbers:
		return countsValid(v, o.Form == spec.FormNumbers)
	case spec.FormPayments, spec.FormRecurring:
		return paymentsValid(v, o.Form == spec.FormRecurring)
	}
	return filled(v)
}

func filled(v raw) bool { return len(v.bytes()) > 0 }

// inner is a container, or the container that a text holds, as senders do both; nil when it is neither.
func inner(v raw) raw {
	s := trim(v)
	if v.kind() == "string" {
		s = trim(v.bytes())
	}
	if len(s) < 2 || (s[0] != '{' && s[0] != '[') || !validJSON(s) {
		return nil
	}
	return s
}
