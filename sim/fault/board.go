package fault

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Board arms and disarms defects on the [Seams] it owns, while traffic flows.
type Board struct {
	seams *Seams

	mu      sync.Mutex
	rows    map[string]Defect
	armed   []string
	aliases map[string]string
}

// NewBoard makes a switchboard over the given catalogue. A row of kind Off is also known as
// "off:<rule>".
func NewBoard(catalogue []Defect) *Board {
	b := &Board{seams: &Seams{}, rows: map[string]Defect{}, aliases: map[string]string{}}
	for _, d := range catalogue {
		b.rows[d.Name] = d
		if d.Kind == Off {
			b.aliases["off:"+d.Rule] = d.Name
		}
	}
	return b
}

// Seams returns what product code is given.
func (b *Board) Seams() *Seams { return b.seams }

// Catalogue lists all rows by name.
func (b *Board) Catalogue() []Defect {
	out := make([]Defect, 0, len(b.rows))
	for _, d := range b.rows {
		out = append(out, d)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// Arm switches a defect on. The error names the nearest known defect.
func (b *Board) Arm(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if real, ok := b.aliases[name]; ok {
		name = real
	}
	if _, ok := b.rows[name]; !ok {
		return fmt.Errorf("no defect %q%s", name, b.hint(name))
	}
	if !slices.Contains(b.armed, name) {
		b.armed = append(b.armed, name)
	}
	b.publish()
	return nil
}

// Disarm switches a defect off; without a name, all of them.
func (b *Board) Disarm(names ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(names) == 0 {
		b.armed = nil
	}
	b.armed = slices.DeleteFunc(b.armed, func(n string) bool { return slices.Contains(names, n) })
	b.publish()
}

func (b *Board) publish() {
	if len(b.armed) == 0 {
		b.seams.armed.Store(nil)
		return
	}
	a := &armed{names: slices.Clone(b.armed), off: map[string]bool{}}
	for _, n := range b.armed {
		d := b.rows[n]
		if d.Kind == Off {
			a.off[d.Rule] = true
		}
		a.rows = append(a.rows, d)
	}
	b.seams.armed.Store(a)
}

func (b *Board) hint(name string) string {
	_, want, _ := strings.Cut(name, "/")
	best, score := "", 0
	for n := range b.rows {
		common := 0
		for _, w := range strings.FieldsFunc(want, func(r rune) bool { return r == '-' || r == '/' }) {
			if strings.Contains(n, w) {
				common += len(w)
			}
		}
		if strings.SplitN(n, "/", 2)[0] == strings.SplitN(name, "/", 2)[0] {
			common += 2
		}
		if common > score || (common == score && common > 0 && n < best) {
			best, score = n, common
		}
	}
	if best == "" {
		return "; see 'ensaio list defects'"
	}
	return fmt.Sprintf("; did you mean %q?", best)
}
