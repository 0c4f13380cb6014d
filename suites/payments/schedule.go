package payments

import (
	"fmt"
	"slices"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
	"github.com/ensaio/ensaio/suites/target"
)

// schedules authorises and initiates, and waits until every payment is scheduled.
func (j *journey) schedules() *journey {
	j.tidies().pays()
	j.comesTo("SCHD")
	return j
}

// series is the body of a check in which every payment of a schedule is created, scheduled and listed.
func series(s func(*check.Bench) tpp.Schedule) func(*check.Bench) {
	return func(b *check.Bench) {
		j := start(b, scheduled(manual, s)).schedules()
		dates := j.order.Schedule.Dates()
		b.Expect(len(j.payments), "payments created").To(expect.Equal(len(dates)))
		x := j.list()
		b.Expect(x).To(expect.JSONCount("data", len(dates)))
		b.Expect(x).To(expect.JSON("data[*].status", "SCHD"))
		var got, want []string
		for _, v := range expect.Values(x, "data[*].endToEndId") {
			id, _ := v.(string)
			got = append(got, id[9:17])
		}
		for _, d := range dates {
			want = append(want, d.In(brasilia).Format("20060102"))
		}
		slices.Sort(got)
		b.Expect(got, "dates of the payments").About(x).To(expect.Equal(want))
		j.is("CONSUMED")
	}
}

// nextMonthOf31 is the first day of a month with 31 days that is followed by a shorter one.
func nextMonthOf31(b *check.Bench) time.Time {
	y, m, _ := b.Now().In(brasilia).Date()
	for i := 1; ; i++ {
		first := time.Date(y, m+time.Month(i), 1, 12, 0, 0, 0, brasilia)
		if first.AddDate(0, 0, 30).Month() == first.Month() && first.AddDate(0, 1, 30).Month() != first.AddDate(0, 1, 0).Month() {
			return first
		}
	}
}

func on31(b *check.Bench) tpp.Schedule {
	return tpp.Schedule{Every: "monthly", Start: nextMonthOf31(b), Quantity: 3, DayOfMonth: 31}
}

func scheduleChecks() []check.Check {
	row := func(id, name, module, title string, s func(*check.Bench) tpp.Schedule) check.Check {
		return check.Check{ID: id, Name: name, Title: title, Official: official(module), Rules: rules("JWS-01", "ERR-13"),
			Why: "A gap in a series is a bill unpaid.", Causes: causes("only the first payment is created", "dates computed in UTC"), Body: series(s)}
	}
	long := row("PAY-048", "payments/series-of-sixty", "recurring-payments-large-batch", "A series of sixty payments is scheduled whole", daily(2, 60))
	long.Timeout = 2 * time.Minute
	return []check.Check{
		row("PAY-016", "payments/schedules-one", "pixscheduling-schd-accepted", "A payment 350 days ahead is scheduled", once(350)),
		row("PAY-044", "payments/schedules-chosen-dates", "recurring-payments-custom-core", "Five payments on chosen dates are scheduled", onDays(2, 9, 11, 40, 100)),
		row("PAY-045", "payments/series-is-complete", "recurring-payments-daily-core", "Five payments on consecutive days are all created and scheduled", daily(2, 5)),
		row("PAY-051", "payments/schedules-weekly", "recurring_payments_weekly", "Five payments on Mondays are scheduled", func(b *check.Bench) tpp.Schedule {
			return tpp.Schedule{Every: "weekly", Start: dayAfter(b, 3), Quantity: 5, DayOfWeek: "SEGUNDA_FEIRA"}
		}),
		row("PAY-049", "payments/schedules-monthly-on-31", "recurring-payments-monthly-core", "Payments on the 31st fall on the first of the next month where there is no 31st", on31),
		long,
		{
			ID: "PAX-X40", Name: "payments/lists-by-date", Rules: rules("ERR-13"),
			Title: "The payments of a consent are listed by their date of settlement, as asked", Why: "Sixty payments are too many to look through.", Causes: causes("startDate and endDate ignored", "filtered by date of creation"),
			Body: func(b *check.Bench) {
				j := start(b, scheduled(manual, daily(2, 5))).schedules()
				x := j.party.Call("payments.consent-payments", j.party.Credentials("payments")).Param("consentId", j.consent.ID).
					Query("startDate", date(dayAfter(b, 3))).Query("endDate", date(dayAfter(b, 5))).Send(b.Context())
				b.Expect(x, "three of the five days").To(expect.Status(200))
				b.Expect(x).To(expect.JSONCount("data", 3))
			},
		},
	}
}

