package data

import (
	"crypto/tls"
	"encoding/pem"
	"net/url"
	"strings"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/spec"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func contentRows() []row {
	return []row{
		{
			n: 7, slug: "reject-bad-page", named: "data/rejects-bad-page", title: "Lists of %s refuse pages and page sizes that are no positive number",
			rules: rules("PAGE-01/page-is-positive", "PAGE-02/size-is-positive", "ERR-07"), fits: listed,
			why: "A silent default hides the caller's mistake.", cause: "numbers that cannot be read become the default",
			body: func(v *view, fits func(*spec.Operation) bool) {
				v.each(fits, func(op string) {
					for _, name := range []string{"page", "page-size"} {
						for _, value := range []string{"0", "-1", "abc"} {
							v.Verify(v.call(op).Query(name, value).Send(v.Context()), "%s with %s=%s", op, name, value).To(unusable)
						}
					}
					v.Verify(v.call(op).Query("page", "1").Query("page-size", "25").Send(v.Context()), "%s with a sound page", op).To(expect.Status(200))
				})
			},
		},
		{
			n: 8, slug: "end-with-the-last-page", title: "Lists of %s answer a page beyond the last as such, and never break",
			rules: rules("PAGE-04/page-exists", "ERR-13"), fits: listed,
			why: "Receivers reach the end of lists every day.", cause: "the offset runs past the end of a slice",
			body: func(v *view, fits func(*spec.Operation) bool) {
				v.each(fits, func(op string) {
					x := v.call(op).Query("page", "9999").Send(v.Context())
					v.Verify(x, "page 9999 of %s", op).To(expect.Any(expect.OFBError(422), expect.All(expect.Status(200), expect.JSONCount("data", 0))))
					v.Prefer(x, "page 9999 of %s", op).To(expect.OFBError(422, "PAGE_NOT_FOUND"))
				})
			},
		},
		{
			n: 9, slug: "reject-inverted-dates", title: "Lists of %s refuse a first date after the last",
			rules: rules("DATE-03/ordered", "ERR-13"), fits: dated,
			why: "An empty list would look like an account without movements.", cause: "the range is handed to the database as it is",
			body: func(v *view, fits func(*spec.Operation) bool) {
				v.each(fits, func(op string) {
					x := v.bare(op).Query("fromBookingDate", v.date(0)).Query("toBookingDate", v.date(-3)).Send(v.Context())
					v.Verify(x, "%s from today to three days ago", op).To(expect.OFBError(422))
					x = v.bare(op).Query("fromBookingDate", v.date(-3)).Query("toBookingDate", v.date(0)).Send(v.Context())
					v.Verify(x, "%s of the last days", op).To(expect.Status(200))
				})
			},
		},
		{
			n: 10, slug: "reject-malformed-dates", title: "Lists of %s refuse dates that are not of the calendar",
			rules: rules("DATE-01/form", "ERR-07"), fits: dated,
			why: "A date that is dropped silently widens or empties the answer.", cause: "an unreadable date becomes today",
			body: func(v *view, fits func(*spec.Operation) bool) {
				v.each(fits, func(op string) {
					for _, bad := range []string{"2026-13-40", "2026-02-30", "01/02/2026", "hoje"} {
						x := v.bare(op).Query("fromBookingDate", bad).Query("toBookingDate", v.date(0)).Send(v.Context())
						v.Verify(x, "%s from %s", op, bad).To(unusable)
					}
					v.Verify(v.bare(op).Query("fromBookingDate", v.date(0)).Query("toBookingDate", "2026-13-40").Send(v.Context()), "%s to a date that is none", op).To(unusable)
					v.reads(op)
				})
			},
		},
		{
			n: 11, slug: "refuse-unacceptable", named: "data/refuses-unacceptable", title: "Reads of %s refuse a client that takes nothing but XML",
			rules: rules("RS-HDR-05/accept", "ERR-15"), fits: every,
			why: "An answer in another format than asked is not understood.", cause: "Accept is not looked at",
			body: func(v *view, fits func(*spec.Operation) bool) {
				v.each(fits, func(op string) {
					v.Verify(v.call(op).Accept("text/xml").Send(v.Context()), "%s as XML", op).To(expect.OFBError(406))
				})
				v.Verify(v.call(v.operations[0]).Accept("application/json").Send(v.Context()), "as JSON").To(expect.Status(200))
				v.Verify(v.call(v.operations[0]).Accept("").Send(v.Context()), "without Accept").To(expect.Status(200))
			},
		},
		{
			n: 12, slug: "agree-across-pages", title: "The pages of %s hold together: links, filters, totals, no record twice",
			rules: rules("RS-HDR-04", "RS-PAGE", "RS-LINKS"), fits: listed,
			why: "Whoever follows the links must see each record once.", cause: "links lose the filters of the first call",
			body: func(v *view, fits func(*spec.Operation) bool) {
				v.each(fits, func(op string) {
					items, pages := v.walk(v.call(op).Query("page-size", "25"))
					v.Verify(column(items, key[op]), "ids of %s", op).About(pages...).To(distinct())
					for i, x := range pages {
						v.linked(op, i, len(pages), x)
					}
					if total := expect.Value(pages[0], "meta.totalRecords"); total != nil {
						v.Verify(len(items), "records of %s, all pages together", op).About(pages...).To(expect.Equal(total))
						v.Verify(len(pages) == 1 && len(items) == 0 || expect.Value(pages[0], "meta.totalPages") == float64(len(pages)), "pages of "+op).About(pages...).
							To(expect.True("as many as meta says"))
					}
				})
			},
		},
		{
			n: 13, slug: "echo-interaction-id-in-errors", title: "Errors of %s carry the interaction id of the request",
			rules: rules("RS-HDR-02"), fits: every,
			why: "It is in errors that both sides search their logs.", cause: "the error handler writes its own headers",
			body: func(v *view, fits func(*spec.Operation) bool) {
				v.each(fits, func(op string) {
					for what, x := range v.troubles(op) {
						v.Verify(x, "%s: %s", op, what).To(expect.All(expect.Refused(), expect.EchoInteractionID()))
					}
				})
			},
		},
		{
			n: 14, slug: "name-their-version", title: "Answers and errors of %s name the full version that served them",
			rules: rules("RS-HDR-04"), fits: every,
			why: "Receivers read it to know which shape to expect.", cause: "the header is added by the happy path only",
			body: func(v *view, fits func(*spec.Operation) bool) {
				v.each(fits, func(op string) {
					v.Verify(v.reads(op), op).To(v.version(op))
					for what, x := range v.troubles(op) {
						v.Verify(x, "%s: %s", op, what).To(v.version(op))
					}
				})
			},
		},
		{
			n: 16, slug: "are-not-cached", title: "Answers and errors of %s are not for caches",
			rules: rules("RS-HDR-06"), fits: every,
			why: "A proxy that keeps a statement gives it to the next one who asks.", cause: "the cache header is set for the pages only",
			body: func(v *view, fits func(*spec.Operation) bool) {
				v.each(fits, func(op string) {
					v.Verify(v.reads(op), op).To(expect.NotStored())
					for what, x := range v.troubles(op) {
						v.Verify(x, "%s: %s", op, what).To(expect.NotStored())
					}
				})
			},
		},
		{
			n: 17, slug: "match-the-contract", title: "Every answer of %s fits the published contract in every member",
			rules: rules("RS-HDR-05", "RS-SCHEMA"), fits: every,
			why: "Receivers parse what the contract promises.", cause: "a member of another version", // every exchange is held against its contract
			body: func(v *view, fits func(*spec.Operation) bool) {
				v.each(fits, func(op string) {
					x := v.reads(op)
					v.Expect(x).To(expect.MediaType("application/json"))
					v.Expect(x).To(expect.JSON("meta.requestDateTime", expect.UTC()))
				})
			},
		},
		{
			n: 20, slug: "refuse-other-methods", named: "data/refuses-other-methods", title: "Reads of %s answer methods that they do not have with 405",
			rules: rules("ERR-15"), fits: every,
			why: "A call that changes nothing must not look as if it had.", cause: "a framework's own error page",
			body: func(v *view, fits func(*spec.Operation) bool) {
				v.each(fits, func(op string) {
					for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
						v.Verify(v.call(op).Method(method).Send(v.Context()), "%s of %s", method, op).To(expect.OFBError(405))
					}
				})
				v.reads(v.operations[0])
			},
		},
	}
}

