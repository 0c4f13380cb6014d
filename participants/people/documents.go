package people

import "fmt"

// CPF completes nine digits with their two check digits.
func CPF(base int) string {
	d := fmt.Sprintf("%09d", base%1_000_000_000)
	for range 2 {
		sum := 0
		for i := range len(d) {
			sum += int(d[i]-'0') * (len(d) + 1 - i)
		}
		d += check(sum)
	}
	return d
}

// CNPJ completes twelve digits or capitals with their two check digits. A letter counts as its ASCII code
// less 48, which leaves the digits as they always were (tax authority, technical note COCAD 49/2024).
func CNPJ(base string) string {
	for range 2 {
		sum := 0
		for i := range len(base) {
			sum += int(base[len(base)-1-i]-'0') * (2 + i%8)
		}
		base += check(sum)
	}
	return base
}

// ValidCPF says whether the text is a CPF with right check digits.
func ValidCPF(s string) bool {
	base := 0
	if len(s) != 11 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		if i < 9 {
			base = base*10 + int(s[i]-'0')
		}
	}
	return CPF(base) == s
}

// ValidCNPJ says whether the text is a CNPJ, numeric or alphanumeric, with right check digits.
func ValidCNPJ(s string) bool {
	if len(s) != 14 {
		return false
	}
	for i := range 12 {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'A' || s[i] > 'Z') {
			return false
		}
	}
	return CNPJ(s[:12]) == s
}

func check(sum int) string {
	if r := sum % 11; r >= 2 {
		return string(rune('0' + 11 - r))
	}
	return "0"
}
