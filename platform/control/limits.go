package control

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/platform/gateway"
)

// limits puts other limits in force: those of a preset, then what else is named.
func (s *surface) limits(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Preset        *string
		Minute, Month *bool
		PerSecond     *int
		Grows         *bool
	}
	if !read(w, r, &ask) {
		return
	}
	l := s.Gateway.Limits()
	if ask.Preset != nil {
		preset, ok := gateway.Presets[*ask.Preset]
		if !ok {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("preset: want one of %s", strings.Join(slices.Sorted(maps.Keys(gateway.Presets)), ", ")))
			return
		}
		l = preset
	}
	if ask.PerSecond != nil && *ask.PerSecond < 0 {
		refuse(w, http.StatusBadRequest, "perSecond: want a number from 0, which is no bound")
		return
	}
	put(&l.Minute, ask.Minute)
	put(&l.Month, ask.Month)
	put(&l.PerSecond, ask.PerSecond)
	put(&l.Grows, ask.Grows)
	s.Gateway.SetLimits(l)
	say(w, http.StatusOK, l)
}

// put replaces what was named.
func put[T any](of *T, named *T) {
	if named != nil {
		*of = *named
	}
}
