package smsplus_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The clocks of github.com/benbjohnson/clock are Clocks as they are.
var (
	_ smsplus.Clock = clock.New()
	_ smsplus.Clock = (*clock.Mock)(nil)
)

// picky is a channel that does not take any content.
type picky struct{ *ChannelMock }

func (picky) CheckContent(channel.Content) error { return errors.New("too long") }

func TestEveryMistakeInAConfigComesAtOnceNamingItsField(t *testing.T) {
	t.Parallel()
	_, err := smsplus.New(smsplus.Config{
		Channels: []channel.Channel{
			fake(channel.SMS, nil), fake(channel.SMS, nil), nil, fake("", nil),
			picky{fake("picky", nil)},
			&ChannelMock{
				NameFunc:   func() channel.Name { return "odd" },
				TraitsFunc: func() channel.Traits { return channel.Traits{Validity: -1} },
			},
		},
		Templates: []smsplus.Template{
			{},
			{ID: "a", TTL: -1, Route: []smsplus.Step{
				{Channel: channel.SMS, Content: text, Wait: -1},
				{Channel: channel.SMS, Content: channel.Text("{{oops")},
				{Channel: "fax", OnFailed: 7},
				{Channel: "picky", Content: text},
			}},
			{ID: "a", Route: []smsplus.Step{{Channel: channel.SMS, Content: text}}},
		},
		Limits:      map[channel.Name]smsplus.Limit{"tube": {}, channel.SMS: {Concurrency: -1}},
		SendTimeout: time.Minute, Lease: 30 * time.Second, Poll: -1, StoreTimeout: -1, DrainTimeout: -1, Batch: -1,
		Retry: smsplus.Retry{Tries: -1, Base: -1, Max: -1},
	})
	require.Error(t, err)
	for _, want := range []string{
		"Config.Store is required",
		`Config.Channels[1]: there is another channel "sms"`,
		"Config.Channels[2] is nil",
		"Config.Channels[3] has no name",
		"Config.Channels[5] (odd): Traits.Validity is negative",
		"Config.Templates[0].ID is required",
		"Config.Templates[0].Route is empty",
		"Config.Templates[1].TTL is negative",
		"Config.Templates[1].Route[0].Wait is negative",
		`Config.Templates[1].Route[1].Channel: "sms" is on the route already`,
		"Config.Templates[1].Route[1].Content: ",
		`Config.Templates[1].Route[2].Channel: no channel "fax" is registered`,
		"Config.Templates[1].Route[2].Content is required",
		"Config.Templates[1].Route[2]: no such policy",
		`Config.Templates[1].Route[3].Content: channel "picky" does not take it: too long`,
		`Config.Templates[2].ID: there is another template "a"`,
		`Config.Limits["tube"]: no such channel`,
		`Config.Limits["sms"]: Concurrency, Rate and Burst must not be negative`,
		"Config.Poll is negative", "Config.StoreTimeout is negative", "Config.DrainTimeout is negative",
		"Config.Batch is negative", "Config.Retry.Tries is negative", "Config.Retry.Base is negative", "Config.Retry.Max is negative",
		"Config.Lease (30s) must be longer",
	} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, 26, strings.Count(err.Error(), "smsplus: Config."), err.Error())
}

func TestAConfigNeedsNoMoreThanAStore(t *testing.T) {
	t.Parallel()
	d, err := smsplus.New(smsplus.Config{Store: memstore.New()})
	require.NoError(t, err)
	n, err := d.Tick(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestNewWarnsOfAWaitThatItsProviderDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name channel.Name
		wait time.Duration
		want int
	}{
		{channel.WhatsApp, time.Hour, 1},
		{channel.LINENotify, time.Hour, 1},
		{channel.LINENotify, 24 * time.Hour, 0},
		{channel.LINENotify, 0, 0},
		{channel.SMS, time.Hour, 0}, // passes Expires on
		{channel.LINEPush, time.Hour, 0},
	} {
		var log strings.Builder
		var seen events
		newWorld(t, []step{
			{tt.name, nil, smsplus.Step{Wait: tt.wait}},
			{"letter", nil, smsplus.Step{Wait: time.Hour}},
		}, func(c *smsplus.Config) {
			c.Observer, c.Logger = &seen, slog.New(slog.NewTextHandler(&log, nil))
		})
		require.Len(t, seen.list(), tt.want, tt.name)
		require.Equal(t, tt.want, strings.Count(log.String(), "the person may get both"))
		if tt.want > 0 {
			require.Equal(t, smsplus.WaitTooShort{"t", tt.name, tt.wait, traitsOf[tt.name].Validity}, seen.list()[0])
		}
	}
}

