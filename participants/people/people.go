// Package people invents the customers of an ecosystem.
//
// The same seed gives the same people for ever, and the first n of a larger population are the smaller
// one. Documents carry valid check digits, names say that they are synthetic, and nothing here belongs to
// a living person on purpose. A person is a few strings: what they own is the core's business.
package people

import (
	"fmt"
	"slices"

	"github.com/ensaio/ensaio/sim/clock"
)

// Trait says what a person is good for in a check. Everybody has at least one.
type Trait string

// The traits.
const (
	// Ordinary people have two accounts or more and a long history.
	Ordinary Trait = "ordinary"
	// Joint people share an account that needs both holders' approval.
	Joint Trait = "joint"
	// CompanyAlone people act for a company and may sign alone.
	CompanyAlone Trait = "company-alone"
	// CompanySeveral people act for a company that needs several approvers.
	CompanySeveral Trait = "company-several"
	// Poor people own exactly 1.00.
	Poor Trait = "poor"
	// ReservedBalance people keep money aside in their account.
	ReservedBalance Trait = "reserved-balance"
	// UnavailableAccount people have one usable account, one blocked for a while and one closed.
	UnavailableAccount Trait = "unavailable-account"
	// NoAccounts people are customers without any account.
	NoAccounts Trait = "no-accounts"
)

// Traits lists every trait, in the order of the cast.
func Traits() []Trait {
	return []Trait{Ordinary, Joint, CompanyAlone, CompanySeveral, Poor, ReservedBalance, UnavailableAccount, NoAccounts}
}

// Person is one synthetic customer.
type Person struct {
	Key      string `json:"key"`
	Name     string `json:"name"`
	CPF      string `json:"cpf"`
	Birth    string `json:"birth"` // YYYY-MM-DD
	Email    string `json:"email"`
	Phone    string `json:"phone"` // +55, area, number
	Username string `json:"username"`
	// Password is a secret, a plus sign and a card code: two kinds of factor in one line. The secret alone
	// also opens a session, with one factor.
	Password  string    `json:"password"`
	Traits    []Trait   `json:"traits"`
	Companies []Company `json:"companies,omitempty"`
	// Partner is the key of the other holder of the joint account.
	Partner string `json:"partner,omitempty"`
}

// Company is a legal person somebody acts for.
type Company struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	CNPJ  string `json:"cnpj"`
	Alone bool   `json:"alone"`
}

// Has says whether the person has the trait.
func (p Person) Has(t Trait) bool { return slices.Contains(p.Traits, t) }

// cast is who stands at each place of every score of people. Pairs that share something stand together.
var cast = [20]Trait{
	Ordinary, Ordinary, Joint, Joint, CompanyAlone, Ordinary, Ordinary, CompanySeveral, CompanySeveral, Poor,
	Ordinary, ReservedBalance, Ordinary, UnavailableAccount, Ordinary, CompanyAlone, NoAccounts, Poor, Ordinary, ReservedBalance,
}

// Population invents n people. Sixty hold at least three of every trait.
func Population(seed clock.Seed, n int) []Person {
	all := make([]Person, n)
	taken := map[string]bool{}
	for i := range all {
		all[i] = invent(seed, i, taken)
	}
	for i := range all {
		at := i % len(cast)
		if at+1 >= len(cast) || cast[at] != cast[at+1] || i+1 >= n {
			continue
		}
		switch cast[at] {
		case Joint:
			all[i].Partner, all[i+1].Partner = all[i+1].Key, all[i].Key
		case CompanySeveral:
			all[i+1].Companies = slices.Clone(all[i].Companies)
		default: // the other neighbours share nothing
		}
	}
	return all
}

func invent(seed clock.Seed, i int, taken map[string]bool) Person {
	s := seed.Stream(fmt.Sprintf("people/%d", i))
	given, family := given[i%len(given)], clock.Pick(s, families)
	p := Person{
		Key:      fmt.Sprintf("person-%04d", i+1),
		Name:     fmt.Sprintf("%s Sintética %s", given, family),
		Birth:    fmt.Sprintf("%d-%02d-%02d", 1950+s.IntN(55), 1+s.IntN(12), 1+s.IntN(28)),
		Username: fmt.Sprintf("%s%04d", plain(given), i+1),
		Password: fmt.Sprintf("senha-%04d+%06d", i+1, s.IntN(1_000_000)),
		Phone:    fmt.Sprintf("+5511900%06d", i+1),
		Traits:   []Trait{cast[i%len(cast)]},
	}
	for p.CPF = CPF(s.IntN(1_000_000_000)); taken[p.CPF]; {
		p.CPF = CPF(s.IntN(1_000_000_000))
	}
	taken[p.CPF] = true
	p.Email = p.Username + "@clientes.example.com"
	if p.Has(CompanyAlone) || p.Has(CompanySeveral) {
		p.Companies = []Company{{
			Key:  fmt.Sprintf("company-%04d", i+1),
			Name: fmt.Sprintf("%s Comércio Sintético Ltda", family), CNPJ: company(s, i), Alone: p.Has(CompanyAlone),
		}}
	}
	return p
}

// company draws a CNPJ: every other company has one of the new alphanumeric kind.
func company(s *clock.Stream, i int) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	base := []byte(fmt.Sprintf("%08d0001", s.IntN(100_000_000)))
	if i%len(cast) < 6 {
		for _, at := range []int{1, 3, 6} {
			base[at] = letters[s.IntN(len(letters))]
		}
	}
	return CNPJ(string(base))
}
