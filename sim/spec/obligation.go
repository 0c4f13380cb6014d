package spec

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed pcm_obligations.txt
var obligationTable string

// When says for which status codes an obligation holds.
type When string

// The kinds of status codes that obligations distinguish. The zero value means every code.
const (
	Always     When = ""
	Fine       When = "ok"  // neither 4xx nor 5xx
	Success    When = "2xx" // 200 to 299
	Exactly200 When = "200"
	Exactly201 When = "201"
	Exactly422 When = "422"
	Failure    When = "fail"  // 4xx and 5xx
	Fault      When = "fault" // 4xx and 5xx but 422
	NotRefused When = "sound" // all but 4xx: the request was looked at
)

// Holds says whether the obligation is owed for that status code.
func (w When) Holds(status int) bool {
	switch w {
	case Fine:
		return status < 400
	case Success:
		return status >= 200 && status < 300
	case Exactly200:
		return status == 200
	case Exactly201:
		return status == 201
	case Exactly422:
		return status == 422
	case Failure:
		return status >= 400
	case Fault:
		return status >= 400 && status != 422
	case NotRefused:
		return status < 400 || status >= 500
	case Always:
		return true
	}
	return true
}

// Form is the shape of a member of additionalInfo that is no plain list of values.
type Form string

// The forms of the obligation table; "" is one of Values.
const (
	FormText      Form = "text"
	FormURN       Form = "urn" // of a consent, at most 256 characters
	FormTag       Form = "tag" // fingerprint of a token: 12 characters of base64url
	FormDay       Form = "day"
	FormUUID      Form = "uuid"
	FormBool      Form = "bool"
	FormCompany   Form = "company"   // {naturezaJuridica, porteEmpresa}
	FormCounts    Form = "counts"    // four counts as texts
	FormNumbers   Form = "numbers"   // four counts as numbers, of old releases
	FormSchedule  Form = "schedule"  // the schedule of a payment
	FormPayments  Form = "payments"  // 1 to 60 payments
	FormRecurring Form = "recurring" // 1 to 60 payments of automatic payments
	FormCodes     Form = "codes"     // text of an array with one error code, one of Values where there are any
	FormEither    Form = "either"    // Field or Or, or both
	FormOne       Form = "one"       // Field or Or, not both
)

// Obligation is one row of the additionalInfo tables: a member that reports of some endpoints owe.
type Obligation struct {
	Field     string
	Or        string   // the other member of FormEither and FormOne
	Endpoints []string // templates; # is any major, a trailing * any continuation
	Methods   []string
	When      When
	// If is the condition where the member is not owed always: "member=A,B" when another member holds one
	// of the values, "?words" when it cannot be seen in the report; the member may then be missing.
	If           string
	Form         Form
	Values       []string // the domain, where it is a list
	Since, Until Release
	Side         Side // "" is the client side
}

// By is the side that owes the member.
func (o *Obligation) By() Side {
	if o.Side == "" {
		return ClientSide
	}
	return o.Side
}

// Covers says whether the row is about reports of a method and endpoint template.
func (o *Obligation) Covers(method, endpoint string) bool {
	return slices.Contains(o.Methods, method) && slices.ContainsFunc(o.Endpoints, func(p string) bool { return covers(p, endpoint) })
}

func covers(pattern, endpoint string) bool {
	if before, after, ok := strings.Cut(pattern, "#"); ok {
		rest, found := strings.CutPrefix(endpoint, before)
		slash := strings.IndexByte(rest, '/')
		return found && slash > 0 && rest[slash:] == after
	}
	if head, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(endpoint, head)
	}
	return pattern == endpoint
}

// Obligations lists every row of the additionalInfo tables, of all releases.
func Obligations() []Obligation { return obligations }

var obligations = readObligations(obligationTable)

// ObligationsOf lists what reports of a method and endpoint template owe in a release, of both sides.
func ObligationsOf(method, endpoint string, r Release) (list []Obligation) {
	for _, o := range obligations {
		if r.Within(o.Since, o.Until) && o.Covers(method, endpoint) {
			list = append(list, o)
		}
	}
	return list
}

// Owes lists the members of additionalInfo that reports of this operation owe in the current release, of
// both sides.
func (o *Operation) Owes() []Obligation { return ObligationsOf(o.Method, o.FullPath(), CurrentRelease) }

// owed names the members that the client side owes whatever the case.
func owed(o *Operation) []string {
	var names []string
	for _, ob := range o.Owes() {
		if ob.By() == ClientSide && ob.If == "" && !slices.Contains(names, ob.Field) {
			names = append(names, ob.Field)
		}
	}
	return names
}

// readObligations reads the embedded table; it panics on a row that makes no sense, a mistake of the
// programmer.
func readObligations(table string) (list []Obligation) {
	names := map[string][]string{}
	expand := func(words string) (out []string) {
		for _, w := range strings.Fields(words) {
			if of, known := names[w]; known {
				out = append(out, of...)
			} else {
				out = append(out, w)
			}
		}
		return out
	}
	for line := range strings.Lines(table) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if name, words, ok := strings.Cut(strings.TrimPrefix(line, "let "), " "); ok && strings.HasPrefix(line, "let ") {
			names[name] = expand(words)
			continue
		}
		col := strings.Split(line, "|")
		for i := range col {
			col[i] = strings.TrimSpace(col[i])
		}
		if len(col) < 8 || len(col) > 9 {
			panic("obligation row: " + line)
		}
		o := Obligation{Methods: strings.Fields(col[2]), When: When(col[3]), If: col[4], Since: release(col[6]), Until: release(col[7])}
		if o.When == "all" {
			o.When = Always
		}
		if cond := expand(o.If); len(cond) == 1 {
			o.If = cond[0]
		}
		for _, e := range expand(col[1]) {
			if !strings.HasPrefix(e, "/") {
				e = "/open-banking/" + e
			}
			o.Endpoints = append(o.Endpoints, e)
		}
		o.Values = expand(col[5])
		if len(o.Values) > 0 && strings.HasPrefix(o.Values[0], "<") {
			o.Form, o.Values = Form(strings.Trim(o.Values[0], "<>")), o.Values[1:]
		}
		if len(col) > 8 {
			o.Side = Side(col[8])
		}
		list = append(list, o.spread(strings.Fields(col[0]))...)
	}
	return list
}

// spread makes a row for each of several members, or one row of two that stand for each other.
func (o Obligation) spread(members []string) (rows []Obligation) {
	switch {
	case o.Form == FormEither || o.Form == FormOne:
		o.Field, o.Or = members[0], members[1]
		return []Obligation{o}
	case o.Form == "each":
		if o.Form = ""; len(o.Values) == 0 {
			o.Form = FormText
		}
	case len(members) != 1:
		panic(fmt.Sprintf("obligation row of members %v", members))
	}
	for _, m := range members {
		o.Field = m
		rows = append(rows, o)
	}
	return rows
}

func release(name string) Release {
	if name == "" {
		return 0
	}
	return mustRelease(name)
}
