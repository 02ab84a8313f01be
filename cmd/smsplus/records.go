package main

import (
	"context"
	"fmt"
	"io"
	"time"

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
			page, err := r.Records(ctx, q.Filter)
			if err != nil {
				return err
			}
			e := query.Export{Location: q.zone, Reveal: *reveal}
			if *asJSON {
				err = query.WriteNDJSON(p.stdout, seqOf(page.Messages...), e)
			} else {
				_, err = io.WriteString(p.stdout, formatRecords(page.Messages, e))
			}
			if err == nil && page.Next != "" {
				fmt.Fprintln(p.stderr, "next: -after", page.Next)
			}
			return err
		})
	}
}

// declareOutput declares the flags for the form of the output.
func (f *flags) declareOutput() (asJSON, reveal *bool) {
	return f.Bool("json", false, "print an object a line, as export -format ndjson does"), f.declareReveal()
}

func (f *flags) declareReveal() *bool {
	return f.Bool("reveal", false, "show phone numbers in the open, LINE user IDs, and the variables, one-time passwords included")
}

func formatRecords(ms []smsplus.Message, e query.Export) string {
	var t table
	t.add("id", "triggered", "to", "status", "channel", "reason", "template", "scenario")
	for _, m := range ms {
		t.add(m.ID, m.TriggeredAt.In(e.Location).Format(time.RFC3339), formatPhone(m, e), m.Status, m.Channel, lastReason(m), m.Template, m.Scenario)
	}
	return t.render()
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
