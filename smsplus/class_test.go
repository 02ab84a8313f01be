package smsplus_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// withClasses adds the templates "urgent", "bulk" and "other" to "t", with the same route. The
// first two have their name as their class.
func withClasses(c *smsplus.Config) {
	for id, class := range map[string]smsplus.Class{"urgent": smsplus.Urgent, "bulk": smsplus.Bulk, "other": smsplus.Normal} {
		t := c.Templates[0]
		t.ID, t.Class = id, class
		c.Templates = append(c.Templates, t)
	}
}

func ofTemplate(id string) func(*smsplus.Trigger) {
	return func(tr *smsplus.Trigger) { tr.Template = id }
}

// sendMany triggers n messages of a template.
func (w *world) sendMany(t *testing.T, template string, n int) []uuid.UUID {
	t.Helper()
	trs := make([]smsplus.Trigger, n)
	for i := range trs {
		trs[i] = w.trigger()
		trs[i].Template = template
	}
	ids, err := w.SendMany(t.Context(), trs)
	require.NoError(t, err)
	return ids
}

// arrivals notes when each template's messages reach the provider, in the order of their sends.
type arrivals struct {
	mu    sync.Mutex
	order []string
	at    map[uuid.UUID]time.Time
}

func (a *arrivals) deliver(_ context.Context, e channel.Envelope) (channel.Result, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at == nil {
		a.at = map[uuid.UUID]time.Time{}
	}
	a.at[e.AttemptID] = time.Now()
	a.order = append(a.order, e.Template)
	return channel.Result{Status: status.Delivered}, nil
}

// took returns how long a message took from its trigger to the provider.
func (a *arrivals) took(t *testing.T, w *world, id uuid.UUID) time.Duration {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.at[smsplus.AttemptID(id, 0)]
	require.True(t, ok, "it was sent")
	return at.Sub(w.message(id).TriggeredAt)
}

// inClasses runs f in a bubble with one channel that takes so many messages in a second.
func inClasses(t *testing.T, rate float64, f func(t *testing.T, w *world, a *arrivals), change ...func(*smsplus.Config)) {
	a := &arrivals{}
	runInBubble(t, []step{{channel.SMS, a.deliver, smsplus.Step{}}}, func(c *smsplus.Config) {
		withClasses(c)
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: rate, Burst: 10}}
		for _, change := range change {
			change(c)
		}
	}, func(t *testing.T, w *world) { f(t, w, a) })
}

func TestClass_UrgentGoesBeforeBulk(t *testing.T) {
	inClasses(t, 200, func(t *testing.T, w *world, a *arrivals) {
		w.sendMany(t, "bulk", 5000)
		w.sendMany(t, "t", 5000)
		for range 20 {
			sleep(500 * time.Millisecond)
			id := w.sendOnly(t, ofTemplate("urgent"))
			later := w.sendOnly(t, ofTemplate("urgent"), func(tr *smsplus.Trigger) { tr.SendAt = time.Now().Add(300 * time.Millisecond) })
			sleep(450 * time.Millisecond)
			require.Less(t, a.took(t, w, id), 100*time.Millisecond)
			require.Less(t, a.took(t, w, later), 400*time.Millisecond, "one that waits in the store")
		}
	})
}

// A burst of urgent messages is larger than the lane: the rest is in the store.
func TestClass_UrgentInTheStoreGoesBeforeBulk(t *testing.T) {
	inClasses(t, 200, func(t *testing.T, w *world, a *arrivals) {
		w.sendMany(t, "bulk", 5000)
		sleep(time.Second)
		ids := w.sendMany(t, "urgent", 1000)
		sleep(6 * time.Second)
		for _, id := range ids {
			require.Less(t, a.took(t, w, id), 6*time.Second, "bulk has a tenth meanwhile")
		}
	})
}

// The messages of a large backlog are older than urgent ones. While they fill each claim, the
// urgent ones have a claim of their own.
func TestClass_UrgentIsClaimedBesideABacklog(t *testing.T) {
	inClasses(t, 0, func(t *testing.T, w *world, a *arrivals) {
		w.sendMany(t, "t", 20_000)
		w.sendMany(t, "bulk", 20_000)
		var ids []uuid.UUID
		for range 5 {
			ids = append(ids, w.sendMany(t, "urgent", 2000)...)
		}
		sleep(time.Minute)
		a.mu.Lock()
		defer a.mu.Unlock()
		require.Len(t, a.order, 50_000)
		last := map[string]int{}
		for i, template := range a.order {
			last[template] = i
		}
		require.Less(t, last["urgent"], last["t"], "although all of them are older")
		require.Less(t, last["t"], last["bulk"])
		require.Len(t, ids, 10_000)
	}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: 1}}
	})
}

