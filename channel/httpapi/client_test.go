package httpapi_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel/httpapi"
)

// Networks drop connections silently, and over HTTP/2 all calls share one. A dead
// connection must not take one call after another.
func TestNewClient_ClosesDeadConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var http2 http.Protocols
		http2.SetUnencryptedHTTP2(true)
		provider := pipeListener{make(chan net.Conn), make(chan struct{})}
		server := http.Server{
			Protocols: &http2, ReadHeaderTimeout: time.Minute,
			Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		}
		go func() { _ = server.Serve(provider) }()
		defer server.Close() //nolint:errcheck // the listener has nothing to close

		var lines []*mutableConn
		client := httpapi.NewClient()
		transport := client.Transport.(*http.Transport)
		defer transport.CloseIdleConnections()
		transport.Protocols = &http2
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			lines = append(lines, &mutableConn{Conn: ours})
			provider.conns <- theirs
			return lines[len(lines)-1], nil
		}
		call := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := httpapi.Do(client, request(ctx, t, "http://provider.invalid"))
			return err
		}
		require.NoError(t, call())
		lines[0].dead.Store(true)
		require.Error(t, call())
		require.NoError(t, call(), "the dead connection was used again")
		require.Len(t, lines, 2)
	})
}

// mutableConn is a connection that silently drops all writes once it is dead.
type mutableConn struct {
	net.Conn
	dead atomic.Bool
}

func (l *mutableConn) Write(b []byte) (int, error) {
	if l.dead.Load() {
		return len(b), nil
	}
	return l.Conn.Write(b)
}

// pipeListener is a listener in memory.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, io.EOF
	}
}

func (p pipeListener) Close() error {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	return nil
}

func (pipeListener) Addr() net.Addr { return &net.TCPAddr{} }
