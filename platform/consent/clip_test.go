package consent

import (
	"strings"
	"testing"
)

func TestWhatAnExtensionRemembersKeepsItsPublishedLength(t *testing.T) {
	for in, want := range map[string]int{"": 0, "curl/8": 6, strings.Repeat("a", 300): maxAgent, strings.Repeat("é", 300): maxAgent} {
		if got := len([]rune(clip(in, maxAgent))); got != want {
			t.Errorf("%d characters kept of %d, want %d", got, len([]rune(in)), want)
		}
	}
}
