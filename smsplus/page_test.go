package smsplus_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func TestFilterPage_HasCursorOnlyIfMessagesFollow(t *testing.T) {
	t.Parallel()
	ms := make([]smsplus.Message, 3)
	for i := range ms {
		ms[i] = smsplus.Message{ID: uuid.UUID{byte(i)}, TriggeredAt: time.Unix(int64(10-i), 0).UTC()}
	}
	f := smsplus.Filter{Template: "otp", Limit: 2}
	for n := range 3 {
		require.Equal(t, smsplus.Page{Messages: ms[:n]}, f.Page(ms[:n]))
	}

	page := f.Page(ms)
	require.Equal(t, ms[:2], page.Messages)
	f.After = page.Next
	at, id, err := f.Position()
	require.NoError(t, err)
	require.Equal(t, ms[1].TriggeredAt, at)
	require.Equal(t, ms[1].ID, id)
}

func TestCount_IsDeliveredTwiceOnlyOnDeliveredAttempts(t *testing.T) {
	t.Parallel()
	m := smsplus.Message{Status: status.Delivered, ReadAt: time.Unix(1, 0), Attempts: []smsplus.Attempt{
		{Channel: channel.LINENotify, Status: status.Delivered},
		{Channel: channel.WhatsApp, Status: status.Undeliverable},
		{Channel: channel.SMS, Status: status.Delivered},
	}}
	c := smsplus.CountMessage(&m)
	require.Equal(t, smsplus.Count{Status: status.Delivered, Read: true, DeliveredTwice: true}, c)
	require.Equal(t, smsplus.Count{Status: status.Delivered, DeliveredTwice: true}, c.Attempt(status.Delivered, false))
	require.Equal(t, smsplus.Count{Status: status.Undeliverable, Read: true}, c.Attempt(status.Undeliverable, true))

	m.Attempts = m.Attempts[:2]
	require.Equal(t, smsplus.Count{Status: status.Delivered, Read: true}, smsplus.CountMessage(&m))
}

func TestTemplateStats_AddCountAddsMultiples(t *testing.T) {
	t.Parallel()
	var s smsplus.TemplateStats
	s.AddCount(smsplus.Count{Status: status.Accepted, Read: true}, 3)
	s.AddCount(smsplus.Count{Status: status.Delivered, DeliveredTwice: true}, 2)
	require.Equal(t, smsplus.TemplateStats{Triggered: 5, Accepted: 3, Delivered: 2, Read: 3, DeliveredTwice: 2}, s)
}
