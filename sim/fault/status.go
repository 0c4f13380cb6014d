package fault

import (
	"net/http"
	"strings"
	"time"
)

// conditions edits the entries of a status.
func conditions(edit func(list []any) []any) func(*Reply) {
	return edited(func(m map[string]any) {
		if data, ok := m["data"].(map[string]any); ok {
			if entries, ok := data["status"].([]any); ok {
				data["status"] = edit(entries)
			}
		}
	}, "common.status")
}

// daily edits one series of every endpoint in the metrics: today's figure, then those of the days before.
func daily(edit func(today any, before []any) (any, []any), names ...string) func(*Reply) {
	return edited(func(m map[string]any) {
		items(m, func(endpoint map[string]any) {
			for _, name := range names {
				s, _ := endpoint[name].(map[string]any)
				before, _ := s["previousDays"].([]any)
				if s != nil {
					s["currentDay"], s["previousDays"] = edit(s["currentDay"], before)
				}
			}
		})
	}, "admin.metrics")
}

// available edits uptime and downtime of every endpoint in the metrics.
func available(edit func(uptime, downtime map[string]any)) func(*Reply) {
	return edited(func(m map[string]any) {
		items(m, func(endpoint map[string]any) {
			a, _ := endpoint["availability"].(map[string]any)
			uptime, _ := a["uptime"].(map[string]any)
			downtime, _ := a["downtime"].(map[string]any)
			if uptime != nil && downtime != nil {
				edit(uptime, downtime)
			}
		})
	}, "admin.metrics")
}

// slow holds the answers of an operation back.
func slow(d time.Duration, operation string) func(*Serve) {
	return func(v *Serve) {
		if v.Operation == operation {
			v.Delay = d
		}
	}
}

// earlier is three hours before an instant.
func earlier(instant any) any {
	t, err := time.Parse(time.RFC3339, text(instant))
	if err != nil {
		return instant
	}
	return t.Add(-3 * time.Hour).Format("2006-01-02T15:04:05Z")
}

