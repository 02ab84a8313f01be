package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/api"
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// BenchmarkTrigger measures what the handler adds to a Send, without a network: requests of one
// trigger, and of a hundred.
func BenchmarkTrigger(b *testing.B) {
	store := memstore.New()
	d, err := smsplus.New(smsplus.Config{Store: store, Channels: []channel.Channel{silentChannel{}}, Templates: templates})
	require.NoError(b, err)
	h, err := api.New(api.Config{
		Store: store, Dispatcher: d, Authorize: func(*http.Request) (string, error) { return "shop", nil },
		Allow: func(*http.Request, api.Action) bool { return true },
	})
	require.NoError(b, err)
	post := func(b *testing.B, path, body string, triggers int) {
		for range b.N {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(b, http.StatusAccepted, w.Code)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*triggers), "ns/trigger")
	}
	b.Run("send", func(b *testing.B) {
		to := channel.Recipient{Phone: number(b, personNumber)}
		for b.Loop() {
			_, err := d.Send(b.Context(), smsplus.Trigger{Template: "otp", To: to, Vars: map[string]string{"code": "135790"}})
			require.NoError(b, err)
		}
	})
	b.Run("one", func(b *testing.B) { post(b, "/messages", otp, 1) })
	b.Run("hundred", func(b *testing.B) {
		post(b, "/messages/batch", `{"triggers":[`+strings.Repeat(otp+",", 99)+otp+`]}`, 100)
	})
}

// silentChannel is a channel that nothing is sent on.
type silentChannel struct{ channel.Channel }

// Name returns the name of the templates' channel.
func (silentChannel) Name() channel.Name { return channel.SMS }

// Traits returns no traits.
func (silentChannel) Traits() channel.Traits { return channel.Traits{} }
