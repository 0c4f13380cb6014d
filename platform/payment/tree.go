package payment

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/ensaio/ensaio/platform/connector"
)

// tree is a JSON object as received: nothing is lost by reading it, whatever its types.
type tree map[string]any

// parse reads the data of a body. A body without data gives nil.
func parse(body []byte) any {
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(body, &envelope) != nil {
		return nil
	}
	return value(envelope.Data)
}

func value(raw []byte) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// at returns what stands at a path of dots.
func (t tree) at(path string) (any, bool) {
	var v any = map[string]any(t)
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

func (t tree) has(path string) bool { _, ok := t.at(path); return ok }

// text returns a string, or "" when there is none.
func (t tree) text(path string) string {
	v, _ := t.at(path)
	s, _ := v.(string)
	return s
}

// number returns a whole number, or 0.
func (t tree) number(path string) int {
	v, _ := t.at(path)
	n, _ := v.(json.Number)
	i, err := n.Int64()
	if err != nil {
		return 0
	}
	return int(i)
}

func (t tree) account(path string) connector.Account {
	return connector.Account{ISPB: t.text(path + ".ispb"), Issuer: t.text(path + ".issuer"), Number: t.text(path + ".number"), Type: t.text(path + ".accountType")}
}

// schedule is the branch of a schedule, or "".
func (t tree) schedule() string {
	for _, branch := range branches {
		if t.has("payment.schedule." + branch) {
			return branch
		}
	}
	return ""
}

// terms are what a payment consent says.
func terms(raw json.RawMessage) tree {
	m, _ := value(raw).(map[string]any)
	return m
}

func dynamic(instrument string) bool { return instrument == "QRDN" || instrument == "APDN" }
func static(instrument string) bool  { return instrument == "QRES" || instrument == "APES" }
