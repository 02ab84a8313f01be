package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func (p *program) show(f *flags) action {
	var zone *time.Location
	f.declareZone(&zone)
	asJSON := f.Bool("json", false, "print an object, that of export -format ndjson with due_at, paused and plan")
	reveal := f.declareReveal()
	f.declareKey(p.stdin)
	return func(ctx context.Context, operand string) error {
		return p.withMessage(ctx, f, operand, func(s smsplus.Store, m smsplus.Message) error {
			pauses, err := s.Pauses(ctx)
			if err != nil {
				return err
			}
			e := query.Export{Location: zone, Reveal: *reveal}
			if *asJSON {
				return writeMessageJSON(p.stdout, m, pauses, e)
			}
			_, err = io.WriteString(p.stdout, formatMessage(m, pauses, e))
			return err
		})
	}
}

// extraJSON holds the fields of a message that query's NDJSON leaves out. Its keys must not
// change, because programs read them.
type extraJSON struct {
	DueAt  string     `json:"due_at,omitempty"`
	Paused *pauseJSON `json:"paused,omitempty"` // the pause that the message waits for
	Plan   []stepJSON `json:"plan"`
}

type stepJSON struct {
	Channel     channel.Name `json:"channel"`
	WaitSeconds float64      `json:"wait_seconds,omitempty"` // left out if the wait is the channel's
	OnFailed    string       `json:"on_failed"`
	InDoubt     string       `json:"in_doubt"`
	Until       string       `json:"until"`
}

func planJSON(m smsplus.Message) []stepJSON {
	all := []stepJSON{}
	for _, s := range m.Plan {
		onFailed, inDoubt := s.Policies()
		all = append(all, stepJSON{s.Channel, s.Wait.Seconds(), onFailed.String(), inDoubt.String(), s.Until.String()})
	}
	return all
}

// writeMessageJSON writes query's JSON object of the message with the fields of extraJSON.
func writeMessageJSON(w io.Writer, m smsplus.Message, pauses []smsplus.Pause, e query.Export) error {
	var object bytes.Buffer
	if err := query.WriteNDJSON(&object, seqOf(m), e); err != nil {
		return err
	}
	r := extraJSON{Plan: planJSON(m)}
	if !m.DueAt.IsZero() {
		r.DueAt = m.DueAt.In(e.Location).Format("2006-01-02T15:04:05.000000Z07:00")
	}
	if q, paused := m.PausedBy(pauses); paused {
		j := newPauseJSON(q, e)
		r.Paused = &j
	}
	more, err := json.Marshal(r)
	if err != nil {
		return err
	}
	// Join the two objects into one. They have no key in common.
	_, err = fmt.Fprintf(w, "%s,%s\n", bytes.TrimSuffix(object.Bytes(), []byte("}\n")), more[1:])
	return err
}

func formatMessage(m smsplus.Message, pauses []smsplus.Pause, e query.Export) string {
	parts := []string{formatFields(m, pauses, e) + "\nPlan\n" + formatPlan(m)}
	for _, a := range m.Attempts {
		parts = append(parts, formatAttempt(a, e))
	}
	return strings.Join(parts, "\nAttempt\n")
}

func formatFields(m smsplus.Message, pauses []smsplus.Pause, e query.Export) string {
	t := fieldTable{}
	t.add("message", m.ID)
	t.add("key", m.Key)
	t.add("reference", m.Reference)
	t.add("template", m.Template)
	t.add("scenario", m.Scenario)
	if m.Class != smsplus.Normal {
		t.add("class", m.Class)
	}
	t.add("to", formatPhone(m, e))
	if e.Reveal {
		for _, name := range slices.Sorted(maps.Keys(m.To.IDs)) {
			t.add("ID on "+string(name), m.To.IDs[name])
		}
		t.addAll("variable", m.Vars)
		t.addAll("metadata", m.Metadata)
	}
	t.add("status", m.Status)
	t.add("channel", m.Channel)
	t.add("triggered", formatTime(m.TriggeredAt, e))
	t.add("delivered", formatTime(m.DeliveredAt, e))
	t.add("read", formatTime(m.ReadAt, e))
	t.add("expires", formatTime(m.ExpiresAt, e))
	t.add("canceled", formatTime(m.CanceledAt, e))
	t.add("confirmed", formatTime(m.ConfirmedAt, e))
	t.add("due", formatTime(m.DueAt, e))
	t.add("published", formatPublished(m))
	if q, paused := m.PausedBy(pauses); paused {
		t.add("paused", strings.TrimSuffix(fmt.Sprintf("%v, since %s: %s", q, formatTime(q.Since, e), q.Note), ": "))
	}
	if m.ResendOf != (uuid.UUID{}) {
		t.add("resend of", m.ResendOf)
	}
	if m.ResentAs != (uuid.UUID{}) {
		t.add("resent as", m.ResentAs)
	}
	return t.render()
}

// formatPublished says which outcomes were published, and whether more are due.
func formatPublished(m smsplus.Message) string {
	var words []string
	p := m.Published
	if p.End != status.Preparing {
		words = append(words, p.End.String())
	}
	if p.Read {
		words = append(words, "read")
	}
	if p.Confirmed {
		words = append(words, "confirmed")
	}
	text := strings.Join(words, ", ")
	if m.Lane == smsplus.OutcomeLane {
		text = strings.TrimPrefix(fmt.Sprintf("%s; more is due, after %d failed calls", text, p.Failures), "; ")
	}
	return text
}

func formatPlan(m smsplus.Message) string {
	t := table{}
	t.add("channel", "until", "wait", "if failed", "if in doubt")
	for i, s := range planJSON(m) {
		wait := "the channel's"
		if m.Plan[i].Wait != 0 {
			wait = m.Plan[i].Wait.String()
		}
		t.add(s.Channel, s.Until, wait, s.OnFailed, s.InDoubt)
	}
	return t.render()
}

func formatAttempt(a smsplus.Attempt, e query.Export) string {
	t := fieldTable{}
	t.add("channel", a.Channel)
	t.add("status", a.Status)
	t.add("reason", a.Reason)
	t.add("detail", a.Detail)
	t.add("attempt", a.ID)
	t.add("provider ID", a.ProviderID)
	t.add("content", a.Content)
	t.add("tries", a.Tries)
	t.add("recall", a.Recall)
	t.add("started", formatTime(a.StartedAt, e))
	t.add("accepted", formatTime(a.AcceptedAt, e))
	t.add("delivered", formatTime(a.DeliveredAt, e))
	t.add("read", formatTime(a.ReadAt, e))
	t.add("ended", formatTime(a.EndedAt, e))
	return t.render()
}

func formatTime(t time.Time, e query.Export) string {
	if t.IsZero() {
		return ""
	}
	return t.In(e.Location).Format("2006-01-02T15:04:05.000Z07:00")
}

// fieldTable is a table of names and values. It leaves out empty values.
type fieldTable struct{ table }

func (f *fieldTable) add(name string, value any) {
	if fmt.Sprint(value) != "" {
		f.table.add(name, value)
	}
}

func (f *fieldTable) addAll(name string, values map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(values)) {
		f.table.add(name, k+" = "+values[k])
	}
}
