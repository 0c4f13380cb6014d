package filing

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/ensaio/ensaio/sim/spec"
)

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
	// Owes is who has to mend it: "client", "server" or "both"; "" where nobody need, or the records cannot tell.
	Owes string `json:"owes"`
	Why  string `json:"why"` // who is right, and by what rule
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

// tally holds what each side told, by id.
type tally struct{ client, server map[string]string }

func (t *tally) of(side spec.Side) map[string]string {
	if t.client == nil {
		t.client, t.server = map[string]string{}, map[string]string{}
	}
	if side == spec.ServerSide {
		return t.server
	}
	return t.client
}

// differ turns a tally into a disagreement, or nil when both sides tell the same. judge says of one id who
// has to mend it, and why; what was not told is "".
func (t *tally) differ(d Disagreement, judge func(id, client, server string) (owes, why string)) *Disagreement {
	evidence, reasons, owing := map[string]bool{}, map[string]int{}, map[string]bool{}
	see := func(id string) {
		client, server := t.client[id], t.server[id]
		if client == server {
			return
		}
		for _, told := range []string{client, server} {
			if told != "" {
				evidence[strings.TrimSpace(id+" "+told)] = true
			}
		}
		owes, why := judge(id, client, server)
		reasons[why]++
		owing[owes] = true
	}
	for id := range t.client {
		see(id)
	}
	for id := range t.server {
		if _, told := t.client[id]; !told {
			see(id)
		}
	}
	if len(evidence) == 0 {
		return nil
	}
	d.ByClient, d.ByServer = len(t.client), len(t.server)
	d.Evidence = ordered(evidence, strings.Compare)
	d.Evidence = d.Evidence[:min(maxEvidence, len(d.Evidence))]
	switch {
	case owing["both"] || owing["client"] && owing["server"]:
		d.Owes = "both"
	case owing["client"]:
		d.Owes = "client"
	case owing["server"]:
		d.Owes = "server"
	}
	var why []string
	for _, r := range ordered(reasons, strings.Compare) {
		why = append(why, fmt.Sprintf("%d × %s", reasons[r], r))
	}
	d.Why = strings.Join(why, "; ")
	return &d
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
		all[k].of(c.Side)[c.Interaction] = strconv.Itoa(c.Status)
	}
	var out []Disagreement
	for _, k := range ordered(all, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.day, b.day), strings.Compare(a.path, b.path), strings.Compare(a.method, b.method), strings.Compare(a.client, b.client), strings.Compare(a.server, b.server))
	}) {
		if d := all[k].differ(Disagreement{What: "calls", Where: k.method + " " + k.path, Day: k.day.String(), Client: k.client, Server: k.server}, callJudge); d != nil {
			out = append(out, *d)
		}
	}
	return out
}

// callJudge says who is right about one call, by what the metrics platform makes of the two reports.
func callJudge(_, client, server string) (owes, why string) {
	switch {
	case server == "":
		return "server", "the server did not report it: the caller's account counts, and the server's is missing"
	case client == "":
		return "client", "the client did not report it: the server's account counts alone, and the client's is missing"
	case client == "408":
		return "server", "the client waited in vain (408) while the server answered: both tell the truth, and the pair counts nowhere"
	}
	return "both", "the statuses differ: the pair is inconsistent and counts nowhere until whoever told another status than was on the wire corrects it"
}

// told stands for a step, of which nothing else is compared.
const told = " "

// stagesDiffer compares the stages of a consent that both sides see.
func (b *Book) stagesDiffer(w Week) []Disagreement {
	stages := []struct {
		what           string
		client, server mark
		// earlier is told by the side named, and proof is the step that only who took the other one can reach.
		earlier spec.Side
		proof   mark
	}{
		{"redirections to the institution", sentOff, arrived, spec.ClientSide, authenticated},
		{"authorization codes", cameBack, authorised, spec.ServerSide, tokened},
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
				all[k].of(spec.ClientSide)[id] = told
			}
			if v.reached[s.server] {
				all[k].of(spec.ServerSide)[id] = told
			}
		}
	}
	var out []Disagreement
	for _, k := range ordered(all, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.stage, b.stage), cmp.Compare(a.day, b.day), byPair(a.pair, b.pair))
	}) {
		s := stages[k.stage]
		judge := func(id, client, _ string) (owes, why string) {
			silent := spec.ServerSide
			if client == "" {
				silent = spec.ClientSide
			}
			side := strings.ToLower(string(silent))
			switch {
			case silent == s.earlier:
				return side, "the " + side + " did not tell of it, and the step that follows cannot be taken without"
			case ways[id].reached[s.proof]:
				return side, "the " + side + " did not tell of it, yet the consent went further"
			}
			return "", "the customer may have left on the way: nobody need be wrong"
		}
		if d := all[k].differ(Disagreement{What: s.what, Where: "consent journey", Day: k.day.String(), Client: k.client, Server: k.server}, judge); d != nil {
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
	told := map[string]Stock{} // by date, side and organisation
	for _, st := range b.stocks {
		if st.Date >= w.From.String() && st.Date <= w.To.String() {
			told[st.Date+string(st.Side)+st.Organisation] = st // later ones correct earlier ones, whole
		}
	}
	all := map[key]*both{}
	for _, st := range told {
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
		_, byClient := told[k.date+string(spec.ClientSide)+k.client]
		_, byServer := told[k.date+string(spec.ServerSide)+k.server]
		if !byClient || !byServer {
			continue // a missing stock is the metrics platform's to notice
		}
		var n [2]int
		for i, v := range []*int{all[k].client, all[k].server} {
			if v != nil {
				n[i] = *v
			}
		}
		if n[0] != n[1] {
			out = append(out, Disagreement{What: "live consents", Where: "consent stock", Day: k.date, Client: k.client, Server: k.server, ByClient: n[0], ByServer: n[1], Evidence: []string{}, Owes: "both",
				Why: "the records cannot tell who is right: count again what was live at the end of that day; a revocation that one side has not heard of is the usual cause"})
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
