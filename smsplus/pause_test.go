package smsplus_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

var (
	smsPause      = smsplus.Pause{Channel: channel.SMS}
	templatePause = smsplus.Pause{Template: "t"}
)

// pausesOf are the two ways to pause the template of a world whose only channel is SMS.
var pausesOf = map[string]smsplus.Pause{"of a channel": smsPause, "of a template": templatePause}

func (w *world) pause(p smsplus.Pause) {
	w.t.Helper()
	require.NoError(w.t, w.Pause(w.t.Context(), p))
}

func (w *world) resume(p smsplus.Pause) {
	w.t.Helper()
	require.NoError(w.t, w.Resume(w.t.Context(), p))
}

// sendOrder makes the SMS channel of a world report the messages in the order of their sends.
func sendOrder(w *world) func() []uuid.UUID {
	var mu sync.Mutex
	var sent []uuid.UUID
	ch := w.channels[channel.SMS]
	send := ch.SendFunc
	ch.SendFunc = func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
		mu.Lock()
		sent = append(sent, e.AttemptID)
		mu.Unlock()
		return send(ctx, e)
	}
	return func() []uuid.UUID {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(sent)
	}
}

func TestPause_KeepsMessagesAndTheirOrder(t *testing.T) {
	t.Parallel()
	for name, p := range pausesOf {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSMSWorld(t, func(c *smsplus.Config) { c.Batch = 3 })
			sent := sendOrder(w)
			other := w.newDispatcher()
			var want []uuid.UUID
			add := func(d *smsplus.Dispatcher) {
				w.clock.Add(time.Second)
				id, err := d.Send(t.Context(), w.trigger())
				require.NoError(t, err)
				want = append(want, smsplus.AttemptID(id, 0))
			}
			add(w.Dispatcher)
			w.pause(p)
			for range 5 {
				add(w.Dispatcher)
				add(other) // it does not know of the pause yet
				_, err := other.Tick(t.Context())
				require.NoError(t, err)
				require.Zero(t, w.tick())
				w.clock.Add(time.Hour)
			}
			require.Empty(t, sent())
			require.NoError(t, other.Resume(t.Context(), p))
			w.tick()
			require.Equal(t, want, sent())
			require.Empty(t, openMessages(t, w.store))
		})
	}
}

func TestPause_StopsOneChannelOrTemplateAlone(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t, func(c *smsplus.Config) {
		push := fakeChannel(channel.LINEPush, says(status.Delivered))
		c.Channels = append(c.Channels, push)
		more := c.Templates[0]
		more.ID = "other"
		push2 := smsplus.Template{ID: "push", Route: []smsplus.Step{{Channel: channel.LINEPush, Content: text}}}
		c.Templates = append(c.Templates, more, push2)
	})
	send := func(template string) status.Status {
		return w.message(w.send(func(tr *smsplus.Trigger) { tr.Template = template })).Status
	}
	w.pause(templatePause)
	require.Equal(t, []status.Status{status.Preparing, status.Delivered, status.Delivered}, []status.Status{send("t"), send("other"), send("push")})
	w.pause(smsPause)
	require.Equal(t, []status.Status{status.Preparing, status.Preparing, status.Delivered}, []status.Status{send("t"), send("other"), send("push")})
	w.resume(templatePause)
	w.tick()
	require.Len(t, openMessages(t, w.store), 3, "a template that is resumed waits for its channel")
	w.resume(smsPause)
	w.tick()
	require.Empty(t, openMessages(t, w.store))
}

func TestPause_OfASecondStepWaits(t *testing.T) {
	t.Parallel()
	for name, p := range pausesOf {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{
				{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
				{channel.SMS, says(status.Accepted), smsplus.Step{}},
			})
			waits, ends, stops, stays := w.send(), w.send(), w.send(), w.send()
			w.pause(p)
			w.advance(2 * wait)
			require.Zero(t, w.sends(channel.SMS))
			for _, id := range []uuid.UUID{waits, ends, stops, stays} {
				m := w.message(id)
				by, paused := m.PausedBy([]smsplus.Pause{{Channel: channel.WhatsApp}, p})
				require.True(t, paused)
				require.Equal(t, p, by)
			}
			w.receive(receipt(w.message(ends), 0, status.Delivered))
			require.Equal(t, "delivered: line_notify=delivered", statuses(w.message(ends)), "a receipt ends a paused message")
			require.NoError(t, w.Cancel(t.Context(), stops))
			w.tick()
			canceled := w.message(stops)
			_, paused := canceled.PausedBy([]smsplus.Pause{p})
			require.False(t, paused, "a canceled message waits for nothing: %s", statuses(canceled))
			w.receive(receipt(w.message(stays), 0, status.Accepted))
			w.tick()
			require.Zero(t, w.sends(channel.SMS), "a receipt does not start a paused step")
			w.resume(p)
			w.tick()
			require.Equal(t, 2, w.sends(channel.SMS))
			require.Equal(t, "accepted: line_notify=accepted sms=accepted", statuses(w.message(waits)))
		})
	}
}

