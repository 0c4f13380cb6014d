package data

import (
	"regexp"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// errorChecks look at refusals.
func errorChecks() []check.Check {
	return []check.Check{
		{
			ID: "DACC-X67", Name: "data/errors-have-form", Rules: rules("ERR-07"),
			Title:  "Every refusal has the common form: a list of errors with code, title and detail",
			Why:    "Receivers show and sort errors by it.",
			Causes: causes("errors of the layers in front have a form of their own"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					for what, x := range v.troubles(op) {
						b.Verify(x, "%s: %s", op, what).To(expect.OFBErrorStatus([]int{400, 401, 403, 404, 405, 406, 422}))
						b.Verify(x, "%s: %s", op, what).To(expect.JSON("meta.requestDateTime", expect.All(expect.UTC(), expect.Near(b.Now(), recent))))
					}
				})
			},
		},
		{
			ID: "DACC-X68", Name: "data/errors-reveal-nothing", Rules: rules("ERR-07"),
			Title:  "No refusal tells of the software behind it or of the customer",
			Why:    "Attackers read error messages first.",
			Causes: causes("the exception's text is the detail"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					all := v.troubles(op)
					all["odd characters"] = v.call(op).Query("page", "1' OR '1'='1").Send(b.Context())
					for what, x := range all {
						b.Verify(x, "%s: %s", op, what).To(expect.All(discreet(), expect.BodyWithout(v.person.CPF, v.grant.AccessToken())))
					}
				})
			},
		},
		{
			ID: "DACC-X69", Name: "data/status-fits-body", Rules: rules("ERR-11", "ERR-07"),
			Title:  "A refusal has the status of one, and a success carries no errors",
			Why:    "Receivers and metrics look at the status alone.",
			Causes: causes("a gateway that answers 200 for everything it understood"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					b.Verify(v.reads(op), op).To(expect.JSONAbsent("errors"))
					for what, x := range v.troubles(op) {
						b.Verify(x, "%s: %s", op, what).To(expect.All(expect.Refused(), expect.JSONAbsent("data")))
					}
				})
			},
		},
	}
}

// inside are the marks of software in a text meant for others.
var inside = regexp.MustCompile(`(?i)panic|goroutine|runtime error|stack ?trace|exception|\.(go|java|py|cs|js|php):?\d|\bat [\w.$]+\(|` +
	`select .+ from|insert into|sqlstate|ora-\d|localhost|127\.0\.0\.1|\b10\.\d+\.\d+\.\d+|\b192\.168\.|/(usr|home|var|opt)/`)

// discreet expects an error without such marks.
func discreet() expect.Matcher {
	return expect.Answer("an error that tells nothing of the inside", func(x *tpp.Exchange) (string, bool) {
		if found := inside.Find(x.Body); found != nil {
			return "one with " + string(found), false
		}
		return "such an error", true
	})
}
