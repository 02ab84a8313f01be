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

// open returns the store that -store names.
func open(ctx context.Context, name string) (smsplus.Store, error) {
	if name == "" {
		return memstore.New(), nil
	}
	file, ok := strings.CutPrefix(name, "sqlite:")
	if !ok {
		return nil, fmt.Errorf("-store is %q, want sqlite:FILE", name)
	}
	// A program of your own migrates when you deploy it, not when it starts.
	if err := sqlitestore.Migrate(ctx, file); err != nil {
		return nil, err
	}
	// A kill loses nothing with Normal either. Full would wait for the disk in each of an
	// hour's sends, which come in a second here, one after the other.
	return sqlitestore.Open(ctx, file, sqlitestore.Options{Synchronous: sqlitestore.Normal})
}

// keyed gives a key to each trigger that has none: a run that goes on triggers all
// messages anew, and those that are stored already are not stored twice.
func keyed(triggers []trigger) []trigger {
	triggers = slices.Clone(triggers)
	for i := range triggers {
		if t := &triggers[i]; t.Key == "" {
			t.Key = fmt.Sprintf("line %d", t.line)
		}
	}
	return triggers
}

// began is the metadata that says when the clock of a message's run began.
const began = "clock began"

// goOn finds out from its records where a run was that has ended in the middle. A
// service has nothing of the kind to do: its clock runs on without it, and so do the
// providers, who tell it later what they have to tell. Here both are to be set going
// again: the clock from the last time that anything happened, and the providers by
// what they had taken.
func goOn(ctx context.Context, c *clock, records *query.Reader, providers []*simulated.Channel) error {
	var ms []smsplus.Message
	var last time.Time
	for m, err := range records.All(ctx, smsplus.Filter{}) {
		if err != nil {
			return err
		}
		if c.begin, err = time.ParseInLocation(time.RFC3339, m.Metadata[began], taipei); err != nil {
			return fmt.Errorf("message %v is another program's: it has no %q in its metadata", m.ID, began)
		}
		ms = append(ms, m)
		last = slices.MaxFunc(append(times(m), last), time.Time.Compare)
	}
	if len(ms) == 0 {
		return nil
	}
	for _, m := range ms {
		for _, a := range m.Attempts {
			remind(ctx, c, m, a, providers)
		}
	}
	c.run(last)
	return ctx.Err()
}

// times returns when something happened to a message.
func times(m smsplus.Message) []time.Time {
	all := []time.Time{m.TriggeredAt}
	for _, a := range m.Attempts {
		all = append(all, a.StartedAt, a.AcceptedAt, a.DeliveredAt, a.ReadAt, a.EndedAt)
	}
	return all
}

// remind has a provider take a message again that it had taken, at the time when it
// did. It will tell all that it told before, which says nothing new, and what it had
// still to tell.
func remind(ctx context.Context, c *clock, m smsplus.Message, a smsplus.Attempt, providers []*simulated.Channel) {
	for _, p := range providers {
		o := p.Outcome(m.To)
		taken := a.ProviderID != "" && a.Tries > 0 && (a.Reason != status.InDoubt || o == simulated.InDoubtTaken)
		if p.Name() != a.Channel || !taken || o == simulated.Panics {
			continue
		}
		c.still = a.StartedAt
		// What it answers was heard then, or is lost.
		_, _ = p.Send(ctx, channel.Envelope{
			AttemptID: a.ID, To: m.To, Content: channel.Text(""), Try: a.Tries, Template: m.Template, Scenario: m.Scenario,
			Expires: a.StartedAt.Add(m.Plan[a.Step].Wait),
		})
	}
}
