package drive

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/load/profile"
	"github.com/ensaio/ensaio/suites/target"
)

// A worker looks at what it is asked to send before it sends anything, whoever coordinates.
func TestAWorkerMayRefuseWhatItIsAskedToSend(t *testing.T) {
	p, err := profile.Open("regulatory")
	if err != nil {
		t.Fatal(err)
	}
	p.Pacer.Rate = 5000
	refused := make(chan error, 1)
	file := &target.Target{}
	_, err = Coordinate(t.Context(), file, Options{Profile: p}, Session{}, Crew{Workers: 1, Spawn: func(ctx context.Context, url string) error {
		go func() {
			refused <- Work(ctx, url, 0, func(_ string, asked *profile.Profile) (*target.Target, error) {
				if asked.Pacer.Highest() != 5000 {
					t.Errorf("asked for %v a second", asked.Pacer.Highest())
				}
				return nil, errors.New("5000 a second is too much here")
			}, nil)
		}()
		return nil
	}})
	if err == nil || !strings.Contains(err.Error(), "too much here") {
		t.Errorf("the coordinator hears %v", err)
	}
	if err := <-refused; err == nil || !strings.Contains(err.Error(), "too much here") {
		t.Errorf("the worker ends with %v", err)
	}
}
