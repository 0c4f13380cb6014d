package relay

import "os"

// scratchDir is a directory that ends with the relay.
type scratchDir struct{ path string }

func scratch() (scratchDir, error) {
	path, err := os.MkdirTemp("", "ensaio-nats")
	return scratchDir{path}, err
}

func (d scratchDir) remove() error {
	if d.path == "" {
		return nil
	}
	return os.RemoveAll(d.path)
}
