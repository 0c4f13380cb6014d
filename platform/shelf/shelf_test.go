package shelf

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

type value struct{ ID, Word, Weight string }

func read(_ Key, body []byte) (*value, error) {
	v := new(value)
	return v, json.Unmarshal(body, v)
}

// Whatever was put last is what is read, in use or at rest, before and after tidying.
func TestAShelfKeepsTheLastWord(t *testing.T) {
	s := New(read)
	const many, words = 300, 40
	want := map[Key]string{}
	for round := range words {
		for i := range many {
			id := fmt.Sprintf("urn:b:%s", hex.EncodeToString([]byte(fmt.Sprintf("%016d", i))))
			v := &value{ID: id, Word: fmt.Sprint(round), Weight: fmt.Sprintf("%0*d", 400+i, i)}
			body, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			k := KeyOf(id)
			switch want[k] = v.Word; {
			case i%3 == 0:
				s.Rest(k, body)
			case i%3 == 1 && round == words-1:
				s.Drop(k)
				delete(want, k)
			default:
				s.Put(k, v, body)
			}
		}
	}
	for k, word := range want {
		for _, v := range []*value{s.Look(k), s.Get(k), s.Look(k)} {
			if v == nil || v.Word != word || KeyOf(v.ID) != k {
				t.Fatalf("%x: %+v, want %s", k, v, word)
			}
		}
	}
	seen := 0
	for k, v := range s.All() {
		if seen++; v.Word != want[k] {
			t.Errorf("%x: %+v, want %q", k, v, want[k])
		}
	}
	if seen != len(want) || seen == many {
		t.Errorf("%d values of %d", seen, len(want))
	}
	p := &s.parts['0'] // where all of these keys begin
	held := 0
	for _, chunk := range p.chunk {
		held += len(chunk)
	}
	if held != p.alive+p.dead || p.dead > worthwhile+p.alive || len(p.awake) > awakeMost {
		t.Errorf("%d bytes are held, %d live, %d are dead; %d awake", held, p.alive, p.dead, len(p.awake))
	}
	if k := KeyOf("urn:b:unknown"); s.Get(k) != nil || s.Look(k) != nil {
		t.Error("somebody unknown was found")
	}
}

func TestEveryIDHasItsKey(t *testing.T) {
	const id, digits = "urn:bancoensaio:00112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff"
	for _, id := range []string{id, digits, uuid.MustParse(digits).String()} {
		if got := KeyOf(id); hex.EncodeToString(got[:]) != digits {
			t.Errorf("%s: %x", id, got)
		}
	}
	seen := map[Key]string{}
	for _, id := range []string{"", "x", id, id + "0", "urn:b:zz112233445566778899aabbccddeeff"} {
		if other, taken := seen[KeyOf(id)]; taken {
			t.Errorf("%q and %q share a key", id, other)
		}
		seen[KeyOf(id)] = id
	}
}

// An index is lists of keys, whatever was added and removed in whatever order.
func TestAnIndexIsLists(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x Index
		want := map[Key][]Key{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			n := byte(rapid.IntRange(0, 20).Draw(t, "key"))
			under, k := Key{n % 3}, Key{1, n}
			if rapid.Bool().Draw(t, "add") {
				if x.Add(under, k); !slices.Contains(want[under], k) {
					want[under] = append(want[under], k)
				}
			} else {
				x.Remove(under, k)
				want[under] = slices.DeleteFunc(want[under], func(o Key) bool { return o == k })
			}
			for under := range want {
				if got := x.Of(under); !slices.Equal(got, want[under]) {
					t.Fatalf("%v, want %v", got, want[under])
				}
			}
		}
		for under, all := range want {
			for _, k := range all {
				x.Remove(under, k)
			}
		}
		if len(x.first)+len(x.last)+len(x.next)+len(x.prev) != 0 {
			t.Fatalf("%d keys are left behind", len(x.first)+len(x.last)+len(x.next)+len(x.prev))
		}
	})
}
