package opendata

import (
	"encoding/json"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/suites/check"
	"github.com/ensaio/ensaio/suites/expect"
)

func reportChecks() []check.Check {
	return []check.Check{
		{
			ID: "STM-X38", Name: "pcm/open-data-is-reported", Rules: rules("PCM-REPORT", "PCM-INFO"), Needs: []check.Need{check.PCMControl}, Alone: true,
			Title: "Each call of open data is reported once, as open data, with the caller's address and nothing else of the caller", Why: "Availability of open data is counted from these reports; callers are members of nothing.",
			Causes: causes("only calls of members are reported", "the fields of private reports are sent along", "the address of the own proxy is told"),
			Body: func(b *check.Bench) {
				s := begin(b)
				since := b.Now().Add(-time.Millisecond).Truncate(time.Millisecond)
				o := operations(b.Target())[0]
				wrong := s.call(o).Query("page", "9999").Send(b.Context())
				b.Expect(wrong.Status, "status of a page that is not there").About(wrong).To(expect.InRange(400, 499))
				if wrong.Status == 422 { // which these contracts do not know, and the paging page does
					b.Unjudged(wrong)
				}
				calls := []*tpp.Exchange{s.reads(o), wrong, s.reads(o, "page-size", "1")}
				reports := s.reported(o.FullPath(), since, len(calls))
				b.Expect(len(reports), "reports about %d calls of %s", len(calls), o.ID).About(calls...).To(expect.Equal(len(calls)))
				var told, had []float64
				for _, sent := range reports {
					names := slices.Sorted(maps.Keys(sent))
					b.Verify(names, "members of the report").About(calls...).To(expect.Equal([]string{"additionalInfo", "endpoint", "httpMethod", "processTimespan", "statusCode", "timestamp"}))
					info, _ := sent["additionalInfo"].(map[string]any)
					b.Verify(slices.Sorted(maps.Keys(info)), "what is told of the caller").About(calls...).To(expect.Equal([]string{"clientIp"}))
					address, _ := info["clientIp"].(string)
					_, err := netip.ParseAddr(address)
					b.Verify(err, "clientIp").About(calls...).To(expect.Success())
					status, _ := sent["statusCode"].(float64)
					told = append(told, status)
				}
				for _, x := range calls {
					had = append(had, float64(x.Status))
				}
				slices.Sort(told)
				slices.Sort(had)
				b.Expect(told, "reported statuses").About(calls...).To(expect.Equal(had))
			},
		},
	}
}

// reported lists what the institution sent about an endpoint since then, hurrying it where it can be
// hurried and waiting for that many where not.
func (s *stranger) reported(endpoint string, since time.Time, enough int) []map[string]any {
	if s.Target().Capabilities.Reporter != "" {
		if err := s.Reporter().Try("POST", "/flush", nil, nil); err != nil {
			s.Note("the institution's reports: %v", err)
		}
		return s.sent(endpoint, since)
	}
	var found []map[string]any
	s.Wait("report", "the reports about "+endpoint, func() bool { found = s.sent(endpoint, since); return len(found) >= enough })
	return found
}

func (s *stranger) sent(endpoint string, since time.Time) []map[string]any {
	var all []struct {
		Endpoint  string          `json:"endpoint"`
		Timestamp time.Time       `json:"timestamp"`
		Sent      json.RawMessage `json:"sent"`
	}
	s.PCM().Get("/reports?limit=1000&endpoint="+url.QueryEscape(endpoint), &all)
	var found []map[string]any
	for _, r := range all {
		var m map[string]any
		if r.Endpoint == endpoint && !r.Timestamp.Before(since) && json.Unmarshal(r.Sent, &m) == nil {
			found = append(found, m)
		}
	}
	return found
}
