package filing

import (
	"cmp"
	"strings"

	"github.com/ensaio/ensaio/sim/spec"
)

// inventory is the export of live consents ("Estoque_Consentimentos"), of the newest stock told at the end
// of the week or before, from both sides.
func (b *Book) inventory(q Question) Filing {
	one := func(name string, side spec.Side) Sheet {
		s := Sheet{Name: name, Columns: []string{"Data", "Organização", "OrganisationId", "CNPJ", "Clientes únicos PF", "Clientes únicos PJ", "Contraparte", "OrganisationId contraparte",
			"ParentOrganisationReference contraparte", "Consentimentos vigentes"}}
		newest := map[string]Stock{}
		for _, st := range b.stocks {
			if st.Side == side && st.Date <= q.Week.To.String() && st.Date >= newest[st.Organisation].Date {
				newest[st.Organisation] = st
			}
		}
		for _, org := range ordered(newest, strings.Compare) {
			st := newest[org]
			base := []any{st.Date, b.name(org), org, b.organisations[org].CNPJ, st.PF, st.PJ}
			if len(st.Of) == 0 {
				s.Rows = append(s.Rows, append(base, "", "", "", 0))
			}
			for _, stake := range st.Of {
				other := stake.Client
				if side == spec.ClientSide {
					other = stake.Server
				}
				s.Rows = append(s.Rows, append(base[:len(base):len(base)], b.name(other), other, b.parent(other), stake.Active))
			}
		}
		return s
	}
	return Filing{Name: "estoque-de-consentimentos", Title: "Estoque de consentimentos", Period: q.Week.To.String(),
		Sheets: []Sheet{one("Transmissora", spec.ServerSide), one("Receptora", spec.ClientSide)}}
}

// Disagreement is a figure that the two sides of an exchange tell differently.
type Disagreement struct {
	What     string   `json:"what"`     // the figure: "calls", "authorization codes", "live consents", …
	Where    string   `json:"where"`    // endpoint, or the stage of the journey
	Day      string   `json:"day"`      // Brasília
	Client   string   `json:"clientId"` // organisation
	Server   string   `json:"serverId"`
	ByClient int      `json:"byClient"`
	ByServer int      `json:"byServer"`
	Evidence []string `json:"evidence"` // interaction or consent ids that one side told, five at most
}

// maxEvidence is how many ids of a case the tickets of the metrics platform name.
const maxEvidence = 5

// Disagreements compares what the two sides told of the week: every call by endpoint, status and day, the
// stages of consents that both see, and the stocks. Calls that only the caller reports by rule (the
// authorization server's) and those that nobody else can know are left out.
func (b *Book) Disagreements(w Week) []Disagreement {
	var all []Disagreement
	all = append(all, b.callsDiffer(w)...)
	all = append(all, b.stagesDiffer(w)...)
	return append(all, b.stocksDiffer(w)...)
}

// tally holds what each side told, as ids.
type tally struct{ client, server map[string]bool }

func (t *tally) of(side spec.Side) map[string]bool {
	if t.client == nil {
		t.client, t.server = map[string]bool{}, map[string]bool{}
	}
	if side == spec.ServerSide {
		return t.server
	}
	return t.client
}

// differ turns a tally into a disagreement, or nil when both sides tell the same.
func (t *tally) differ(d Disagreement) *Disagreement {
	var missing []string
	for id := range t.client {
		if !t.server[id] {
			missing = append(missing, id)
		}
	}
	for id := range t.server {
		if !t.client[id] {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	d.ByClient, d.ByServer = len(t.client), len(t.server)
	d.Evidence = ordered(setOf(missing), strings.Compare)
	d.Evidence = d.Evidence[:min(maxEvidence, len(d.Evidence))]
	return &d
}

func setOf(ids []string) map[string]bool {
	m := make(map[string]bool, len(ids))
	for _, id := range ids {
		m[id] = true
	}
	return m
}

func (b *Book) callsDiffer(w Week) []Disagreement {
	type key struct {
		day            Day
		client, server string
		endpoint
	}
	// Both sides of a call count in the day in which the caller says it began.
	began := map[string]Day{}
	for i := range b.calls {
		if c := &b.calls[i]; c.Side == spec.ClientSide {
			began[c.Interaction] = DayOf(c.At)
		}
	}
	all := map[key]*tally{}
	for i := range b.calls {
		c := &b.calls[i]
		if c.Interaction == "" || groupOf(c.Endpoint) == "security" {
			continue
		}
		day, known := began[c.Interaction]
		if !known {
			day = DayOf(c.At)
		}
		if !w.has(day) {
			continue
		}
		k := key{day, c.Client, c.Server, endpoint{c.Method, c.Endpoint}}
		if all[k] == nil {
			all[k] = &tally{}
		}
		all[k].of(c.Side)[c.Interaction+statusOf(c.Status)] = true
	}
	var out []Disagreement
	for _, k := range ordered(all, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.day, b.day), strings.Compare(a.path, b.path), strings.Compare(a.method, b.method), strings.Compare(a.client, b.client), strings.Compare(a.server, b.server))
	}) {
		if d := all[k].differ(Disagreement{What: "calls", Where: k.method + " " + k.path, Day: k.day.String(), Client: k.client, Server: k.server}); d != nil {
			out = append(out, *d)
		}
	}
	return out
}

