package main

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

// groupJSON is the counts of a group. Its keys must not change, because programs read them.
// Keys that the statistics are not grouped by are left out.
type groupJSON struct {
	Start          string   `json:"start,omitempty"`
	Template       *string  `json:"template,omitempty"`
	Scenario       *string  `json:"scenario,omitempty"`
	Channel        *string  `json:"channel,omitempty"`
	Reason         *string  `json:"reason,omitempty"`
	Triggered      int      `json:"triggered"`
	Preparing      int      `json:"preparing"`
	Accepted       int      `json:"accepted"`
	Failed         int      `json:"failed"`
	Undeliverable  int      `json:"undeliverable"`
	Delivered      int      `json:"delivered"`
	Read           int      `json:"read"`
	DeliveredTwice int      `json:"delivered_twice"`
	Timed          *int     `json:"timed,omitempty"`
	P50            *float64 `json:"p50_seconds,omitempty"`
	P95            *float64 `json:"p95_seconds,omitempty"`
}

// printGroups prints the statistics by groups.
func (p *program) printGroups(ctx context.Context, r *query.Reader, f smsplus.Filter, g smsplus.Grouping, asJSON bool) error {
	rows, err := r.StatsBy(ctx, f, g)
	if err != nil {
		return err
	}
	if asJSON {
		return writeGroupsJSON(p.stdout, g, rows)
	}
	_, err = io.WriteString(p.stdout, formatGroups(g, rows))
	return err
}

func writeGroupsJSON(w io.Writer, g smsplus.Grouping, rows []smsplus.GroupStats) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for _, s := range rows {
		row := groupJSON{
			Triggered: s.Triggered, Preparing: s.Preparing, Accepted: s.Accepted, Failed: s.Failed,
			Undeliverable: s.Undeliverable, Delivered: s.Delivered, Read: s.Read, DeliveredTwice: s.DeliveredTwice,
		}
		if !s.Start.IsZero() {
			row.Start = s.Start.Format(time.RFC3339)
		}
		for _, key := range []struct {
			by    smsplus.Dimensions
			into  **string
			value string
		}{
			{smsplus.ByTemplate, &row.Template, s.Template},
			{smsplus.ByScenario, &row.Scenario, s.Scenario},
			{smsplus.ByChannel, &row.Channel, string(s.Channel)},
			{smsplus.ByReason, &row.Reason, string(s.Reason)},
		} {
			if g.By.Has(key.by) {
				*key.into = &key.value
			}
		}
		if g.Times {
			n := s.Times.Count()
			row.Timed = &n
			if n > 0 {
				p50, p95 := s.Times.Quantile(0.5).Round(time.Millisecond).Seconds(), s.Times.Quantile(0.95).Round(time.Millisecond).Seconds()
				row.P50, row.P95 = &p50, &p95
			}
		}
		if err := out.Encode(row); err != nil {
			return err
		}
	}
	return nil
}

func formatGroups(g smsplus.Grouping, rows []smsplus.GroupStats) string {
	head := []any{"triggered", "preparing", "accepted", "failed", "undeliverable", "delivered", "read", "delivered_twice"}
	if g.Times {
		head = append(head, "timed", "p50", "p95")
	}
	t := table{numericColumns: len(head)}
	t.add(append(head, groupKeys(g, "start", "template", "scenario", "channel", "reason")...)...)
	for _, s := range rows {
		cells := []any{s.Triggered, s.Preparing, s.Accepted, s.Failed, s.Undeliverable, s.Delivered, s.Read, s.DeliveredTwice}
		if g.Times {
			cells = append(cells, s.Times.Count(), formatQuantile(s.Times, 0.5), formatQuantile(s.Times, 0.95))
		}
		start := s.Start.Format(time.RFC3339)
		if g.By.Has(smsplus.ByDay) {
			start = s.Start.Format(time.DateOnly)
		}
		t.add(append(cells, groupKeys(g, start, s.Template, s.Scenario, string(s.Channel), string(s.Reason))...)...)
	}
	return t.render()
}

// groupKeys returns those of the texts that the statistics are grouped by.
func groupKeys(g smsplus.Grouping, start, template, scenario, channel, reason string) (keys []any) {
	if g.By&(smsplus.ByHour|smsplus.ByDay) != 0 {
		keys = append(keys, start)
	}
	for _, key := range []struct {
		by   smsplus.Dimensions
		text string
	}{
		{smsplus.ByTemplate, template},
		{smsplus.ByScenario, scenario},
		{smsplus.ByChannel, channel},
		{smsplus.ByReason, reason},
	} {
		if g.By.Has(key.by) {
			keys = append(keys, key.text)
		}
	}
	return keys
}

// formatQuantile returns a quantile to three digits or so, which is as exact as it is.
func formatQuantile(ds smsplus.Durations, q float64) string {
	if ds.Count() == 0 {
		return "-"
	}
	d := ds.Quantile(q)
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