func TestPause_EndsMessagesWhoseTimeToLiveIsOver(t *testing.T) {
	t.Parallel()
	for name, p := range pausesOf {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSMSWorld(t)
			w.pause(p)
			short := w.send(func(tr *smsplus.Trigger) { tr.TTL = time.Minute })
			long := w.send(func(tr *smsplus.Trigger) { tr.TTL = time.Hour })
			w.advance(time.Minute - time.Microsecond)
			require.Equal(t, "preparing:", firstWord(w, short))
			w.advance(time.Microsecond)
			require.Equal(t, "undeliverable: sms=undeliverable(expired)", statuses(w.message(short)))
			require.Equal(t, "preparing:", firstWord(w, long))
			w.resume(p)
			w.tick()
			require.Equal(t, "delivered: sms=delivered", statuses(w.message(long)))
			require.Equal(t, 1, w.sends(channel.SMS))
		})
	}
}

func firstWord(w *world, id uuid.UUID) string { return strings.Fields(statuses(w.message(id)))[0] }

func TestPause_EndsExpiredMessageWhoseSenderDied(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	late, err := w.Send(t.Context(), func() smsplus.Trigger { tr := w.trigger(); tr.TTL = time.Hour; return tr }())
	require.NoError(t, err)
	w.claimAndDie()
	w.claimAndDie()
	w.pause(smsPause)
	w.advance(2 * time.Hour)
	require.Equal(t, 2, w.message(id).Claims+w.message(late).Claims+1, "one of the leases is taken back")
	require.Equal(t, "undeliverable: sms=undeliverable(expired)", statuses(w.message(late)))
	require.Equal(t, 1, w.message(late).Attempts[0].Doubts, "the holder before may have sent it")
	w.resume(smsPause)
	w.tick()
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

func TestPause_WaitsRunOn(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]smsplus.Pause{"of a channel": {Channel: channel.LINEPush}, "of a template": templatePause} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, []step{
				{channel.LINEPush, says(status.Delivered), smsplus.Step{Wait: time.Minute}},
				{channel.SMS, says(status.Delivered), smsplus.Step{Wait: time.Minute}},
			})
			w.pause(p)
			early := w.send()
			w.advance(50 * time.Second)
			late := w.send()
			w.advance(10 * time.Second)
			require.Equal(t, "preparing:", firstWord(w, early), "a paused channel is not left")
			w.resume(p)
			w.tick()
			require.Equal(t, "delivered: line_push=undeliverable(congested) sms=delivered", statuses(w.message(early)))
			require.Equal(t, start, w.message(early).Attempts[0].StartedAt, "the wait counts from when the step fell due")
			require.Equal(t, "delivered: line_push=delivered", statuses(w.message(late)))
		})
	}
}

func TestPause_ManyWaitingMessagesCostAClaimNothing(t *testing.T) {
	t.Parallel()
	for name, p := range pausesOf {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := map[string]int{}
			w := newSMSWorld(t, func(c *smsplus.Config) {
				more := c.Templates[0]
				more.ID = "other"
				c.Templates = append(c.Templates, more)
				c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
					calls[method]++
					return nil
				}}
			})
			for range 700 {
				_, err := w.Send(t.Context(), w.trigger())
				require.NoError(t, err)
			}
			w.pause(p)
			w.tick()
			clear(calls)
			w.advance(time.Minute)
			require.Equal(t, map[string]int{"Pauses": 1, "Claim": 1, "Records": 1, "ListParked": 1}, calls, "what waits is not claimed again")
			clear(calls)
			_, err := w.Send(t.Context(), w.trigger())
			require.NoError(t, err)
			require.Equal(t, map[string]int{"Insert": 1}, calls, "a message that is paused from its trigger on is stored once")
			w.resume(p)
			clear(calls)
			w.tick()
			require.Equal(t, 701, w.sends(channel.SMS))
			require.LessOrEqual(t, calls["Claim"], 10)
		})
	}
}

