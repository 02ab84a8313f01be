package smsplustest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/channel/rcs"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/channel/sms/mitake"
	"github.com/smsplus/smsplus-go/channel/sms/twilio"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/smsplustest"
	"github.com/smsplus/smsplus-go/status"
)

const phoneNumberID = "106540352242922"

var (
	genuine, wrong = secret.New("3f6c0b"), secret.New("another")
	token          = secret.New("token")
)

func newNotification(t *testing.T) channel.Channel {
	t.Helper()
	c, err := line.NewNotification(line.NotificationConfig{Account: line.Account{Token: token, Secrets: []secret.Text{genuine}}})
	require.NoError(t, err)
	return c
}

func newWhatsApp(t *testing.T) channel.Channel {
	t.Helper()
	c, err := whatsapp.New(whatsapp.Config{
		PhoneNumberID: phoneNumberID, Token: token.Reveal, AppSecrets: []secret.Text{genuine}, VerifyTokens: []secret.Text{token},
	})
	require.NoError(t, err)
	return c
}

func newTwilio(t *testing.T, statusCallback string) channel.Channel {
	t.Helper()
	c, err := twilio.New(twilio.Config{
		AccountSID: "AC0123456789abcdef0123456789abcdef", AuthTokens: []secret.Text{genuine}, From: "+15005550006",
		StatusCallback: statusCallback,
	})
	require.NoError(t, err)
	return c
}

func newRCS(t *testing.T) channel.Channel {
	t.Helper()
	c, err := rcs.New(rcs.Config{
		AgentID: "agent", ClientTokens: []secret.Text{genuine},
		Token: func(context.Context) (secret.Text, error) { return token, nil },
	})
	require.NoError(t, err)
	return c
}

func newMitake(t *testing.T, callbackURL string) channel.Channel {
	t.Helper()
	c, err := mitake.New(mitake.Config{
		URL: "https://smsapi.mitake.com.tw/api/mtk", Username: "user", Password: token,
		CallbackURL: callbackURL, CallbackSecrets: []secret.Text{genuine},
	})
	require.NoError(t, err)
	return c
}

