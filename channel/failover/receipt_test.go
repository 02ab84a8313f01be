package failover_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/status"
)

// webhookProvider is a provider with a webhook. A call reports the IDs in its query as
// delivered. A value of "both" is a receipt's two IDs, and so is one of "accepted".
type webhookProvider struct{ *scriptedProvider }

func (c webhookProvider) ReceiptHandler(s channel.Sink) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var rs []channel.Receipt
		for _, id := range r.URL.Query()["id"] {
			rs = append(rs, channel.Receipt{Channel: c.name, ProviderID: id, Status: status.Delivered, Detail: r.URL.Path})
		}
		for key, st := range map[string]status.Status{"both": status.Delivered, "accepted": status.Accepted} {
			for _, both := range r.URL.Query()[key] {
				id, newID, _ := strings.Cut(both, " ")
				rs = append(rs, channel.Receipt{Channel: c.name, ProviderID: id, NewID: newID, Status: st})
			}
		}
		if s(r.Context(), rs...) != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
}

func TestReceiptHandler_ServesProviderInPath(t *testing.T) {
	t.Parallel()
	c := openSMS(t, webhookProvider{newWorkingProvider("one")}, newWorkingProvider("two"), webhookProvider{newWorkingProvider("three")})
	for path, want := range map[string]string{
		"/sms/one":              "one",
		"/receipts/sms/one":     "one",
		"/sms/three/secret":     "three",
		"/sms/three/sms/one":    "three",
		"/sms/sms/three":        "three",
		"/one/sms/three":        "three",
		"/sms/two":              "", // this provider has no webhook
		"/sms/four":             "",
		"/sms":                  "",
		"/sms/":                 "",
		"/sms//one":             "",
		"/one":                  "",
		"/line/one":             "",
		"/":                     "",
		"/sms/one%2Fsecret":     "one",
		"/sms%2Fone":            "one",
		"/sms/one/../three/end": "one",
	} {
		var got []channel.Receipt
		h := c.ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
			got = append(got, rs...)
			return nil
		})
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, path+"?id=7", nil)
		h.ServeHTTP(w, r)
		if want == "" {
			require.Equal(t, http.StatusNotFound, w.Code, path)
			require.Empty(t, w.Body.String())
			require.Empty(t, got)
			continue
		}
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Equal(t, []channel.Receipt{{
			Channel: channel.SMS, ProviderID: want + ":7", Status: status.Delivered, Detail: r.URL.Path,
		}}, got, path)
	}
}

func TestReceiptHandler_RenamesReceiptsInOneCall(t *testing.T) {
	t.Parallel()
	attempt := uuid.NewString()
	down := errors.New("down")
	calls := 0
	h := openSMS(t, webhookProvider{newWorkingProvider("one")}).ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
		calls++
		var names []string
		var newIDs []string
		for _, r := range rs {
			require.Equal(t, channel.SMS, r.Channel)
			names = append(names, r.ProviderID)
			newIDs = append(newIDs, r.NewID)
		}
		require.Equal(t, []string{"one:1", attempt, "one:" + strings.ToUpper(attempt), "", "one:one:1", "one:2", attempt, "one:" + attempt}, names)
		require.Equal(t, []string{"", "one:" + attempt, "", "", "", "one:3", "one:4", "one:4"}, newIDs)
		return down
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost,
		"/sms/one?id=1&id="+attempt+"&id="+strings.ToUpper(attempt)+"&id=&id=one:1&both=2+3&both="+attempt+"+4", nil))
	require.Equal(t, 1, calls)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
}

// Such a receipt is no news for an attempt that the provider took, under any of its IDs.
func TestReceiptHandler_AcceptedIsOneReceipt(t *testing.T) {
	t.Parallel()
	attempt := uuid.NewString()
	h := openSMS(t, webhookProvider{newWorkingProvider("one")}).ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
		require.Equal(t, []channel.Receipt{{Channel: channel.SMS, ProviderID: attempt, NewID: "one:1", Status: status.Accepted}}, rs)
		return nil
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/sms/one?accepted="+attempt+"+1", nil))
	require.Equal(t, http.StatusOK, w.Code)
}

