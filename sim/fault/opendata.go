package fault

import (
	"net/http"
	"strconv"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// public makes an OnReply for answers of open data.
func public(edit func(*Reply)) func(*Reply) {
	return func(r *Reply) {
		if o := spec.Find(r.Operation); o != nil && o.API.OpenData {
			edit(r)
		}
	}
}

// offered is public for what is on offer, in plain JSON.
func offered(edit func(map[string]any)) func(*Reply) {
	return public(func(r *Reply) {
		if r.Status < 300 {
			r.JSON(edit)
		}
	})
}

func openReport(edit func(*Report)) func(*Report) {
	return func(r *Report) {
		if r.Kind == spec.KindOpenData {
			edit(r)
		}
	}
}

// mainBrand is the brand of the institution in the directory.
const mainBrand = "Banco Ensaio"

// The area of open data (OPEN-, STM-).
var openData = []Defect{
	{Name: "opendata/requires-login", Kind: Mutate, Rule: "CERT-12", Weight: Major,
		Symptom: "a public read is answered 401", CaughtBy: []string{"opendata/is-public"},
		OnReply: public(func(r *Reply) {
			if r.Request != nil && r.Request.Header.Get("Authorization") == "" {
				refuse(r, http.StatusUnauthorized, "NAO_AUTORIZADO")
			}
		})},
	{Name: "opendata/wants-certificate", Kind: Mutate, Rule: "CERT-12", Weight: Major,
		Symptom: "open data are refused to whoever shows no certificate", CaughtBy: []string{"opendata/is-public"},
		OnReply: public(func(r *Reply) {
			if r.Request != nil && (r.Request.TLS == nil || len(r.Request.TLS.PeerCertificates) == 0) {
				refuse(r, http.StatusForbidden, "NAO_AUTORIZADO")
			}
		})},
	{Name: "opendata/old-shape", Kind: Mutate, Rule: "RS-HDR-04", Weight: Major,
		Symptom: "answers have the schema of another version", CaughtBy: []string{"opendata/matches-schema"},
		OnReply: offered(func(m map[string]any) {
			m["data"] = map[string]any{"brand": map[string]any{"name": mainBrand, "companies": m["data"]}}
		})},
	{Name: "opendata/number-as-text", Kind: Mutate, Rule: "RS-SCHEMA", Weight: Major,
		Symptom: "amounts and rates are numbers instead of texts", CaughtBy: []string{"opendata/matches-schema", "opendata/investments-match-schema"},
		OnReply: offered(func(m map[string]any) {
			walk(m["data"], func(parent map[string]any, name string, _ any) {
				if name == "value" || name == "rate" {
					parent[name] = 1.5
				}
			})
		})},
	{Name: "opendata/drops-channel-member", Kind: Mutate, Rule: "RS-SCHEMA", Weight: Major,
		Symptom: "addresses and channels lack a required member", CaughtBy: []string{"opendata/channels-match-schema"},
		OnReply: offered(func(m map[string]any) {
			walk(m["data"], func(parent map[string]any, name string, _ any) {
				if name == "districtName" || name == "urls" {
					delete(parent, name)
				}
			})
		})},
	{Name: "opendata/missing-brand", Kind: Mutate, Rule: "RS-HDR-04", Weight: Minor,
		Symptom: "a brand of the institution is absent", CaughtBy: []string{"opendata/lists-all-brands"},
		OnReply: offered(func(m map[string]any) {
			list(m, func(l []any) []any {
				kept := []any{}
				for _, one := range l {
					d, _ := one.(map[string]any)
					if p, _ := d["participant"].(map[string]any); p["brand"] != mainBrand {
						kept = append(kept, one)
					}
				}
				return kept
			})
		})},
	{Name: "opendata/loses-across-pages", Kind: Mutate, Rule: "RS-PAGE", Weight: Major,
		Symptom: "a record is lost between pages", CaughtBy: []string{"opendata/pages-partition-the-list"},
		OnReply: offered(func(m map[string]any) {
			list(m, func(l []any) []any { return l[:max(1, len(l)-1)] })
		})},
	{Name: "opendata/least-size", Kind: Mutate, Rule: "RS-PAGE", Weight: Minor,
		Symptom: "pages of fewer than twenty-five records are not given", CaughtBy: []string{"opendata/cuts-pages-as-asked"},
		OnRequest: func(r *Request) {
			o, _, _ := spec.Match(r.HTTP.Method, r.HTTP.URL.Path)
			if r.Place != "api" || o == nil || !o.API.OpenData {
				return
			}
			q := r.HTTP.URL.Query()
			if n, err := strconv.Atoi(q.Get("page-size")); err == nil && n < 25 {
				q.Set("page-size", "25")
				r.HTTP.URL.RawQuery = q.Encode()
			}
		}},
	{Name: "opendata/wrong-links", Kind: Mutate, Rule: "RS-LINKS", Weight: Major,
		Symptom: "links lead to another host", CaughtBy: []string{"opendata/pages-partition-the-list"},
		OnReply: offered(func(m map[string]any) {
			if links, ok := m["links"].(map[string]any); ok {
				links["self"] = "https://api.outro-banco.test/open-banking/channels/v2/branches"
			}
		})},
	{Name: "opendata/compresses-in-silence", Kind: Mutate, Rule: "RS-HDR-05", Weight: Minor,
		Symptom: "a compressed body does not say that it is", CaughtBy: []string{"opendata/encoding-is-honest"},
		OnReply: public(func(r *Reply) { r.Header.Del("Content-Encoding") })},
	{Name: "opendata/claims-compression", Kind: Mutate, Rule: "RS-HDR-05", Weight: Minor,
		Symptom: "a plain body is called compressed", CaughtBy: []string{"opendata/encoding-is-honest"},
		OnReply: public(func(r *Reply) {
			if r.Status < 300 {
				r.Header.Set("Content-Encoding", "gzip")
			}
		})},
	{Name: "opendata/stale-as-current", Kind: Time, Rule: "RS-HDR-05", Weight: Minor,
		Symptom: "who has older data is told that nothing changed", CaughtBy: []string{"opendata/tells-what-is-new"},
		OnReply: public(func(r *Reply) {
			if r.Request != nil && r.Request.Header.Get("If-Modified-Since") != "" {
				r.Status, r.Body = http.StatusNotModified, nil
			}
		})},
	{Name: "opendata/old-rates", Kind: Time, Rule: "RS-HDR-05", Weight: Major,
		Symptom: "rates of the moment are those of yesterday", CaughtBy: []string{"opendata/rates-are-of-the-moment"},
		OnReply: offered(func(m map[string]any) {
			items(m, func(d map[string]any) {
				at, _ := d["valueUpdateDateTime"].(string)
				if t, err := time.Parse(time.RFC3339, at); err == nil {
					d["valueUpdateDateTime"] = t.Add(-24 * time.Hour).Format(time.RFC3339)
				}
			})
		})},
	{Name: "opendata/slow", Kind: Time, Rule: "RS-HDR-07", Weight: Major,
		Symptom: "rates of the moment come later than their class allows", CaughtBy: []string{"opendata/in-time"},
		OnServe: func(v *Serve) {
			if v.Operation == "exchange.online-rates" {
				v.Delay = 1700 * time.Millisecond
			}
		}},
	{Name: "pcm/omits-open-data", Kind: Actor, Rule: "PCM-REPORT", Weight: Major,
		Symptom: "calls of open data are not reported", CaughtBy: []string{"pcm/open-data-is-reported"},
		OnReport: openReport(func(r *Report) { r.Copies = 0 })},
	{Name: "pcm/duplicates-open-data", Kind: Mutate, Rule: "PCM-REPORT", Weight: Major,
		Symptom: "a call of open data is reported twice", CaughtBy: []string{"pcm/open-data-is-reported"},
		OnReport: openReport(func(r *Report) { r.Copies = 2 })},
	{Name: "pcm/open-data-without-caller", Kind: Mutate, Rule: "PCM-INFO", Weight: Minor,
		Symptom: "a report of open data does not tell the caller's address", CaughtBy: []string{"pcm/open-data-is-reported"},
		OnReport: openReport(field("additionalInfo", map[string]any{}))},
	{Name: "pcm/open-data-as-private", Kind: Mutate, Rule: "PCM-REPORT", Weight: Minor,
		Symptom: "a report of open data has the fields of a private one", CaughtBy: []string{"pcm/open-data-is-reported"},
		OnReport: openReport(field("role", "SERVER"))},
	{Name: "pcm/open-data-talks", Kind: Mutate, Rule: "PCM-INFO", Weight: Minor,
		Symptom: "a report of open data tells more of the caller than its address", CaughtBy: []string{"pcm/open-data-is-reported"},
		OnReport: openReport(func(r *Report) {
			if info, ok := r.Body["additionalInfo"].(map[string]any); ok {
				info["userAgent"] = "Mozilla/5.0"
			}
		})},
}

// refuse turns an answer into a refusal of the common form.
func refuse(r *Reply, status int, code string) {
	r.Status = status
	r.Header.Del("Content-Encoding")
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Body = body(map[string]any{"errors": []any{map[string]any{"code": code, "title": "Acesso negado", "detail": "Acesso negado"}}})
}
