package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/platform/gateway"
	"github.com/ensaio/ensaio/sim/rule"
	"github.com/ensaio/ensaio/sim/spec"
)

// letters is a message layer that refuses whatever it is handed.
type letters struct{ opened []string }

func (l *letters) Open(_ context.Context, body []byte, c *call.Call) (json.RawMessage, error) {
	l.opened = append(l.opened, c.Request.Method+" "+string(body))
	return nil, &rule.Breach{Rule: "JWS-01/compact", Err: call.Refuse(http.StatusBadRequest, "BAD_SIGNATURE", "x", "x")}
}

func (l *letters) Seal(context.Context, *call.Call, []byte) (string, error) { return "a.b.c", nil }

// A signed call that brings nothing at all is refused by the message layer, and not by whoever stumbles
// over the empty body later.
func TestAMessageThatIsMissingIsTheMessageLayersToRefuse(t *testing.T) {
	l, behind := &letters{}, 0
	w := open(t, func(c *gateway.Config) {
		c.Messages, c.Offered = l, nil
		c.Handlers["payments"] = func(context.Context, *call.Call) (*call.Answer, error) {
			behind++
			return call.JSON(http.StatusOK, struct{}{}), nil
		}
	})
	for id, grant := range map[string]spec.Grant{"client": spec.ClientCredentials, "pays": spec.AuthorizationCode} {
		w.tokens[id] = &call.Token{ClientID: "aurora", Grant: grant, ConsentID: "urn:bancoensaio:pays", Scopes: []string{"openid", "payments", "consent:urn:bancoensaio:pays"}}
	}
	header := map[string]string{"Accept": "application/jwt", "Content-Type": "application/jwt", "x-idempotency-key": "one", "x-fapi-customer-ip-address": "10.0.0.1", "x-customer-user-agent": "test"}
	asked := 0
	for _, op := range spec.Operations() {
		if !op.API.Signed {
			continue
		}
		token := "client"
		if op.Grant == spec.AuthorizationCode {
			token = "pays"
		}
		answer := w.do(t, request{method: op.Method, path: op.FullPath(), token: token, header: header})
		entry := w.seen[len(w.seen)-1]
		if op.Method == http.MethodGet {
			if answer.StatusCode != http.StatusOK {
				t.Errorf("%s: a read is answered %d", op.ID, answer.StatusCode)
			}
			continue
		}
		asked++
		if answer.StatusCode != http.StatusBadRequest || entry.Rule != "JWS-01/compact" {
			t.Errorf("%s without a body: %d %q", op.ID, answer.StatusCode, entry.Rule)
		}
	}
	if asked < 3 || len(l.opened) != asked || behind == 0 {
		t.Error(fmt.Sprint(asked), l.opened, behind)
	}
}
