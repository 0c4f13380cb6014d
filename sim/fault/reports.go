package fault

import "time"

func server(edit func(*Report)) func(*Report) {
	return func(r *Report) {
		if r.Kind == "private" && r.Role == "SERVER" {
			edit(r)
		}
	}
}

func of(kind string, edit func(*Report)) func(*Report) {
	return func(r *Report) {
		if r.Kind == kind {
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
	{Name: "pcm/loses-on-error", Kind: Actor, Rule: "PCM-DELIVERY", Weight: Major,
		Symptom: "a batch is dropped after a refusal, an error or a lost answer", CaughtBy: []string{"pcm/redelivers"},
		OnDelivery: func(v *Delivery) { v.Drop = v.Drop || v.Stage == "failed" }},
	{Name: "pcm/ignores-partial-answer", Kind: Actor, Rule: "PCM-DELIVERY", Weight: Major,
		Symptom: "reports discarded in a 207 are neither repaired nor kept", CaughtBy: []string{"pcm/handles-partial-answer"},
		OnDelivery: func(v *Delivery) { v.Drop = v.Drop || v.Stage == "discarded" }},
	{Name: "pcm/amends-discarded", Kind: Actor, Rule: "PCM-DELIVERY", Weight: Major,
		Symptom: "a discarded report is amended instead of sent anew", CaughtBy: []string{"pcm/resends-discarded"},
		OnDelivery: func(v *Delivery) { v.Amend = v.Amend || v.Stage == "resend" }},
	{Name: "pcm/oversized-batch", Kind: Mutate, Rule: "PCM-DELIVERY", Weight: Minor,
		Symptom: "a batch refused for its size is sent again as large", CaughtBy: []string{"pcm/respects-batch-size"},
		OnDelivery: func(v *Delivery) { v.Stubborn = v.Stubborn || v.Stage == "refused" }},
	{Name: "pcm/missing-additional-info", Kind: Mutate, Rule: "PCM-INFO", Weight: Major,
		Symptom: "the additional information that an operation owes is absent", CaughtBy: []string{"pcm/additional-info"},
		OnReport: server(func(r *Report) { delete(r.Body, "additionalInfo") })},
	{Name: "pcm/omits-stock", Kind: Actor, Rule: "PCM-STOCK", Weight: Major,
		Symptom: "the consent stock of the day is not reported", CaughtBy: []string{"pcm/stock-is-daily"},
		OnReport: of("stock", func(r *Report) { r.Copies = 0 })},
	{Name: "pcm/wrong-stock", Kind: Mutate, Rule: "PCM-STOCK", Weight: Major,
		Symptom: "each consent counts twice in the stock", CaughtBy: []string{"pcm/stock-counts-live-consents"},
		OnReport: of("stock", func(r *Report) {
			lines, _ := r.Body["consentsStockList"].([]any)
			for _, l := range lines {
				if line, ok := l.(map[string]any); ok {
					n, _ := line["totalActiveConsents"].(float64)
					line["totalActiveConsents"] = 2 * n
				}
			}
		})},
	{Name: "pcm/stale-stock", Kind: Mutate, Rule: "PCM-STOCK", Weight: Major,
		Symptom: "a consent that ended long ago stays in the stock of each client", CaughtBy: []string{"pcm/stock-agrees-with-clients"},
		OnReport: of("stock", func(r *Report) {
			lines, _ := r.Body["consentsStockList"].([]any)
			for _, l := range lines {
				if line, ok := l.(map[string]any); ok {
					n, _ := line["totalActiveConsents"].(float64)
					line["totalActiveConsents"] = n + 1
				}
			}
		})},
	{Name: "pcm/omits-payment-state", Kind: Actor, Rule: "PCM-STATES", Weight: Major,
		Symptom: "the end of a payment is not reported", CaughtBy: []string{"pcm/payment-states-are-told"},
		OnReport: of("payments", func(r *Report) {
			if r.Body["paymentStatus"] != "SCHD" {
				r.Copies = 0
			}
		})},
	{Name: "pcm/omits-scheduled-state", Kind: Actor, Rule: "PCM-STATES", Weight: Major,
		Symptom: "the scheduling of a payment is not reported", CaughtBy: []string{"pcm/payment-states-are-told"},
		OnReport: of("payments", func(r *Report) {
			if r.Body["paymentStatus"] == "SCHD" {
				r.Copies = 0
			}
		})},
	{Name: "pcm/wrong-payment-state", Kind: Mutate, Rule: "PCM-STATES", Weight: Major,
		Symptom: "a settled payment is reported as cancelled", CaughtBy: []string{"pcm/payment-states-are-told"},
		OnReport: of("payments", func(r *Report) {
			if r.Body["paymentStatus"] == "ACSC" {
				r.Body["paymentStatus"], r.Body["statusReasonCode"] = "CANC", "CANCELADO_PENDENCIA"
			}
		})},
	{Name: "pcm/unexplained-payment-state", Kind: Mutate, Rule: "PCM-STATES", Weight: Major,
		Symptom: "the reason of a cancelled or rejected payment is missing", CaughtBy: []string{"pcm/payment-states-are-told"},
		OnReport: of("payments", func(r *Report) { delete(r.Body, "statusReasonCode") })},
}