func TestAnObserverIsToldAMessagesLife(t *testing.T) {
	t.Parallel()
	var seen events
	w := newWorld(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: 24 * time.Hour}},
		{channel.SMS, inTurn(fails(errors.New("down")), says(status.Accepted)), smsplus.Step{}},
	}, func(c *smsplus.Config) { c.Observer = &seen })
	id := w.send()
	w.pass(24 * time.Hour)
	w.pass(time.Minute)
	m := w.message(id)
	w.receive(receipt(m, 1, status.Delivered))
	w.receive(receipt(m, 0, status.Delivered))
	w.receive(receipt(m, 0, status.Delivered)) // says nothing new
	w.receive(receipt(m, 0, status.Preparing)) // nor does this
	w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: "unknown", Status: status.Accepted})

	a, day := m.Attempts, 24*time.Hour
	require.Equal(t, []smsplus.Event{
		smsplus.Triggered{id, "t", "OTP", channel.LINENotify},
		smsplus.Lag{1, 0},
		smsplus.AttemptStarted{id, a[0].ID, "t", channel.LINENotify, 1},
		smsplus.AttemptChanged{id, a[0].ID, "t", channel.LINENotify, status.Preparing, status.Accepted, "", 0},
		smsplus.Lag{1, 0},
		smsplus.Forwarded{id, "t", channel.LINENotify, channel.SMS, ""},
		smsplus.AttemptStarted{id, a[1].ID, "t", channel.SMS, 1},
		smsplus.Lag{1, w.clock.Now().Sub(seen.retryAt)},
		smsplus.AttemptStarted{id, a[1].ID, "t", channel.SMS, 2},
		smsplus.AttemptChanged{id, a[1].ID, "t", channel.SMS, status.Preparing, status.Accepted, "", time.Minute},
		smsplus.AttemptChanged{id, a[1].ID, "t", channel.SMS, status.Accepted, status.Delivered, "", time.Minute},
		smsplus.Ended{id, "t", "OTP", channel.SMS, status.Delivered, "", day + time.Minute},
		smsplus.AttemptChanged{id, a[0].ID, "t", channel.LINENotify, status.Accepted, status.Delivered, "", day + time.Minute},
		smsplus.ReceiptLate{id, "t", channel.LINENotify, true},
		smsplus.ReceiptParked{channel.Ref{Channel: channel.SMS, ProviderID: "unknown"}},
	}, seen.list())
}

func TestAnObserverIsToldWhatCouldNotBeUsed(t *testing.T) {
	t.Parallel()
	var seen events
	w := newWorld(t, []step{{channel.LINEPush, func(context.Context, channel.Envelope) (channel.Result, error) {
		return channel.Result{Status: status.Delivered, ProviderID: "the same for all"}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) { c.Observer = &seen })
	m := w.message(w.send())
	w.receive(receipt(m, 0, status.Accepted))
	w.send()
	w.receive(receipt(m, 0, status.Undeliverable))
	ref := channel.Ref{Channel: channel.LINEPush, ProviderID: "the same for all"}
	require.Contains(t, seen.list(), smsplus.ReceiptIgnored{ref, status.Accepted, "the channel has no such status"})
	require.Contains(t, seen.list(), smsplus.ReceiptIgnored{ref, status.Undeliverable, "its provider ID belongs to several messages"})
}

func TestTheChannelsAreHandedOutAsTheyWereGiven(t *testing.T) {
	t.Parallel()
	channels := []channel.Channel{fake(channel.SMS, nil), fake(channel.LINEPush, nil), fake("fax", nil)}
	given := slices.Clone(channels)
	d, err := smsplus.New(smsplus.Config{Store: memstore.New(), Channels: channels})
	require.NoError(t, err)
	clear(channels)
	require.Equal(t, given, slices.Collect(d.Channels()))
}
