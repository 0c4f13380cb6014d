package consent

import (
	"time"
)

// Stock is how many data consents were live at one moment.
type Stock struct {
	At time.Time
	// Active is the number by organisation of the client.
	Active map[string]int
	// People and Companies count the customers behind them, each once.
	People, Companies int
}

// Stocks counts the data consents that were live at each of some moments, from one walk over all. Live is
// a consent that was authorised, had not ended and had given a token; granted says when it gave the first
// one, and organisation whose the client is, "" for one that is not known any more and is left out.
//
// It does not wake what rests: the walk leaves memory as it was.
func (e *Engine) Stocks(at []time.Time, granted func(consentID string) (time.Time, bool), organisation func(clientID string) string) []Stock {
	all := make([]Stock, len(at))
	for i, t := range at {
		all[i] = Stock{At: t, Active: map[string]int{}}
	}
	seen := map[string][]bool{} // customer → at which moments
	e.walk(func(c *Consent) {
		if c.Kind != Data {
			return
		}
		from, until := c.lived()
		if from.IsZero() {
			return
		}
		first, known := granted(c.ID)
		if !known && until.IsZero() {
			return // nobody has fetched its token
		}
		who := organisation(c.ClientID)
		if who == "" {
			return
		}
		for i, t := range at {
			if t.Before(from) || (known && t.Before(first)) || (!until.IsZero() && !t.Before(until)) || c.expiredAt(t) {
				continue
			}
			all[i].Active[who]++
			customer := "f" + c.CPF
			if c.CNPJ != "" {
				customer = "j" + c.CNPJ
			}
			met := seen[customer]
			if met == nil {
				met = make([]bool, len(at))
				seen[customer] = met
			}
			if met[i] {
				continue
			}
			met[i] = true
			if c.CNPJ != "" {
				all[i].Companies++
			} else {
				all[i].People++
			}
		}
	})
	return all
}

// lived is when a consent became authorised and when it ceased to be; a zero time has not come.
func (c *Consent) lived() (from, until time.Time) {
	for _, h := range c.History {
		switch {
		case h.To == Authorised && h.From != Authorised:
			from, until = h.At, time.Time{}
		case h.From == Authorised && h.To != Authorised:
			until = h.At
		}
	}
	return from, until
}

// expiredAt says whether the consent's time was over, as it was bounded then.
func (c *Consent) expiredAt(t time.Time) bool {
	end := c.Expires
	for i := len(c.Extensions) - 1; i >= 0 && c.Extensions[i].Requested.After(t); i-- {
		end = c.Extensions[i].Previous
	}
	return end != nil && !t.Before(*end)
}

// walk shows every consent as it rests, in no order. fn must not keep it.
func (e *Engine) walk(fn func(*Consent)) {
	for _, c := range e.shelf.All() {
		fn(c)
	}
}
