package drive

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/spec"
)

// Payments are not sent with tokens that ended while their consent waited to be used.
func TestAnExpiredTokenIsNotSent(t *testing.T) {
	s := &Source{profile: &profile.Profile{}, clock: clock.New(), actions: map[string]*action{}}
	o := spec.Find("payments.create")
	s.initiating(&party{}, o, nil, map[string]float64{o.ID: 1})
	allowed, ready := s.stocks[0], s.stocks[1]
	expired := &authorised{until: s.clock.Now()}
	if !allowed.put(expired) {
		t.Fatal("no room")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if made, err := ready.make(ctx); !errors.Is(err, context.DeadlineExceeded) || len(allowed.ready) != 0 {
		t.Errorf("made %v, %v", made, err)
	}
	ready.spoilt(&signedPayment{authorised: expired})
	if len(allowed.ready) != 0 {
		t.Error("an expired token goes back to the supply")
	}
}
