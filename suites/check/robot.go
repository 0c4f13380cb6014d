package check

import (
	"github.com/ensaio/ensaio/participants/psu"
)

// Robot is the person at the bank's screens, who logs in and agrees to everything unless the check says
// otherwise by setting the robot's fields. The pages it saw are noted when the check does not pass.
func (b *Bench) Robot(p *Person) *psu.Robot {
	roots, err := b.session.target.Roots()
	if err != nil {
		b.end("error", err.Error())
	}
	r := &psu.Robot{
		Network:  psu.Network{CA: roots, Hosts: b.session.target.Hosts, Clock: b.session.clock},
		Username: p.Username, Password: p.Password,
	}
	for i := range b.session.target.Clients {
		r.Back = append(r.Back, b.session.target.Clients[i].RedirectURIs...)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.robots = append(b.robots, r)
	return r
}

// seen notes which pages the robots of a check met.
func (b *Bench) seen() {
	for _, r := range b.robots {
		for _, page := range r.Pages() {
			b.Note("page seen: %s, status %d", page.Address, page.Status)
		}
	}
}
