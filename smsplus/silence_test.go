package smsplus_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// traffic sends a message every ten seconds, and its receipt follows after five, while receipts
// come.
type traffic struct {
	*world
	seen      recordingObserver
	receiving bool
}

func newTraffic(t *testing.T, pollEvery time.Duration) *traffic {
	t.Helper()
	tr := &traffic{receiving: true}
	tr.world = newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Observer = &tr.seen
		if pollEvery > 0 {
			c.Channels[0] = &askedChannel{ChannelMock: c.Channels[0].(*ChannelMock), query: knowsNothing, pollEvery: pollEvery}
		}
	})
	return tr
}

func (tr *traffic) flow(n int) {
	tr.t.Helper()
	for range n {
		id := tr.send()
		tr.clock.Add(5 * time.Second)
		if tr.receiving {
			tr.receive(receipt(tr.message(id), 0, status.Delivered))
		}
		tr.advance(5 * time.Second)
	}
}

func (tr *traffic) events() []smsplus.SilenceChanged {
	return eventsOf[smsplus.SilenceChanged](&tr.seen)
}

// Receipts are cut off. Of a message every ten seconds, twenty are without a receipt after 200
// seconds, and a receipt is given a minute. A dispatcher looks once a minute.
func TestSilence_IsNoticed(t *testing.T) {
	t.Parallel()
	tr := newTraffic(t, 0)
	tr.flow(60)
	require.Empty(t, tr.events())
	tr.receiving = false
	cut := tr.clock.Now()
	for len(tr.events()) == 0 {
		tr.flow(1)
		require.Less(t, tr.clock.Now().Sub(cut), 330*time.Second)
	}
	e := tr.events()[0]
	require.Equal(t, channel.SMS, e.Channel)
	require.True(t, e.Silent)
	require.GreaterOrEqual(t, e.Unanswered, 20)
	require.Equal(t, time.Minute, e.Usual)
	require.InDelta(t, tr.clock.Now().Sub(cut).Seconds(), e.Behind.Seconds(), 30)

	tr.flow(60)
	require.Len(t, tr.events(), 1, "once for a silence")
	tr.Dispatcher = tr.newDispatcher()
	tr.flow(1)
	require.Len(t, tr.events(), 2, "another process finds it in the store")

	tr.receiving = true
	tr.flow(20)
	require.Len(t, tr.events(), 3)
	require.False(t, tr.events()[2].Silent)
	tr.flow(60)
	require.Len(t, tr.events(), 3)
}

func TestSilence_IsNoneWhereItIsNormal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pollEvery       time.Duration
		before, without int
	}{
		"few messages without a receipt": {0, 60, 19},
		"few receipts before":            {0, 19, 100},
		"a channel without receipts":     {0, 0, 200},
		"a channel that is polled":       {10 * time.Minute, 60, 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTraffic(t, tt.pollEvery)
			tr.flow(tt.before)
			tr.receiving = false
			tr.flow(tt.without)
			for range 10 {
				tr.advance(time.Minute)
			}
			require.Empty(t, tr.events())
		})
	}
}

// answeredMessages returns messages of every second up to a time, the latest last.
func answeredMessages(n int, until time.Time, answered func(i int) bool) []smsplus.Message {
	ms := make([]smsplus.Message, n)
	for i := range ms {
		at := until.Add(time.Duration(i-n) * time.Second)
		a := smsplus.Attempt{ID: uuid.New(), Channel: channel.SMS, Status: status.Accepted, StartedAt: at, AcceptedAt: at}
		if answered(i) {
			a.Status, a.DeliveredAt, a.EndedAt = status.Delivered, at.Add(3*time.Second), at.Add(3*time.Second)
		}
		ms[i] = smsplus.Message{
			ID: uuid.New(), Template: "t", Channel: channel.SMS, Status: a.Status, Sending: -1, TriggeredAt: at,
			Plan: []smsplus.PlannedStep{{Channel: channel.SMS}}, Attempts: []smsplus.Attempt{a},
		}
	}
	return ms
}

func always(int) bool { return true }
func never(int) bool  { return false }

func checkReceipts(t *testing.T, batches ...[]smsplus.Message) smsplus.ChannelReceipts {
	t.Helper()
	store := memstore.New()
	for _, ms := range batches {
		_, err := store.Insert(t.Context(), ms)
		require.NoError(t, err)
	}
	found, err := smsplus.CheckReceipts(t.Context(), store, start)
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

// A silence of days, with more messages than a look reads, is still one: what was normal is found
// before it.
func TestCheckReceipts_FindsWhatWasNormalBeforeALongSilence(t *testing.T) {
	t.Parallel()
	c := checkReceipts(t, answeredMessages(3000, start.Add(-2*24*time.Hour), always), answeredMessages(5000, start, never))
	require.True(t, c.Silent)
	require.GreaterOrEqual(t, c.Unanswered, 1900)
	require.Zero(t, c.LastAt)
}

func TestCheckReceipts_NeedsHalfOfTheReceipts(t *testing.T) {
	t.Parallel()
	silent := answeredMessages(100, start, never)
	before := start.Add(-time.Minute * 2)
	require.True(t, checkReceipts(t, answeredMessages(300, before, func(i int) bool { return i%2 == 1 }), silent).Silent)
	require.False(t, checkReceipts(t, answeredMessages(300, before, func(i int) bool { return i%3 == 2 }), silent).Silent)
}

// What the engine ended by itself is no receipt.
func TestCheckReceipts_EnginesVerdictIsNoReceipt(t *testing.T) {
	t.Parallel()
	ended := answeredMessages(100, start, never)
	for i := range ended {
		a := &ended[i].Attempts[0]
		a.Status, a.EndedAt = status.Undeliverable, a.StartedAt.Add(time.Second)
		a.Reason = []status.Reason{status.NoReceipt, status.Recalled, status.Expired, status.Canceled}[i%4]
		ended[i].Status = a.Status
	}
	require.True(t, checkReceipts(t, answeredMessages(300, start.Add(-2*time.Minute), always), ended).Silent)
	for i := range ended {
		ended[i].Attempts[0].Reason = status.CarrierError
	}
	c := checkReceipts(t, answeredMessages(300, start.Add(-2*time.Minute), always), ended)
	require.False(t, c.Silent)
	require.Equal(t, start, c.LastAt)
}
