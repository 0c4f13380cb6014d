package screen

import (
	"strings"
	"time"
)

// brasilia is the zone of every date a customer reads. Brazil has kept no summer time since 2019.
var brasilia = time.FixedZone("BRT", -3*60*60)

// Date is a day as written in Brazil, in Brasília's time.
func Date(t time.Time) string { return t.In(brasilia).Format("02/01/2006") }

// Moment is a day and hour in Brasília's time.
func Moment(t time.Time) string { return t.In(brasilia).Format("02/01/2006, 15h04") }

// Money writes a decimal text of the wire as reais: "1234.5" stays as it is when it is no amount.
func Money(amount string) string {
	whole, cents, ok := strings.Cut(amount, ".")
	sign := ""
	if rest, negative := strings.CutPrefix(whole, "-"); negative {
		whole, sign = rest, "-"
	}
	if !ok || len(cents) < 2 || !digits(whole) || !digits(cents) {
		return amount
	}
	var b strings.Builder
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte('.')
		}
		b.WriteRune(r)
	}
	return "R$ " + sign + b.String() + "," + cents[:2]
}

// Mask writes a CPF with its ends hidden (PM-04), a CNPJ with its punctuation, and leaves the rest.
func Mask(document string) string {
	switch {
	case len(document) == 11 && digits(document):
		return "***." + document[3:6] + "." + document[6:9] + "-**"
	case len(document) == 14 && alphanumeric(document):
		return document[:2] + "." + document[2:5] + "." + document[5:8] + "/" + document[8:12] + "-" + document[12:]
	}
	return document
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func alphanumeric(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}
