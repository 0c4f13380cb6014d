package corebank

import (
	"context"
	"sync"
)

// watcher is somebody who wants to know. Its queue grows rather than lose a change or block the books.
type watcher struct {
	mu    sync.Mutex
	queue []Change
	wake  chan struct{}
}

// Watch delivers every change from now until ctx ends, in order. The channel is closed at the end.
func (b *Bank) Watch(ctx context.Context) (<-chan Change, error) {
	w := &watcher{wake: make(chan struct{}, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil {
		return nil, ErrUnavailable
	}
	b.watchers[w] = struct{}{}
	out := make(chan Change)
	b.work.Go(func() {
		defer close(out)
		defer func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.watchers, w)
		}()
		for {
			for _, c := range w.take() {
				select {
				case out <- c:
				case <-ctx.Done():
					return
				case <-b.ctx.Done():
					return
				}
			}
			select {
			case <-w.wake:
			case <-ctx.Done():
				return
			case <-b.ctx.Done():
				return
			}
		}
	})
	return out, nil
}

func (w *watcher) take() []Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	q := w.queue
	w.queue = nil
	return q
}

// tell queues a change for every watcher. The caller holds b.mu.
func (b *Bank) tell(c Change) {
	for w := range b.watchers {
		w.mu.Lock()
		w.queue = append(w.queue, c)
		w.mu.Unlock()
		select {
		case w.wake <- struct{}{}:
		default: // it is awake already
		}
	}
}
