package mitake_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/mitake"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// Mitake takes the message, and its answer is lost. The callback has the attempt's ID, so
// nothing is sent again. Without a callback, the repeat has the same clientid.
func TestEngine_LostAnswerSendsNoSecondMessage(t *testing.T) {
	t.Parallel()
	for name, reported := range map[string]bool{"a callback settles it": true, "a repeat settles it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mock := clock.NewMock()
			p := newFakeMitake(acceptAnswer)
			lost := true
			c := openServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !lost {
					p.ServeHTTP(w, r)
					return
				}
				lost = false
				p.ServeHTTP(discardingResponse{}, r)
				panic(http.ErrAbortHandler)
			}), func(c *mitake.Config) { c.Clock = mock })
			d, err := smsplus.New(smsplus.Config{
				Store: memstore.New(), Clock: mock, Channels: []channel.Channel{c},
				Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
					{Channel: channel.SMS, Content: channel.Text("您的驗證碼是 {{code}}"), Wait: time.Hour},
				}}},
			})
			require.NoError(t, err)
			id, err := d.Send(t.Context(), smsplus.Trigger{
				Template: "otp", To: channel.Recipient{Phone: number(t, "+886912345678")}, Vars: map[string]string{"code": "498172"},
			})
			require.NoError(t, err)
			_, err = d.Tick(t.Context())
			require.NoError(t, err)
			m, err := d.Message(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, status.InDoubt, m.Attempts[0].Reason)

			if reported {
				w := httptest.NewRecorder()
				c.ReceiptHandler(d.Receive).ServeHTTP(w, newCallback(t, p.onlyForm(t).Get("response"), "msgid=#000000001&StatusFlag=1"))
				require.Equal(t, http.StatusOK, w.Code)
			}
			mock.Add(30 * time.Minute)
			_, err = d.Tick(t.Context())
			require.NoError(t, err)
			m, err = d.Message(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, status.Accepted, m.Status)
			require.Len(t, p.sent, 1, "the person got it twice")
			require.Len(t, p.calls, map[bool]int{true: 1, false: 2}[reported])
		})
	}
}

// discardingResponse is a ResponseWriter for a lost answer.
type discardingResponse struct{}

func (discardingResponse) Header() http.Header         { return http.Header{} }
func (discardingResponse) Write(b []byte) (int, error) { return len(b), nil }
func (discardingResponse) WriteHeader(int)             {}
