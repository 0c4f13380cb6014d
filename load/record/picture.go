package record

import "io"

// HTML writes the picture.
func (r *Report) HTML(w io.Writer) error {
	_, err := io.WriteString(w, "<!doctype html><title>"+r.Profile+"</title>")
	return err
}
