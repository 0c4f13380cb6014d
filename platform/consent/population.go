package consent

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/platform/shelf"
)

// population counts authorised consents, in all and by client.
type population struct {
	all   atomic.Int64
	byWho sync.Map // client id → *atomic.Int64
}

func (p *population) moved(last, next *Consent) {
	was, is := last != nil && last.Status == Authorised, next.Status == Authorised
	if was == is {
		return
	}
	n, ok := p.byWho.Load(next.ClientID)
	if !ok {
		n, _ = p.byWho.LoadOrStore(next.ClientID, new(atomic.Int64))
	}
	d := int64(1)
	if was {
		d = -1
	}
	p.all.Add(d)
	n.(*atomic.Int64).Add(d)
}

func (p *population) total() int { return int(p.all.Load()) }

func (p *population) of(client string) int {
	if n, ok := p.byWho.Load(client); ok {
		return int(n.(*atomic.Int64).Load())
	}
	return 0
}

// schedule orders consents by the moment they may lapse. An item may be out of date: whoever takes it
// asks the consent itself.
type schedule struct {
	mu   sync.Mutex
	heap dues
}

type due struct {
	at int64
	of shelf.Key
}

type dues []due

func (d dues) Len() int           { return len(d) }
func (d dues) Less(i, j int) bool { return d[i].at < d[j].at }
func (d dues) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *dues) Push(x any)        { *d = append(*d, x.(due)) }
func (d *dues) Pop() any {
	old := *d
	last := old[len(old)-1]
	*d = old[:len(old)-1]
	return last
}

func (s *schedule) add(at time.Time, of shelf.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	heap.Push(&s.heap, due{at.UnixNano(), of})
}

func (s *schedule) next(now time.Time) (shelf.Key, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.heap) == 0 || s.heap[0].at > now.UnixNano() {
		return shelf.Key{}, false
	}
	return heap.Pop(&s.heap).(due).of, true
}
