package cli

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/ensaio/ensaio/suites/target"
)

// resolver answers names from a list; what is not on it does not resolve.
func resolver(names map[string]string) lookup {
	return func(_ context.Context, _, host string) ([]netip.Addr, error) {
		var out []netip.Addr
		for _, text := range strings.Fields(names[host]) {
			out = append(out, netip.MustParseAddr(text))
		}
		if out == nil {
			return nil, errors.New("no such host")
		}
		return out, nil
	}
}

func TestWhatIsNotOnThisMachineIsAsked(t *testing.T) {
	names := resolver(map[string]string{
		"auth.bank.test": "127.0.0.1", "both.bank.test": "::1 127.0.0.1", "split.bank.test": "127.0.0.1 203.0.113.9", "localhost.evil.example": "203.0.113.9",
		"mapped.bank.test": "::ffff:203.0.113.9", "power.evil.example": "203.0.113.9"})
	for _, c := range []struct {
		name      string
		discovery string
		hosts     map[string]string
		power     string
		away      []string
		pinned    string
	}{
		{name: "localhost", discovery: "https://localhost:8443/x"},
		{name: "loopback", discovery: "https://127.0.0.1:8443/x"},
		{name: "loopback of IPv6", discovery: "https://[::1]:8443/x"},
		{name: "a name of this machine", discovery: "https://auth.bank.test/x", pinned: "127.0.0.1"},
		{name: "a name with two addresses here", discovery: "https://both.bank.test/x", pinned: "127.0.0.1"},
		{name: "localhost as a part", discovery: "https://localhost.evil.example/x", away: []string{"localhost.evil.example"}},
		{name: "localhost as a user", discovery: "https://localhost@localhost.evil.example/x", away: []string{"localhost.evil.example"}},
		{name: "here and elsewhere", discovery: "https://split.bank.test/x", away: []string{"split.bank.test"}},
		{name: "unknown name", discovery: "https://nowhere.bank.test/x", away: []string{"nowhere.bank.test"}},
		{name: "an address in another form", discovery: "https://mapped.bank.test/x", away: []string{"mapped.bank.test"}},
		{name: "another address", discovery: "https://[::ffff:203.0.113.9]/x", away: []string{"::ffff:203.0.113.9"}},
		{name: "an address of a link", discovery: "https://[fe80::1%25lo]/x", away: []string{"fe80::1%lo"}},
		{name: "every address", discovery: "https://0.0.0.0/x", away: []string{"0.0.0.0"}},
		{name: "mapped here", discovery: "https://localhost.evil.example/x", hosts: map[string]string{"localhost.evil.example": "127.0.0.1:8443"}},
		{name: "mapped away", discovery: "https://localhost/x", hosts: map[string]string{"localhost": "203.0.113.9"}, away: []string{"localhost"}},
		{name: "a power that the map does not reach", discovery: "https://localhost/x", hosts: map[string]string{"power.evil.example": "127.0.0.1"}, power: "http://power.evil.example/bank", away: []string{"power.evil.example"}},
	} {
		described := &target.Target{Hosts: c.hosts, Bank: target.Bank{Discovery: c.discovery}, Capabilities: target.Capabilities{Bank: c.power}}
		if got := distant(t.Context(), described, names); !slices.Equal(got, c.away) {
			t.Errorf("%s: %q, want %q", c.name, got, c.away)
		}
		// What was this machine when it was asked stays so: another answer to the next question changes nothing.
		if pinned := described.Hosts["auth.bank.test"] + described.Hosts["both.bank.test"]; pinned != c.pinned {
			t.Errorf("%s: pinned to %q, want %q", c.name, pinned, c.pinned)
		}
	}
}

func TestAnInterruptionEndsTheQuestion(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, typed := io.Pipe()
	defer func() { _ = typed.Close() }()
	asked := &notify{want: "[y/N]", seen: make(chan struct{})}
	go func() { <-asked.seen; cancel() }()
	a := &app{in: in, out: asked, wide: true}
	described := &target.Target{Name: "Banco de Longe", Hosts: map[string]string{"auth.banco.example": "203.0.113.9"}}
	if err := a.confirm(ctx, described, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