func scheduleRefusalChecks() []check.Check {
	onThree := scheduled(manual, daily(5, 3))
	// refused sends a bent list; nothing may be scheduled, and the consent is used up.
	refused := func(f form, what string, bend func(j *journey, list []any) []any, codes ...string) func(*check.Bench) {
		return func(b *check.Bench) {
			j := start(b, f).tidies().authorises()
			call := j.initiating().Claims(func(c map[string]any) {
				list, _ := c["data"].([]any)
				c["data"] = bend(j, list)
			})
			b.Step("an initiation with %s", what)
			j.refuses(call, codes...)
			j.is("CONSUMED")
			j.again(f).schedules()
		}
	}
	shifted := func(days int) func(j *journey, list []any) []any {
		return func(j *journey, list []any) []any {
			last, _ := list[len(list)-1].(map[string]any)
			id, _ := last["endToEndId"].(string)
			at, err := time.Parse("20060102", id[9:17])
			j.Given("a date in the endToEndId", err)
			last["endToEndId"] = id[:9] + at.AddDate(0, 0, days).Format("20060102") + id[17:]
			return list
		}
	}
	badDates := []string{"PAGAMENTO_DIVERGENTE_CONSENTIMENTO", "PARAMETRO_INVALIDO"}
	return []check.Check{
		{
			ID: "PAY-012", Name: "payments/scheduled-end-to-end-id-at-noon", Official: official("pixscheduling-endtoend-unhappy"), Rules: rules("PAY-INIT-20/e2e-hour", "ERR-13"),
			Title: "The endToEndId of a scheduled payment stands at 15:00 UTC", Why: "It gives the holder the whole day of Brasília.", Causes: causes("only the date is compared"),
			Body: refused(scheduled(manual, once(5)), "hour 01", func(_ *journey, list []any) []any {
				m, _ := list[0].(map[string]any)
				id, _ := m["endToEndId"].(string)
				m["endToEndId"] = id[:17] + "0100" + id[21:]
				return list
			}, "PARAMETRO_INVALIDO"),
		},
		{
			ID: "PAY-046", Name: "payments/no-more-than-consented", Official: official("recurring-payments-higher-quantity"), Rules: rules("PAY-INIT-06/count", "ERR-13"),
			Title: "More payments than consented are refused, all of them", Why: "The customer approved a number.", Causes: causes("surplus payments are cut off silently"),
			Body: refused(onThree, "four payments instead of three", func(j *journey, list []any) []any {
				extra := map[string]any{}
				m, _ := list[0].(map[string]any)
				for k, v := range m {
					extra[k] = v
				}
				y, mo, d := dayAfter(j.Bench, 8).Date()
				extra["endToEndId"] = j.party.EndToEndID(time.Date(y, mo, d, 15, 0, 0, 0, time.UTC))
				return append(list, extra)
			}, divergent...),
		},
		{
			ID: "PAY-053", Name: "payments/no-fewer-than-consented", Official: official("recurring-payments-lower-quantity"), Rules: rules("PAY-INIT-06/count", "ERR-13"),
			Title: "Fewer payments than consented are refused", Why: "The customer relies on the whole series.", Causes: causes("the number is taken as a maximum"),
			Body: refused(onThree, "two payments instead of three", func(_ *journey, list []any) []any { return list[:2] }, divergent...),
		},
		{
			ID: "PAY-047", Name: "payments/dates-match-consent", Official: official("recurring-payments-invalid-e2eid-startDate"), Rules: rules("PAY-INIT-21/e2e-dates", "ERR-13"),
			Title: "A series whose endToEndIds bear other dates than consented is refused", Why: "The customer approved the days.", Causes: causes("only the first date is compared"),
			Body: refused(onThree, "a last date ten days later", shifted(10), badDates...),
		},
		{
			ID: "PAY-050", Name: "payments/missing-day-moves-forward", Official: official("recurring-payments-unhappy-date-adjustment"), Rules: rules("PAY-INIT-21/e2e-dates", "ERR-13"),
			Title: "A payment of the 31st does not move back where the month has no 31st", Why: "The money leaves a day early.", Causes: causes("the calendar library clips the day"),
			Body: func(b *check.Bench) {
				refused(scheduled(manual, func(b *check.Bench) tpp.Schedule {
					s := on31(b)
					s.Quantity = 2
					return s
				}), "the last day of the short month", shifted(-1), badDates...)(b)
			},
		},
		{
			ID: "PAY-052", Name: "payments/series-has-one-amount", Official: official("recurring-payments-wrong-amount"), Rules: rules("PAY-INIT-07/amount", "ERR-13"),
			Title: "A series of which one payment differs in amount pays nothing", Why: "The customer approved an amount for each.", Causes: causes("only the first payment is compared"),
			Body: refused(onThree, "another amount in the last", func(_ *journey, list []any) []any {
				m, _ := list[len(list)-1].(map[string]any)
				put(m, "payment.amount", "2.00")
				return list
			}, divergent...),
		},
	}
}

