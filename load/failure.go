package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/ensaio/ensaio/load/record"
)

// failure names the kind of a failed outcome, and says in words what was wrong; "" for a good one.
func failure(o Outcome) (kind, detail string) {
	if o.Err == nil {
		if o.Wrong != "" {
			return record.Wrong, o.Wrong
		}
		return "", ""
	}
	return Kind(o.Err), ""
}

// Kind names how a request ended that got no answer: one of the kinds of package record.
func Kind(err error) string {
	var timeout net.Error
	var header tls.RecordHeaderError
	var alert tls.AlertError
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return record.Timeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return record.Refused
	case errors.As(err, &header), errors.As(err, &alert), errors.As(err, &verification), errors.As(err, &authority), errors.As(err, &host),
		// The HTTP client keeps an alert of the other side as text only.
		strings.Contains(err.Error(), "tls: "):
		return record.TLS
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return record.Reset
	}
	return record.Other
}
