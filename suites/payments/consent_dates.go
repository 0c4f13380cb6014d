package payments

import (
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/target"
)

func consentDateChecks() []check.Check {
	in := func(days ...int) func(b *check.Bench) []string {
		return func(b *check.Bench) (out []string) {
			for _, d := range days {
				out = append(out, date(dayAfter(b, d)))
			}
			return out
		}
	}
	run := func(from, n int) (out []int) {
		for i := range n {
			out = append(out, from+i)
		}
		return out
	}
	custom := func(dates func(*check.Bench) []string) func(*check.Bench, map[string]any) {
		return func(b *check.Bench, data map[string]any) { put(data, "payment.schedule.custom.dates", dates(b)) }
	}
	single := scheduled(manual, once(5))
	return []check.Check{
		{
			ID: "PAY-011", Name: "payments/rejects-bad-schedule-date", Official: official("pixscheduling-dates-unhappy"),
			Rules:  rules("PAY-CONS-14/after-today", "PAY-CONS-15/two-years", "PAY-CONS-07/date-or-schedule", "ERR-13"),
			Title:  "A payment is not scheduled for today, the past or beyond two years, and has a date or a schedule",
			Why:    "A payment of today is immediate and has other checks; one without a date is none.",
			Causes: causes("dates compared in UTC", "the bound of version 4 is kept"),
			Body: refusedConsents(single,
				bend{"today", scheduled(manual, once(0)), nil, badDate},
				bend{"yesterday", scheduled(manual, once(-1)), nil, badDate},
				bend{"740 days ahead", scheduled(manual, once(740)), nil, badDate},
				bend{"neither date nor schedule", manual, without("payment.date"), notInformed},
			),
		},
		{
			ID: "PAX-X04", Name: "payments/rejects-date-beside-schedule", Rules: rules("PAY-CONS-08/not-date-and-schedule"),
			Title: "A date and a schedule exclude one another", Why: "Nobody could say when the payment is due.", Causes: causes("one of the two is ignored"),
			Body: refusedConsents(single, bend{"date beside schedule", nil, func(b *check.Bench, data map[string]any) { put(data, "payment.date", today(b)) },
				[]string{"DATA_PAGAMENTO_INVALIDA", "PARAMETRO_INVALIDO"}}),
		},
		{
			ID: "PAX-X05", Name: "payments/rejects-two-schedules", Rules: rules("PAY-CONS-10/one-branch"),
			Title: "A schedule has exactly one form", Why: "Nobody could say when the payments are due.", Causes: causes("the first form found is taken"),
			Body: refusedConsents(scheduled(manual, daily(5, 3)),
				bend{"daily and weekly", nil, func(b *check.Bench, data map[string]any) {
					put(data, "payment.schedule.weekly", map[string]any{"dayOfWeek": "SEGUNDA_FEIRA", "startDate": date(dayAfter(b, 5)), "quantity": 3})
				}, []string{"PARAMETRO_INVALIDO", "DATA_PAGAMENTO_INVALIDA", "DETALHE_PAGAMENTO_INVALIDO"}},
			),
		},
		{
			ID: "PAY-056", Name: "payments/purpose-agrees-with-date", Rules: rules("PAY-CONS-13/purpose", "ERR-13"),
			Official: official("consent-purpose-validation-unhappy-path-invalid-combination"),
			Title:    "A purpose that disagrees with the date or schedule is refused",
			Why:      "The customer reads the purpose; the clock reads the schedule.", Causes: causes("purpose stored and never compared"),
			Body: refusedConsents(single,
				bend{"IMMEDIATE with a schedule", single, with("payment.purpose", "IMMEDIATE"), badPurpose},
				bend{"SINGLE_SCHEDULED without one", manual, with("payment.purpose", "SINGLE_SCHEDULED"), badPurpose},
				bend{"SINGLE_SCHEDULED with a series", scheduled(manual, daily(5, 3)), with("payment.purpose", "SINGLE_SCHEDULED"), badPurpose},
				bend{"RECURRENT_SCHEDULED with one date", single, with("payment.purpose", "RECURRENT_SCHEDULED"), badPurpose},
			),
		},
		{
			ID: "PAY-043", Name: "payments/bounds-schedule", Official: official("recurring-payments-consent-limit"),
			Rules:  rules("PAY-CONS-15/two-years", "PAY-CONS-11/distinct-dates", "PAY-CONS-02/formats", "ERR-13"),
			Title:  "A series stays within two years and sixty payments, and no date comes twice",
			Why:    "What nobody remembers approving cannot be stopped in time.",
			Causes: causes("only the first date is bounded", "repeated dates collapse silently"),
			Body: refusedConsents(scheduled(manual, onDays(run(5, 60)...)),
				bend{"beyond two years", scheduled(manual, onDays(5, 800)), nil, badDate},
				bend{"weekly beyond two years", scheduled(manual, func(b *check.Bench) tpp.Schedule {
					return tpp.Schedule{Every: "weekly", Start: dayAfter(b, 700), Quantity: 20}
				}), nil, badDate},
				bend{"repeated date", nil, custom(in(5, 6, 6)), malformed},
				bend{"61 dates", nil, custom(in(run(5, 61)...)), malformed},
				bend{"61 days", scheduled(manual, daily(5, 61)), nil, malformed},
				bend{"25 months", scheduled(manual, func(b *check.Bench) tpp.Schedule {
					return tpp.Schedule{Every: "monthly", Start: dayAfter(b, 5), Quantity: 25, DayOfMonth: 10}
				}), nil, []string{"PARAMETRO_INVALIDO", "DATA_PAGAMENTO_INVALIDA"}},
			),
		},
		{
			ID: "PAY-054", Name: "payments/rejects-series-of-one", Rules: rules("PAY-CONS-02/formats", "ERR-13"), Official: official("recurring-payments-wrong-custom-quantity"),
			Title: "A custom series of a single date is refused", Why: "One payment is a single schedule.", Causes: causes("the lower bound is not checked"),
			Body: refusedConsents(scheduled(manual, onDays(5, 6)), bend{"one date", nil, custom(in(5)), malformed}, bend{"no date", nil, custom(in()), malformed}),
		},
		{
			ID: "PAX-X06", Name: "payments/rejects-series-of-codes", Rules: rules("PAY-CONS-16/recurrent-form"), Needs: needs(payee(target.Email)),
			Title: "Only payments by account, key or static code recur", Why: "A dynamic code or an initiator's identification is for one payment.", Causes: causes("the instrument is not looked at"),
			Body: refusedConsents(scheduled(byKey(target.Email), daily(5, 3)), bend{"INIC daily", scheduled(initiated, daily(5, 3)), nil, badForm}),
		},
		{
			ID: "PAX-X07", Name: "payments/accepts-edges-of-schedule", Rules: rules("PAY-CONS-14/after-today", "PAY-CONS-15/two-years"),
			Title: "Tomorrow, and the same day two years on, can be scheduled", Why: "The bounds belong to the customer.", Causes: causes("off by one", "two years counted as 730 days"),
			Body: func(b *check.Bench) {
				j := start(b, scheduled(manual, once(1)))
				j.accepts(j.asking(), "tomorrow")
				k := j.again(scheduled(manual, func(b *check.Bench) tpp.Schedule {
					y, m, d := b.Now().In(brasilia).Date()
					last := time.Date(y+2, m, d, 12, 0, 0, 0, brasilia)
					if last.Day() != d { // 29 February has no such day
						last = last.AddDate(0, 0, -1)
					}
					return tpp.Schedule{Single: last}
				}))
				j.accepts(k.asking(), "two years on")
			},
		},
	}
}