// executionChecks are about the day a scheduled payment falls due.
func executionChecks() []check.Check {
	return []check.Check{
		{
			ID: "PAX-X41", Name: "payments/schedule-executes", Rules: rules("PAY-STATE"), Needs: needs(check.Clock),
			Title: "A scheduled payment is not paid before its day and is settled on it", Why: "Early it may find no money, late it is a fine.",
			Causes: causes("the day begins in UTC", "a restart forgets the agenda"),
			Body: func(b *check.Bench) {
				j := start(b, scheduled(manual, once(2))).schedules()
				b.SetClock(at(dayAfter(b, 1), 23, 30))
				j.reads(0)
				b.Expect(j.last, "half an hour before the day").To(expect.JSON("data.status", "SCHD"))
				b.Advance(2 * time.Hour)
				j.settles()
				b.Expect(j.seen, "states seen").To(legalWay())
			},
		},
		{
			ID: "PAX-X42", Name: "payments/cancelled-is-not-paid", Rules: rules("PAY-CANCEL"), Needs: needs(check.Clock),
			Title: "A payment of a series that was cancelled is not paid on its day; the others are", Why: "The customer took it back.", Causes: causes("the agenda is not told of the cancellation"),
			Body: func(b *check.Bench) {
				j := start(b, scheduled(manual, daily(3, 2))).schedules()
				j.cancels(0, "CANCELADO_AGENDAMENTO")
				b.SetClock(at(dayAfter(b, 4), 12, 0))
				b.Wait("settle", "the second payment to be settled", func() bool { return expect.Text(j.reads(1), "data.status") == "ACSC" })
				b.Expect(j.states(), "states on the day").To(expect.Equal([]string{"CANC", "ACSC"}))
			},
		},
		{
			ID: "PAX-X43", Name: "payments/key-is-asked-again", Rules: rules("PAY-STATE"), Needs: needs(payee(target.Email), check.Clock, check.CoreControl),
			Title: "A scheduled payment by a key that is gone on its day is rejected for that", Why: "The key may belong to somebody else by then.", Causes: causes("the key directory is asked only when scheduling"),
			Body: func(b *check.Bench) {
				key := fmt.Sprintf("temporaria.%d@chave.example.com", b.Now().UnixNano())
				p := pay(b, target.Email)
				b.Core().Post("/keys", map[string]any{"key": key, "owner": p.Name, "document": p.Document,
					"account": map[string]string{"ispb": p.Account.ISPB, "issuer": p.Account.Issuer, "number": p.Account.Number, "accountType": p.Account.Type}}, nil)
				j := start(b, scheduled(func(b *check.Bench, j *journey) tpp.Order {
					o := byKey(target.Email)(b, j)
					o.Proxy = key
					return o
				}, daily(2, 2))).schedules()
				b.Core().Delete("/keys/" + key)
				b.SetClock(at(dayAfter(b, 2), 12, 0))
				j.rejects("CHAVE_PIX_DIVERGENTE_AGENDAMENTO_LIQUIDACAO")
			},
		},
	}
}

// at is a time of day of a date, in Brasília.
func at(day time.Time, hour, minute int) time.Time {
	y, m, d := day.In(brasilia).Date()
	return time.Date(y, m, d, hour, minute, 0, 0, brasilia)
}
