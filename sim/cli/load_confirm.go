package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/suites/target"
)

// confirm asks whether load may go to hosts that are not on this machine. It sends nothing there: names are
// only resolved; and those that are on this machine stay here, whatever they resolve to afterwards.
func (a *app) confirm(ctx context.Context, t *target.Target, yes string) error {
	away := distant(ctx, t, net.DefaultResolver.LookupNetIP)
	if len(away) == 0 {
		return nil
	}
	if t.Name == "" {
		return usage(fmt.Errorf("the target has no name by which load at %s could be confirmed", strings.Join(away, ", ")), "give it a name in the target file")
	}
	if strings.EqualFold(yes, t.Name) {
		return nil
	}
	if yes != "" {
		return usage(fmt.Errorf("--yes names %q, the target is %q", yes, t.Name), "load goes to %s: give --yes %q if you mean it", strings.Join(away, ", "), t.Name)
	}
	if a.wide && !a.asJSON && !a.quiet {
		a.printf("Load will be sent to %s\n  %s\nIs it yours, and does whoever runs it know? [y/N] ", a.bold(t.Name), strings.Join(away, "\n  "))
		line := make(chan string, 1)
		go func() {
			text, _ := bufio.NewReader(a.in).ReadString('\n') // no answer is no
			line <- text
		}()
		var said string
		select {
		case said = <-line:
		case <-ctx.Done():
			a.printf("\n")
			return usage(context.Cause(ctx), "nothing was sent")
		}
		if answer := strings.ToLower(strings.TrimSpace(said)); answer == "y" || answer == "yes" {
			return nil
		}
		return usage(fmt.Errorf("load at %s was not confirmed", t.Name), "nothing was sent")
	}
	return usage(fmt.Errorf("load at %s must be confirmed: %s is not on this machine", t.Name, strings.Join(away, ", ")), "give --yes %q if it is yours and whoever runs it knows", t.Name)
}

// lookup resolves a name, as [net.Resolver.LookupNetIP] does.
type lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// distant lists the hosts of the target that do not resolve to this machine alone. Those that do are pinned in the
// hosts of the target.
func distant(ctx context.Context, t *target.Target, find lookup) []string {
	var out []string
	add := func(host string) {
		if !slices.Contains(out, host) {
			out = append(out, host)
		}
	}
	for _, address := range []string{t.Bank.Discovery, t.Bank.ResourceBase, t.Directory.URL, t.Directory.Participants, t.Directory.Keystore, t.Directory.Token, t.PCM.URL, t.PCM.Token} {
		u, err := url.Parse(address)
		if err != nil || u.Hostname() == "" {
			continue
		}
		host := u.Hostname()
		if t.Hosts[host] != "" {
			continue // looked at below
		}
		at, ok := here(ctx, host, find)
		switch {
		case !ok:
			add(host)
		case at.IsValid() && at.String() != host:
			if t.Hosts == nil {
				t.Hosts = map[string]string{}
			}
			t.Hosts[host] = at.String()
		}
	}
	for name, to := range t.Hosts {
		if h, _, err := net.SplitHostPort(to); err == nil {
			to = h
		}
		if _, ok := here(ctx, to, find); !ok {
			add(name)
		}
	}
	// What stops the bank and sets its clock is reached without the map.
	for _, power := range t.Capabilities.Names() {
		u, err := url.Parse(t.Capabilities.Of(power))
		if err != nil || u.Hostname() == "" {
			continue
		}
		if _, ok := here(ctx, u.Hostname(), find); !ok {
			add(u.Hostname())
		}
	}
	slices.Sort(out)
	return out
}

// writable says whether files can be made in a folder, or in the nearest one above it that exists: what was
// measured must not be lost for want of a place.
func writable(dir string) error {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		probe, err := os.CreateTemp(at, ".ensaio-")
		if err == nil {
			_ = probe.Close()
			return os.Remove(probe.Name())
		}
		if !errors.Is(err, os.ErrNotExist) || at == filepath.Dir(at) {
			return err
		}
	}
}

// here says whether a name or an address is this machine and nothing else, and where, if it had to be resolved. A name
// that does not resolve is not.
func here(ctx context.Context, host string, find lookup) (at netip.Addr, ok bool) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return netip.Addr{}, ip.Unmap().IsLoopback()
	}
	if host == "localhost" {
		return netip.Addr{}, true
	}
	ctx, cancel := context.WithTimeout(ctx, resolveLimit)
	defer cancel()
	found, err := find(ctx, "ip", host)
	if err != nil || len(found) == 0 || slices.ContainsFunc(found, func(ip netip.Addr) bool { return !ip.Unmap().IsLoopback() }) {
		return netip.Addr{}, false
	}
	at = found[0]
	for _, ip := range found {
		if ip.Unmap().Is4() {
			at = ip
		}
	}
	return at.Unmap(), true
}
