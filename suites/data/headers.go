package data

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

// headerChecks look at what every answer carries around its body.
func headerChecks() []check.Check {
	return []check.Check{
		{
			ID: "DACC-X58", Name: "data/requires-interaction-id", Rules: rules("RS-HDR-01/has-interaction-id", "ERR-07"),
			Title:  "A call without interaction id is refused, and the refusal carries one of the bank's making",
			Why:    "The id is how both sides find the call again.",
			Causes: causes("the gateway invents a missing id and goes on"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					b.Verify(v.call(op).Interaction("").Send(b.Context()), "%s without interaction id", op).To(expect.All(expect.OFBError(400), expect.OwnInteractionID()))
				})
				v.reads("accounts.list")
			},
		},
		{
			ID: "DACC-X59", Name: "data/rejects-bad-interaction-id", Rules: rules("RS-HDR-01/interaction-id-is-uuid", "ERR-07"),
			Title:  "A call whose interaction id is no UUID is refused, and the refusal carries a sound one",
			Why:    "Metrics of both sides are paired by it.",
			Causes: causes("any text is taken"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					for _, bad := range []string{"123", "not-a-uuid", "3f2504e04f8941d39a0c0305e82c3301", "zzzzzzzz-4f89-41d3-9a0c-0305e82c3301"} {
						b.Verify(v.call(op).Interaction(bad).Send(b.Context()), "%s with %q", op, bad).To(expect.All(expect.OFBError(400), expect.OwnInteractionID()))
					}
				})
				b.Verify(v.call("accounts.list").Interaction("3F2504E0-4F89-41D3-9A0C-0305E82C3301").Send(b.Context()), "a UUID in capitals").To(expect.Status(200))
			},
		},
		{
			ID: "DACC-X60", Name: "data/returns-interaction-id", Rules: rules("RS-HDR-02"),
			Title:  "Every answer carries an interaction id, errors too",
			Why:    "An answer without id cannot be paired with its call.",
			Causes: causes("the error handler writes its own headers"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					b.Verify(v.reads(op), op).To(expect.Header(expect.InteractionID, expect.UUID()))
					for what, x := range v.troubles(op) {
						b.Verify(x, "%s: %s", op, what).To(expect.Header(expect.InteractionID, expect.UUID()))
					}
				})
			},
		},
		{
			ID: "DACC-X61", Name: "data/mirrors-interaction-id", Rules: rules("RS-HDR-02"),
			Title:  "The interaction id of an answer is the one sent, for each of several calls",
			Why:    "With another's id two customers' calls are confused in every report.",
			Causes: causes("the id is kept per connection"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					for _, id := range []string{"c1b0a4f6-0001-4000-8000-000000000001", "c1b0a4f6-0002-4000-8000-000000000002"} {
						b.Verify(v.call(op).Interaction(id).Send(b.Context()), op).To(expect.All(expect.Status(200), expect.EchoInteractionID()))
						b.Verify(v.call(op).Interaction(id).Token("no-such-token").Send(b.Context()), "%s refused", op).To(expect.All(noToken, expect.EchoInteractionID()))
					}
				})
			},
		},
		{
			ID: "DACC-X62", Name: "data/media-type", Rules: rules("RS-HDR-05", "RS-HDR-06"),
			Title:  "Answers are JSON in UTF-8 and say so, errors too",
			Why:    "Accents in names break where the charset is guessed.",
			Causes: causes("the framework's default type"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					b.Verify(v.reads(op), op).To(expect.MediaType("application/json"))
					for what, x := range v.troubles(op) {
						b.Verify(x, "%s: %s", op, what).To(expect.MediaType("application/json"))
					}
				})
			},
		},
		{
			ID: "DACC-X63", Name: "data/names-its-version", Rules: rules("RS-HDR-04"),
			Title:  "x-v names the full version of the API that answers, in errors too",
			Why:    "Receivers read it to know which shape to expect.",
			Causes: causes("the header is a constant of the gateway"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) {
					b.Verify(v.reads(op), op).To(v.version(op))
					b.Verify(v.call(op).Token("no-such-token").Send(b.Context()), "%s refused", op).To(v.version(op))
				})
			},
		},
		{
			ID: "DACC-X64", Name: "data/forbids-caching", Rules: rules("RS-HDR-06"),
			Title:  "No answer with personal data may be kept by a cache",
			Why:    "A proxy that keeps a statement gives it to the next one who asks.",
			Causes: causes("a content network's default"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				v.each(every, func(op string) { b.Verify(v.reads(op), op).To(expect.NotStored()) })
				b.Verify(v.call("accounts.list").Token("no-such-token").Send(b.Context()), "a refusal").To(expect.NotStored())
			},
		},
		{
			ID: "DACC-X65", Name: "data/dates-its-answers", Rules: rules("RS-HDR-06"),
			Title:  "Answers carry a true Date header",
			Why:    "Clocks that differ show here first.",
			Causes: causes("a server without time service"),
			Body: func(b *check.Bench) {
				v := wholeFace.open(b)
				for _, x := range []*tpp.Exchange{v.reads("accounts.list"), v.call("accounts.list").Token("no-such-token").Send(b.Context())} {
					sent, err := http.ParseTime(x.Header.Get("Date"))
					b.Expect(err, "date header").About(x).To(expect.Success())
					b.Expect(sent, "date header").About(x).To(expect.Near(b.Now(), time.Minute))
				}
			},
		},
		{
			ID: "DACC-X66", Name: "data/encoding-is-honest", Rules: rules("RS-HDR-06"),
			Title:  "A body is compressed as its header says, or not at all",
			Why:    "A body that lies about itself cannot be read.",
			Causes: causes("two layers compress, one header tells"),
			Body: func(b *check.Bench) {
				v := accountFace.open(b)
				for _, encoding := range []string{"identity", "gzip"} {
					x := v.call("accounts.transactions").Query("page-size", "1000").Header("Accept-Encoding", encoding).Send(b.Context())
					b.Expect(x, "accepting %s", encoding).To(expect.Status(200))
					said := strings.Join(x.Header.Values("Content-Encoding"), ",")
					b.Expect(said == "" || said == encoding, "content-encoding %q when accepting %s", said, encoding).About(x).To(expect.True("one that was offered"))
					if said == "gzip" {
						b.Unjudged(x)
					}
					b.Expect(plain(x.Body, said), "body").About(x).To(expect.True("JSON under its encoding"))
				}
			},
		},
	}
}

// plain says whether a body is JSON once its encoding is undone.
func plain(body []byte, encoding string) bool {
	if encoding == "gzip" {
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return false
		}
		if body, err = io.ReadAll(io.LimitReader(r, 32<<20)); err != nil {
			return false
		}
	}
	return json.Valid(body)
}
