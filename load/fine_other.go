//go:build !linux

package load

import "time"

// fineTimer is the runtime's timer where nothing finer is at hand.
type fineTimer struct{}

func newFineTimer() fineTimer { return fineTimer{} }

func (fineTimer) wait(d time.Duration) { <-time.After(d) }

func (fineTimer) close() {}
