package smsplus_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// withoutTemplates and withoutChannels make a config of an old release, which does not
// have what the message needs.
func withoutTemplates(c *smsplus.Config) { c.Templates = nil }

func withoutChannels(c *smsplus.Config) { c.Templates, c.Channels = nil, nil }

// newOtherDispatcher returns one more dispatcher, with another config.
func (w *world) newOtherDispatcher(change func(*smsplus.Config)) *smsplus.Dispatcher {
	w.t.Helper()
	c := w.config
	change(&c)
	d, err := smsplus.New(c)
	require.NoError(w.t, err)
	return d
}

func TestUnserved_WaitsForADispatcherThatCanSendIt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*smsplus.Config)
		event  smsplus.Unserved
	}{
		"no such template": {withoutTemplates, smsplus.Unserved{Channel: channel.SMS, Template: "t"}},
		"no such channel":  {withoutChannels, smsplus.Unserved{Channel: channel.SMS}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
			id := w.sendOnly(t)
			for range 20 { // more than Retry.Tries
				var seen recordingObserver
				old := w.newOtherDispatcher(func(c *smsplus.Config) { tt.change(c); c.Observer = &seen })
				_, err := old.Tick(t.Context())
				require.NoError(t, err)
				require.Contains(t, seen.list(), tt.event)
			}
			require.Equal(t, 1, w.tick(), "it is due at once")
			m := w.message(id)
			require.Equal(t, "delivered: sms=delivered", statuses(m))
			require.Equal(t, 1, m.Attempts[0].Tries)
			require.Equal(t, start, m.DeliveredAt)
			require.Equal(t, start, m.Attempts[0].StartedAt)
		})
	}
}

// A dispatcher claims no more messages of a template that it has met and does not have.
func TestUnserved_TemplateIsClaimedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
	id := w.sendOnly(t)
	old := w.newOtherDispatcher(withoutTemplates)
	for range 20 {
		_, err := old.Tick(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, int64(3), w.message(id).Version, "inserted, claimed once, and put back")
}

// The messages of a template that a dispatcher does not have stay due when they were. It
// claims several of them together.
func TestUnserved_MessagesKeepTheirDueTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
	ids := []uuid.UUID{w.sendOnly(t), w.sendOnly(t), w.sendOnly(t)}
	w.clock.Add(time.Second)
	_, err := w.newOtherDispatcher(withoutTemplates).Tick(t.Context())
	require.NoError(t, err)
	for _, id := range ids {
		require.Equal(t, start, w.message(id).DueAt)
	}
}

// A message whose channel no dispatcher has leaves the step when its wait is over.
func TestUnserved_MovesOnWhenItsWaitIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{"fax", says(status.Delivered), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	})
	id := w.sendOnly(t)
	old := w.newOtherDispatcher(func(c *smsplus.Config) {
		c.Channels = c.Channels[1:]
		c.Templates = []smsplus.Template{{ID: "t", Route: []smsplus.Step{{Channel: channel.SMS, Content: text}}}}
	})
	tickUntil := func(end time.Time) {
		for ; w.clock.Now().Before(end); w.clock.Add(time.Minute) {
			_, err := old.Tick(t.Context())
			require.NoError(t, err)
		}
	}
	tickUntil(start.Add(wait))
	require.Equal(t, status.Preparing, w.message(id).Status)
	require.Zero(t, w.sends(channel.SMS))
	tickUntil(start.Add(wait + 10*time.Minute))
	require.Equal(t, "delivered: fax=undeliverable(congested) sms=delivered", statuses(w.message(id)))
	require.Zero(t, w.sends("fax"))
}

// Tick sends the next step itself and counts the message, as it does with every other.
func TestUnserved_MovesOnWithinOneTick(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{"fax", says(status.Delivered), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	})
	id := w.sendOnly(t)
	old := w.newOtherDispatcher(func(c *smsplus.Config) {
		c.Channels = c.Channels[1:]
		c.Templates = []smsplus.Template{{ID: "t", Route: []smsplus.Step{{Channel: channel.SMS, Content: text}}}}
	})
	w.clock.Add(wait + time.Minute)
	advanced, err := old.Tick(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, advanced)
	require.Equal(t, "delivered: fax=undeliverable(congested) sms=delivered", statuses(w.message(id)))
}

// The store may refuse what such a message becomes, as that of every other.
func TestUnserved_TickReturnsTheErrorOfItsJob(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	w := newWorld(t, []step{
		{"fax", says(status.Delivered), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	})
	w.sendOnly(t)
	old := w.newOtherDispatcher(func(c *smsplus.Config) {
		c.Channels = c.Channels[1:]
		c.Templates = []smsplus.Template{{ID: "t", Route: []smsplus.Step{{Channel: channel.SMS, Content: text}}}}
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "Update" {
				return down
			}
			return nil
		}}
	})
	w.clock.Add(wait + time.Minute)
	advanced, err := old.Tick(t.Context())
	require.ErrorIs(t, err, down)
	require.Zero(t, advanced)
}

