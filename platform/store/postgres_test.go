package store_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/ensaio/ensaio/platform/store"
)

// postgresDSN returns the address of a PostgreSQL database to test with: the one named in
// ENSAIO_TEST_POSTGRES, or one of a private server started with the binaries on PATH. Without either the
// test is skipped, saying so.
func postgresDSN(t *testing.T) string {
	t.Helper()
	if dsn := os.Getenv("ENSAIO_TEST_POSTGRES"); dsn != "" {
		return dsn
	}
	for _, tool := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no PostgreSQL to test with: ENSAIO_TEST_POSTGRES is not set and %s is not on PATH", tool)
		}
	}
	var as *syscall.SysProcAttr
	// Not t.TempDir: the server's own user must be able to reach it, and unix socket paths are short.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Geteuid() == 0 {
		as = unprivileged(t, dir)
	}
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.SysProcAttr = dir, as
		cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+dir)
		return cmd
	}
	data := filepath.Join(dir, "data")
	if out, err := run("initdb", "-D", data, "-U", "ensaio", "-A", "trust", "-E", "UTF8", "--no-sync").CombinedOutput(); err != nil {
		t.Skipf("no PostgreSQL to test with: initdb failed: %v: %s", err, out)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	server := run("postgres", "-D", data, "-k", dir, "-h", "", "-c", "shared_buffers=16MB")
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Skipf("no PostgreSQL to test with: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		server.Process.Signal(syscall.SIGINT) // fast shutdown
		<-ended
	})
	dsn := "postgres://ensaio@/postgres?sslmode=disable&host=" + url.QueryEscape(dir)
	awaitPostgres(t, dsn, ended, log.Name())
	return dsn
}

func awaitPostgres(t *testing.T, dsn string, ended <-chan error, log string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		s, err := store.Open(ctx, dsn)
		if err == nil {
			s.Close()
			return
		}
		select {
		case <-ended:
			out, _ := os.ReadFile(log)
			t.Skipf("no PostgreSQL to test with: the server ended at start: %s", out)
		case <-ctx.Done():
			t.Fatalf("the PostgreSQL server does not answer: %v", err)
		default:
			runtime.Gosched()
		}
	}
}

// unprivileged gives the server a user of its own: PostgreSQL refuses to run as root.
func unprivileged(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			continue
		}
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	t.Skip("no PostgreSQL to test with: it refuses to run as root and there is no other user to run it as")
	return nil
}

// schema makes a name for a schema of its own, so that tests share one server but no tables.
func schema(n int) string { return fmt.Sprintf("t%d_%d", os.Getpid(), n) }
