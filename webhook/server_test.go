package webhook_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/internal/doctest/gateway"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
	"github.com/smsplus/smsplus-go/webhook"
)

// appServer is an application with a real server.
type appServer struct {
	*smsplus.Dispatcher
	store *storetest.Faulty
	down  atomic.Bool // the store fails while down is set
	url   string
}

// newAppServer starts an appServer with one template for each channel. A template has the
// name of its channel.
func newAppServer(t *testing.T, o webhook.Options, channels ...channel.Channel) *appServer {
	t.Helper()
	a := &appServer{store: &storetest.Faulty{Store: memstore.New()}}
	a.store.Before = func(string) error {
		if a.down.Load() {
			return errors.New("the store is down")
		}
		return nil
	}
	c := smsplus.Config{Store: a.store, Channels: channels, Clock: clock.NewMock()}
	for _, ch := range channels {
		c.Templates = append(c.Templates, smsplus.Template{
			ID: string(ch.Name()), Route: []smsplus.Step{{Channel: ch.Name(), Content: channel.Text("Your order has shipped")}},
		})
	}
	var err error
	a.Dispatcher, err = smsplus.New(c)
	require.NoError(t, err)
	mux := http.NewServeMux()
	o.Prefix = "/receipts"
	mux.Handle("/receipts/", webhook.New(a.Dispatcher, o))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	a.url = server.URL + "/receipts/"
	return a
}

// newProvider returns a gateway whose provider answers every text with the code.
func newProvider(t *testing.T, code int) *gateway.Channel {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
	t.Cleanup(server.Close)
	return &gateway.Channel{URL: server.URL, Token: "token-5f3c", Secret: secret}
}

func (a *appServer) send(t *testing.T, template string) smsplus.Message {
	t.Helper()
	number, err := phone.Parse("+886912345678")
	require.NoError(t, err)
	id, err := a.Send(t.Context(), smsplus.Trigger{Template: template, To: channel.Recipient{Phone: number}})
	require.NoError(t, err)
	_, err = a.Tick(t.Context())
	require.NoError(t, err)
	return a.message(t, id)
}

func (a *appServer) message(t *testing.T, id uuid.UUID) smsplus.Message {
	t.Helper()
	m, err := a.Message(t.Context(), id)
	require.NoError(t, err)
	return m
}

// call makes a provider's signed call. It returns the code of the answer and its
// Retry-After.
func (a *appServer) call(ctx context.Context, path, body string) (code int, later string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("X-Signature", sign(body))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	return resp.StatusCode, resp.Header.Get("Retry-After"), resp.Body.Close()
}

func (a *appServer) mustCall(t *testing.T, path, body string) (code int, later string) {
	t.Helper()
	code, later, err := a.call(t.Context(), path, body)
	require.NoError(t, err)
	return code, later
}

func deliveredBody(id string) string { return fmt.Sprintf(`{"id":%q,"word":"arrived"}`, id) }

func TestServer_ReceiptUpdatesMessage(t *testing.T) {
	t.Parallel()
	a := newAppServer(t, webhook.Options{}, newProvider(t, http.StatusAccepted))
	m := a.send(t, "gateway")
	require.Equal(t, status.Accepted, m.Status)
	code, _ := a.mustCall(t, "gateway", deliveredBody(m.Attempts[0].ProviderID))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, status.Delivered, a.message(t, m.ID).Status)
}

func TestServer_StoreOutageLosesNoReceipt(t *testing.T) {
	t.Parallel()
	a := newAppServer(t, webhook.Options{}, newProvider(t, http.StatusAccepted))
	m := a.send(t, "gateway")
	a.down.Store(true)
	for range 3 {
		code, later := a.mustCall(t, "gateway", deliveredBody(m.Attempts[0].ProviderID))
		require.Equal(t, http.StatusServiceUnavailable, code)
		require.Equal(t, "30", later)
	}
	a.down.Store(false)
	require.Equal(t, status.Accepted, a.message(t, m.ID).Status)
	code, _ := a.mustCall(t, "gateway", deliveredBody(m.Attempts[0].ProviderID))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, status.Delivered, a.message(t, m.ID).Status)
}

func TestServer_ParksEarlyReceipt(t *testing.T) {
	t.Parallel()
	a := newAppServer(t, webhook.Options{}, newProvider(t, http.StatusAccepted))
	early := uuid.New()
	attempt := smsplus.AttemptID(early, 0)
	code, _ := a.mustCall(t, "gateway", deliveredBody(attempt.String()))
	require.Equal(t, http.StatusOK, code)
	parked, err := a.store.Parked(t.Context(), []channel.Ref{{Channel: "gateway", ProviderID: attempt.String()}})
	require.NoError(t, err)
	require.Len(t, parked, 1)
}

// renamedChannel is a gateway with another name.
type renamedChannel struct {
	*gateway.Channel
	name channel.Name
}

func (r renamedChannel) Name() channel.Name { return r.name }

