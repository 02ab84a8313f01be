package query_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestOverview_TellsWhatIsPausedServedAndBehind(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	mock := clock.NewMock()
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	mock.Set(noon)
	store := memstore.New()
	for i, m := range []smsplus.Message{
		{Lane: channel.SMS, DueAt: noon.Add(-time.Hour)},
		{Lane: channel.SMS, DueAt: noon.Add(-time.Minute)},
		{Lane: channel.SMS, DueAt: noon.Add(time.Minute)},
		{Lane: channel.WhatsApp, DueAt: noon.Add(-2 * time.Hour)},
		{DueAt: noon},
		{Lane: channel.LINEPush, DueAt: noon.Add(-time.Hour), Claims: 1, Version: 1},
		{Lane: channel.SMS},
		{Lane: "bulk lane:whatsapp", DueAt: noon},
		{Lane: smsplus.OutcomeLane, DueAt: noon.Add(-time.Minute)},
	} {
		m.ID, m.Template, m.TriggeredAt = uuid.UUID{byte(i)}, "otp", noon.Add(-3*time.Hour)
		_, err := store.Insert(ctx, []smsplus.Message{m})
		require.NoError(t, err)
	}
	require.NoError(t, store.SetAside(ctx, []smsplus.Unreadable{{ID: uuid.UUID{5}, Version: 1}}, noon.Add(time.Hour)))
	h := smsplus.Heartbeat{ID: uuid.UUID{1}, Name: "host:1", StartedAt: noon, At: noon, Until: noon.Add(time.Minute), Channels: []channel.Name{channel.SMS}, Templates: []string{"otp"}}
	over := smsplus.Heartbeat{ID: uuid.UUID{2}, StartedAt: noon, At: noon.Add(-time.Hour), Until: noon, Channels: []channel.Name{channel.WhatsApp}}
	require.NoError(t, store.Beat(ctx, over))
	require.NoError(t, store.Beat(ctx, h))
	pause := smsplus.Pause{Channel: channel.WhatsApp, Since: noon, Note: "Ann"}
	require.NoError(t, store.SetPause(ctx, pause))

	r := query.New(store, query.Options{Clock: mock})
	o, err := r.Overview(ctx)
	require.NoError(t, err)
	require.Equal(t, query.Overview{
		At: noon, Pauses: []smsplus.Pause{pause}, Dispatchers: []smsplus.Heartbeat{h},
		Lanes: []query.LaneStatus{
			{Due: 1, IsServed: true},
			{Channel: channel.WhatsApp, Class: smsplus.Bulk, Due: 1, IsPaused: true},
			{Channel: channel.LINEPush, SetAside: 1},
			{HasOutcomes: true, Due: 1, Behind: time.Minute, IsServed: true},
			{Channel: channel.SMS, Due: 2, Behind: time.Hour, IsServed: true},
			{Channel: channel.WhatsApp, Due: 1, Behind: 2 * time.Hour, IsPaused: true},
		},
	}, o)
}

func TestOverview_ShowsMessagesHeldForTheirTemplate(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	mock := clock.NewMock()
	store := memstore.New()
	d, err := smsplus.New(smsplus.Config{
		Store: store, Clock: mock, Channels: []channel.Channel{fakeSMS{}},
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("hi")}}}},
	})
	require.NoError(t, err)
	require.NoError(t, d.Pause(ctx, smsplus.Pause{Template: "otp"}))
	id, err := d.Send(ctx, smsplus.Trigger{Template: "otp", To: channel.Recipient{IDs: map[channel.Name]string{channel.SMS: "U1"}}})
	require.NoError(t, err)
	mock.Add(time.Minute)
	r := query.New(store, query.Options{Clock: mock})
	o, err := r.Overview(ctx)
	require.NoError(t, err)
	require.Equal(t, []query.LaneStatus{{Template: "otp", Due: 1, Behind: time.Minute, IsPaused: true}}, o.Lanes)
	m, err := r.Record(ctx, id)
	require.NoError(t, err)
	ps, err := r.Pauses(ctx)
	require.NoError(t, err)
	p, paused := m.PausedBy(ps)
	require.True(t, paused)
	require.Equal(t, "otp", p.Template)
}

// fakeSMS is a channel on which nothing is sent.
type fakeSMS struct{}

func (fakeSMS) Name() channel.Name     { return channel.SMS }
func (fakeSMS) Traits() channel.Traits { return channel.Traits{} }
func (fakeSMS) Send(context.Context, channel.Envelope) (channel.Result, error) {
	return channel.Result{}, errors.New("nothing is sent")
}

func TestOverview_PassesOnTheStoresErrors(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"Pauses", "Heartbeats", "Backlog"} {
		fault := errors.New("down")
		store := &storetest.Faulty{Store: memstore.New(), Before: func(m string) error {
			if m == method {
				return fault
			}
			return nil
		}}
		r := query.New(store, query.Options{})
		_, err := r.Overview(t.Context())
		require.ErrorIs(t, err, fault, method)
		_, err = r.Pauses(t.Context())
		require.Equal(t, method == "Pauses", errors.Is(err, fault))
	}
}

func TestReceipts_SaysWhenTheLastOneCame(t *testing.T) {
	t.Parallel()
	m := fullRecord(t)
	store := memstore.New()
	_, err := store.Insert(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	mock := clock.NewMock()
	mock.Set(m.TriggeredAt.Add(time.Hour))
	found, err := query.New(store, query.Options{Clock: mock}).Receipts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []smsplus.ChannelReceipts{{Channel: channel.SMS, LastAt: m.DeliveredAt}}, found)
}