func TestPause_IsObeyedByEveryDispatcherWithinAPoll(t *testing.T) {
	for name, p := range pausesOf {
		t.Run(name, func(t *testing.T) {
			runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
				c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Rate: 2, Concurrency: 1}} // most messages wait in memory for their turn
			}, func(t *testing.T, w *world) {
				other := w.newDispatcher()
				ctx, cancel := context.WithCancel(t.Context())
				ran := make(chan error, 1)
				go func() { ran <- other.Run(ctx) }()
				synctest.Wait()
				var ids []uuid.UUID
				add := func() {
					for range 10 {
						for _, d := range []*smsplus.Dispatcher{w.Dispatcher, other} {
							id, err := d.Send(t.Context(), w.trigger())
							require.NoError(t, err)
							ids = append(ids, id)
						}
					}
				}
				add()
				sleep(2 * time.Second)
				w.pause(p)
				before := w.sends(channel.SMS)
				sleep(time.Second + time.Millisecond)
				obeyed := w.sends(channel.SMS)
				require.LessOrEqual(t, obeyed-before, 3, "the other dispatcher obeys within a poll")
				for _, id := range ids {
					require.Zero(t, w.message(id).Claims, "what waited for its turn is put back at once")
				}
				add()
				sleep(time.Minute)
				require.Equal(t, obeyed, w.sends(channel.SMS))
				require.NoError(t, other.Resume(t.Context(), p))
				sleep(time.Minute)
				for _, id := range ids {
					require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
					require.Equal(t, 1, w.message(id).Attempts[0].Tries)
				}
				require.Equal(t, len(ids), w.sends(channel.SMS), "each message is sent once")
				cancel()
				require.NoError(t, <-ran)
			})
		})
	}
}

func TestPause_HoldsWhatSendManyStores(t *testing.T) {
	for name, p := range pausesOf {
		t.Run(name, func(t *testing.T) {
			runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, nil, func(t *testing.T, w *world) {
				w.pause(p)
				ids, err := w.SendMany(t.Context(), []smsplus.Trigger{w.trigger(), w.trigger(), w.trigger()})
				require.NoError(t, err)
				sleep(time.Hour)
				require.Zero(t, w.sends(channel.SMS))
				w.resume(p)
				sleep(time.Second)
				for _, id := range ids {
					require.Equal(t, status.Delivered, w.message(id).Status)
				}
			})
		})
	}
}

func TestPause_LetsASendThatHasBegunFinish(t *testing.T) {
	for name, p := range pausesOf {
		t.Run(name, func(t *testing.T) {
			runInBubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
				<-time.After(5 * time.Second)
				return channel.Result{Status: status.Delivered}, nil
			}, smsplus.Step{InDoubt: smsplus.Forward}}}, nil, func(t *testing.T, w *world) {
				id := w.sendOnly(t)
				sleep(time.Second)
				w.pause(p)
				sleep(4 * time.Second)
				require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
			})
		})
	}
}

func TestPause_OutlivesACrashAndALostAnswer(t *testing.T) {
	t.Parallel()
	for name, p := range pausesOf {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lost := ""
			errLost := errors.New("the answer is lost")
			w := newSMSWorld(t, func(c *smsplus.Config) {
				c.Store = &storetest.Faulty{Store: c.Store, After: func(method string) error {
					if method == lost {
						return errLost
					}
					return nil
				}}
			})
			lost = "SetPause"
			require.ErrorIs(t, w.Pause(t.Context(), p), errLost)
			lost = ""
			id := w.send()
			require.Equal(t, "preparing:", firstWord(w, id), "the pause was stored")
			w.pause(p)
			w.Dispatcher = w.newDispatcher()
			w.advance(time.Hour)
			require.Zero(t, w.sends(channel.SMS), "a dispatcher that starts obeys at once")
			lost = "ClearPause"
			require.ErrorIs(t, w.Resume(t.Context(), p), errLost)
			lost = ""
			w.tick()
			require.Equal(t, status.Delivered, w.message(id).Status, "the pause was cleared")
			w.resume(p)
		})
	}
}

func TestPause_NothingIsSentBeforeThePausesAreKnown(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if down.Load() && method == "Pauses" {
				return errors.New("down")
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		id := w.sendOnly(t)
		sleep(time.Minute)
		require.Equal(t, status.Preparing, w.message(id).Status)
		down.Store(false)
		sleep(10 * time.Second)
		require.Equal(t, status.Delivered, w.message(id).Status)
	})
}

func TestPause_OfATemplateThatIsGoneEndsLikeAnyOther(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	w.pause(templatePause)
	id := w.send(func(tr *smsplus.Trigger) { tr.TTL = time.Hour })
	require.NoError(t, w.SetTemplates(nil))
	w.resume(templatePause)
	w.advance(time.Minute)
	require.Equal(t, "preparing:", firstWord(w, id), "it waits for a dispatcher that has the template")
	w.advance(time.Hour)
	require.Equal(t, "undeliverable: sms=undeliverable(expired)", statuses(w.message(id)))
}

