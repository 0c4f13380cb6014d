package journal

import (
	"cmp"
	"context"
	"sync"
)

// Exchange is one that is under way: whoever serves it notes what it learns, and its end is recorded. A
// nil Exchange takes every note and forgets it.
type Exchange struct {
	journal *Journal

	mu    sync.Mutex
	noted Fact
	ended bool
	marks []uint16
	texts []string
	own   [48]uint16 // room for the marks of an ordinary call
}

// Fact is what is learnt of an exchange on its way; an empty member says nothing.
type Fact struct {
	Interaction, Operation, Endpoint, Client, Consent, Rule string
	Status                                                  int
}

// most of what one exchange may have judged; beyond that it is a loop.
const (
	mostMarks = 1024
	mostTexts = 64
)

type key struct{}

// Begin opens an exchange and puts it into the context. The journal may be nil: notes are taken all the
// same, for whoever else listens at the end.
func Begin(ctx context.Context, j *Journal) (context.Context, *Exchange) {
	x := &Exchange{journal: j}
	x.marks = x.own[:0]
	return context.WithValue(ctx, key{}, x), x
}

// Of returns the exchange of the context, or nil.
func Of(ctx context.Context) *Exchange {
	x, _ := ctx.Value(key{}).(*Exchange)
	return x
}

// Note tells the exchange of the context what was learnt.
func Note(ctx context.Context, f Fact) {
	x := Of(ctx)
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.noted = Fact{Interaction: cmp.Or(f.Interaction, x.noted.Interaction), Operation: cmp.Or(f.Operation, x.noted.Operation),
		Endpoint: cmp.Or(f.Endpoint, x.noted.Endpoint), Client: cmp.Or(f.Client, x.noted.Client),
		Consent: cmp.Or(f.Consent, x.noted.Consent), Rule: cmp.Or(f.Rule, x.noted.Rule), Status: cmp.Or(f.Status, x.noted.Status)}
}

// Verdict hears of a sentence judged: it belongs to the exchange of the context, or stands for itself.
func (j *Journal) Verdict(ctx context.Context, set, rule string, breach error) {
	if j == nil {
		return
	}
	mark := j.names.of(set, rule) << 1
	said := ""
	if breach != nil {
		mark |= 1
		said = clean(breach.Error())
	}
	if x := Of(ctx); x != nil && x.take(mark, said) {
		return
	}
	var texts []string
	if breach != nil {
		texts = []string{said}
	}
	j.append(&Entry{At: j.clock.Now(), Role: "bank", Rule: broken(rule, breach)}, []uint16{mark}, texts)
}

func broken(rule string, breach error) string {
	if breach == nil {
		return ""
	}
	return rule
}

// take keeps a verdict; an exchange that has ended takes none any more.
func (x *Exchange) take(mark uint16, said string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return false
	}
	if len(x.marks) == mostMarks || mark&1 == 1 && len(x.texts) == mostTexts {
		return true
	}
	x.marks = append(x.marks, mark)
	if mark&1 == 1 {
		x.texts = append(x.texts, said)
	}
	return true
}

// End records the exchange: what was noted, and for the rest what e says. It returns what was recorded,
// without its verdicts.
func (x *Exchange) End(e Entry) Entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return e
	}
	x.ended = true
	e.Interaction, e.Operation = cmp.Or(x.noted.Interaction, e.Interaction), cmp.Or(x.noted.Operation, e.Operation)
	e.Endpoint, e.Client = cmp.Or(x.noted.Endpoint, e.Endpoint), cmp.Or(x.noted.Client, e.Client)
	e.Consent, e.Rule = cmp.Or(x.noted.Consent, e.Consent), cmp.Or(x.noted.Rule, e.Rule)
	e.Status = cmp.Or(x.noted.Status, e.Status)
	e.atTheDoor()
	if x.journal != nil {
		e.Seq = x.journal.append(&e, x.marks, x.texts)
	}
	return e
}
