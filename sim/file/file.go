// Package file replaces files, and maps them into memory.
//
// It promises that a reader, or the next start after a kill, finds the old content or the new one and
// nothing in between. It refuses to leave anything else behind: what could not be finished is removed. The
// invariant is that the new content is on the disk before it has the name.
package file

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace gives the file at path another content and mode. The folder must exist.
func Replace(path string, content []byte, mode fs.FileMode) error {
	t, err := os.CreateTemp(filepath.Dir(path), ".new-*") // created with mode 0600: no secret is readable meanwhile
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = t.Write(content)
	if err == nil {
		err = t.Chmod(mode)
	}
	if err == nil {
		err = t.Sync()
	}
	if closed := t.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		_ = os.Remove(t.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
