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
)

func (p *program) show(f *flags) action {
	var zone *time.Location
	f.zone(&zone)
	asJSON := f.Bool("json", false, "print an object, that of export -format ndjson with due_at and plan")
	reveal := f.reveal()
	return func(ctx context.Context, operand string) error {
		id, err := uuid.Parse(operand)
		if err != nil {
			return usagef("show: ID is no message's ID")
		}
		return p.reading(ctx, func(s smsplus.Store) error {
			m, err := query.New(s, query.Options{}).Record(ctx, id)
			if err != nil {
				return err
			}
			e := query.Export{Location: zone, Reveal: *reveal}
			if *asJSON {
				return writeFull(p.stdout, m, e)
			}
			_, err = io.WriteString(p.stdout, inFull(m, e))
			return err
		})
	}
}

// rest is what query's NDJSON leaves out of a record. Programs read the keys: they stay.
type rest struct {
	DueAt string `json:"due_at,omitempty"`
	Plan  []step `json:"plan"`
}

type step struct {
	Channel     channel.Name `json:"channel"`
	WaitSeconds float64      `json:"wait_seconds,omitempty"` // none: the channel's
	OnFailed    string       `json:"on_failed"`
	InDoubt     string       `json:"in_doubt"`
}

func steps(m smsplus.Message) []step {
	all := []step{}
	for _, s := range m.Plan {
		all = append(all, step{s.Channel, s.Wait.Seconds(), policy(s.OnFailed, "stop"), policy(s.InDoubt, "resend")})
	}
	return all
}

// policy returns a policy's name, which for the zero one depends on the question.
func policy(p smsplus.Policy, zero string) string {
	if p == smsplus.Forward {
		return "forward"
	}
	return zero
}

func writeFull(w io.Writer, m smsplus.Message, e query.Export) error {
	var object bytes.Buffer
	if err := query.WriteNDJSON(&object, each(m), e); err != nil {
		return err
	}
	r := rest{Plan: steps(m)}
	if !m.DueAt.IsZero() {
		r.DueAt = m.DueAt.In(e.Location).Format("2006-01-02T15:04:05.000000Z07:00")
	}
	more, err := json.Marshal(r)
	if err != nil {
		return err
	}
	// Both are objects, and no key is in both.
	_, err = fmt.Fprintf(w, "%s,%s\n", bytes.TrimSuffix(object.Bytes(), []byte("}\n")), more[1:])
	return err
}

func inFull(m smsplus.Message, e query.Export) string {
	parts := []string{recorded(m, e) + "\nPlan\n" + planned(m)}
	for _, a := range m.Attempts {
		parts = append(parts, attempted(a, e))
	}
	return strings.Join(parts, "\nAttempt\n")
}

func recorded(m smsplus.Message, e query.Export) string {
	t := facts{}
	t.add("message", m.ID)
	t.add("key", m.Key)
	t.add("template", m.Template)
	t.add("scenario", m.Scenario)
	t.add("to", number(m, e))
	if e.Reveal {
		t.add("LINE user ID", m.To.LINEUserID)
		t.addAll("variable", m.Vars)
	}
	t.addAll("metadata", m.Metadata)
	t.add("status", m.Status)
	t.add("channel", m.Channel)
	t.add("triggered", at(m.TriggeredAt, e))
	t.add("delivered", at(m.DeliveredAt, e))
	t.add("read", at(m.ReadAt, e))
	t.add("expires", at(m.ExpiresAt, e))
	t.add("canceled", at(m.CanceledAt, e))
	t.add("due", at(m.DueAt, e))
	return t.text()
}

func planned(m smsplus.Message) string {
	t := table{}
	t.add("channel", "wait", "if failed", "if in doubt")
	for i, s := range steps(m) {
		wait := "the channel's"
		if m.Plan[i].Wait != 0 {
			wait = m.Plan[i].Wait.String()
		}
		t.add(s.Channel, wait, s.OnFailed, s.InDoubt)
	}
	return t.text()
}

func attempted(a smsplus.Attempt, e query.Export) string {
	t := facts{}
	t.add("channel", a.Channel)
	t.add("status", a.Status)
	t.add("reason", a.Reason)
	t.add("detail", a.Detail)
	t.add("attempt", a.ID)
	t.add("provider ID", a.ProviderID)
	t.add("tries", a.Tries)
	t.add("started", at(a.StartedAt, e))
	t.add("accepted", at(a.AcceptedAt, e))
	t.add("delivered", at(a.DeliveredAt, e))
	t.add("read", at(a.ReadAt, e))
	t.add("ended", at(a.EndedAt, e))
	return t.text()
}

func at(t time.Time, e query.Export) string {
	if t.IsZero() {
		return ""
	}
	return t.In(e.Location).Format("2006-01-02T15:04:05.000Z07:00")
}

// facts are a table of names and values, without those that there are none of.
type facts struct{ table }

func (f *facts) add(name string, value any) {
	if fmt.Sprint(value) != "" {
		f.table.add(name, value)
	}
}

func (f *facts) addAll(name string, values map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(values)) {
		f.table.add(name, k+" = "+values[k])
	}
}