// choose is the same customer's view through a consent for one account alone.
func (v *view) choose(account map[string]any) *view {
	id, _ := account["accountId"].(string)
	number, _ := account["number"].(string)
	consent := v.party.Consent(v.person, v.permissions)
	robot := v.Robot(v.person)
	robot.Accounts = []string{id, number}
	g := check.Given[*tpp.Grant](v.Bench, "a consent for one account")(v.party.Authorise(v.Context(), consent, robot))
	return &view{Bench: v.Bench, face: v.face, party: v.party, person: v.person, grant: g, account: id}
}

// troubles are errors of an operation in several ways.
func (v *view) troubles(op string) map[string]*tpp.Exchange {
	ctx := v.Context()
	all := map[string]*tpp.Exchange{
		"no valid token":      v.call(op).Token("no-such-token").Send(ctx),
		"unacceptable format": v.call(op).Accept("text/xml").Send(ctx),
		"other method":        v.call(op).Method("DELETE").Send(ctx),
	}
	if o := spec.Find(op); o.Param() != "" {
		all["unknown resource"] = v.call(op).Param(o.Param(), "00000000-0000-4000-8000-000000000000").Send(ctx)
	}
	if o := spec.Find(op); listed(o) {
		all["bad page"] = v.call(op).Query("page", "0").Send(ctx)
		all["page size too large"] = v.call(op).Query("page-size", "1001").Send(ctx)
	}
	return all
}

