package sim_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ensaio/ensaio/participants/people"
	"github.com/ensaio/ensaio/participants/psu"
	"github.com/ensaio/ensaio/participants/tpp"
	"github.com/ensaio/ensaio/sim"
	"github.com/ensaio/ensaio/sim/cli"
	"github.com/ensaio/ensaio/sim/clock"
	"github.com/ensaio/ensaio/sim/jose"
)

// actAsBinary makes this test binary the real one: the same verbs, the same process.
const actAsBinary = "ENSAIO_TEST_ACTS_AS_BINARY"

func TestMain(m *testing.M) {
	if os.Getenv(actAsBinary) != "" {
		os.Exit(cli.Main(os.Args[1:], cli.TheWorld()))
	}
	os.Exit(m.Run())
}

// process is a running `ensaio up`.
type process struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	said   *noise
	ready  sim.Ready
	killed bool
}

// noise is what a process says on its error output.
type noise struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (n *noise) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

func (n *noise) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

// launch starts `ensaio up`, in a directory if one is given, and returns its output, where a line tells
// when it is ready.
func launch(t testing.TB, dir, readyFile string) (*process, <-chan []byte) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{said: &noise{}, ended: make(chan struct{})}
	p.cmd = exec.Command(exe, "up", "-v", "--json", "--dir", dir, "--ready-file", readyFile)
	p.cmd.Env = append(os.Environ(), actAsBinary+"=1", "XDG_CACHE_HOME="+filepath.Join(filepath.Dir(readyFile), "cache"))
	p.cmd.Stderr = p.said
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan []byte, 1)
	go func() {
		defer close(p.ended)
		defer close(lines)
		r := bufio.NewReader(out)
		if line, err := r.ReadBytes('\n'); err == nil {
			lines <- line
		}
		_, _ = io.Copy(io.Discard, r)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(p.kill)
	return p, lines
}

// up starts a process and waits until it is ready, and with it its ready file.
func up(t testing.TB, dir string) *process {
	t.Helper()
	for attempt := 1; ; attempt++ {
		file := filepath.Join(cmp.Or(dir, t.TempDir()), "ready.json")
		p, lines := launch(t, dir, file)
		line, ok := <-lines
		if !ok || !bytes.Contains(line, []byte(`"Ecosystem"`)) {
			<-p.ended
			// The kernel may have lent a dead bank's port to some connection of this machine.
			if strings.Contains(p.said.String(), "is not free") && attempt < 5 {
				continue
			}
			t.Fatalf("the ecosystem did not start: %s\n%s%s", p.cmd.ProcessState, line, p.said)
		}
		b, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(b, &p.ready)
		}
		if err != nil {
			t.Fatalf("the ready file of a ready ecosystem: %v", err)
		}
		return p
	}
}

// kill ends the process as a power cut would: nothing of it is told.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// stop asks the process to end, as a person does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		t.Error("the ecosystem does not end")
		p.kill()
	}
}

// complaints are the lines of a log that tell of something that must not happen.
func complaints(log string) []string {
	var all []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") || strings.Contains(line, "DATA RACE") {
			all = append(all, line)
		}
	}
	return all
}

// control asks the control port.
func control(t *testing.T, r sim.Ready, method, path string, into any) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, r.Control+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	a, err := client.Do(q)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = a.Body.Close() }()
	if a.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(a.Body)
		t.Fatalf("%s %s: %s: %s", method, path, a.Status, b)
	}
	if err := json.NewDecoder(a.Body).Decode(into); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
}

func roots(t testing.TB, r sim.Ready) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(r.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in " + r.CA)
	}
	return pool
}

// party is the third party behind a software statement of the ready file; it knows what any client does.
func party(t testing.TB, r sim.Ready, i int, record func(*tpp.Exchange)) *tpp.Client {
	t.Helper()
	s := r.TPPs[i]
	transport, err := tls.LoadX509KeyPair(s.TransportCert, s.TransportKey)
	if err != nil {
		t.Fatal(err)
	}
	cfg := tpp.Config{Name: s.Name, OrganisationID: s.OrganisationID, SoftwareID: s.SoftwareStatementID, CNPJ: cnpj(s.Name), Transport: transport,
		RedirectURIs: s.RedirectURIs, SSA: s.SSA, CA: roots(t, r), Hosts: r.Hosts, Clock: clock.New(), Record: record,
		Directory: tpp.DirectoryURLs{Participants: r.Directory.Participants, Keystore: r.Directory.Keystore, Token: r.Directory.Token}}
	for path, key := range map[string]*jose.Key{s.SigningJWK: &cfg.Signing, s.EncryptionJWK: &cfg.Encryption} {
		b, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(b, key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := tpp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// cnpj is that of the organisation behind a software statement of the cast.
func cnpj(software string) string {
	if strings.Contains(software, "Boreal") {
		return people.CNPJ("990000020001")
	}
	return people.CNPJ("990000010001")
}

// bankOf is the bank as a third party finds it.
func bankOf(ctx context.Context, t testing.TB, r sim.Ready, c *tpp.Client, i int) *tpp.Server {
	t.Helper()
	b := r.Banks[0]
	id := ""
	if len(r.TPPs[i].Clients) > 0 {
		id = r.TPPs[i].Clients[0].ClientID
	}
	s, err := c.Discover(ctx, tpp.Institution{OrganisationID: b.OrganisationID, Discovery: b.Discovery, ResourceBase: b.ResourceBase}, id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// robot is a customer in front of the bank's pages.
func robot(t testing.TB, r sim.Ready, who sim.ReadyCustomer, back []string) *psu.Robot {
	return &psu.Robot{Network: psu.Network{CA: roots(t, r), Hosts: r.Hosts, Clock: clock.New()}, Username: who.Username, Password: who.Password, Back: back}
}

// ordinary are the customers who can do everything alone.
func ordinary(r sim.Ready) []sim.ReadyCustomer {
	var all []sim.ReadyCustomer
	for _, c := range r.Customers {
		if slices.Contains(c.Traits, "ordinary") && len(c.Traits) == 1 {
			all = append(all, c)
		}
	}
	return all
}

// inProcess starts an ecosystem in this process.
func inProcess(t testing.TB, o sim.Options) (*sim.Ecosystem, sim.Ready) {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e, err := sim.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e, e.Ready()
}
