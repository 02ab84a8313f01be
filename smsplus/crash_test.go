package smsplus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// dice are bytes drawn beforehand, so that every goroutine may roll and rapid can
// still shrink; when they are used up every roll is 0, which means that all is well.
type dice struct{ rolls []byte }

func (d *dice) roll() (b byte) {
	if len(d.rolls) > 0 {
		b, d.rolls = d.rolls[0], d.rolls[1:]
	}
	return b
}

// chaos is three dispatchers on one store, providers with a will of their own, and
// everything that may happen to them. It runs in one goroutine: a crash is a store
// that stops answering its dispatcher in the middle of what it does.
type chaos struct {
	t       *rapid.T
	ctx     context.Context
	clock   *clock.Mock
	store   smsplus.Store
	live    []*smsplus.Dispatcher
	crashed []bool

	faults, fates *dice
	calm          bool
	ids           int

	triggers []smsplus.Trigger
	sent     []uuid.UUID // what a Send returned
	broken   []string    // promises; a channel that stops the test would only have panicked
	owner    map[uuid.UUID]uuid.UUID
	taken    map[uuid.UUID]int // by attempt: how often a provider took it
	attempts map[channel.Name]map[uuid.UUID]map[uuid.UUID]bool
	post     []channel.Receipt        // receipts on their way
	acked    map[channel.Ref]struct{} // deliveries that Receive said it has
}

var errFault = errors.New("fault")

// When a fault strikes: before a call to the store takes effect, or after.
const (
	before byte = iota
	after
)

// strike is what happens around a call to the store: nothing most of the time.
func (c *chaos) strike(i int, when byte) error {
	if c.crashed[i] {
		return errFault
	}
	if c.calm {
		return nil
	}
	switch roll := c.faults.roll(); {
	case roll >= 252 && when == before:
		// Not after a call: no look at the store can see what comes behind it.
		c.interlude(i)
	case roll < 232 || roll >= 252 || roll%2 != when:
	case roll < 244:
		return errFault
	default:
		c.crashed[i] = true
		return errFault
	}
	return nil
}

// interlude lets another dispatcher take a receipt in between.
func (c *chaos) interlude(i int) {
	c.calm = true // one thing at a time
	c.deliver((i + 1) % len(c.live))
	c.calm = false
}

func (c *chaos) boot(i int) {
	store := &storetest.Faulty{
		Store:  c.store,
		Before: func(string) error { return c.strike(i, before) },
		After:  func(string) error { return c.strike(i, after) },
	}
	step := func(n channel.Name, s smsplus.Step) smsplus.Step {
		s.Channel, s.Content = n, channel.Text("{{code}}")
		return s
	}
	d, err := smsplus.New(smsplus.Config{
		Store: store, Clock: c.clock,
		Channels: []channel.Channel{
			c.provider(channel.LINEPush), c.provider(channel.LINENotify), c.provider(channel.WhatsApp), c.provider(channel.SMS),
		},
		Templates: []smsplus.Template{
			{ID: "line", Route: []smsplus.Step{
				step(channel.LINEPush, smsplus.Step{OnFailed: smsplus.Forward}),
				step(channel.LINENotify, smsplus.Step{Wait: time.Hour, InDoubt: smsplus.Forward}),
				step(channel.SMS, smsplus.Step{Wait: 2 * time.Hour}),
			}},
			{ID: "whatsapp", TTL: 3 * time.Hour, Route: []smsplus.Step{
				step(channel.WhatsApp, smsplus.Step{Wait: time.Hour}),
				step(channel.SMS, smsplus.Step{InDoubt: smsplus.Forward}),
			}},
		},
		Retry: smsplus.Retry{Tries: 4, Base: 20 * time.Second, Max: 20 * time.Second},
		Batch: 3,
		NewID: c.newID,
	})
	require.NoError(c.t, err)
	c.live[i], c.crashed[i] = d, false
}

// provider is a channel whose every answer is drawn.
func (c *chaos) provider(name channel.Name) channel.Channel {
	return fake(name, func(_ context.Context, e channel.Envelope) (channel.Result, error) {
		id := c.owner[e.AttemptID]
		m, err := c.store.Message(c.ctx, id)
		if err != nil || m.Status == status.Delivered {
			c.broken = append(c.broken, fmt.Sprintf("a step was started after a committed delivery: %s on %s (%v)", statuses(m), name, err))
		}
		if c.attempts[name][id] == nil {
			c.attempts[name][id] = map[uuid.UUID]bool{}
		}
		c.attempts[name][id][e.AttemptID] = true

		fate := c.fates.roll()
		if fate%16 < 8 {
			c.taken[e.AttemptID]++
		}
		// Half of the providers quote the attempt's ID, half have IDs of their own.
		ref := e.AttemptID.String()
		if name == channel.SMS || name == channel.LINEPush {
			ref = fmt.Sprintf("%s-%d", providerID(e.AttemptID), c.taken[e.AttemptID])
		}
		answer := status.Accepted
		if name == channel.LINEPush {
			answer = status.Delivered
		}
		r := channel.Receipt{Channel: name, ProviderID: ref, At: c.clock.Now().Add(time.Minute)}
		told := func(sts ...status.Status) {
			for _, st := range sts {
				r.Status = st
				c.post = append(c.post, r)
			}
		}
		switch fate % 16 {
		case 0, 1:
			told(status.Delivered)
		case 2:
			told(status.Delivered, status.Accepted, status.Delivered)
		case 3:
			told(status.Undeliverable)
		case 4:
			told(status.Undeliverable, status.Delivered)
		case 5: // silent
		case 6, 7:
			if fate%16 == 6 {
				told(status.Delivered)
			}
			return channel.Result{}, channel.InDoubt(errFault)
		case 8:
			return channel.Result{}, channel.InDoubt(errFault)
		case 9, 10:
			return channel.Result{}, channel.Undeliverable(status.NoContact, "")
		case 11:
			return channel.Result{}, channel.Failed(status.TemplateConfig, "")
		case 12, 13, 14:
			return channel.Result{}, errFault
		case 15:
			panic(errFault)
		}
		return channel.Result{Status: answer, ProviderID: ref}, nil
	})
}