func TestPause_LeavesNoDoubtWhenAMoveDies(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	w.pause(templatePause)
	id := w.send()
	w.pause(smsPause)
	w.resume(templatePause)
	c, err := w.store.Claim(t.Context(), smsplus.Claim{
		Now: w.clock.Now(), Lease: time.Minute, Limit: 1, Holder: 1, Only: []channel.Name{w.message(id).Lane},
	})
	require.NoError(t, err)
	require.Len(t, c.Messages, 1)
	w.advance(time.Minute)
	require.Equal(t, channel.SMS, w.message(id).Lane)
	require.Equal(t, "preparing:", statuses(w.message(id)), "nothing was sent, and nothing is in doubt")
	w.resume(smsPause)
	w.tick()
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

func TestPause_IsLeftAloneByDispatchersWithoutTheChannel(t *testing.T) {
	t.Parallel()
	for name, p := range pausesOf {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen recordingObserver
			w := newSMSWorld(t)
			other := w.config
			other.Channels, other.Templates, other.Observer = []channel.Channel{fakeChannel(channel.LINEPush, says(status.Delivered))}, nil, &seen
			d, err := smsplus.New(other)
			require.NoError(t, err)
			w.pause(p)
			id := w.send()
			w.clock.Add(time.Hour)
			before := w.message(id)
			_, err = d.Tick(t.Context())
			require.NoError(t, err)
			require.Equal(t, before, w.message(id))
			require.Empty(t, seen.list(), "a paused channel is not unserved")
		})
	}
}

func TestPause_RefusesWhatNamesNothing(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	for _, p := range []smsplus.Pause{{}, {Channel: channel.SMS, Template: "t"}, {Template: strings.Repeat("x", 256)}, {Template: "t", Note: "\xff"}} {
		require.ErrorIs(t, w.Pause(t.Context(), p), smsplus.ErrInvalidPause)
		require.ErrorIs(t, w.Resume(t.Context(), p), smsplus.ErrInvalidPause)
	}
	w.pause(smsplus.Pause{Template: "not registered here"})
	ps, err := w.store.Pauses(t.Context())
	require.NoError(t, err)
	require.Equal(t, []smsplus.Pause{{Template: "not registered here", Since: start}}, ps)
}

func TestRun_StoresHeartbeatsAndTakesTheLastBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		beats := 0
		dead := false
		w := newSMSWorld(t, func(c *smsplus.Config) {
			c.Clock, c.NewID, c.Name = nil, uuid.New, "host:17"
			c.Store = &storetest.Faulty{Store: memstore.New(), Before: func(method string) error {
				if dead {
					return errCrash
				}
				if method == "Beat" {
					beats++
				}
				return nil
			}}
		})
		heartbeats := func() []smsplus.Heartbeat {
			hs, err := w.store.(*storetest.Faulty).Store.Heartbeats(t.Context(), time.Now())
			require.NoError(t, err)
			return hs
		}
		run := func() (stop func()) {
			ctx, cancel := context.WithCancel(t.Context())
			ran := make(chan error, 1)
			go func() { ran <- w.Run(ctx) }()
			synctest.Wait()
			return func() {
				cancel()
				require.NoError(t, <-ran)
			}
		}
		began := time.Now().UTC()
		stop := run()
		h := heartbeats()[0]
		require.Equal(t, smsplus.Heartbeat{
			ID: h.ID, Name: "host:17", StartedAt: began, At: began, Until: began.Add(time.Minute),
			Channels: []channel.Name{channel.SMS}, Templates: []string{"t"},
		}, h)
		more := w.config.Templates[0]
		more.ID = "a"
		require.NoError(t, w.SetTemplates([]smsplus.Template{w.config.Templates[0], more}))
		for range 60 {
			<-time.After(time.Minute)
			require.Len(t, heartbeats(), 1)
		}
		require.LessOrEqual(t, beats, 1+60*4, "there are four heartbeats a lease")
		require.Equal(t, []string{"a", "t"}, heartbeats()[0].Templates)
		stop()
		require.Empty(t, heartbeats(), "a dispatcher that stops leaves")

		stop = run()
		require.NotEqual(t, h.ID, heartbeats()[0].ID, "each run has an ID of its own")
		dead = true
		stop()
		require.Len(t, heartbeats(), 1)
		<-time.After(time.Minute)
		require.Empty(t, heartbeats(), "the heartbeat of a dispatcher that died is over after a lease")
	})
}
