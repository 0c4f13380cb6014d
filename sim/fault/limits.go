package fault

import "time"

// bounded makes an OnLimit for one kind of limit: "second", "minute" or "month".
func bounded(of string, bend func(*Limit)) func(*Limit) {
	return func(l *Limit) {
		if l.Of == of {
			bend(l)
		}
	}
}

func half(l *Limit)   { l.Bound /= 2 }
func double(l *Limit) { l.Bound *= 2 }

// instead answers one status of the API host with another.
func instead(status map[int]int) func(*Reply) {
	return func(r *Reply) {
		if other, ok := status[r.Status]; ok && r.Place == "api" {
			r.Status = other
		}
	}
}

// overloaded edits the authorization server's answers 529.
func overloaded(edit func(*Reply)) func(*Reply) {
	return func(r *Reply) {
		if r.Place == "as" && r.Status == 529 {
			edit(r)
		}
	}
}

// The area of traffic and operational limits (TRAF-, OPER-). The numbers of the regulation are the least
// that must be allowed; a limit that fires late breaks what the institution itself says is in force.
var limits = []Defect{
	{Name: "data/early-monthly-limit", Kind: Time, Rule: "OPER", Weight: Major,
		Symptom: "423 at half the monthly quota", CaughtBy: []string{"limits/monthly-block-is-423"}, OnLimit: bounded("month", half)},
	{Name: "data/late-monthly-limit", Kind: Time, Rule: "OPER", Weight: Minor,
		Symptom: "the monthly quota that is in force is allowed twice", CaughtBy: []string{"limits/month-turns-in-brasilia"}, OnLimit: bounded("month", double)},
	{Name: "data/shared-monthly-limit", Kind: Mutate, Rule: "OPER", Weight: Major,
		Symptom: "what one receiver reads uses up another's month", CaughtBy: []string{"limits/origins-are-separate"},
		OnLimit: bounded("month", func(l *Limit) { l.Origin = "" })},
	{Name: "data/monthly-limit-of-all-customers", Kind: Mutate, Rule: "OPER", Weight: Major,
		Symptom: "what is read of one customer uses up the month of every other", CaughtBy: []string{"limits/customers-are-separate"},
		OnLimit: bounded("month", func(l *Limit) { l.Customer = "" })},
	{Name: "data/monthly-limit-by-customer", Kind: Mutate, Rule: "OPER", Weight: Major,
		Symptom: "the monthly quota is the customer's instead of each account's", CaughtBy: []string{"limits/monthly-block-is-423"},
		OnLimit: bounded("month", func(l *Limit) { l.Resource = "" })},
	{Name: "data/month-ends-in-utc", Kind: Time, Rule: "OPER", Weight: Minor,
		Symptom: "the month of the quota turns at nine in the evening of Brasília", CaughtBy: []string{"limits/month-turns-in-brasilia"},
		OnLimit: bounded("month", func(l *Limit) { l.Period = int64(l.At.UTC().Year())*12 + int64(l.At.UTC().Month()) })},
	{Name: "data/month-never-ends", Kind: Time, Rule: "OPER", Weight: Major,
		Symptom: "the quota of last month still counts", CaughtBy: []string{"limits/month-turns-in-brasilia"},
		OnLimit: bounded("month", func(l *Limit) { l.Period = 1 })},
	{Name: "data/early-minute-limit", Kind: Time, Rule: "TRAF", Weight: Major,
		Symptom: "429 at half the calls of a minute", CaughtBy: []string{"limits/minute-of-class-high"}, OnLimit: bounded("minute", half)},
	{Name: "data/late-minute-limit", Kind: Time, Rule: "TRAF", Weight: Minor,
		Symptom: "the limit of a minute that is in force is allowed twice", CaughtBy: []string{"limits/minute-of-class-high"}, OnLimit: bounded("minute", double)},
	{Name: "data/shared-minute-limit", Kind: Mutate, Rule: "TRAF", Weight: Major,
		Symptom: "one receiver's calls limit another", CaughtBy: []string{"limits/minute-of-class-high"},
		OnLimit: bounded("minute", func(l *Limit) { l.Origin = "" })},
	{Name: "data/minute-never-ends", Kind: Time, Rule: "TRAF", Weight: Major,
		Symptom: "the calls of the minute before still count", CaughtBy: []string{"limits/minute-of-class-high"},
		OnLimit: bounded("minute", func(l *Limit) { l.Period = 1 })},
	{Name: "data/minute-starts-at-half", Kind: Time, Rule: "TRAF", Weight: Minor,
		Symptom: "the minute of the limit starts at half past", CaughtBy: []string{"limits/minute-of-class-high"},
		OnLimit: bounded("minute", func(l *Limit) { l.Period = l.At.Add(30*time.Second).Unix() / 60 })},
	{Name: "data/wrong-limit-status", Kind: Mutate, Rule: "RS-HDR-07", Weight: Minor,
		Symptom: "the limit of a minute is answered 423, that of a month 429", CaughtBy: []string{"limits/monthly-block-is-423", "limits/minute-of-class-high"},
		OnReply: instead(map[int]int{429: 423, 423: 429})},
	{Name: "data/omits-retry-after", Kind: Mutate, Rule: "ERR-14", Weight: Minor,
		Symptom: "429 does not say when to come back", CaughtBy: []string{"limits/minute-of-class-high"},
		OnReply: everywhere(func(r *Reply) {
			if r.Status == 429 {
				r.Header.Del("Retry-After")
			}
		})},
	{Name: "data/wrong-rate-headers", Kind: Mutate, Rule: "RS-HDR-07", Weight: Minor,
		Symptom: "429 says in x-rate-limit-remaining that there is room", CaughtBy: []string{"limits/rate-headers"},
		OnReply: everywhere(func(r *Reply) {
			if r.Status == 429 {
				r.Header.Set("X-Rate-Limit-Remaining", "25")
			}
		})},
	{Name: "data/overload-as-unavailable", Kind: Mutate, Rule: "TRAF", Weight: Major,
		Symptom: "requests above the rate of a second are answered 503", CaughtBy: []string{"limits/overload-is-529"}, OnReply: instead(map[int]int{529: 503})},
	{Name: "data/overload-as-timeout", Kind: Mutate, Rule: "TRAF", Weight: Major,
		Symptom: "requests above the rate of a second are answered 504", CaughtBy: []string{"limits/overload-is-529"}, OnReply: instead(map[int]int{529: 504})},
	{Name: "data/overload-as-minute-limit", Kind: Mutate, Rule: "TRAF", Weight: Minor,
		Symptom: "requests above the rate of a second are answered 429", CaughtBy: []string{"limits/overload-is-529"}, OnReply: instead(map[int]int{529: 429})},
	{Name: "security/overload-as-unavailable", Kind: Mutate, Rule: "TRAF", Weight: Major,
		Symptom: "the authorization server answers requests above the rate of a second 503", CaughtBy: []string{"limits/security-endpoints-count"},
		OnReply: overloaded(func(r *Reply) { r.Status = 503 })},
	{Name: "security/overload-in-api-form", Kind: Mutate, Rule: "TRAF", Weight: Minor,
		Symptom: "the authorization server's 529 has the error list of the APIs, which no OAuth client reads", CaughtBy: []string{"limits/security-endpoints-count"},
		OnReply: overloaded(func(r *Reply) {
			r.Body = []byte(`{"errors":[{"code":"LIMITE_GLOBAL_EXCEDIDO","title":"Site sobrecarregado","detail":"O limite global foi atingido"}]}`)
		})},
	{Name: "data/early-overload", Kind: Time, Rule: "TRAF", Weight: Major,
		Symptom: "529 at half the rate that is in force", CaughtBy: []string{"limits/overload-is-529"}, OnLimit: bounded("second", half)},
	{Name: "data/late-overload", Kind: Time, Rule: "TRAF", Weight: Minor,
		Symptom: "twice the rate that is in force is let through", CaughtBy: []string{"limits/overload-is-529"}, OnLimit: bounded("second", double)},
}
