package fault

import "time"

func server(edit func(*Report)) func(*Report) {
	return func(r *Report) {
		if r.Kind == "private" && r.Role == "SERVER" {
			edit(r)
		}
	}
}

func field(name string, value any) func(*Report) {
	return func(r *Report) { r.Body[name] = value }
}

// The area of events and reports to the metrics platform (PCM-).
var reports = []Defect{
	{Name: "pcm/omits-call", Kind: Actor, Rule: "PCM-REPORT", Weight: Major,
		Symptom: "reads are not reported", CaughtBy: []string{"pcm/every-call-is-reported"},
		OnReport: server(func(r *Report) {
			if r.Body["httpMethod"] == "GET" {
				r.Copies = 0
			}
		})},
	{Name: "pcm/omits-failures", Kind: Actor, Rule: "PCM-REPORT", Weight: Major,
		Symptom: "only successful calls are reported", CaughtBy: []string{"pcm/failures-are-reported"},
		OnReport: server(func(r *Report) {
			if code, ok := r.Body["statusCode"].(float64); ok && code >= 400 {
				r.Copies = 0
			}
		})},
	{Name: "pcm/duplicates", Kind: Mutate, Rule: "PCM-REPORT", Weight: Major,
		Symptom: "one call is reported twice", CaughtBy: []string{"pcm/reported-once"},
		OnReport: server(func(r *Report) { r.Copies = 2 })},
	{Name: "pcm/wrong-status", Kind: Mutate, Rule: "PCM-PAIR", Weight: Major,
		Symptom: "the reported status differs from the wire", CaughtBy: []string{"pcm/agrees-with-wire"},
		OnReport: server(field("statusCode", 202))},
	{Name: "pcm/wrong-duration", Kind: Mutate, Rule: "PCM-PAIR", Weight: Major,
		Symptom: "the processing time is in another unit", CaughtBy: []string{"pcm/agrees-with-wire"},
		OnReport: server(func(r *Report) {
			if ms, ok := r.Body["processTimespan"].(float64); ok {
				r.Body["processTimespan"] = ms*1000 + 60_000
			}
		})},
	{Name: "pcm/swaps-roles", Kind: Mutate, Rule: "PCM-PAIR", Weight: Major,
		Symptom: "client and server organisations are exchanged", CaughtBy: []string{"pcm/roles-are-right"},
		OnReport: server(func(r *Report) {
			r.Body["clientOrgId"], r.Body["serverOrgId"] = r.Body["serverOrgId"], r.Body["clientOrgId"]
		})},
	{Name: "pcm/raw-path", Kind: Mutate, Rule: "PCM-ENDPOINT", Weight: Critical,
		Symptom: "the endpoint carries identifiers instead of the template", CaughtBy: []string{"pcm/endpoint-is-template"},
		OnReport: server(func(r *Report) {
			if e, ok := r.Body["endpoint"].(string); ok {
				r.Body["endpoint"] = e + "/urn:bancoensaio:0001"
			}
		})},
	{Name: "pcm/personal-data", Kind: Mutate, Rule: "PCM-PRIVACY", Weight: Critical,
		Symptom: "a report carries a CPF", CaughtBy: []string{"pcm/carries-no-personal-data"},
		OnReport: server(field("correlationId", "12345678909"))},
	{Name: "pcm/wrong-correlation", Kind: Mutate, Rule: "PCM-PAIR", Weight: Major,
		Symptom: "the interaction id differs between the two sides", CaughtBy: []string{"pcm/pairs-with-counterpart"},
		OnReport: server(field("fapiInteractionId", "0f8fad5b-d9cb-469f-a165-70867728950e"))},
	{Name: "pcm/late", Kind: Time, Rule: "PCM-TIME", Weight: Major,
		Symptom: "reports are held back for days", CaughtBy: []string{"pcm/in-time"},
		OnReport: server(func(r *Report) { r.Delay = 72 * time.Hour })},
	{Name: "pcm/misses-funnel-step", Kind: Actor, Rule: "PCM-FUNNEL", Weight: Major,
		Symptom: "a step of the consent journey is not reported", CaughtBy: []string{"pcm/funnel-is-complete"},
		OnReport: func(r *Report) {
			if r.Kind == "hybrid-flow/server/authenticated" {
				r.Copies = 0
			}
		}},
}
