package message

import (
	"fmt"
	"testing"
	"time"
)

func TestTheMemoryOfEachClientIsBounded(t *testing.T) {
	m := memory{most: 100, by: map[string]*shelf{}}
	for i := range 1000 {
		if !m.first("c1", fmt.Sprint(i), now) || !m.first("c2", fmt.Sprint(i), now.Add(time.Duration(i)*time.Second)) {
			t.Fatalf("jti %d is taken for a replay", i)
		}
	}
	for client, s := range m.by {
		if len(s.at) != 100 || len(s.line) != 100 {
			t.Errorf("%s: %d jtis, %d in line", client, len(s.at), len(s.line))
		}
	}
	if m.first("c1", "999", now) {
		t.Error("a jti that is held serves again")
	}
	if !m.first("c1", "0", now) {
		t.Error("the oldest did not make room")
	}
	if !m.first("c3", "999", now) {
		t.Error("a jti of one client is held against another")
	}
}
