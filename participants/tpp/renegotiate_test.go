package tpp

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestASoundServerRefusesRenegotiation(t *testing.T) {
	for _, suite := range suites {
		strict := quiet(t, func(c *tls.Config) { c.CipherSuites = []uint16{suite} })
		p := strict.client().Probe("https://example.com:" + port(strict.URL))
		if again, err := p.Renegotiates(context.Background()); err != nil || again {
			t.Errorf("%s: %v, %v", tls.CipherSuiteName(suite), again, err)
		}
	}
	only13 := quiet(t, func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 })
	if _, err := only13.client().Probe("https://example.com:" + port(only13.URL)).Renegotiates(context.Background()); err != ErrNoTLS12 { //nolint:errorlint // returned as it is
		t.Errorf("TLS 1.3 alone gave %v", err)
	}
}

// Only another implementation can be made to renegotiate.
func TestALaxServerIsSeenToRenegotiate(t *testing.T) {
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl on this machine")
	}
	dir := t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(ownCert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	named := serverCert(t, "lax.test")
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: named.Raw}, "key.pem": {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, cipher := range []string{"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"} {
		for _, allowed := range []bool{true, false} {
			arguments := []string{"s_server", "-accept", "127.0.0.1:0", "-cert", filepath.Join(dir, "cert.pem"), "-key", filepath.Join(dir, "key.pem"), "-tls1_2", "-cipher", cipher, "-verify", "1"}
			if allowed {
				arguments = append(arguments, "-client_renegotiation")
			}
			at, stop := served(t, program, arguments)
			i := newIssuer(t)
			c := i.client(func(cfg *Config) {
				cfg.Hosts, cfg.CA = map[string]string{"lax.test": "127.0.0.1"}, x509.NewCertPool()
				cfg.CA.AddCert(named)
			})
			p := c.Probe("https://lax.test:" + port("https://"+at))
			if again, err := p.Renegotiates(context.Background()); err != nil || again != allowed {
				t.Errorf("%s, allowed %v: %v, %v", cipher, allowed, again, err)
			}
			stop()
		}
	}
}

// serverCert names a server, under the key of ownCert.
func serverCert(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	key := ownCert.PrivateKey.(*rsa.PrivateKey)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// served starts the program and returns where it listens.
func served(t *testing.T, program string, arguments []string) (string, func()) {
	t.Helper()
	cmd := exec.Command(program, arguments...) // a fixed program of the machine, ended below
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() { _ = in.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() }
	t.Cleanup(stop)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "ACCEPT "); ok {
			return at, stop
		}
	}
	t.Fatal("the server did not start")
	return "", stop
}
