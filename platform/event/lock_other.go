//go:build !unix

package event

import "os"

// hold marks the directory; without flock the operator sees to it that one process uses it.
func hold(path string) (*os.File, error) { return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) }