func TestClass_NoneStarves(t *testing.T) {
	inClasses(t, 100, func(t *testing.T, w *world, a *arrivals) {
		for _, template := range []string{"urgent", "t", "bulk"} {
			w.sendMany(t, template, 2000)
		}
		sleep(10 * time.Second)
		a.mu.Lock()
		defer a.mu.Unlock()
		count := map[string]int{}
		for _, template := range a.order {
			count[template]++
		}
		require.InDelta(t, 1000, len(a.order), 20)
		require.InDelta(t, 800, count["urgent"], 30)
		require.InDelta(t, 100, count["t"], 15)
		require.InDelta(t, 100, count["bulk"], 15)
	})
}

// At a rate where little is in memory, nothing waits there for so long that its lease ends.
func TestClass_ALowRateLeavesNothingInDoubt(t *testing.T) {
	inClasses(t, 1, func(t *testing.T, w *world, a *arrivals) {
		var ids []uuid.UUID
		for _, template := range []string{"bulk", "t", "urgent"} {
			ids = append(ids, w.sendMany(t, template, 60)...)
		}
		sleep(30 * time.Second)
		id := w.sendOnly(t, ofTemplate("urgent"))
		sleep(10 * time.Minute)
		require.Less(t, a.took(t, w, id), 70*time.Second, "behind what is as urgent, and before the rest")
		for _, id := range ids {
			m := w.message(id)
			require.Equal(t, "delivered: sms=delivered", statuses(m))
			require.Equal(t, 1, m.Attempts[0].Tries)
			require.Zero(t, m.Attempts[0].Doubts)
		}
	})
}

func TestClass_SmallTemplateIsNotBehindALargeOne(t *testing.T) {
	inClasses(t, 200, func(t *testing.T, w *world, a *arrivals) {
		w.sendMany(t, "t", 3000)
		for range 100 {
			sleep(100 * time.Millisecond)
			id := w.sendOnly(t, ofTemplate("other"))
			sleep(100 * time.Millisecond)
			require.Less(t, a.took(t, w, id), 100*time.Millisecond)
		}
	})
}

func TestClass_SmallBatchIsNotBehindALargeOne(t *testing.T) {
	inClasses(t, 200, func(t *testing.T, w *world, a *arrivals) {
		w.sendMany(t, "t", 3000)
		for range 10 {
			ids := w.sendMany(t, "other", 20)
			sleep(time.Second)
			for _, id := range ids {
				require.Less(t, a.took(t, w, id), 300*time.Millisecond)
			}
		}
	})
}

// What is claimed from the store is not kept out by small templates.
func TestClass_SmallTemplatesDoNotStarveTheStore(t *testing.T) {
	inClasses(t, 100, func(t *testing.T, w *world, a *arrivals) {
		ids := w.sendMany(t, "t", 1500)
		for range 2000 { // as many as the channel can take
			w.sendOnly(t, ofTemplate("other"))
			sleep(20 * time.Millisecond)
		}
		for _, id := range ids {
			require.Less(t, a.took(t, w, id), 35*time.Second)
		}
	})
}

func TestTick_SendsUrgentFirstAndBulkLast(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t, withClasses)
	sent := sendOrder(w)
	var want []uuid.UUID
	for _, template := range []string{"bulk", "t", "urgent"} {
		want = append(want, smsplus.AttemptID(w.sendOnly(t, ofTemplate(template)), 0))
	}
	require.Equal(t, 3, w.tick())
	require.Equal(t, []uuid.UUID{want[2], want[1], want[0]}, sent())
}

func TestClass_IsKeptFromTheTrigger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.LINENotify, inTurn(fails(channel.Temporary(errors.New("429"), time.Second)), says(status.Accepted)), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Accepted), smsplus.Step{}},
	}, withClasses)
	id := w.sendOnly(t, ofTemplate("urgent"))
	require.NoError(t, w.SetTemplates(w.config.Templates[:1:1]))
	require.Equal(t, smsplus.Urgent, w.message(id).Class)
	require.Equal(t, channel.Name("urgent lane:line_notify"), w.message(id).Lane)
	require.NoError(t, w.SetTemplates(w.config.Templates))
	w.tick()
	require.Equal(t, channel.Name("urgent lane:line_notify"), w.message(id).Lane, "a retry")
	w.advance(time.Minute)
	require.Equal(t, channel.Name("urgent lane:sms"), w.message(id).Lane, "a fallback")
	w.advance(wait)
	require.Equal(t, "accepted: line_notify=accepted sms=accepted", statuses(w.message(id)))
	require.Empty(t, w.message(id).Lane, "only its end follows")
}

