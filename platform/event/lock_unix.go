//go:build unix

package event

import (
	"fmt"
	"os"
	"syscall"
)

// hold takes the directory for this process; the lock ends with the process, however that ends.
func hold(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("another process holds it: %w", err)
	}
	return f, nil
}