// Different messages must have different IDs. An answer and a receipt must have the same
// ID.
func TestProviderID_IsUnambiguous(t *testing.T) {
	t.Parallel()
	id := rapid.OneOf(
		rapid.StringMatching(`(one|two|on|e)?:?[a-z0-9:]{0,4}`),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) string { return uuid.UUID(b).String() }),
		rapid.String(),
	)
	rapid.Check(t, func(r *rapid.T) {
		outside := make(map[string][2]string)
		for range 20 {
			name, inside := rapid.SampledFrom([]string{"one", "on", "two"}).Draw(r, "provider"), id.Draw(r, "id")
			p := newWorkingProvider(channel.Name(name)).answerWith(channel.Result{Status: status.Accepted, ProviderID: inside}, nil)
			c, err := failover.New(channel.SMS, webhookProvider{p})
			require.NoError(r, err)
			result, err := c.Send(t.Context(), envelope())
			require.NoError(r, err)
			received := ""
			h := c.ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
				received = cmp.Or(rs[0].NewID, rs[0].ProviderID)
				return nil
			})
			call := httptest.NewRequest(http.MethodPost, "/sms/"+name, nil)
			query := call.URL.Query()
			query.Set("id", inside)
			call.URL.RawQuery = query.Encode()
			h.ServeHTTP(httptest.NewRecorder(), call)
			require.Equal(r, result.ProviderID, received)

			whole := [2]string{name, inside}
			if inside == "" {
				whole[0] = "" // of nothing
			}
			before, known := outside[result.ProviderID]
			require.True(r, !known || before == whole, "%q is %q and %q", result.ProviderID, before, whole)
			outside[result.ProviderID] = whole
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, path := range []string{"/sms/one", "/receipts/sms/two/secret", "//sms//one", "/sms/%2e%2e/one", "sms/one", ""} {
		f.Add(path)
	}
	c, err := failover.New(channel.SMS, webhookProvider{newWorkingProvider("one")}, webhookProvider{newWorkingProvider("two")})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, path string) {
		sunk := 0
		h := c.ReceiptHandler(func(context.Context, ...channel.Receipt) error {
			sunk++
			return nil
		})
		r := httptest.NewRequest(http.MethodPost, "/?id=7", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		named := strings.Contains(path+"/", "sms/one/") || strings.Contains(path+"/", "sms/two/")
		require.LessOrEqual(t, sunk, 1)
		require.True(t, sunk == 0 || named, "%q names no provider", path)
		require.Equal(t, sunk == 0, w.Code == http.StatusNotFound)
		require.Empty(t, w.Body.String())
	})
}

// listeningProvider is a provider with a session.
type listeningProvider struct {
	*scriptedProvider
	listen func(ctx context.Context, s channel.Sink) error
}

func (l listeningProvider) Listen(ctx context.Context, s channel.Sink) error { return l.listen(ctx, s) }

func TestListen_RestartsBrokenSessionAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l logBuffer
		var begun []time.Duration
		began := time.Now()
		broken := listeningProvider{newWorkingProvider("one"), func(ctx context.Context, _ channel.Sink) error {
			begun = append(begun, time.Since(began))
			if len(begun) == 2 {
				panic("secret")
			}
			if len(begun) == 9 {
				select { // the session lasts for a while
				case <-time.After(10 * time.Minute):
				case <-ctx.Done():
				}
			}
			return errors.New("broken")
		}}
		steady := listeningProvider{newWorkingProvider("two"), func(ctx context.Context, s channel.Sink) error {
			for i := 0; ; i++ {
				if err := s(ctx, channel.Receipt{Channel: "two", ProviderID: "1", Status: status.Delivered}); err != nil {
					return err
				}
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}}
		c := openConfig(t, failover.Config{Providers: []channel.Channel{broken, steady, newWorkingProvider("three")}, Logger: l.logger()})
		var mu sync.Mutex
		heard := 0
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute-1)
		defer cancel()
		err := c.Listen(ctx, func(_ context.Context, rs ...channel.Receipt) error {
			mu.Lock()
			defer mu.Unlock()
			heard++
			require.Equal(t, channel.Ref{Channel: channel.SMS, ProviderID: "two:1"}, rs[0].Ref())
			return nil
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 20*60, heard)
		for i, gap := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			require.LessOrEqual(t, begun[i+1]-begun[i], gap*time.Second)
			require.GreaterOrEqual(t, begun[i+1]-begun[i], gap*time.Second/2)
		}
		require.LessOrEqual(t, begun[9]-begun[8], 10*time.Minute+time.Second, "after a good while it is patient again")
		lines := l.take()
		require.Contains(t, lines, "failover: listener stopped; it is started again")
		require.Contains(t, lines, "provider=one error=broken")
		require.Contains(t, lines, "listener panicked (string)")
		require.NotContains(t, lines, "secret")
		require.NotContains(t, lines, "provider=two")
	})
}

func TestListen_EndsAfterItsSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := false
		slow := listeningProvider{newWorkingProvider("one"), func(ctx context.Context, _ channel.Sink) error {
			<-ctx.Done()
			advance(time.Second)
			ended = true
			return ctx.Err()
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.ErrorIs(t, openSMS(t, slow).Listen(ctx, nil), context.DeadlineExceeded)
		require.True(t, ended)
	})
}

func TestListen_EndsWithContextWithoutSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, openSMS(t, newWorkingProvider("one")).Listen(ctx, nil), context.DeadlineExceeded)
		require.Equal(t, time.Hour, time.Since(began))
	})
}
