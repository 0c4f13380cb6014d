package opendata

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func freshChecks() []check.Check {
	return []check.Check{
		{
			ID: "STM-016", Name: "opendata/encoding-is-honest", Rules: rules("RS-HDR-05"),
			Title: "A body is compressed as its header says, only when the caller takes it so, and holds the same either way", Why: "Open data are large and asked for often; a body that lies about itself cannot be read.",
			Causes: causes("two layers compress, one header tells", "a cache keeps the compressed form for everybody"),
			Body: func(b *check.Bench) {
				s := begin(b)
				for _, o := range first(operations(b.Target())) {
					var plain any
					for _, accepts := range []string{"identity", "gzip", "gzip;q=0", "deflate;q=0.1, gzip;q=0.9"} {
						x := s.call(o).Header("Accept-Encoding", accepts).Send(b.Context())
						b.Expect(x, "%s, accepting %s", o.ID, accepts).To(expect.Status(200))
						said := strings.Join(x.Header.Values("Content-Encoding"), ",")
						takes := strings.Contains(accepts, "gzip") && !strings.Contains(accepts, "gzip;q=0") || strings.Contains(accepts, "gzip;q=0.9")
						if said != "" {
							b.Unjudged(x)
						}
						b.Verify(said == "" || said == "identity" || takes && said == "gzip", "content-encoding %q of %s, accepting %s", said, o.ID, accepts).About(x).To(expect.True("one that was offered"))
						if said == "gzip" {
							b.Prefer(strings.Contains(strings.ToLower(strings.Join(x.Header.Values("Vary"), ",")), "accept-encoding"), "vary of %s", o.ID).About(x).To(expect.True("it names accept-encoding"))
						}
						value, ok := decoded(x.Body, said)
						b.Expect(ok, "body of %s, accepting %s", o.ID, accepts).About(x).To(expect.True("JSON under its encoding"))
						if plain == nil {
							plain = value
						}
						b.Verify(value, "data of %s, accepting %s", o.ID, accepts).About(x).To(expect.Equal(plain))
					}
				}
			},
		},
		{
			ID: "STM-X36", Name: "opendata/tells-what-is-new", Rules: rules("RS-HDR-05"),
			Title: "Who has the newest data may be told only that; who has older data gets the new", Why: "A comparison made from stale offers misleads.",
			Causes: causes("every conditional call is answered 304", "dates compared as text"),
			Body: func(b *check.Bench) {
				s := begin(b)
				for _, o := range first(operations(b.Target())) {
					x := s.call(o).Header("If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT").Send(b.Context())
					b.Unjudged(x)
					b.Verify(x, "%s, newer than the year 2000", o.ID).To(expect.Status(200))
					last := x.Header.Get("Last-Modified")
					if last == "" {
						continue // telling is allowed, not owed
					}
					at, err := http.ParseTime(last)
					b.Verify(err, "last-modified of %s", o.ID).About(x).To(expect.Success())
					b.Verify(at.After(b.Now().Add(time.Minute)), "last-modified of %s", o.ID).About(x).To(expect.Equal(false))
					again := s.call(o).Header("If-Modified-Since", last).Send(b.Context())
					b.Unjudged(again)
					b.Verify(again, "%s, newer than what it told", o.ID).To(expect.Status(200, 304))
					if again.Status == 304 {
						b.Verify(len(again.Body), "bytes under 304 of %s", o.ID).About(again).To(expect.Equal(0))
					}
				}
			},
		},
		{
			ID: "STM-X37", Name: "opendata/rates-are-of-the-moment", Rules: rules("RS-HDR-05"), Needs: []check.Need{anyOf("exchange")},
			Title: "Each exchange rate says when it was quoted, and that is today", Why: "The rates of the moment are the only open data that people trade by.",
			Causes: causes("the time of the last release", "local time written as UTC"),
			Body: func(b *check.Bench) {
				s := begin(b)
				for _, o := range operations(b.Target(), "exchange") {
					if !strings.HasSuffix(o.Path, "/online-rates") {
						continue
					}
					records, pages := s.walk(o, "1000")
					for i, text := range records {
						var r struct{ ValueUpdateDateTime string }
						b.Given("a record of "+o.ID, json.Unmarshal([]byte(text), &r))
						at, err := time.Parse(time.RFC3339, r.ValueUpdateDateTime)
						b.Verify(err, "valueUpdateDateTime of record %d", i+1).About(pages...).To(expect.Success())
						b.Expect(at, "valueUpdateDateTime of record %d", i+1).About(pages...).To(expect.Near(b.Now(), 12*time.Hour))
					}
				}
			},
		},
	}
}

// decoded is the data of a JSON body, once its encoding is undone. What tells of the moment, not of the
// offer, is left out.
func decoded(body []byte, encoding string) (any, bool) {
	if encoding == "gzip" {
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, false
		}
		if body, err = io.ReadAll(io.LimitReader(r, 32<<20)); err != nil {
			return nil, false
		}
	}
	var m map[string]any
	if json.Unmarshal(body, &m) != nil {
		return nil, false
	}
	for _, r := range objects(m["data"]) {
		delete(r, "valueUpdateDateTime")
	}
	return m["data"], true
}
