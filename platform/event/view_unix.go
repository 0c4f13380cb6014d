//go:build unix

package event

import (
	"os"
	"syscall"
)

// view maps a file that has its whole length into memory, so that an append is a copy and no system call.
// What was copied is the kernel's as if it had been written: it outlives this process.
func view(f *os.File, size int64) ([]byte, error) {
	return syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}

func unview(b []byte) error { return syscall.Munmap(b) }
