//go:build unix

package file

import (
	"os"
	"syscall"
)

// View maps a file that has its whole length into memory: a write is a copy and no system call. What was
// copied is the kernel's as if it had been written: it outlives this process.
func View(f *os.File, size int) ([]byte, error) {
	return syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}

// Unview ends a view; nobody touches it any more.
func Unview(b []byte) error { return syscall.Munmap(b) }
