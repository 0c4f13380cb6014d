package status

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var iso = regexp.MustCompile(`^P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?$`)

// ParseDuration reads a duration of ISO 8601 whose length does not depend on a date: weeks, days, hours,
// minutes, seconds.
func ParseDuration(text string) (time.Duration, error) {
	parts := iso.FindStringSubmatch(text)
	if parts == nil || text == "P" || text[len(text)-1] == 'T' {
		return 0, fmt.Errorf("duration: %q is none of ISO 8601 in weeks, days, hours, minutes and seconds; write it as \"PT2H30M\"", text)
	}
	var d time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if n, err := strconv.Atoi(parts[i+1]); err == nil {
			d += time.Duration(n) * unit
		}
	}
	return d, nil
}
