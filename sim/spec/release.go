package spec

import (
	"slices"
	"time"
)

// Release is a release of the metrics platform's texts, numbered in the order of their coming into
// force. The zero value is none: "never withdrawn" of a row that says until when it holds.
type Release int

// releases in the order of their coming into force.
var releases = [...]struct{ name, inForce string }{
	{}, {"1.0.2", "2024-01-01"}, {"1.0.4", "2024-07-01"}, {"2025A", "2025-04-01"}, {"2025B", "2025-07-01"}, {"2025C", "2025-09-01"},
	{"2025D", "2025-11-17"}, {"2026A", "2026-03-17"}, {"2026B", "2026-06-11"}, {"2026C", "2026-09-01"},
}

// CurrentRelease is the newest release that is known.
const CurrentRelease = Release(len(releases) - 1)

// Releases lists the names, oldest first.
func Releases() []string {
	var all []string
	for _, r := range releases[1:] {
		all = append(all, r.name)
	}
	return all
}

// FindRelease returns the release of that name, or false.
func FindRelease(name string) (Release, bool) {
	i := slices.IndexFunc(releases[:], func(r struct{ name, inForce string }) bool { return r.name == name })
	return Release(max(i, 0)), i > 0
}

func (r Release) String() string { return releases[r].name }

// InForce is the day on which the release came into force; of the two oldest only the year is known.
func (r Release) InForce() time.Time {
	t, _ := time.Parse(time.DateOnly, releases[r].inForce)
	return t
}

// Within says whether the release is one of those from since on and before until.
func (r Release) Within(since, until Release) bool {
	return r >= since && (until == 0 || r < until)
}

// mustRelease reads a release of a table; "-" is none.
func mustRelease(name string) Release {
	if name == "-" {
		return 0
	}
	r, ok := FindRelease(name)
	if !ok {
		panic("no release " + name)
	}
	return r
}
