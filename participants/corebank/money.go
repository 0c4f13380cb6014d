package corebank

import (
	"fmt"
	"strconv"
	"strings"
)

// money appends centavos as decimal text, exactly.
func money(dst []byte, cents int64) []byte {
	if cents < 0 {
		dst, cents = append(dst, '-'), -cents
	}
	dst = strconv.AppendInt(dst, cents/100, 10)
	return append(dst, '.', byte('0'+cents/10%10), byte('0'+cents%10))
}

// Cents reads decimal text with exactly two decimals, as the payment APIs write amounts. It never passes
// through a binary fraction.
func Cents(amount string) (int64, error) {
	whole, part, ok := strings.Cut(amount, ".")
	if !ok || len(part) != 2 || whole == "" || len(whole) > 16 {
		return 0, fmt.Errorf("amount %q: want digits, a point and two decimals", amount)
	}
	for i := range len(amount) {
		if amount[i] != '.' && (amount[i] < '0' || amount[i] > '9') {
			return 0, fmt.Errorf("amount %q: want digits", amount)
		}
	}
	return strconv.ParseInt(whole+part, 10, 64)
}
