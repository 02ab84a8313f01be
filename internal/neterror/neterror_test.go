package neterror_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/neterror"
)

func TestDescribe_QuotesNothing(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		errors.New("malformed HTTP response hidden"),
		context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF,
		&net.DNSError{Err: "no such host", Name: "hidden"},
		&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED, Addr: &net.UnixAddr{Name: "hidden"}},
		&net.OpError{Op: "read", Err: errors.New("hidden")},
	} {
		got := neterror.Describe(&url.Error{Op: "Post", URL: "https://hidden", Err: fmt.Errorf("hidden: %w", err)})
		require.NotContains(t, fmt.Sprintf("%v %+v %q", got, got, got), "hidden")
		require.Regexp(t, "^no (answer|connection)", got.Error())
		for _, cause := range []error{context.Canceled, context.DeadlineExceeded, syscall.ECONNREFUSED} {
			require.Equal(t, errors.Is(err, cause), errors.Is(got, cause))
		}
	}
}
