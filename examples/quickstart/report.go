package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// printReport prints the tables of an admin page.
func printReport(ctx context.Context, w io.Writer, records *query.Reader) error {
	var page bytes.Buffer
	for _, part := range []func(context.Context, io.Writer, *query.Reader) error{printByTemplate, printByChannel, printByGroup, printNewest, printTimeline} {
		if err := part(ctx, &page, records); err != nil {
			return err
		}
	}
	_, err := page.WriteTo(w)
	return err
}

func printByTemplate(ctx context.Context, w io.Writer, records *query.Reader) error {
	rows, err := records.Templates(ctx, smsplus.Filter{})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "Templates: messages that were triggered, and what they became")
	t := table{numbers: 6}
	t.add("triggers", "delivered", "read", "undeliverable", "failed", "twice", "template", "scenario")
	var sum smsplus.TemplateStats
	for _, s := range rows {
		t.add(s.Triggered, s.Delivered, s.Read, s.Undeliverable, s.Failed, s.DeliveredTwice, s.Template, scenario(s.Template))
		sum = sum.Plus(s)
	}
	t.add(sum.Triggered, sum.Delivered, sum.Read, sum.Undeliverable, sum.Failed, sum.DeliveredTwice, "", "all")
	t.write(w)
	fmt.Fprintln(w, "  twice: by two channels. A provider that cannot be told when to stop went on trying after the fallback time.")
	return nil
}

func scenario(template string) string {
	i := slices.IndexFunc(templates, func(t smsplus.Template) bool { return t.ID == template })
	return templates[i].Scenario
}

func printByChannel(ctx context.Context, w io.Writer, records *query.Reader) error {
	fmt.Fprintln(w, "\nChannels: attempts, one for each channel that a message came to")
	t := table{numbers: 6}
	t.add("attempts", "delivered", "read", "undeliverable", "failed", "no receipt", "channel")
	for _, name := range []channel.Name{channel.LINEPush, channel.LINENotify, channel.WhatsApp, channel.SMS} {
		rows, err := records.Templates(ctx, smsplus.Filter{Channel: name})
		if err != nil {
			return err
		}
		var sum smsplus.TemplateStats
		for _, s := range rows {
			sum = sum.Plus(s)
		}
		t.add(sum.Triggered, sum.Delivered, sum.Read, sum.Undeliverable, sum.Failed, sum.Accepted+sum.Preparing, name)
	}
	t.write(w)
	fmt.Fprintln(w, "  no receipt: accepted, and silent until the message moved on or was delivered by another channel.")
	return nil
}

func printByGroup(ctx context.Context, w io.Writer, records *query.Reader) error {
	tabs, err := records.CountByGroup(ctx, smsplus.Filter{})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "\nTabs")
	t := table{numbers: 1}
	for _, g := range status.Groups() {
		t.add(tabs[g], g)
	}
	t.write(w)
	return nil
}

// printNewest prints one page of records.
func printNewest(ctx context.Context, w io.Writer, records *query.Reader) error {
	page, err := records.Records(ctx, smsplus.Filter{Limit: 10})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "\nRecords: the newest, with their numbers masked")
	t := table{}
	t.add("triggered", "to", "status", "channel", "attempts", "template", "scenario")
	for _, m := range page.Messages {
		t.add(formatTime(m.TriggeredAt), m.To.Phone, m.Status, m.Channel, len(m.Attempts), m.Template, m.Scenario)
	}
	t.write(w)
	if page.Next != "" {
		fmt.Fprintln(w, "  … and more pages")
	}
	return nil
}

// printTimeline prints all events of one message: the newest of the messages with the most
// events.
func printTimeline(ctx context.Context, w io.Writer, records *query.Reader) error {
	var chosen smsplus.Message
	most := -1
	for m, err := range records.All(ctx, smsplus.Filter{}) {
		if err != nil {
			return err
		}
		var s smsplus.TemplateStats
		s.Add(m, smsplus.Filter{})
		if tells := 10*s.DeliveredTwice + len(m.Attempts); tells > most {
			chosen, most = m, tells
		}
	}
	if most < 0 {
		return nil
	}
	fmt.Fprintf(w, "\nOne record in full: %v, %s, to %v\n", chosen.ID, chosen.Scenario, chosen.To.Phone)
	t := table{}
	for _, e := range timeline(chosen) {
		t.add(formatTime(e.at), e.channel, e.what)
	}
	t.write(w)
	return nil
}

// event is one line of a timeline.
type event struct {
	at      time.Time
	channel channel.Name
	what    string
}

// timeline returns the events of a message in the order of time.
func timeline(m smsplus.Message) []event {
	events := []event{{m.TriggeredAt, "", "triggered"}}
	add := func(at time.Time, c channel.Name, what string) {
		if !at.IsZero() {
			events = append(events, event{at, c, what})
		}
	}
	for i, a := range m.Attempts {
		started := "started"
		if a.Tries > 1 {
			started = fmt.Sprintf("started; it took %d tries", a.Tries)
		}
		add(a.StartedAt, a.Channel, started)
		add(a.AcceptedAt, a.Channel, "accepted")
		switch late := i < len(m.Attempts)-1; {
		case a.Status == status.Delivered && late:
			add(a.DeliveredAt, a.Channel, "delivered, after all")
		case a.Status == status.Delivered:
			add(a.DeliveredAt, a.Channel, "delivered")
		default:
			what := fmt.Sprintf("%v: %s", a.Status, a.Reason)
			if a.Detail != "" {
				what += " (" + a.Detail + ")"
			}
			add(a.EndedAt, a.Channel, what)
		}
		add(a.ReadAt, a.Channel, "read")
	}
	slices.SortStableFunc(events, func(a, b event) int { return a.at.Compare(b.at) })
	return events
}

// formatTime formats a time of the simulated day.
func formatTime(t time.Time) string { return t.In(taipei).Format("15:04:05") }
