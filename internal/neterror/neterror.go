// Package neterror describes the errors of HTTP calls. The words of net/http quote the URL, and
// those of its parser quote the answer. Both may hold secrets and personal data.
package neterror

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"syscall"
)

// callError is a failed call in our own words, because the words of net/http quote the URL
// and those of its parser quote the answer. It wraps the cause that errors.Is may look for.
type callError struct {
	words string
	cause error
}

func (f *callError) Error() string { return f.words }
func (f *callError) Unwrap() error { return f.cause }

// Describe returns the error of a call that failed, in our own words. It wraps the end of a
// context, a system's error number and the end of a connection.
func Describe(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			return &callError{"no answer: " + end.Error(), end}
		}
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return &callError{"no connection: " + errno.Error(), errno}
	}
	switch {
	case isType[*net.DNSError](err):
		return &callError{"no connection: the host's name is not known", nil}
	case isType[*tls.CertificateVerificationError](err):
		return &callError{"no connection: the host's certificate is not trusted", nil}
	case isType[net.Error](err):
		return &callError{"no answer: the network failed", nil}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &callError{"no answer: the connection was closed", io.ErrUnexpectedEOF}
	default:
		return &callError{"no answer that makes sense", nil}
	}
}

// isType reports whether an error of that type is in the chain.
func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
