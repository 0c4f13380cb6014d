package spec

import (
	"strings"
	"testing"
)

func TestPatternsAreECMAScript(t *testing.T) {
	cases := []struct {
		pattern, text string
		want          bool
	}{
		{`^(?!\s)(.*)(\S)$`, "key", true},
		{`^(?!\s)(.*)(\S)$`, " key", false},
		{`^(?!\s)(.*)(\S)$`, "key ", false},
		{`^\d{3}$`, "001", true},
		{`^\d{3}$`, "٠٠١", false}, // digits of another script
		{`^\d{3}$`, "001\n", false},
		{`^[\u0020-\u007E\u00A1-\u00FF]+$`, "José", true},
		{`^[\u0020-\u007E\u00A1-\u00FF]+$`, "日本", false},
		{`^[^\s](.*[^\s])?$`, "x", true},
	}
	for _, c := range cases {
		re, err := CompilePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := re.MatchString(c.text); got != c.want {
			t.Errorf("%s on %q: %t", c.pattern, c.text, got)
		}
	}
	if _, err := CompilePattern("("); err == nil || !strings.Contains(err.Error(), `"("`) {
		t.Errorf("a broken pattern: %v", err)
	}
}

func TestAPatternIsCompiledOnce(t *testing.T) {
	a, _ := CompilePattern(`^once$`)
	b, _ := CompilePattern(`^once$`)
	if a != b {
		t.Error("compiled twice")
	}
}