func TestUnserved_KeepsADoubt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*smsplus.Config){"no such template": withoutTemplates, "no such channel": withoutChannels} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{
				{channel.SMS, inTurn(crashes, says(status.Delivered)), smsplus.Step{Wait: wait, InDoubt: smsplus.Forward}},
				{"letter", says(status.Delivered), smsplus.Step{}},
			})
			id := w.sendAndCrash()
			old := w.newOtherDispatcher(change)
			for range 5 {
				w.clock.Add(time.Minute)
				_, err := old.Tick(t.Context())
				require.NoError(t, err)
			}
			w.advance(time.Minute)
			require.Equal(t, "delivered: sms=undeliverable(in_doubt) letter=delivered", statuses(w.message(id)))
			require.Equal(t, 1, w.sends(channel.SMS), "at most once on this step")
		})
	}
}

// A step that may be sent again is, after a dispatcher that cannot send it put it back.
func TestUnserved_KeepsADoubtThatMayBeResent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, inTurn(crashes, says(status.Delivered)), smsplus.Step{}}})
	id := w.sendAndCrash()
	w.clock.Add(time.Minute)
	_, err := w.newOtherDispatcher(withoutTemplates).Tick(t.Context())
	require.NoError(t, err)
	m := w.message(id)
	require.Equal(t, "preparing: sms=preparing(in_doubt)", statuses(m))
	require.Equal(t, 1, m.Attempts[0].Doubts)
	require.Equal(t, -1, m.Sending, "a doubt needs an intent of its own")
	w.tick()
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

// In a roll-out nine dispatchers of the old release run, and one of the new release. The
// latter sends its messages at once, and none fails.
func TestUnserved_RollOutDelaysNoMessage(t *testing.T) {
	t.Parallel()
	for name, old := range map[string]func(*smsplus.Config){
		"a new channel":  func(c *smsplus.Config) { c.Channels, c.Templates = c.Channels[1:], nil },
		"a new template": func(c *smsplus.Config) { c.Templates = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{
				{"rcs", says(status.Delivered), smsplus.Step{}},
				{channel.SMS, says(status.Delivered), smsplus.Step{}},
			})
			var ds []*smsplus.Dispatcher
			for range 9 {
				ds = append(ds, w.newOtherDispatcher(old))
			}
			ds = append(ds, w.Dispatcher)
			var ids []uuid.UUID
			for i := range 400 { // a message a second, and each dispatcher looks once a second
				if i < 300 {
					ids = append(ids, w.sendOnly(t))
				}
				for k := range ds {
					_, err := ds[(i+k)%len(ds)].Tick(t.Context())
					require.NoError(t, err)
				}
				w.clock.Add(time.Second)
			}
			for _, id := range ids {
				m := w.message(id)
				require.Equal(t, "delivered: rcs=delivered", statuses(m))
				require.Equal(t, 1, m.Attempts[0].Tries)
				require.LessOrEqual(t, m.DeliveredAt.Sub(m.TriggeredAt), time.Second)
			}
		})
	}
}

// A dispatcher that meets more unknown templates than a claim can name leaves their
// messages for a poll.
func TestUnserved_ManyTemplatesAreNoLivelock(t *testing.T) {
	t.Parallel()
	const templates = 300
	w := newSMSWorld(t, func(c *smsplus.Config) {
		tpl := c.Templates[0]
		for i := range templates {
			tpl.ID = fmt.Sprintf("t-%03d", i)
			c.Templates = append(c.Templates, tpl)
		}
	})
	for i := range templates {
		w.sendOnly(t, func(tr *smsplus.Trigger) { tr.Template = fmt.Sprintf("t-%03d", i) })
	}
	claims := 0
	old := w.newOtherDispatcher(func(c *smsplus.Config) {
		c.Templates = c.Templates[:1]
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "Claim" {
				claims++
			}
			if claims > 1000 {
				return errors.New("Tick does not end")
			}
			return nil
		}}
	})
	for range 10 {
		_, err := old.Tick(t.Context())
		require.NoError(t, err)
		w.clock.Add(time.Second)
	}
	w.sendOnly(t)
	_, err := old.Tick(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, w.sends(channel.SMS), "its own template is sent at once")
	w.advance(time.Second)
	require.Empty(t, openMessages(t, w.store))
}

// Messages of a template that no dispatcher has any more end all the same. Their time to live
// ends them, or the wait of a step that was sent. Until then they are reported.
func TestUnserved_TemplateThatIsGoneEndsItsMessages(t *testing.T) {
	t.Parallel()
	var seen recordingObserver
	w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}}})
	sent := w.send()
	unsent := w.sendOnly(t, func(tr *smsplus.Trigger) { tr.TTL = wait })
	next := w.newOtherDispatcher(func(c *smsplus.Config) { c.Templates, c.Observer = nil, &seen })
	for range 10 {
		for range 60 {
			_, err := next.Tick(t.Context())
			require.NoError(t, err)
			w.clock.Add(time.Second)
		}
	}
	require.InDelta(t, 10, countEvents[smsplus.Unserved](&seen), 1, "once a minute")
	for range 120 {
		w.clock.Add(time.Minute)
		_, err := next.Tick(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, "undeliverable: sms=undeliverable(no_receipt)", statuses(w.message(sent)))
	require.Equal(t, "undeliverable: sms=undeliverable(expired)", statuses(w.message(unsent)))
}
