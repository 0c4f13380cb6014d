package drive

import (
	"context"
	"errors"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/clock"
)

// What prepares and supplies the load, renewals of tokens first, comes on top of the scheduled rate: where
// that is all the target serves, now and then one of those calls is answered 529. It is then asked again in
// another second, as the standard's clients do; the target is not blamed, and nothing is missing later.
const (
	turns = 10
	turn  = time.Second
)

// insist does what the load needs, again where the target's second was full.
func insist[T any](ctx context.Context, clk *clock.Clock, do func(context.Context) (T, error)) (T, error) {
	for n := 1; ; n++ {
		got, err := do(ctx)
		if err == nil || n == turns || !full(err) || clk.Sleep(ctx, turn) != nil {
			return got, err
		}
	}
}

// full says whether a call failed because its second had no room for it.
func full(err error) bool {
	var f *tpp.Failure
	return errors.As(err, &f) && f.Exchange.Status == 529
}
