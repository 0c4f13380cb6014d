//go:build unix

package memo

import (
	"os"
	"syscall"
)

// view maps a file that has its whole length into memory: a write is a copy, and is the kernel's at once.
func view(f *os.File, size int) ([]byte, error) {
	return syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}

func unview(b []byte) { _ = syscall.Munmap(b) }
