package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

// openStore returns the store that -store names.
func openStore(ctx context.Context, name string) (smsplus.Store, error) {
	if name == "" {
		return memstore.New(), nil
	}
	file, ok := strings.CutPrefix(name, "sqlite:")
	if !ok {
		return nil, fmt.Errorf("-store is %q, want sqlite:FILE", name)
	}
	// A real program migrates when it is deployed, not when it starts.
	if err := sqlitestore.Migrate(ctx, file); err != nil {
		return nil, err
	}
	// Normal is enough: a killed process loses nothing with it. Full would wait for the
	// disk in each send, and an hour's sends come in a second here.
	return sqlitestore.Open(ctx, file, sqlitestore.Options{Synchronous: sqlitestore.Normal})
}

// withKeys gives a key to each trigger that has none. A restarted run triggers all messages
// again, and the keys keep it from storing a message twice.
func withKeys(triggers []trigger) []trigger {
	triggers = slices.Clone(triggers)
	for i := range triggers {
		if t := &triggers[i]; t.Key == "" {
			t.Key = fmt.Sprintf("line %d", t.line)
		}
	}
	return triggers
}

// beganKey is the metadata key of the time at which the clock of a message's run began.
const beganKey = "clock began"

// resume restores the clock and the providers of an interrupted run from its records. The
// clock continues at the time of the last event. The providers accept again the messages
// that they had accepted.
//
// A service needs nothing like it: while it is down, real time passes, and real providers
// keep their receipts for later.
func resume(ctx context.Context, c *clock, records *query.Reader, providers []*simulated.Channel) error {
	var ms []smsplus.Message
	var last time.Time
	for m, err := range records.All(ctx, smsplus.Filter{}) {
		if err != nil {
			return err
		}
		if c.begin, err = time.ParseInLocation(time.RFC3339, m.Metadata[beganKey], taipei); err != nil {
			return fmt.Errorf("message %v is another program's: it has no %q in its metadata", m.ID, beganKey)
		}
		ms = append(ms, m)
		last = slices.MaxFunc(append(eventTimes(m), last), time.Time.Compare)
	}
	if len(ms) == 0 {
		return nil
	}
	for _, m := range ms {
		for _, a := range m.Attempts {
			resubmit(ctx, c, m, a, providers)
		}
	}
	c.startAt(last)
	return ctx.Err()
}

// eventTimes returns when something happened to a message.
func eventTimes(m smsplus.Message) []time.Time {
	all := []time.Time{m.TriggeredAt}
	for _, a := range m.Attempts {
		all = append(all, a.StartedAt, a.AcceptedAt, a.DeliveredAt, a.ReadAt, a.EndedAt)
	}
	return all
}

// resubmit sends a message again to the provider that had accepted it, at the same time of
// the clock. The provider repeats its earlier receipts, which change nothing, and sends
// the later ones.
func resubmit(ctx context.Context, c *clock, m smsplus.Message, a smsplus.Attempt, providers []*simulated.Channel) {
	for _, p := range providers {
		o := p.Outcome(m.To)
		taken := a.ProviderID != "" && a.Tries > 0 && (a.Reason != status.InDoubt || o == simulated.InDoubtTaken)
		if p.Name() != a.Channel || !taken || o == simulated.Panics {
			continue
		}
		c.stoppedAt = a.StartedAt
		// The result is not used: it was stored at the time, or is lost.
		_, _ = p.Send(ctx, channel.Envelope{
			AttemptID: a.ID, To: m.To, Content: channel.Text(""), Try: a.Tries, Template: m.Template, Scenario: m.Scenario,
			Expires: a.StartedAt.Add(m.Plan[a.Step].Wait),
		})
	}
}
