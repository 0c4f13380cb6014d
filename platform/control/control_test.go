package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/consent"
	"github.com/ensaio/ensaio/platform/control"
	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/sim/clock"
)

// desk is a gateway's switches.
type desk struct {
	limits gateway.Limits
	resets int
}

func (d *desk) Limits() gateway.Limits     { return d.limits }
func (d *desk) SetLimits(l gateway.Limits) { d.limits = l }
func (d *desk) ResetCounts()               { d.resets++ }
func (d *desk) Calls() int64               { return 7 }
func (d *desk) Usage() gateway.Usage {
	return gateway.Usage{Second: gateway.Share{Count: 5, Limit: d.limits.PerSecond}}
}

func TestTheHoldersSide(t *testing.T) {
	ctx := context.Background()
	e, err := consent.Open(ctx, consent.Config{Clock: clock.Fixed(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))})
	if err != nil {
		t.Fatal(err)
	}
	d, status := &desk{}, "PDNG"
	h := control.New(control.Config{Consents: e, Gateway: d, Payment: func(id string) (any, bool) { return map[string]string{"paymentId": id, "status": status}, id == "p1" },
		Cancel: func(context.Context, string) error {
			if status != "PDNG" {
				return errors.New("the payment cannot be cancelled any more")
			}
			status = "CANC"
			return nil
		}})
	do := func(method, path, body string, want int) map[string]any {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		if w.Code != want {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		var m map[string]any
		if w.Code != http.StatusNoContent && json.Unmarshal(w.Body.Bytes(), &m) != nil {
			t.Fatalf("%s %s: %s", method, path, w.Body)
		}
		return m
	}
	made := func(kind consent.Kind, approvals ...string) string {
		c, err := e.Create(ctx, consent.Consent{Kind: kind, ClientID: "aurora"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Authorise(ctx, c.ID, consent.Decision{By: "customer", Channel: "authorization", Approvals: approvals}); err != nil {
			t.Fatal(err)
		}
		return c.ID
	}
	reason := func(m map[string]any) any { return m["rejection"].(map[string]any)["code"] }

	id := made(consent.Data)
	if got := reason(do("POST", "/consents/"+id+"/revoke", `{"by":"USER"}`, 200)); got != consent.ManuallyRevoked {
		t.Error(got)
	}
	do("POST", "/consents/"+id+"/revoke", ``, 409)
	history := do("GET", "/consents/"+id+"/history", "", 200)["history"].([]any)
	last := history[len(history)-1].(map[string]any)
	if len(history) != 3 || last["by"] != "customer" || last["channel"] != "core" || last["from"] != consent.Authorised || last["to"] != consent.Rejected {
		t.Error(history)
	}
	if got := reason(do("POST", "/consents/"+made(consent.Data)+"/revoke", `{"by":"ASPSP"}`, 200)); got != "INTERNAL_SECURITY_REASON" {
		t.Error(got)
	}
	several := made(consent.Payment, "second")
	if got := do("POST", "/consents/"+several+"/approve", "", 200)["status"]; got != consent.Authorised {
		t.Error(got)
	}
	do("POST", "/consents/"+several+"/approve", "", 409)
	do("POST", "/consents/none/approve", "", 404)
	do("GET", "/consents/none", "", 404)
	do("POST", "/consents/"+several+"/revoke", `{"by":"NOBODY"}`, 400)
	do("POST", "/consents/"+several+"/revoke", `{"who":"USER"}`, 400)
	do("GET", "/payments/p1", "", 200)
	do("GET", "/payments/p2", "", 404)
	do("POST", "/payments/p2/cancel", "", 404)
	if got := do("POST", "/payments/p1/cancel", "", 200)["status"]; got != "CANC" {
		t.Error(got)
	}
	do("POST", "/payments/p1/cancel", "", 409)
	do("POST", "/limits", `{"month":true}`, 200)
	do("POST", "/limits", `{"perSecond":300}`, 200)
	if l := do("GET", "/limits", "", 200); l["month"] != true || l["perSecond"] != 300.0 || l["minute"] != false {
		t.Error(l)
	}
	for preset, want := range gateway.Presets {
		if do("POST", "/limits", `{"preset":"`+preset+`"}`, 200); d.limits != want {
			t.Errorf("%s: %+v", preset, d.limits)
		}
	}
	do("POST", "/limits", `{"preset":"regulatory","month":false}`, 200)
	if want := (gateway.Limits{Minute: true, PerSecond: 300, Grows: true}); d.limits != want {
		t.Errorf("%+v", d.limits)
	}
	do("POST", "/limits", `{"preset":"strict"}`, 400)
	do("POST", "/limits", `{"perSecond":-1}`, 400)
	if u := do("GET", "/limits/usage", "", 200); u["second"].(map[string]any)["limit"] != 300.0 || d.limits.PerSecond != 300 {
		t.Error(u)
	}
	do("POST", "/reset", "", 204)
	if c := do("GET", "/counters", "", 200); c["calls"] != 7.0 || c["activeConsents"] != 1.0 || d.resets != 1 {
		t.Error(c)
	}
}
