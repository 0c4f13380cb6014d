package pcm

import (
	"encoding/json"
	"slices"
	"strings"
)

func validJSON(b []byte) bool { return json.Valid(b) }

// codesVerdict judges errorCodes: the text of an array with one code, of the endpoint's domain where
// that is known (422).
func (o *obligation) codesVerdict(v raw, empty bool) string {
	known := o.When == "422"
	switch {
	case !known && (v.absent() || empty):
		return verdictCode
	case v.absent():
		return verdictNull
	case empty:
		return verdictEmpty
	}
	list := inner(v)
	var codes []string
	if list.kind() == "array" {
		elements(list, func(e raw) { codes = append(codes, e.text()) })
	}
	switch {
	case len(codes) > 1:
		return verdictMultiple
	case !known && (len(codes) != 1 || codes[0] == ""):
		return verdictCode
	case len(codes) != 1 || codes[0] == "" || len(o.values) > 0 && !o.values[codes[0]]:
		return verdictInvalid
	}
	return ""
}

// companyVerdict judges companyProfileInfo, of which both parts are owed.
func companyVerdict(v raw, slips bool) string {
	s := inner(v)
	if s.kind() != "object" {
		return verdictInvalid
	}
	var legal, size string
	members(s, func(k []byte, v raw) {
		switch key := string(k); {
		case key == "naturezaJuridica", slips && key == "naturezaJurídica":
			legal = v.text()
		case key == "porteEmpresa":
			size = v.text()
		}
	})
	switch {
	case legal == "" && size == "":
		return verdictCompany
	case legal == "":
		return verdictNature
	case size == "":
		return verdictSize
	case !nature.MatchString(legal) || !slices.Contains([]string{"00", "01", "03", "05"}, size):
		return verdictInvalid
	}
	return ""
}

// countsValid judges statusSummary: four counts, under either spelling of their names.
func countsValid(v raw, numbers bool) bool {
	s := inner(v)
	if s.kind() != "object" {
		return false
	}
	seen := map[string]bool{}
	sound := true
	members(s, func(k []byte, v raw) {
		name := map[string]string{"temporarilyUnavailable": "temporary_unavailable", "pendingAuthorisation": "pending_authorisation"}[string(k)]
		if name == "" {
			name = string(k)
		}
		if slices.Contains([]string{"available", "unavailable", "temporary_unavailable", "pending_authorisation"}, name) {
			seen[name] = true
			sound = sound && (number.Match(v.bytes()) || numbers && number.Match(v))
		}
	})
	return sound && len(seen) == 4
}

// paymentsValid judges paymentList: 1 to 60 payments with every member, those that do not apply empty.
func paymentsValid(v raw, recurring bool) bool {
	s := inner(v)
	if s.kind() != "array" {
		return false
	}
	owed := []string{"paymentId", "consentId", "statusUpdateDateTime", "status"}
	if recurring {
		owed = []string{"recurringPaymentId|paymentId", "recurringConsentId", "statusUpdateDateTime", "status"}
	}
	n, sound := 0, true
	elements(s, func(e raw) {
		n++
		var in info
		in.read(e)
		for _, names := range owed {
			sound = sound && slices.ContainsFunc(strings.Split(names, "|"), func(name string) bool { return filled(in.get(name)) })
		}
	})
	return sound && n >= 1 && n <= 60
}

// The shapes of a schedule: their words in the verdicts, and the members they owe.
var schedules = []struct {
	name, word string
	owes       []string
}{
	{"single", "single", []string{"date"}},
	{"daily", "diario", []string{"startDate", "quantity"}},
	{"weekly", "semanal", []string{"dayOfWeek", "startDate", "quantity"}},
	{"monthly", "mensal", []string{"dayOfMonth", "startDate", "quantity"}},
	{"custom", "custom", []string{"dates"}},
}

// scheduleVerdict judges paymentSchedule: the text of one known shape with its members.
func scheduleVerdict(v raw) string {
	var top info
	top.read(inner(v))
	for _, shape := range schedules {
		body := top.get(shape.name)
		if body.absent() {
			continue
		}
		var in info
		in.read(body)
		for _, m := range shape.owes {
			switch value := in.get(m); {
			case value.absent():
				return "Conteudo do agendamento " + shape.word + " nulo ou invalido"
			case value.kind() == "string" && len(value) == 2, value.kind() == "array" && len(trim(value[1:len(value)-1])) == 0:
				return "Conteudo do agendamento " + shape.word + " invalido"
			}
		}
		return ""
	}
	return verdictSchedule
}

// oneOf accepts the texts of a list.
func oneOf(words string) func(raw) bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return func(v raw) bool { return set[string(v.bytes())] }
}