// The area of status, outages and the institution's own metrics.
var status = []Defect{
	{Name: "status/always-ok", Kind: Actor, Rule: "DISP-STATUS", Weight: Major,
		Symptom: "the status says OK while an API is down", CaughtBy: []string{"status/tells-the-truth"},
		OnReply: conditions(func([]any) []any { return []any{map[string]any{"code": "OK", "explanation": "Tudo bem"}} })},
	{Name: "status/needs-login", Kind: Mutate, Rule: "DISP-STATUS", Weight: Minor,
		Symptom: "status and outages ask for a token", CaughtBy: []string{"status/is-public"},
		OnReply: reply(func(r *Reply) {
			if r.Request == nil || r.Request.Header.Get("Authorization") == "" {
				r.Status = http.StatusUnauthorized
				r.Body = body(map[string]any{"errors": []any{map[string]any{"code": "NAO_AUTORIZADO", "title": "Não autorizado", "detail": "Token ausente"}}})
			}
		}, "common.*")},
	{Name: "status/undocumented-outage", Kind: Mutate, Rule: "DISP-STATUS", Weight: Minor,
		Symptom: "unavailable without times and endpoints", CaughtBy: []string{"status/explains-outage"},
		OnReply: conditions(func(all []any) []any {
			for _, one := range all {
				if c, ok := one.(map[string]any); ok {
					for _, name := range []string{"detectionTime", "expectedResolutionTime", "unavailableEndpoints"} {
						delete(c, name)
					}
				}
			}
			return all
		})},
	{Name: "status/hides-behind-outage", Kind: Mutate, Rule: "DISP-STATUS", Weight: Major,
		Symptom: "while scheduled work lasts, trouble elsewhere is not shown", CaughtBy: []string{"status/keeps-the-hierarchy"},
		OnReply: conditions(func(all []any) []any { return all[len(all)-1:] })},
	{Name: "status/unannounced-outage", Kind: Mutate, Rule: "DISP-OUTAGES", Weight: Major,
		Symptom: "outages lists nothing, whatever was announced", CaughtBy: []string{"outages/agree-with-status"},
		OnReply: edited(func(m map[string]any) { list(m, func([]any) []any { return []any{} }) }, "common.outages")},
	{Name: "status/local-outage-times", Kind: Mutate, Rule: "DISP-OUTAGES", Weight: Major,
		Symptom: "outages are announced in local time, written as UTC", CaughtBy: []string{"outages/agree-with-status"},
		OnReply: edited(func(m map[string]any) {
			items(m, func(o map[string]any) { o["outageTime"] = earlier(o["outageTime"]) })
		}, "common.outages")},
	{Name: "status/wordy-durations", Kind: Mutate, Rule: "DISP-OUTAGES", Weight: Minor,
		Symptom: "how long an outage lasts is told in words", CaughtBy: []string{"outages/have-their-form"},
		OnReply: edited(func(m map[string]any) { items(m, func(o map[string]any) { o["duration"] = "duas horas" }) }, "common.outages")},
	{Name: "status/forgets-long-work", Kind: Mutate, Rule: "DISP-STATUS", Weight: Minor,
		Symptom: "scheduled work is not shown once it is to take longer than ninety minutes", CaughtBy: []string{"outages/can-be-changed"},
		OnReply: conditions(func(all []any) []any {
			for _, one := range all {
				c, _ := one.(map[string]any)
				from, _ := time.Parse(time.RFC3339, text(c["detectionTime"]))
				until, _ := time.Parse(time.RFC3339, text(c["expectedResolutionTime"]))
				if c["code"] == "SCHEDULED_OUTAGE" && until.Sub(from) > 90*time.Minute {
					c["code"] = "OK"
				}
			}
			return all
		})},
	{Name: "status/stale", Kind: Time, Rule: "DISP-STATUS", Weight: Major,
		Symptom: "the status was last looked at hours ago", CaughtBy: []string{"status/has-its-form"},
		OnReply: conditions(func(all []any) []any {
			for _, one := range all {
				if c, ok := one.(map[string]any); ok {
					c["updateTime"] = earlier(c["updateTime"])
				}
			}
			return all
		})},
	{Name: "status/ignores-security", Kind: Actor, Rule: "DISP-STATUS", Weight: Major,
		Symptom: "trouble of the security endpoints is not shown", CaughtBy: []string{"status/watches-security"},
		OnReply: conditions(func(all []any) []any {
			for _, one := range all {
				if c, ok := one.(map[string]any); ok {
					down, _ := c["unavailableEndpoints"].([]any)
					if len(down) == 1 && strings.HasSuffix(text(down[0]), "/token") {
						return []any{map[string]any{"code": "OK", "explanation": "Tudo bem"}}
					}
				}
			}
			return all
		})},
	{Name: "status/old-version", Kind: Mutate, Rule: "AS-DISC-20", Weight: Minor,
		Symptom: "status answers in another version than the directory lists", CaughtBy: []string{"status/names-its-version"},
		OnReply: reply(func(r *Reply) { r.Header["X-V"] = []string{"1.0.0"} }, "common.*")},
	{Name: "status/slow", Kind: Time, Rule: "DISP-STATUS", Weight: Major,
		Symptom: "the status takes longer than a probe waits", CaughtBy: []string{"status/answers-in-time"},
		OnServe: slow(1100*time.Millisecond, "common.status")},
	{Name: "metrics/slow", Kind: Time, Rule: "DISP-METRICS", Weight: Minor,
		Symptom: "metrics take longer than their class allows", CaughtBy: []string{"metrics/answer-in-time"},
		OnServe: slow(4100*time.Millisecond, "admin.metrics")},
	{Name: "status/timeout-as-error", Kind: Mutate, Rule: "RS-HDR-07", Weight: Minor,
		Symptom: "what takes too long is answered 500", CaughtBy: []string{"status/slow-is-504"},
		OnReply: refusal(func(r *Reply) {
			if r.Status == http.StatusGatewayTimeout {
				r.Status = http.StatusInternalServerError
			}
		}, "accounts.*")},
	{Name: "metrics/percent", Kind: Mutate, Rule: "DISP-METRICS", Weight: Minor,
		Symptom: "uptime is told in percent", CaughtBy: []string{"metrics/have-their-form"},
		OnReply: available(func(uptime, _ map[string]any) { uptime["uptimeRate"] = "100.0000" })},
	{Name: "metrics/forgets-days-before", Kind: Time, Rule: "DISP-METRICS", Weight: Major,
		Symptom: "downtime of all days is never more than a day's", CaughtBy: []string{"metrics/bridge-a-silence"},
		OnReply: available(func(_, downtime map[string]any) {
			for name, n := range downtime {
				if s, ok := n.(float64); ok {
					downtime[name] = min(s, 86400)
				}
			}
		})},
	{Name: "metrics/forgets-endpoint", Kind: Query, Rule: "DISP-METRICS", Weight: Major,
		Symptom: "an offered endpoint is missing from the metrics", CaughtBy: []string{"metrics/covers-registry"},
		OnReply: edited(func(m map[string]any) {
			list(m, func(all []any) []any {
				if len(all) > 1 {
					return all[1:]
				}
				return all
			})
		}, "admin.metrics")},
	{Name: "metrics/disagrees-with-journal", Kind: Mutate, Rule: "DISP-METRICS", Weight: Major,
		Symptom: "every second error of an endpoint is not counted", CaughtBy: []string{"metrics/agrees-with-wire"},
		OnReply: daily(func(today any, before []any) (any, []any) {
			n, _ := today.(float64)
			return int64(n) / 2, before
		}, "errors")},
	{Name: "metrics/utc-day", Kind: Time, Rule: "DISP-METRICS", Weight: Minor,
		Symptom: "the day is cut at midnight of UTC", CaughtBy: []string{"metrics/day-boundaries"},
		OnLifetime: lasts(func(l *Lifetime) { l.Duration = 0 }, "metrics.midnight")},
	{Name: "metrics/off-by-one-day", Kind: Time, Rule: "DISP-METRICS", Weight: Major,
		Symptom: "the days before begin with the day before yesterday", CaughtBy: []string{"metrics/previous-days-shift"},
		OnReply: daily(func(today any, before []any) (any, []any) {
			if len(before) > 0 {
				before = append(before[1:], 0)
			}
			return today, before
		}, "invocations", "averageResponse", "averageTps", "peakTps", "errors", "rejections")},
}

func text(v any) string { s, _ := v.(string); return s }
