package payment

import (
	"slices"
	"time"
)

var weekdays = []string{"DOMINGO", "SEGUNDA_FEIRA", "TERCA_FEIRA", "QUARTA_FEIRA", "QUINTA_FEIRA", "SEXTA_FEIRA", "SABADO"}

// occurrences are the civil dates on which a consent pays, in order; nil for an immediate one. A day its
// month does not have moves to the first of the next (payments 5.2). Text that is no date is left out.
func occurrences(t tree) []string {
	branch := t.schedule()
	at := func(name string) time.Time {
		d, err := time.Parse(time.DateOnly, t.text("payment.schedule."+branch+"."+name))
		if err != nil {
			return time.Time{}
		}
		return d
	}
	start, quantity := at("startDate"), t.number("payment.schedule."+branch+".quantity")
	var out []string
	switch branch {
	case "single":
		return []string{t.text("payment.schedule.single.date")}
	case "custom":
		v, _ := t.at("payment.schedule.custom.dates")
		list, _ := v.([]any)
		for _, d := range list {
			s, _ := d.(string)
			out = append(out, s)
		}
		slices.Sort(out)
	case "daily":
		for i := range min(quantity, 1000) {
			out = append(out, start.AddDate(0, 0, i).Format(time.DateOnly))
		}
	case "weekly":
		want := slices.Index(weekdays, t.text("payment.schedule.weekly.dayOfWeek"))
		first := start.AddDate(0, 0, (want-int(start.Weekday())+7)%7)
		for i := range min(quantity, 1000) {
			out = append(out, first.AddDate(0, 0, 7*i).Format(time.DateOnly))
		}
	case "monthly":
		day := t.number("payment.schedule.monthly.dayOfMonth")
		month := 0
		if start.Day() > day {
			month = 1
		}
		for i := range min(quantity, 1000) {
			out = append(out, inMonth(start, month+i, day).Format(time.DateOnly))
		}
	}
	return out
}

// inMonth is a day of the month that many months after start's, or the first of the next one.
func inMonth(start time.Time, months, day int) time.Time {
	first := time.Date(start.Year(), start.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, months, 0)
	next := first.AddDate(0, 1, 0)
	if d := first.AddDate(0, 0, day-1); d.Before(next) {
		return d
	}
	return next
}

// settles is the instant from which a payment of that date may be settled: the day's beginning in Brasília.
func settles(date string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, date, brasilia)
	if err != nil {
		return time.Time{}
	}
	return t
}
