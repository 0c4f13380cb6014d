//go:build !unix

package event

import (
	"errors"
	"os"
)

// view has no portable form: appends write.
func view(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

func unview([]byte) error { return nil }
