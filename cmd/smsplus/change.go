package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// declareYes declares the flag without which a command that destroys data only counts.
func (f *flags) declareYes() *bool {
	return f.Bool("yes", false, "do it; without this flag, only count what would be done")
}

// cancel stops a message. A Dispatcher without channels changes the row as any other does.
func (p *program) cancel(f *flags) action {
	f.declareKey(p.stdin)
	return func(ctx context.Context, operand string) error {
		return p.withMessage(ctx, f, operand, func(s smsplus.Store, m smsplus.Message) error {
			d, err := smsplus.New(smsplus.Config{Store: s})
			if err != nil {
				return err
			}
			if err := d.Cancel(ctx, m.ID); err != nil {
				return err
			}
			if m, err = d.Message(ctx, m.ID); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.stdout, "The message is canceled: no further step is sent. It is %v.\n", m.Status)
			return err
		})
	}
}

// erase removes a person's data.
func (p *program) erase(f *flags) action {
	var person channel.Recipient
	f.declarePhone(&person.Phone, "the person's `number` in E.164; - reads it from standard input", p.stdin)
	f.declarePersonID(&person.IDs, p.stdin)
	f.checks = append(f.checks, func() error {
		if person.IsZero() && len(f.errs) == 0 {
			return errors.New("-phone or -id is required")
		}
		return nil
	})
	yes := f.declareYes()
	return func(ctx context.Context, _ string) error {
		return p.withStore(ctx, func(s smsplus.Store) error {
			if err := requireKeys(ctx, s.Records, filtersOf(person)[0]); err != nil {
				return err
			}
			if !*yes {
				ended, open, err := countToPerson(ctx, s, person)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(p.stdout, "%d messages would be erased, and %d are under way and would stay. Repeat with -yes.\n", ended, open)
				return err
			}
			erased, err := s.(smsplus.Eraser).Erase(ctx, person)
			_, writeErr := fmt.Fprintf(p.stdout, "%d messages were erased.\n", erased)
			return errors.Join(err, writeErr)
		})
	}
}

// filtersOf returns the filters that find the messages to a person, by number and by each ID.
func filtersOf(person channel.Recipient) (filters []smsplus.Filter) {
	if !person.Phone.IsZero() {
		filters = append(filters, smsplus.Filter{Phone: person.Phone})
	}
	for _, id := range person.IDs {
		filters = append(filters, smsplus.Filter{RecipientID: id})
	}
	return filters
}

// countToPerson counts the messages to a person. One that cannot be read is not counted.
func countToPerson(ctx context.Context, s smsplus.Store, person channel.Recipient) (ended, open int, err error) {
	seen := make(map[uuid.UUID]bool)
	for _, f := range filtersOf(person) {
		for more := true; more; more = f.After != "" {
			page, err := s.Records(ctx, f)
			if err != nil {
				return 0, 0, err
			}
			for _, m := range page.Messages {
				if seen[m.ID] || !m.To.SharesAddress(person) {
					continue
				}
				seen[m.ID] = true
				if m.HasEnded() {
					ended++
				} else {
					open++
				}
			}
			f.After = page.Next
		}
	}
	return ended, open, nil
}

// purgeBatch is how many records one transaction drops.
const purgeBatch = 1000

// purge drops old records.
func (p *program) purge(f *flags) action {
	var text string
	var zone *time.Location
	var before time.Time
	f.declareZone(&zone)
	f.declareText(&text, "before", "drop what was triggered before this `time`, RFC 3339 or a date. Required")
	f.checks = append(f.checks, func() (err error) {
		if text == "" && len(f.errs) == 0 {
			return errors.New("-before is required")
		}
		before, err = parseTime("-before", text, zone)
		return err
	})
	yes := f.declareYes()
	return func(ctx context.Context, _ string) error {
		return p.withStore(ctx, func(s smsplus.Store) error {
			if !*yes {
				ended, open, err := countEnded(ctx, s, smsplus.Filter{To: before})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(p.stdout, "%d messages, and receipts of that time that found none, would be dropped; "+
					"%d messages are under way and would stay. Repeat with -yes.\n", ended, open)
				return err
			}
			dropped := 0
			for n := purgeBatch; n == purgeBatch; {
				var err error
				if n, err = s.Purge(ctx, before, purgeBatch); err != nil {
					return fmt.Errorf("after %d were dropped: %w", dropped, err)
				}
				dropped += n
			}
			_, err := fmt.Fprintf(p.stdout, "%d messages and receipts were dropped.\n", dropped)
			return err
		})
	}
}

// countEnded counts the messages that f selects.
func countEnded(ctx context.Context, s smsplus.Store, f smsplus.Filter) (ended, open int, err error) {
	rows, err := s.Stats(ctx, f)
	if err != nil {
		return 0, 0, err
	}
	all := 0
	for _, row := range rows {
		all += row.Triggered
	}
	f.Group = status.Sending
	if rows, err = s.Stats(ctx, f); err != nil {
		return 0, 0, err
	}
	for _, row := range rows {
		open += row.Triggered
	}
	return all - open, open, nil
}
