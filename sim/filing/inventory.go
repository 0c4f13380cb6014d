package filing

import (
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
			day, _ := parseDay(st.Date) // as it was when it was taken in
			base := []any{iso(day), b.name(org), org, b.organisations[org].CNPJ, st.PF, st.PJ}
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
