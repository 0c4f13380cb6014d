package check

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim/report"
	"github.com/ensaio/ensaio/suites/target"
)

// actors holds the third parties of a target. Connections are reused between checks; at one time a
// client serves one check only, so that every exchange has one owner.
type actors struct {
	session *Session

	mu      sync.Mutex
	configs map[*target.Client]tpp.Config
	pool    map[*target.Client][]*seat
	taken   map[*target.Client]bool // software lent exclusively, to be registered
	courier *tpp.Courier            // to the offices of the third parties; nil where these are elsewhere
	all     []*seat
	server  *tpp.Server // the bank as discovered
}

// seat is a client and whom it serves now.
type seat struct {
	client *tpp.Client
	serves atomic.Pointer[Bench]
}

func newActors(s *Session) (*actors, error) {
	a := &actors{session: s, configs: map[*target.Client]tpp.Config{}, pool: map[*target.Client][]*seat{}, taken: map[*target.Client]bool{}}
	if missing := s.target.Missing(); len(missing) > 0 {
		return nil, fmt.Errorf("unreadable: %s", strings.Join(missing, "; "))
	}
	a.courier = s.target.Courier()
	return a, nil
}

// settle lets the offices of the third parties know what the clients learned so far.
func (a *actors) settle(ctx context.Context) {
	if a.courier == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_ = a.courier.Flush(ctx) // an office that does not answer is found by the checks about it
}

// config reads a client's keys and certificates once.
func (a *actors) config(c *target.Client) (tpp.Config, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.configs[c]; ok {
		return known, nil
	}
	cfg, err := a.session.target.Configure(c, a.session.clock)
	if a.courier != nil {
		cfg.Consents = a.courier
	}
	if err == nil {
		a.configs[c] = cfg
	}
	return cfg, err
}

// lend gives the bench a client of that software, which returns when the check ends.
func (a *actors) lend(b *Bench, c *target.Client, fresh bool) (*tpp.Client, error) {
	a.mu.Lock()
	if free := a.pool[c]; len(free) > 0 && !fresh && !b.check.Exclusive() {
		s := free[len(free)-1]
		a.pool[c] = free[:len(free)-1]
		a.mu.Unlock()
		a.serve(b, c, s, false)
		return s.client, nil
	}
	a.mu.Unlock()
	cfg, err := a.config(c)
	if err != nil {
		return nil, err
	}
	s := &seat{}
	cfg.Record = func(x *tpp.Exchange) {
		if owner := s.serves.Load(); owner != nil && !background(x) {
			owner.record(x)
		}
	}
	if s.client, err = tpp.New(cfg); err != nil {
		return nil, fmt.Errorf("client %s: %w", c.Name, err)
	}
	a.mu.Lock()
	a.all = append(a.all, s)
	a.mu.Unlock()
	a.serve(b, c, s, fresh || b.check.Exclusive())
	return s.client, nil
}

// background says whether an exchange is a report about other exchanges.
func background(x *tpp.Exchange) bool { return strings.HasPrefix(x.Name, "pcm") }

func (a *actors) serve(b *Bench, c *target.Client, s *seat, once bool) {
	s.serves.Store(b)
	b.Cleanup(func() {
		s.serves.Store(nil)
		b.mu.Lock()
		trouble := once || len(b.findings) > 0 || b.ended != nil
		b.mu.Unlock()
		a.mu.Lock()
		if !trouble {
			a.pool[c] = append(a.pool[c], s)
			a.mu.Unlock()
			return
		}
		a.all = slices.DeleteFunc(a.all, func(other *seat) bool { return other == s })
		a.mu.Unlock()
		s.client.Close()
	})
}

func (a *actors) close() {
	if a.courier != nil {
		a.settle(context.Background())
		a.courier.Close()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.all {
		s.client.Close()
	}
	a.all, a.pool = nil, map[*target.Client][]*seat{}
	a.session.control.http.CloseIdleConnections()
}

// Client is the i-th registered client, counted from 0. The same index gives the same client throughout
// a check; no other check uses it at the same time.
func (b *Bench) Client(i int) *tpp.Client {
	registered := b.session.target.Registered()
	if i >= len(registered) {
		b.end(report.Skip, fmt.Sprintf("the target declares %d registered clients, %d are needed", len(registered), i+1))
	}
	return b.client(fmt.Sprint("registered ", i), registered[i], false)
}

// FreshClient is the i-th registered client with nothing remembered: no connection, no token.
func (b *Bench) FreshClient(i int) *tpp.Client {
	registered := b.session.target.Registered()
	if i >= len(registered) {
		b.end(report.Skip, fmt.Sprintf("the target declares %d registered clients, %d are needed", len(registered), i+1))
	}
	return b.client("", registered[i], true)
}

// Software is software of the directory that the bank does not know yet, with exactly the given roles
// (none: any). It belongs to this check alone until the check ends; the check must leave it unregistered.
func (b *Bench) Software(roles ...string) *tpp.Client {
	a := b.session.actors
	candidates := b.session.target.Statements(roles...)
	if len(candidates) == 0 {
		b.end(report.Skip, "the target declares no unregistered software with role "+strings.Join(roles, "+"))
	}
	var mine *target.Client
	free := b.Wait("person", "unregistered software", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, c := range candidates {
			if !a.taken[c] {
				a.taken[c], mine = true, c
				return true
			}
		}
		return false
	})
	if !free {
		b.end(report.Error, "no unregistered software became free")
	}
	b.Cleanup(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.taken, mine)
	})
	return b.client("", mine, true)
}

func (b *Bench) client(key string, c *target.Client, fresh bool) *tpp.Client {
	b.mu.Lock()
	known := b.clients[key]
	b.mu.Unlock()
	if known != nil && key != "" {
		return known
	}
	client, err := b.session.actors.lend(b, c, fresh)
	if err != nil {
		b.end(report.Error, err.Error())
	}
	if key != "" {
		b.mu.Lock()
		b.clients[key] = client
		b.mu.Unlock()
	}
	return client
}

// HostileCertificate is a client certificate that a sound server refuses, or a legal oddity that it must
// accept, of the target's first unregistered software: "expired", "revoked", "untrusted", "printable", …
func (b *Bench) HostileCertificate(kind string) tls.Certificate {
	entry, ok := b.session.target.Hostile[kind]
	if !ok {
		b.end(report.Skip, "the target declares no hostile certificate "+kind)
	}
	pair, err := b.session.target.Pair(entry)
	if err != nil {
		b.end(report.Error, "hostile certificate "+kind+": "+err.Error())
	}
	return pair
}

func describeTLS(s *tls.ConnectionState) string {
	return tls.VersionName(s.Version) + " " + tls.CipherSuiteName(s.CipherSuite)
}
