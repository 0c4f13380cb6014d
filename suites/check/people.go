package check

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/target"
)

// Person is a customer, lent to one check at a time.
type Person struct {
	ID, Name           string
	CPF, CNPJ          string
	Username, Password string
	Traits             []string
	entry              *target.Person
}

// Is says whether the person has every one of the traits.
func (p *Person) Is(traits ...string) bool { return p.entry.Is(traits...) }

// Person lends the check a customer with all of the traits, whom no other check has at the same time.
// Without traits it is an ordinary one where there is such, else anybody. Two calls give two people.
func (b *Bench) Person(traits ...string) *Person {
	if len(traits) == 0 && len(b.session.target.With("ordinary")) > 0 {
		traits = []string{"ordinary"}
	}
	limit := b.session.target.Timeout("person")
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	words := "a customer"
	if len(traits) > 0 {
		words += " who is " + strings.Join(traits, ", ")
	}
	b.session.waiting(b.check, words)
	defer b.session.waiting(b.check, "")
	p, found := b.session.people.lend(ctx, traits)
	switch {
	case !found:
		b.end(report.Skip, "the target declares no such person with login: robot: "+words)
	case p == nil:
		b.end(report.Error, "no customer became free within "+limit.Round(time.Second).String()+": "+words)
	}
	b.mu.Lock()
	b.lent = append(b.lent, p)
	b.mu.Unlock()
	return p
}

// people lends each customer to one check at a time, the longest unused first.
type people struct {
	mu    sync.Mutex
	all   []*Person
	free  []*Person
	freed chan struct{}
}

func newPeople(t *target.Target) *people {
	p := &people{freed: make(chan struct{})}
	for i := range t.People {
		e := &t.People[i]
		if e.Login == "human" {
			continue
		}
		p.all = append(p.all, &Person{ID: e.ID, Name: e.Name, CPF: t.Text(e.CPF), CNPJ: t.Text(e.CNPJ),
			Username: t.Text(e.Username), Password: t.Text(e.Password), Traits: e.Has, entry: e})
	}
	p.free = slices.Clone(p.all)
	return p
}

// lend returns a person, nil when none became free in time, and false when there is none at all.
func (p *people) lend(ctx context.Context, traits []string) (*Person, bool) {
	for {
		p.mu.Lock()
		for i, candidate := range p.free {
			if candidate.Is(traits...) {
				p.free = slices.Delete(p.free, i, i+1)
				p.mu.Unlock()
				return candidate, true
			}
		}
		known := slices.ContainsFunc(p.all, func(c *Person) bool { return c.Is(traits...) })
		freed := p.freed
		p.mu.Unlock()
		if !known {
			return nil, false
		}
		select {
		case <-ctx.Done():
			return nil, true
		case <-freed:
		}
	}
}

func (p *people) back(lent []*Person) {
	if len(lent) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, lent...)
	close(p.freed)
	p.freed = make(chan struct{})
}
