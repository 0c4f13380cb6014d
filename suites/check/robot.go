package check

import (
	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/sim/report"
)

// Robot is the person at the bank's screens, who logs in and agrees to everything unless the check says
// otherwise by setting the robot's fields. The pages it saw are noted when the check does not pass.
func (b *Bench) Robot(p *Person) *psu.Robot {
	roots, err := b.session.target.Roots()
	if err != nil {
		b.end(report.Error, err.Error())
	}
	r := &psu.Robot{
		Network:  psu.Network{CA: roots, Hosts: b.session.target.Hosts, Clock: b.session.clock},
		Username: p.Username, Password: p.Password,
	}
	for i := range b.session.target.Clients {
		r.Back = append(r.Back, b.session.target.Clients[i].RedirectURIs...)
	}
	r.Seen = func(page psu.Page) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.pages = append(b.pages, page)
	}
	return r
}

// Pages lists the bank's pages that the check's people have met so far.
func (b *Bench) Pages() []psu.Page {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]psu.Page(nil), b.pages...)
}

// seen notes which pages the people of a check met.
func (b *Bench) seen() {
	for _, page := range b.Pages() {
		b.Note("page seen: %s, status %d", page.Address, page.Status)
	}
}
