package smsplus_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// textsOf returns what a fake channel was asked to send, in order.
func (w *world) textsOf(name channel.Name) (texts []string) {
	for _, call := range w.channels[name].SendCalls() {
		texts = append(texts, string(call.E.Content.(channel.Text)))
	}
	return texts
}

func TestSetTemplates_SendsHaveTheContentOfTheNewTemplate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{
		{channel.LINEPush, inTurn(fails(channel.Temporary(nil, time.Second)), says(status.Delivered)), smsplus.Step{}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	require.NoError(t, w.SetTemplates([]smsplus.Template{{
		ID: "t", Scenario: "login", Route: []smsplus.Step{{Channel: channel.LINEPush, Content: channel.Text("{{code}} is your code")}},
	}}))
	w.advance(time.Minute)
	require.Equal(t, []string{"Your code is 498172", "498172 is your code"}, w.textsOf(channel.LINEPush))
	m := w.message(id)
	require.Equal(t, "OTP", m.Scenario, "what was triggered stays")
	require.Len(t, m.Plan, 2)
	require.Equal(t, status.Delivered, m.Status)

	m = w.message(w.send())
	require.Equal(t, "login", m.Scenario)
	require.Len(t, m.Plan, 1)
}

func TestTemplates_AreThoseRegisteredNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
	route := []smsplus.Step{{Channel: channel.SMS, Content: text}}
	require.NoError(t, w.SetTemplates([]smsplus.Template{{ID: "b", Route: route}, {ID: "a", Scenario: "A", Route: route}}))
	require.Equal(t, []smsplus.Template{{ID: "a", Scenario: "A", Route: route}, {ID: "b", Route: route}}, slices.Collect(w.Templates()))
	for first := range w.Templates() {
		require.Equal(t, "a", first.ID)
		break
	}
}

func TestSetTemplates_IsAllOrNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
	good := smsplus.Template{ID: "new", Route: []smsplus.Step{{Channel: channel.SMS, Content: text}}}
	err := w.SetTemplates([]smsplus.Template{good, good, {ID: "x", Route: []smsplus.Step{{Channel: "fax", Content: text}}}, {}})
	require.ErrorContains(t, err, `templates[1].ID: there is another template "new"`)
	require.ErrorContains(t, err, `templates[2].Route[0].Channel: no channel "fax" is registered, want "sms"`)
	require.ErrorContains(t, err, "templates[3].ID is required")
	require.Equal(t, status.Delivered, w.message(w.send()).Status, "the template of before is there")
	_, err = w.Send(t.Context(), smsplus.Trigger{Template: "new"})
	require.ErrorIs(t, err, smsplus.ErrInvalidTrigger)
}

func TestSetTemplates_MessageOfARemovedTemplateWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	require.NoError(t, w.SetTemplates(nil))
	w.tick()
	_, err = w.Send(t.Context(), w.trigger())
	require.ErrorContains(t, err, "want none: there are none")
	require.Equal(t, status.Preparing, w.message(id).Status)
	require.NoError(t, w.SetTemplates(w.config.Templates))
	require.Equal(t, 1, w.tick(), "it is claimed again at once")
	require.Equal(t, status.Delivered, w.message(id).Status)
}

// A template that is replaced under load is never half of one. Each send has the text of some
// list of templates, and no message is lost while its template is gone.
func TestSetTemplates_IsSafeWhileTheDispatcherRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Clock, c.Poll = nil, 5*time.Millisecond
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return w.Run(ctx) })
	other := slices.Clone(w.config.Templates)
	other[0].Route = []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("{{code}}!")}}
	lists := [][]smsplus.Template{w.config.Templates, nil, other}
	sent := make(chan struct{})
	group.Go(func() error {
		for i := 0; ; i++ {
			select {
			case <-sent:
				return w.SetTemplates(other)
			default:
				if err := w.SetTemplates(lists[i%len(lists)]); err != nil {
					return err
				}
			}
		}
	})
	var ids []uuid.UUID
	var mu sync.Mutex
	var senders errgroup.Group
	for range 4 {
		senders.Go(func() error {
			for n := 0; n < 100; {
				id, err := w.Send(ctx, w.trigger())
				if errors.Is(err, smsplus.ErrInvalidTrigger) { // its template is gone
					continue
				}
				if err != nil {
					return err
				}
				mu.Lock()
				ids = append(ids, id)
				mu.Unlock()
				n++
			}
			return nil
		})
	}
	require.NoError(t, senders.Wait())
	close(sent)
	for _, id := range ids {
		require.Eventually(t, func() bool { return w.message(id).Status == status.Delivered }, 30*time.Second, time.Millisecond)
	}
	stop()
	require.NoError(t, group.Wait())
	for _, text := range w.textsOf(channel.SMS) {
		require.Contains(t, []string{"Your code is 498172", "498172!"}, text)
	}
}