// version expects the version header that the target declares for an operation's API, or at least one of
// the major in its address.
func (v *view) version(op string) expect.Matcher {
	api := spec.Find(op).API
	if declared := v.Target().APIs[api.Name]; strings.Count(declared, ".") == 2 {
		return expect.Header("x-v", declared)
	}
	return expect.Header("x-v", expect.Matching(strings.TrimPrefix(api.Major(), "v")+`\.\d+\.\d+`))
}

// linked judges the links of page i of n.
func (v *view) linked(op string, i, n int, x *tpp.Exchange) {
	about := func(name string) string { return expect.Text(x, "links."+name) }
	v.Verify(about("self"), "self of page %d of %s", i+1, op).About(x).To(expect.Something())
	v.Verify(about("prev") != "", "prev of page %d of %s", i+1, op).About(x).To(expect.Equal(i > 0))
	for _, name := range []string{"self", "next", "prev", "first", "last"} {
		if link := about(name); link != "" {
			v.Verify(link, "%s of page %d of %s", name, i+1, op).About(x).To(sameCall(x.URL))
		}
	}
	if i+1 == n {
		v.Verify(about("last"), "last on the last page of %s", op).About(x).To(expect.Nothing())
	}
}

// sameCall expects an address that differs from the call's in the page alone.
func sameCall(called string) expect.Matcher {
	want, err := url.Parse(called)
	return expect.That("the address of the call with another page", func(actual any) (string, bool) {
		text, _ := actual.(string)
		got, bad := url.Parse(text)
		if err != nil || bad != nil {
			return "no address", false
		}
		if got.Scheme != want.Scheme || got.Host != want.Host || got.Path != want.Path {
			return got.Scheme + "://" + got.Host + got.Path, false
		}
		sent, kept := want.Query(), got.Query()
		for name := range sent {
			if name != "page" && name != "page-size" && name != "pagination-key" && sent.Get(name) != kept.Get(name) {
				return "another " + name, false
			}
		}
		return "such an address", true
	})
}

// inHeader is a certificate as proxies hand it on.
func inHeader(cert tls.Certificate) string {
	var b strings.Builder
	for _, der := range cert.Certificate {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a builder takes everything
	}
	return url.PathEscape(b.String())
}

// recent is how far a timestamp of an answer may be from now.
const recent = time.Minute