func statusOf(status int) string {
	return " " + string([]byte{'0' + byte(status/100%10), '0' + byte(status/10%10), '0' + byte(status%10)})
}

// stagesDiffer compares the stages of a consent that both sides see.
func (b *Book) stagesDiffer(w Week) []Disagreement {
	stages := []struct {
		what           string
		client, server mark
	}{
		{"redirections to the institution", sentOff, arrived},
		{"authorization codes", cameBack, authorised},
	}
	ways := b.ways(w)
	type key struct {
		stage int
		day   Day
		pair
	}
	all := map[key]*tally{}
	for id, v := range ways {
		for i, s := range stages {
			k := key{i, v.day, pair{v.client, v.server}}
			if all[k] == nil {
				all[k] = &tally{}
			}
			if v.reached[s.client] {
				all[k].of(spec.ClientSide)[id] = true
			}
			if v.reached[s.server] {
				all[k].of(spec.ServerSide)[id] = true
			}
		}
	}
	var out []Disagreement
	for _, k := range ordered(all, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.stage, b.stage), cmp.Compare(a.day, b.day), byPair(a.pair, b.pair))
	}) {
		if d := all[k].differ(Disagreement{What: stages[k.stage].what, Where: "consent journey", Day: k.day.String(), Client: k.client, Server: k.server}); d != nil {
			out = append(out, *d)
		}
	}
	return out
}

// stocksDiffer compares what client and server count of each other on the same day, where both told.
func (b *Book) stocksDiffer(w Week) []Disagreement {
	type key struct {
		date string
		pair
	}
	type both struct{ client, server *int }
	told := map[string]bool{} // date, side and organisation
	all := map[key]*both{}
	for _, st := range b.stocks { // later ones correct earlier ones
		if st.Date < w.From.String() || st.Date > w.To.String() {
			continue
		}
		told[st.Date+string(st.Side)+st.Organisation] = true
		for _, stake := range st.Of {
			k := key{st.Date, pair{stake.Client, stake.Server}}
			if all[k] == nil {
				all[k] = &both{}
			}
			if st.Side == spec.ClientSide {
				all[k].client = &stake.Active
			} else {
				all[k].server = &stake.Active
			}
		}
	}
	var out []Disagreement
	for _, k := range ordered(all, func(a, b key) int { return cmp.Or(strings.Compare(a.date, b.date), byPair(a.pair, b.pair)) }) {
		if !told[k.date+string(spec.ClientSide)+k.client] || !told[k.date+string(spec.ServerSide)+k.server] {
			continue // a missing stock is the metrics platform's to notice
		}
		var n [2]int
		for i, v := range []*int{all[k].client, all[k].server} {
			if v != nil {
				n[i] = *v
			}
		}
		if n[0] != n[1] {
			out = append(out, Disagreement{What: "live consents", Where: "consent stock", Day: k.date, Client: k.client, Server: k.server, ByClient: n[0], ByServer: n[1], Evidence: []string{}})
		}
	}
	return out
}

// Funnel says where the stages of consents contradict their order: nobody is authorised who did not log
// in. Each line names a consent.
func (b *Book) Funnel(w Week) []string {
	orderOf := []struct {
		before, after mark
		text          string
	}{
		{arrived, authenticated, "was authenticated without having arrived"},
		{authenticated, authorised, "was authorised without having been authenticated"},
		{authorised, tokened, "has a token without having been authorised"},
	}
	var out []string
	ways := b.ways(w)
	for _, id := range ordered(ways, strings.Compare) {
		for _, o := range orderOf {
			if ways[id].reached[o.after] && !ways[id].reached[o.before] {
				out = append(out, "consent "+id+" "+o.text)
			}
		}
	}
	return out
}
