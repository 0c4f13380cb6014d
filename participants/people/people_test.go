package people

import (
	"reflect"
	"testing"

	"github.com/ensaio/ensaio/sim/clock"
)

func TestCheckDigitsAreThoseOfTheTaxAuthority(t *testing.T) {
	// Published examples: the classic CPF, a numeric CNPJ, and the alphanumeric one of the technical note.
	if got := CPF(111444777); got != "11144477735" {
		t.Errorf("CPF = %s", got)
	}
	if got := CNPJ("112223330001"); got != "11222333000181" {
		t.Errorf("CNPJ = %s", got)
	}
	if got := CNPJ("12ABC34501DE"); got != "12ABC34501DE35" {
		t.Errorf("alphanumeric CNPJ = %s", got)
	}
	for _, bad := range []string{"11144477736", "1114447773", "1114447773A", ""} {
		if ValidCPF(bad) {
			t.Errorf("%q passes for a CPF", bad)
		}
	}
	for _, bad := range []string{"11222333000182", "12abc34501de35", "1122233300018"} {
		if ValidCNPJ(bad) {
			t.Errorf("%q passes for a CNPJ", bad)
		}
	}
}

func TestAPopulationIsRepeatableValidAndComplete(t *testing.T) {
	all := Population(7, 60)
	if !reflect.DeepEqual(all[:20], Population(7, 20)) {
		t.Error("a smaller population is not the beginning of a larger one")
	}
	if reflect.DeepEqual(all[0].CPF, Population(8, 1)[0].CPF) {
		t.Error("two seeds give the same person")
	}
	count, byKey, seen := map[Trait]int{}, map[string]Person{}, map[string]bool{}
	letters, digits := 0, 0
	for _, p := range all {
		byKey[p.Key] = p
		for _, tr := range p.Traits {
			count[tr]++
		}
		for _, id := range []string{p.CPF, p.Username, p.Email, p.Phone} {
			if seen[id] {
				t.Errorf("%s is not unique", id)
			}
			seen[id] = true
		}
		if !ValidCPF(p.CPF) {
			t.Errorf("%s: CPF %s", p.Key, p.CPF)
		}
		for _, c := range p.Companies {
			if !ValidCNPJ(c.CNPJ) {
				t.Errorf("%s: CNPJ %s", c.Key, c.CNPJ)
			}
			if c.CNPJ[1] > '9' {
				letters++
			} else {
				digits++
			}
		}
	}
	for _, tr := range Traits() {
		if count[tr] < 3 {
			t.Errorf("%d people with trait %s, want 3 or more", count[tr], tr)
		}
	}
	if letters == 0 || digits == 0 {
		t.Errorf("%d alphanumeric and %d numeric companies, want both", letters, digits)
	}
	for _, p := range all {
		if p.Has(Joint) && byKey[p.Partner].Partner != p.Key {
			t.Errorf("%s: partner %q does not answer", p.Key, p.Partner)
		}
	}
}

func BenchmarkPopulation(b *testing.B) {
	for range b.N {
		Population(clock.Seed(1), 60)
	}
}