func TestServer_FailoverProvidersHaveOwnPaths(t *testing.T) {
	t.Parallel()
	sms, err := failover.New(channel.SMS,
		renamedChannel{newProvider(t, http.StatusTooManyRequests), "primary"}, renamedChannel{newProvider(t, http.StatusAccepted), "backup"})
	require.NoError(t, err)
	a := newAppServer(t, webhook.Options{}, sms)
	m := a.send(t, "sms")
	require.Equal(t, status.Accepted, m.Status)
	call := deliveredBody(m.Attempts[0].ID.String()) // the provider quotes the attempt
	for _, path := range []string{"sms", "sms/", "sms/another", "backup"} {
		code, _ := a.mustCall(t, path, call)
		require.Equal(t, http.StatusNotFound, code, path)
	}
	a.down.Store(true)
	code, later := a.mustCall(t, "sms/backup", call)
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "30", later)
	a.down.Store(false)
	code, _ = a.mustCall(t, "sms/backup", call)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, status.Delivered, a.message(t, m.ID).Status)
}

func TestServer_AppliesConcurrentCalls(t *testing.T) {
	t.Parallel()
	a := newAppServer(t, webhook.Options{}, newProvider(t, http.StatusAccepted))
	ms := make([]smsplus.Message, 50)
	for i := range ms {
		ms[i] = a.send(t, "gateway")
	}
	var all sync.WaitGroup
	for range 4 { // providers repeat their calls
		for _, m := range ms {
			all.Go(func() {
				code, _, err := a.call(t.Context(), "gateway", deliveredBody(m.Attempts[0].ProviderID))
				if err != nil || code != http.StatusOK {
					t.Error(code, err)
				}
			})
		}
	}
	all.Wait()
	for _, m := range ms {
		require.Equal(t, status.Delivered, a.message(t, m.ID).Status)
	}
}

func TestServer_AnswersEndlessBodyByDeadline(t *testing.T) {
	t.Parallel()
	const timeout = 500 * time.Millisecond
	a := newAppServer(t, webhook.Options{Timeout: timeout}, newProvider(t, http.StatusAccepted))
	// connect opens a connection. The func that it returns makes a call and returns the code
	// of its answer.
	connect := func() func(length int, body string) int {
		host := strings.TrimSuffix(strings.TrimPrefix(a.url, "http://"), "/receipts/")
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(20*timeout)))
		answers := bufio.NewReader(conn)
		return func(length int, body string) int {
			_, err := fmt.Fprintf(conn, "POST /receipts/gateway HTTP/1.1\r\nHost: x\r\nX-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
				sign(body), length, body)
			require.NoError(t, err)
			resp, err := http.ReadResponse(answers, nil)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			return resp.StatusCode
		}
	}
	whole := deliveredBody("1")
	good, bad := connect(), connect()
	require.Equal(t, http.StatusOK, good(len(whole), whole))
	require.Equal(t, http.StatusServiceUnavailable, bad(len(whole)+1, whole))
	require.Equal(t, http.StatusOK, good(len(whole), whole), "a connection outlives the deadline of a call")
}

// TestServer_TimeoutKeepsConnectionUsable proves that a connection survives a call's
// timeout. A proxy uses one connection for calls and for other requests.
func TestServer_TimeoutKeepsConnectionUsable(t *testing.T) {
	t.Parallel()
	hangs := funcReceiver{"sms", func(channel.Sink, http.ResponseWriter, *http.Request) { <-t.Context().Done() }}
	d, err := smsplus.New(smsplus.Config{Store: memstore.New(), Channels: []channel.Channel{hangs}})
	require.NoError(t, err)
	const timeout = 100 * time.Millisecond
	hooks := webhook.New(d, webhook.Options{Prefix: "/receipts", Timeout: timeout})
	mux := http.NewServeMux()
	mux.HandleFunc("/receipts/", func(w http.ResponseWriter, r *http.Request) {
		hooks.ServeHTTP(w, r)
		select { // the server may cancel the context a moment later
		case <-r.Context().Done():
		case <-time.After(timeout):
		}
	})
	next := make(chan error, 1)
	mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { next <- r.Context().Err() })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	connections := new(http.Transport)
	t.Cleanup(connections.CloseIdleConnections)
	call := func(path string) (code int, reused bool) {
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused },
		})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
		require.NoError(t, err)
		resp, err := connections.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode, reused
	}
	code, _ := call("/receipts/sms")
	require.Equal(t, http.StatusServiceUnavailable, code)
	_, reused := call("/")
	require.True(t, reused)
	require.NoError(t, <-next)
}

// TestServer_NeverRepeatsTheRequest proves that no answer holds any part of its request.
func TestServer_NeverRepeatsTheRequest(t *testing.T) {
	t.Parallel()
	a := newAppServer(t, webhook.Options{}, newProvider(t, http.StatusAccepted))
	body, err := json.Marshal(map[string]string{"id": "<script>", "word": "<script>"})
	require.NoError(t, err)
	for _, path := range []string{"gateway/%3Cscript%3E", "%3Cscript%3E", "gateway?x=%3Cscript%3E"} {
		for _, method := range []string{"GET", "POST", "PUT", "OPTIONS", "TRACE"} {
			req, err := http.NewRequestWithContext(t.Context(), method, a.url+path, strings.NewReader(string(body)))
			require.NoError(t, err)
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Empty(t, body)
			require.NotContains(t, fmt.Sprint(resp.Header), "script")
		}
	}
}
