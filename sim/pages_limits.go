package sim

import (
	"cmp"
	"net/http"

	"github.com/ensaio/ensaio/platform/gateway"
)

// used is one line of a page about limits.
type used struct {
	Who, Operation        string
	Count, Limit, Percent int
	Objects, Exhausted    int
}

// limits shows who has used how much: in this second, this minute and this month.
func (c *console) limits(w http.ResponseWriter, r *http.Request) {
	var u gateway.Usage
	if err := c.ask(r.Context(), http.MethodGet, "/bank/limits/usage", nil, &u); err != nil {
		c.wrong(w, r, err)
		return
	}
	names := map[string]string{}
	if c.eco.apps.started() {
		for _, t := range c.eco.ready.TPPs {
			names[t.OrganisationID] = t.Name
		}
	}
	lines := func(shares []gateway.Share) []used {
		var out []used
		for _, s := range shares[:min(len(shares), maxListed)] {
			out = append(out, used{cmp.Or(names[s.Origin], s.Origin), s.Operation, s.Count, s.Limit, 100 * s.Count / max(s.Limit, 1), s.Objects, s.Exhausted})
		}
		return out
	}
	due := ""
	if u.Steps.Due != nil {
		due = moment(*u.Steps.Due)
	}
	c.show(w, r, http.StatusOK, "limits", map[string]any{"Usage": u, "Minutes": lines(u.Minutes), "Months": lines(u.Months), "Due": due, "Presets": presets})
}

// presets are the buttons of that page.
var presets = []struct{ Name, Label string }{{"regulatory", "Como manda a regulação"}, {"generous", "Generosos"}, {"off", "Nenhum"}}

// limit puts other limits in force.
func (c *console) limit(w http.ResponseWriter, r *http.Request) {
	err := c.ask(r.Context(), http.MethodPost, "/bank/limits", map[string]string{"preset": r.PostFormValue("limites")}, nil)
	c.back(w, r, "/limites", err)
}
