package pcm

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// DiscardCount counts the reports that were refused at the door for one reason.
type DiscardCount struct {
	Org       string `json:"orgId"` // who sent them
	Kind      string `json:"kind"`
	Role      string `json:"role,omitempty"`
	Date      string `json:"date"`        // of the calls; of the refusal where the report tells no time
	Discarded string `json:"discardedOn"` // the day of the refusal
	Client    string `json:"clientOrgId,omitempty"`
	Server    string `json:"serverOrgId,omitempty"`
	Endpoint  string `json:"endpoint,omitempty"`
	Method    string `json:"httpMethod,omitempty"`
	Status    string `json:"statusCode,omitempty"`
	Message   string `json:"message"`
	Reports   int    `json:"reports"`
	Evidence  string `json:"evidence,omitempty"` // up to five interaction ids, separated by blanks
}

type discardGroup struct {
	n   int
	ids []string
}

// maxGroups bounds the reasons held: those of old days go first, what one day has beyond it is still counted by
// its message.
const maxGroups = 20_000

// group counts a discard by what its ticket tells. The lock is held.
func (h *history) group(d Discard, sent raw) {
	if h.groups == nil {
		h.groups = map[DiscardCount]*discardGroup{}
	}
	var in info
	in.read(sent)
	k := DiscardCount{Org: d.Organisation, Kind: d.Kind, Message: d.Message, Discarded: d.At.In(brasilia).Format(time.DateOnly)}
	k.Date = k.Discarded
	for _, name := range [...]string{"timestamp", "eventDateTime"} {
		if at, ok := moment(in.get(name).bytes()); ok {
			k.Date = at.In(brasilia).Format(time.DateOnly)
		}
	}
	short := func(name string) string { v := in.get(name).text(); return v[:min(len(v), 100)] }
	k.Role, k.Client, k.Server, k.Endpoint, k.Method = short("role"), short("clientOrgId"), short("serverOrgId"), short("endpoint"), short("httpMethod")
	if v := in.get("statusCode"); v.kind() == "number" && len(v) < 10 {
		k.Status = string(v)
	}
	g := h.groups[k]
	if g == nil {
		if len(h.groups) >= maxGroups && !h.ungroup(k.Discarded) {
			return
		}
		g = &discardGroup{}
		h.groups[k] = g
	}
	g.n++
	if id := in.get("fapiInteractionId").text(); id != "" && len(id) <= 36 && len(g.ids) < evidence {
		g.ids = append(g.ids, id)
	}
}

// ungroup forgets the reasons of the oldest day of refusals, unless that is the one given.
func (h *history) ungroup(today string) bool {
	oldest := today
	for k := range h.groups {
		oldest = min(oldest, k.Discarded)
	}
	maps.DeleteFunc(h.groups, func(k DiscardCount, _ *discardGroup) bool { return k.Discarded == oldest && oldest < today })
	return oldest < today
}

// discardsOf lists the discards of a day's calls, by organisation and reason.
func (h *history) discardsOf(date string) []DiscardCount {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := []DiscardCount{}
	for k, g := range h.groups {
		if k.Date == date {
			k.Reports, k.Evidence = g.n, strings.Join(g.ids, " ")
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b DiscardCount) int {
		return cmp.Or(cmp.Compare(a.Org, b.Org), cmp.Compare(a.Message, b.Message), cmp.Compare(a.Endpoint+a.Method+a.Status+a.Role+a.Client+a.Server+a.Kind+a.Discarded, b.Endpoint+b.Method+b.Status+b.Role+b.Client+b.Server+b.Kind+b.Discarded))
	})
	return out
}
