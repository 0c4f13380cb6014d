package payment

import (
	"sync"

	"github.com/ensaio/ensaio/platform/shelf"
)

// turns are locks by key, each there only while somebody has it or waits: what one payment waits for at the
// core holds up no other. The zero value is ready.
type turns struct {
	mu sync.Mutex
	on map[shelf.Key]*turn
}

type turn struct {
	sync.Mutex
	wanted int // by whom it is had and who waits
}

func (t *turns) take(k shelf.Key) (unlock func()) {
	t.mu.Lock()
	if t.on == nil {
		t.on = map[shelf.Key]*turn{}
	}
	one := t.on[k]
	if one == nil {
		one = &turn{}
		t.on[k] = one
	}
	one.wanted++
	t.mu.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.wanted--; one.wanted == 0 {
			delete(t.on, k)
		}
	}
}