// Each call is verified and read by the adapter that takes the real ones, behind a Day's
// webhooks and behind the application's own server.
func TestCalls_AreGenuineToTheAdapters(t *testing.T) {
	t.Parallel()
	const publicURL = "https://app.example.com/receipts/sms"
	lineCalls := func(key secret.Text) smsplustest.LINE { return smsplustest.LINE{Secret: key} }
	metaCalls := func(key secret.Text) smsplustest.WhatsApp {
		return smsplustest.WhatsApp{AppSecret: key, PhoneNumberID: phoneNumberID}
	}
	rcsCalls := func(key secret.Text) smsplustest.RCS { return smsplustest.RCS{ClientToken: key} }
	twilioCalls := func(key secret.Text) smsplustest.Twilio {
		return smsplustest.Twilio{AuthToken: key, StatusCallback: publicURL}
	}
	mitakeCalls := func(key secret.Text) smsplustest.Mitake {
		return smsplustest.Mitake{CallbackSecret: key, CallbackURL: publicURL}
	}
	at := time.Date(2026, 3, 2, 9, 0, 30, 0, time.UTC)
	for name, tt := range map[string]struct {
		adapter channel.Channel
		call    func(key secret.Text, attempt uuid.UUID) *http.Request
		want    smsplus.Attempt
	}{
		"LINE, delivered": {
			newNotification(t), func(key secret.Text, id uuid.UUID) *http.Request { return lineCalls(key).Delivered(id, at) },
			smsplus.Attempt{Status: status.Delivered, DeliveredAt: at},
		},
		"WhatsApp, delivered": {
			newWhatsApp(t), func(key secret.Text, id uuid.UUID) *http.Request { return metaCalls(key).Status(id, "delivered", at) },
			smsplus.Attempt{Status: status.Delivered, DeliveredAt: at},
		},
		"WhatsApp, read": {
			newWhatsApp(t), func(key secret.Text, id uuid.UUID) *http.Request { return metaCalls(key).Status(id, "read", at) },
			smsplus.Attempt{Status: status.Delivered, DeliveredAt: at, ReadAt: at},
		},
		"WhatsApp, failed": {
			newWhatsApp(t), func(key secret.Text, id uuid.UUID) *http.Request { return metaCalls(key).Failed(id, 131026, at) },
			smsplus.Attempt{Status: status.Undeliverable, Reason: status.NoContact},
		},
		"RCS, delivered": {
			newRCS(t), func(key secret.Text, id uuid.UUID) *http.Request { return rcsCalls(key).Delivered(id, at) },
			smsplus.Attempt{Status: status.Delivered, DeliveredAt: at},
		},
		"RCS, read": {
			newRCS(t), func(key secret.Text, id uuid.UUID) *http.Request { return rcsCalls(key).Read(id, at) },
			smsplus.Attempt{Status: status.Delivered, DeliveredAt: at, ReadAt: at},
		},
		"RCS, expired": {
			newRCS(t), func(key secret.Text, id uuid.UUID) *http.Request { return rcsCalls(key).Expired(id, at) },
			smsplus.Attempt{Status: status.Undeliverable, Reason: status.Expired},
		},
		"Twilio, delivered": {
			newTwilio(t, publicURL), func(key secret.Text, id uuid.UUID) *http.Request { return twilioCalls(key).Status(id, "delivered", 0) },
			smsplus.Attempt{Status: status.Delivered, DeliveredAt: at},
		},
		"Twilio, undelivered": {
			newTwilio(t, publicURL), func(key secret.Text, id uuid.UUID) *http.Request {
				return twilioCalls(key).Status(id, "undelivered", 30005)
			},
			smsplus.Attempt{Status: status.Undeliverable, Reason: status.InvalidNumber},
		},
		"Twilio, with a query and connection overrides": {
			newTwilio(t, publicURL+"?tenant=7#rc=5&rp=all"),
			func(key secret.Text, id uuid.UUID) *http.Request {
				return smsplustest.Twilio{AuthToken: key, StatusCallback: publicURL + "?tenant=7#rc=5&rp=all"}.Status(id, "delivered", 0)
			},
			smsplus.Attempt{Status: status.Delivered, DeliveredAt: at},
		},
		"Mitake, delivered": {
			newMitake(t, publicURL), func(key secret.Text, id uuid.UUID) *http.Request { return mitakeCalls(key).Status(id, "4", at) },
			smsplus.Attempt{Status: status.Delivered, DeliveredAt: at},
		},
		"Mitake, no such number": {
			newMitake(t, publicURL), func(key secret.Text, id uuid.UUID) *http.Request { return mitakeCalls(key).Status(id, "6", at) },
			smsplus.Attempt{Status: status.Undeliverable, Reason: status.InvalidNumber},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := channel.Content(channel.Text("Hello"))
			if tt.adapter.Name() == channel.WhatsApp {
				content = whatsapp.Template{Name: "hello", Language: "en_US"}
			}
			day := smsplustest.NewDay(t, smsplus.Config{Templates: []smsplus.Template{
				{ID: "hello", Route: []smsplus.Step{{Channel: tt.adapter.Name(), Content: content, Wait: time.Hour}}},
			}}, tt.adapter)
			day.Script(tt.adapter.Name(), simulated.Silent)
			id := day.Send(smsplus.Trigger{Template: "hello", To: channel.Recipient{Phone: customer}})
			day.Advance(30 * time.Second)
			attempt := smsplus.AttemptID(id, 0)

			require.Equal(t, http.StatusUnauthorized, day.Call(tt.call(wrong, attempt)))
			require.Equal(t, status.Accepted, day.Message(id).Status)
			require.Equal(t, http.StatusOK, day.Call(tt.call(genuine, attempt)))
			got := day.Message(id).Attempts[0]
			require.Equal(t, tt.want, smsplus.Attempt{
				Status: got.Status, Reason: got.Reason, DeliveredAt: got.DeliveredAt, ReadAt: got.ReadAt,
			})

			// A server gets the same call over a connection.
			var sunk []channel.Receipt
			handler := tt.adapter.(channel.Receiver).ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
				sunk = append(sunk, rs...)
				return nil
			})
			server := httptest.NewServer(handler)
			defer server.Close()
			r := tt.call(genuine, attempt)
			r.URL.Scheme, r.URL.Host = "http", server.Listener.Addr().String()
			resp, err := server.Client().Do(r)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, http.StatusOK, resp.StatusCode)
			require.Len(t, sunk, 1)
			require.Equal(t, attempt.String(), sunk[0].ProviderID)
		})
	}
}

func TestLINE_TellsWhoFollows(t *testing.T) {
	t.Parallel()
	const user = "U4af4980629ba1e1d3c2f6a57c1b1c9d2"
	directory := line.NewDirectory()
	push, err := line.NewPush(line.PushConfig{
		Account: line.Account{Token: token, Secrets: []secret.Text{genuine}}, Contacts: directory,
	})
	require.NoError(t, err)
	day := smsplustest.NewDay(t, smsplus.Config{}, push)
	calls := smsplustest.LINE{Secret: genuine, URL: "/line_push"}
	blocked := func() bool {
		is, err := directory.Blocked(t.Context(), user)
		require.NoError(t, err)
		return is
	}
	require.Equal(t, http.StatusOK, day.Call(calls.Unfollowed(user, day.Now())))
	require.True(t, blocked())
	day.Advance(time.Second)
	require.Equal(t, http.StatusOK, day.Call(calls.Followed(user, day.Now())))
	require.False(t, blocked())
	calls.Secret = wrong
	require.Equal(t, http.StatusUnauthorized, day.Call(calls.Unfollowed(user, day.Now())))
}

func TestCall_OfNoWebhookIsNotFound(t *testing.T) {
	t.Parallel()
	day := smsplustest.NewDay(t, smsplus.Config{Templates: templates})
	require.Equal(t, http.StatusNotFound, day.Call(smsplustest.LINE{Secret: genuine}.Delivered(uuid.New(), day.Now())))
}

func TestCalls_PanicWithoutRepeatingTheURL(t *testing.T) {
	t.Parallel()
	require.PanicsWithValue(t, "smsplustest: the URL of a POST makes no request", func() {
		smsplustest.LINE{URL: "https://app.example.com\x7f/5f3c9a"}.Delivered(uuid.New(), time.Time{})
	})
}
