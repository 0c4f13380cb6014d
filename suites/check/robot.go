package check

import (
	"github.com/ensaio/ensaio/participants/tpp"
)

// Robot is the person at the bank's screens, who logs in and says yes to everything unless told
// otherwise.
func (b *Bench) Robot(p *Person) tpp.Customer { return nil }
