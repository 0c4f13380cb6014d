package tpp

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/ensaio/ensaio/sim/spec"
)

// Every member that the tables of the metrics platform ask of the client, whatever the case, is told: for
// each protected operation, of an answer that succeeds and of one that refuses.
func TestReportsOweNothing(t *testing.T) {
	c := newIssuer(t).client()
	sent := []byte(`{"data":{"loggedUser":{"document":{"identification":"1"}},"businessEntity":{},"payment":{"purpose":"IMMEDIATE","date":"2026-11-22",
		"details":{"localInstrument":"MANU"}}}}`)
	answered := []byte(`{"data":{"consentId":"urn:bancoensaio:1","status":"AUTHORISED","localInstrument":"MANU"}}`)
	listed := []byte(`{"data":[{"paymentId":"p1","consentId":"urn:bancoensaio:1","status":"RCVD"}]}`)
	refused := []byte(`{"errors":[{"code":"PARAMETRO_INVALIDO"}]}`)
	looked := 0
	for _, op := range spec.Operations() {
		if op.API.OpenData || op.Grant == spec.Public {
			continue
		}
		ok := http.StatusOK
		if op.Method == http.MethodPost {
			ok = http.StatusCreated
		}
		for _, status := range []int{ok, 404, 422, 500} {
			e := &Exchange{Name: op.ID, Method: op.Method, Operation: op, RequestBody: sent, Status: status, Body: answered, consent: "urn:bancoensaio:1", token: "at-1"}
			if op.ID == "payments.create" || op.ID == "payments.consent-payments" {
				e.Body = listed
			}
			if status >= 400 {
				e.Body = refused
			}
			info := c.additionalInfo(e, status)
			for _, o := range op.Owes() {
				if o.By() != spec.ClientSide || o.If != "" || !o.When.Holds(status) {
					continue
				}
				looked++
				if v := info[o.Field]; v == nil || v == "" {
					text, _ := json.Marshal(info)
					t.Errorf("%s answered %d: %s is owed, told is %s", op.ID, status, o.Field, text)
				}
			}
		}
	}
	if looked < 100 {
		t.Errorf("only %d obligations were looked at", looked)
	}
}
