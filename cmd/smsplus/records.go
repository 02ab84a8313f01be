package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func (p *program) records(f *flags) action {
	q := f.declareQuery()
	f.declareRecordFilter(q, p.stdin)
	f.declarePage(q)
	asJSON, reveal := f.declareOutput()
	return func(ctx context.Context, _ string) error {
		return p.withReader(ctx, q, func(r *query.Reader) error {
			if err := requireKeys(ctx, r.Records, q.Filter); err != nil {
				return err
			}
			page, err := r.Records(ctx, q.Filter)
			if err != nil {
				return err
			}
			if lacksKeys(page.Unreadable) {
				return rowcodec.ErrSealed
			}
			e := query.Export{Location: q.zone, Reveal: *reveal}
			if *asJSON {
				err = query.WriteNDJSON(p.stdout, seqOf(page.Messages...), e)
			} else {
				err = writeRecords(ctx, p.stdout, r, page.Messages, e)
			}
			if err == nil && page.Next != "" {
				fmt.Fprintln(p.stderr, "next: -after", page.Next)
			}
			return errors.Join(err, warnUnreadable(p.stderr, page.Unreadable))
		})
	}
}

// warnUnreadable names the records that cannot be read on w. It returns an error that says
// how many there are, or nil.
func warnUnreadable(w io.Writer, rows []smsplus.Unreadable) error {
	if len(rows) == 0 {
		return nil
	}
	for _, u := range rows {
		fmt.Fprintf(w, "smsplus: record %v: %s\n", u.ID, flagNames.Replace(fmt.Sprint(u.Err)))
	}
	return fmt.Errorf("%d record(s) left out: %w", len(rows), smsplus.ErrUnreadable)
}

// requireKeys returns an error if the filter has a number, an ID or a reference and the store
// is sealed without keys. It would find nothing, because only a keyed hash is stored.
func requireKeys(ctx context.Context, records recordsFunc, f smsplus.Filter) error {
	if f.Phone.IsZero() && f.RecipientID == "" && f.Reference == "" && f.ProviderID == "" {
		return nil
	}
	f.Phone, f.RecipientID, f.Reference, f.ProviderID, f.After = phone.Number{}, "", "", "", ""
	return requireUnsealed(ctx, records, f)
}

// recordsFunc is the Records of a store, or of a reader of it.
type recordsFunc func(context.Context, smsplus.Filter) (smsplus.Page, error)

// requireUnsealed returns an error if the newest record that a filter selects cannot be read,
// because the store is sealed and no keys were given.
func requireUnsealed(ctx context.Context, records recordsFunc, f smsplus.Filter) error {
	f.Limit = 1
	page, err := records(ctx, f)
	if err == nil && lacksKeys(page.Unreadable) {
		return rowcodec.ErrSealed
	}
	return err
}

// lacksKeys reports whether records cannot be read because the store is sealed and no keys
// were given.
func lacksKeys(rows []smsplus.Unreadable) bool {
	return slices.ContainsFunc(rows, func(u smsplus.Unreadable) bool { return errors.Is(u.Err, rowcodec.ErrSealed) })
}

// declareOutput declares the flags for the form of the output.
func (f *flags) declareOutput() (asJSON, reveal *bool) {
	return f.Bool("json", false, "print an object a line, as export -format ndjson does"), f.declareReveal()
}

func (f *flags) declareReveal() *bool {
	return f.Bool("reveal", false, "show phone numbers in the open, recipients' IDs, metadata, and the variables, one-time passwords included")
}

// writeRecords writes a table of messages. It says which of them are paused.
func writeRecords(ctx context.Context, w io.Writer, r *query.Reader, ms []smsplus.Message, e query.Export) error {
	pauses, err := r.Pauses(ctx)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, formatRecords(ms, pauses, e))
	return err
}

func formatRecords(ms []smsplus.Message, pauses []smsplus.Pause, e query.Export) string {
	var t table
	t.add("id", "triggered", "to", "status", "channel", "reason", "template", "scenario")
	for _, m := range ms {
		t.add(m.ID, m.TriggeredAt.In(e.Location).Format(time.RFC3339), formatPhone(m, e), statusWord(m, pauses), m.Channel, lastReason(m), m.Template, m.Scenario)
	}
	return t.render()
}

// statusWord returns a message's status, and that it is paused.
func statusWord(m smsplus.Message, pauses []smsplus.Pause) string {
	if _, paused := m.PausedBy(pauses); paused {
		return m.Status.String() + ", paused"
	}
	return m.Status.String()
}

func formatPhone(m smsplus.Message, e query.Export) string {
	if e.Reveal {
		return m.To.Phone.E164()
	}
	return m.To.Phone.String()
}

// lastReason returns the reason of the last attempt, or "" for a delivered message.
func lastReason(m smsplus.Message) status.Reason {
	if len(m.Attempts) == 0 || m.Status == status.Delivered {
		return ""
	}
	return m.Attempts[len(m.Attempts)-1].Reason
}
