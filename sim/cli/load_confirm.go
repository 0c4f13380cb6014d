package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ensaio/ensaio/suites/target"
)

// confirm asks whether load may go to hosts that are not on this machine. It sends nothing there: names are
// only resolved.
func (a *app) confirm(t *target.Target, yes string) error {
	away := distant(t)
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
		line, _ := bufio.NewReader(a.in).ReadString('\n') // no answer is no
		if answer := strings.ToLower(strings.TrimSpace(line)); answer == "y" || answer == "yes" {
			return nil
		}
		return usage(fmt.Errorf("load at %s was not confirmed", t.Name), "nothing was sent")
	}
	return usage(fmt.Errorf("load at %s must be confirmed: %s is not on this machine", t.Name, strings.Join(away, ", ")), "give --yes %q if it is yours and whoever runs it knows", t.Name)
}

// distant lists the hosts of the target that do not resolve to this machine alone.
func distant(t *target.Target) []string {
	var out []string
	addresses := []string{t.Bank.Discovery, t.Bank.ResourceBase, t.Directory.URL, t.Directory.Participants, t.Directory.Keystore, t.Directory.Token, t.PCM.URL, t.PCM.Token}
	for _, power := range t.Capabilities.Names() { // they stop the bank and set its clock
		addresses = append(addresses, t.Capabilities.Of(power))
	}
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil || u.Hostname() == "" {
			continue
		}
		if host := u.Hostname(); !here(t, host) && !slices.Contains(out, host) {
			out = append(out, host)
		}
	}
	for name := range t.Hosts {
		if !here(t, name) && !slices.Contains(out, name) {
			out = append(out, name)
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

// here says whether a name is reached on this machine. A name that does not resolve is not.
func here(t *target.Target, host string) bool {
	to := host
	if mapped := t.Hosts[host]; mapped != "" {
		to = mapped
		if h, _, err := net.SplitHostPort(mapped); err == nil {
			to = h
		}
	}
	if ip := net.ParseIP(to); ip != nil {
		return ip.IsLoopback()
	}
	if to == "localhost" {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveLimit)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupIPAddr(ctx, to)
	return err == nil && len(addresses) > 0 && !slices.ContainsFunc(addresses, func(ip net.IPAddr) bool { return !ip.IP.IsLoopback() })
}
