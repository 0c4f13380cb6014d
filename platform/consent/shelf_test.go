package consent

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
)

// Whatever was put last is what is read, awake or at rest, before and after tidying.
func TestAShelfKeepsTheLastWord(t *testing.T) {
	var s shelf
	const many, words = 300, 40
	want := map[key]string{}
	for round := range words {
		for i := range many {
			id := fmt.Sprintf("urn:b:%s", hex.EncodeToString([]byte(fmt.Sprintf("%016d", i))))
			c := &Consent{ID: id, Status: fmt.Sprint(round), CPF: fmt.Sprintf("%0*d", 200+i, i)}
			body, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			k := keyOf(id)
			s.put(k, c, body, i%2 == 0)
			want[k] = c.Status
		}
	}
	for k, status := range want {
		if c := s.get(k); c == nil || c.Status != status || keyOf(c.ID) != k {
			t.Fatalf("%x: %+v, want %s", k, c, status)
		}
	}
	held := 0
	for _, chunk := range s.chunk {
		held += len(chunk)
	}
	if held != s.alive+s.dead || s.dead > worthwhile+s.alive || len(s.awake) > awakeMost || len(s.keys()) != many {
		t.Errorf("%d bytes are held, %d live, %d are dead; %d awake", held, s.alive, s.dead, len(s.awake))
	}
	if s.get(keyOf("urn:b:unknown")) != nil {
		t.Error("somebody unknown was found")
	}
}

func TestEveryIDHasItsKey(t *testing.T) {
	const id = "urn:bancoensaio:00112233445566778899aabbccddeeff"
	if got := keyOf(id); hex.EncodeToString(got[:]) != id[len("urn:bancoensaio:"):] {
		t.Errorf("%x", got)
	}
	seen := map[key]string{}
	for _, id := range []string{"", "x", id, id + "0", "urn:b:zz112233445566778899aabbccddeeff"} {
		if other, taken := seen[keyOf(id)]; taken {
			t.Errorf("%q and %q share a key", id, other)
		}
		seen[keyOf(id)] = id
	}
}
