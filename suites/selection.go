package suites

import (
	"regexp"
	"strings"

	"github.com/ensaio/ensaio/suites/check"
)

// Select returns the checks of a profile that the patterns name. A pattern is an id, a name, a plan, an
// area or a group, with * within a segment and ** across; "par" is all of par/…; a leading "!" excludes.
// Without patterns everything of the profile is selected; patterns that only exclude start from all.
func Select(all []check.Check, p Profile, patterns []string) []check.Check {
	var want, without []string
	for _, text := range patterns {
		for one := range strings.SplitSeq(text, ",") {
			one = strings.TrimSpace(one)
			if one == "" {
				continue
			}
			if rest, excludes := strings.CutPrefix(one, "!"); excludes {
				without = append(without, rest)
			} else {
				want = append(want, one)
			}
		}
	}
	var out []check.Check
	for _, c := range all {
		if p.Holds(c) && (len(want) == 0 || matchAny(want, c)) && !matchAny(without, c) {
			out = append(out, c)
		}
	}
	return out
}

func matchAny(patterns []string, c check.Check) bool {
	for _, p := range patterns {
		if Matches(p, c) {
			return true
		}
	}
	return false
}

// Matches says whether a pattern names the check.
func Matches(pattern string, c check.Check) bool {
	re := compile(pattern)
	for _, subject := range []string{c.ID, c.Name, c.Plan, c.Area, c.Group(), c.Area + "/" + c.Name} {
		if re.MatchString(subject) {
			return true
		}
	}
	return false
}

func compile(pattern string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(strings.Trim(pattern, "/"))
	quoted = strings.ReplaceAll(quoted, `\*\*`, "\x00")
	quoted = strings.ReplaceAll(quoted, `\*`, `[^/]*`)
	quoted = strings.ReplaceAll(quoted, "\x00", `.*`)
	return regexp.MustCompile(`(?i)^` + quoted + `$`)
}

// MatchesText says whether a pattern names one of the texts.
func MatchesText(pattern string, texts ...string) bool {
	re := compile(pattern)
	for _, t := range texts {
		if re.MatchString(t) {
			return true
		}
	}
	return false
}