// A release from before classes stores the state of an urgent message without its class.
func TestClass_MessageInTheNormalLaneIsSent(t *testing.T) {
	inClasses(t, 200, func(t *testing.T, w *world, a *arrivals) {
		m, err := w.Prepare(func() smsplus.Trigger { tr := w.trigger(); tr.Template = "urgent"; return tr }())
		require.NoError(t, err)
		m.Lane = channel.SMS
		_, err = w.store.Insert(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
		sleep(2 * time.Second)
		require.LessOrEqual(t, a.took(t, w, m.ID), 2*time.Second)
	})
}

func TestClass_PausedChannelKeepsEveryClass(t *testing.T) {
	inClasses(t, 200, func(t *testing.T, w *world, _ *arrivals) {
		w.pause(smsPause)
		ids := []uuid.UUID{w.sendOnly(t), w.sendOnly(t, ofTemplate("urgent")), w.sendOnly(t, ofTemplate("bulk"))}
		sleep(time.Hour)
		for _, id := range ids {
			m := w.message(id)
			_, paused := m.PausedBy([]smsplus.Pause{smsPause})
			require.True(t, paused)
			require.Empty(t, m.Attempts)
		}
		w.resume(smsPause)
		sleep(2 * time.Second)
		require.Empty(t, openMessages(t, w.store))
	})
}

func TestClass_UnservedLaneIsReportedByItsChannel(t *testing.T) {
	t.Parallel()
	var seen recordingObserver
	w := newSMSWorld(t, withClasses, func(c *smsplus.Config) { c.Observer = &seen })
	m, err := w.Prepare(w.trigger())
	require.NoError(t, err)
	m.Lane = "bulk lane:pigeon"
	_, err = w.store.Insert(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	w.tick()
	require.Equal(t, []smsplus.Event{smsplus.Unserved{Channel: "pigeon"}}, seen.list())
}

func TestClass_HasANameInText(t *testing.T) {
	t.Parallel()
	for class, name := range map[smsplus.Class]string{smsplus.Normal: "normal", smsplus.Urgent: "urgent", smsplus.Bulk: "bulk"} {
		require.Equal(t, name, class.String())
		b, err := json.Marshal(class)
		require.NoError(t, err)
		var got smsplus.Class
		require.NoError(t, json.Unmarshal(b, &got))
		require.Equal(t, class, got)
	}
	unknown := smsplus.Bulk + 1
	require.Equal(t, "class(3)", unknown.String())
	_, err := unknown.MarshalText()
	require.EqualError(t, err, "smsplus: there is no class 3")
	require.EqualError(t, unknown.UnmarshalText([]byte("slow")), "smsplus: no such class (4 characters): want urgent, normal or bulk")
	require.NoError(t, unknown.UnmarshalText(nil))
	require.Equal(t, smsplus.Normal, unknown)
}

func TestChannelOfLane_TellsChannelAndClass(t *testing.T) {
	t.Parallel()
	for lane, want := range map[channel.Name]struct {
		channel channel.Name
		class   smsplus.Class
	}{
		"":                               {},
		"sms":                            {channel.SMS, smsplus.Normal},
		"urgent lane:sms":                {channel.SMS, smsplus.Urgent},
		"bulk lane:sms":                  {channel.SMS, smsplus.Bulk},
		"paused template:bulk lane:sms":  {},
		"bulk lane:urgent lane:whatsapp": {"urgent lane:whatsapp", smsplus.Bulk},
	} {
		name, class := smsplus.ChannelOfLane(lane)
		require.Equal(t, want.channel, name, lane)
		require.Equal(t, want.class, class, lane)
	}
}

func TestTemplates_RefuseAClassThatDoesNotExist(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	c := w.config
	c.Templates = []smsplus.Template{c.Templates[0]}
	c.Templates[0].Class = 3
	_, err := smsplus.New(c)
	require.EqualError(t, err, "smsplus: Config.Templates[0].Class is class(3): want Normal (the default), Urgent or Bulk")
	require.EqualError(t, w.SetTemplates(c.Templates), "smsplus: SetTemplates: templates[0].Class is class(3): want Normal (the default), Urgent or Bulk")
}

func TestNew_RefusesAChannelNamedLikeALane(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"urgent lane:", "bulk lane:", "paused template:"} {
		c := newSMSWorld(t).config
		c.Templates = nil
		c.Channels = []channel.Channel{fakeChannel(channel.Name(prefix)+"sms", says(status.Delivered))}
		_, err := smsplus.New(c)
		require.EqualError(t, err, `smsplus: Config.Channels[0]: no channel's name begins with "`+prefix+`"`)
	}
}
