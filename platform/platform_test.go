package platform_test

import (
	"regexp"
	"testing"

	"github.com/ensaio/ensaio/platform"
)

// Every sentence is one row: an id that comes back would be switched off in two places at once.
func TestEveryRuleHasItsOwnName(t *testing.T) {
	form := regexp.MustCompile(`^[A-Z0-9]+(-[A-Z0-9]+)*/[a-z0-9-]+$`)
	seen := map[string]string{}
	for _, r := range platform.Rules() {
		if set, taken := seen[r.ID]; taken {
			t.Errorf("%s is in %q and in %q", r.ID, set, r.Set)
		}
		if !form.MatchString(r.ID) {
			t.Errorf("%q is no requirement with a slug", r.ID)
		}
		seen[r.ID] = r.Set
	}
	if len(seen) < 100 {
		t.Errorf("only %d rules", len(seen))
	}
}
