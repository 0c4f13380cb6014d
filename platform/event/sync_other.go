//go:build !linux

package event

import "os"

func syncData(f *os.File) error { return f.Sync() }
