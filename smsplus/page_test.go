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

func TestFilterPage_CountsUnreadableMessages(t *testing.T) {
	t.Parallel()
	at := func(n int) time.Time { return time.Unix(int64(10-n), 0).UTC() }
	id := func(n int) uuid.UUID { return uuid.UUID{15: byte(10 - n)} }
	for _, c := range []struct {
		rule string
		rows string // r can be read, u cannot; the third is surplus
		next int    // the row of the cursor, or -1
	}{
		{"the surplus can be read", "rur", 1},
		{"the surplus cannot be read", "rru", 1},
		{"the page has only unreadable messages", "uur", 1},
		{"no message can be read", "uuu", 1},
		{"no surplus", "ru", -1},
		{"one unreadable message", "u", -1},
	} {
		for _, sameTime := range []bool{false, true} {
			var want, page smsplus.Page
			var ms []smsplus.Message
			var us []smsplus.Unreadable
			f := smsplus.Filter{Limit: 2}
			for i, row := range c.rows {
				m := smsplus.Message{ID: id(i), TriggeredAt: at(i)}
				if sameTime {
					m.TriggeredAt = at(0)
				}
				if i == c.next {
					want.Next = f.CursorAt(m)
				}
				if u := (smsplus.Unreadable{ID: m.ID, TriggeredAt: m.TriggeredAt}); row == 'u' {
					if us = append(us, u); i < f.Limit {
						want.Unreadable = append(want.Unreadable, u)
					}
				} else if ms = append(ms, m); i < f.Limit {
					want.Messages = append(want.Messages, m)
				}
			}
			page = f.Page(ms, us...)
			if len(page.Messages) == 0 {
				page.Messages = nil
			}
			if len(page.Unreadable) == 0 {
				page.Unreadable = nil
			}
			require.Equal(t, want, page, c.rule)
		}
	}
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

func TestTemplateStats_AddMultipleCountsLikeAdd(t *testing.T) {
	t.Parallel()
	m := smsplus.Message{Status: status.Accepted, Attempts: []smsplus.Attempt{
		{Channel: channel.WhatsApp, Status: status.Undeliverable},
		{Channel: channel.SMS, Status: status.Accepted},
	}}
	for _, c := range []channel.Name{"", channel.WhatsApp, channel.SMS, channel.LINEPush} {
		var one, three smsplus.TemplateStats
		one.Add(m, smsplus.Filter{Channel: c})
		three.AddMultiple(&m, smsplus.Filter{Channel: c}, 3)
		require.Equal(t, one.Plus(one).Plus(one), three, "on channel %q", c)
	}
}
