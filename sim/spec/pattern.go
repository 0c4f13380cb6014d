package spec

import (
	"fmt"
	"sync"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/getkin/kin-openapi/openapi3"
)

// patternLimit bounds one match: the standard's patterns need microseconds, and a hostile text must not
// keep a backtracking engine busy for ever. It counts by the wall, so it is long enough that a machine
// busy with other things never meets it: a match that runs out of time would be taken for a mismatch.
const patternLimit = 10 * time.Second

var compiled sync.Map // pattern text → *pattern

type pattern struct{ re *regexp2.Regexp }

// MatchString reports whether the text matches; a match that runs out of time is none.
func (p *pattern) MatchString(s string) bool {
	ok, err := p.re.MatchString(s)
	return err == nil && ok
}

// CompilePattern compiles a pattern of the standard. JSON Schema patterns are ECMAScript, and some use
// look-ahead, which Go's own engine refuses. Each text is compiled once a process.
func CompilePattern(text string) (openapi3.RegexMatcher, error) {
	if p, ok := compiled.Load(text); ok {
		return p.(*pattern), nil
	}
	re, err := regexp2.Compile(text, regexp2.ECMAScript)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", text, err)
	}
	re.MatchTimeout = patternLimit
	p, _ := compiled.LoadOrStore(text, &pattern{re})
	return p.(*pattern), nil
}