// deliver hands the oldest receipt on its way to a dispatcher, and keeps it on its
// way if that does not take it.
func (c *chaos) deliver(i int) {
	if len(c.post) == 0 {
		return
	}
	r := c.post[0]
	c.post = c.post[1:]
	if err := c.live[i].Receive(c.ctx, r); err != nil {
		c.post = append(c.post, r)
	} else if r.Status == status.Delivered {
		c.acked[r.Ref()] = struct{}{}
	}
}

// act does one thing that may happen.
func (c *chaos) act(what byte) {
	i := int(what) % len(c.live)
	if c.crashed[i] {
		c.boot(i)
	}
	d := c.live[i]
	switch what / 16 {
	case 0, 1, 2, 3:
		tr := c.triggers[int(what)%len(c.triggers)]
		if id, err := d.Send(c.ctx, tr); err == nil {
			c.sent = append(c.sent, id)
		}
	case 4, 5, 6, 7, 8:
		_, _ = d.Tick(c.ctx) // an error is a fault of ours
	case 9, 10, 11:
		c.deliver(i)
	case 12, 13: // retries come within half a minute
		c.clock.Add(time.Duration(1+what%16) * 30 * time.Second)
	case 14:
		c.clock.Add(time.Hour)
	case 15:
		if len(c.sent) > 0 {
			_ = d.Cancel(c.ctx, c.sent[len(c.sent)-1]) // it may have ended
		}
	}
}

func TestNothingIsLostWhateverCrashes(t *testing.T) {
	t.Parallel()
	to, err := phone.Parse("+886912345678")
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		bytes := func(n int, what string) []byte { return rapid.SliceOfN(rapid.Byte(), n/2, n).Draw(rt, what) }
		c := &chaos{
			t: rt, ctx: t.Context(), clock: clock.NewMock(), store: memstore.New(),
			live: make([]*smsplus.Dispatcher, 3), crashed: make([]bool, 3),
			faults: &dice{bytes(600, "faults")}, fates: &dice{bytes(80, "fates")},
			taken: map[uuid.UUID]int{}, acked: map[channel.Ref]struct{}{},
			owner: map[uuid.UUID]uuid.UUID{}, attempts: map[channel.Name]map[uuid.UUID]map[uuid.UUID]bool{},
		}
		c.store = &owning{c.store, c.owner}
		c.clock.Set(start)
		for _, name := range []channel.Name{channel.LINEPush, channel.LINENotify, channel.WhatsApp, channel.SMS} {
			c.attempts[name] = map[uuid.UUID]map[uuid.UUID]bool{}
		}
		for _, template := range []string{"line", "whatsapp"} {
			for _, key := range []string{"", "a-" + template, "b-" + template} {
				c.triggers = append(c.triggers, smsplus.Trigger{
					Template: template, Key: key, To: channel.Recipient{Phone: to}, Vars: map[string]string{"code": "498172"},
				})
			}
		}
		for i := range c.live {
			c.boot(i)
		}
		for _, what := range bytes(120, "actions") {
			c.act(what)
		}

		// The faults stop; every receipt arrives, and time passes.
		c.calm = true
		for i := range c.live {
			c.boot(i)
		}
		for range 40 {
			for range len(c.post) {
				c.deliver(0)
			}
			_, err := c.live[0].Tick(c.ctx)
			require.NoError(rt, err)
			c.clock.Add(3 * time.Hour)
		}
		require.Empty(rt, c.post)
		c.check()
	})
}

func (c *chaos) newID() uuid.UUID {
	c.ids++
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte{byte(c.ids), byte(c.ids >> 8)})
}

func (c *chaos) check() {
	require.Empty(c.t, c.broken)
	for _, id := range c.sent {
		_, err := c.store.Message(c.ctx, id)
		require.NoError(c.t, err, "a message whose Send returned is lost")
	}
	page, err := c.store.Records(c.ctx, smsplus.Filter{Limit: 1000})
	require.NoError(c.t, err)
	for _, m := range page.Messages {
		require.True(c.t, m.Status.Final(), "%s", statuses(m))
		require.True(c.t, m.DueAt.IsZero(), "%s", statuses(m))
		require.Zero(c.t, m.Claims)
		for _, a := range m.Attempts {
			require.Equal(c.t, smsplus.AttemptID(m.ID, a.Step), a.ID)
			require.LessOrEqual(c.t, len(c.attempts[a.Channel][m.ID]), 1, "two attempt IDs on one channel")
			if m.Plan[a.Step].InDoubt == smsplus.Forward {
				require.LessOrEqual(c.t, c.taken[a.ID], 1, "sent twice on a step that sends at most once")
			}
			if _, ok := c.acked[channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}]; ok {
				require.Equal(c.t, status.Delivered, a.Status, "a receipt was taken and then forgotten")
			}
			if a.Status.Final() && a.Status != status.Delivered {
				require.NotEmpty(c.t, a.EndedAt)
			}
		}
	}
}

// owning remembers whose attempts the messages' are.
type owning struct {
	smsplus.Store
	owner map[uuid.UUID]uuid.UUID
}

func (s *owning) Insert(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
	for _, m := range ms {
		for step := range m.Plan {
			s.owner[smsplus.AttemptID(m.ID, step)] = m.ID
		}
	}
	return s.Store.Insert(ctx, ms)
}
