package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

// statsJSON is the counts of a template. Its keys must not change, because programs read
// them.
type statsJSON struct {
	Template       string `json:"template"`
	Triggered      int    `json:"triggered"`
	Preparing      int    `json:"preparing"`
	Accepted       int    `json:"accepted"`
	Failed         int    `json:"failed"`
	Undeliverable  int    `json:"undeliverable"`
	Delivered      int    `json:"delivered"`
	Read           int    `json:"read"`
	DeliveredTwice int    `json:"delivered_twice"`
}

func (p *program) stats(f *flags) action {
	q := f.declareQuery()
	var (
		asJSON, grouped bool
		g               smsplus.Grouping
	)
	f.BoolVar(&asJSON, "json", false, "print an object for each row, a line each")
	f.BoolVar(&g.Times, "times", false, "show the times to delivery: how many are known, their median and their 95th percentile")
	f.declareValue("by", "count by these `words` between commas: template, scenario, channel, reason, and hour or day", func(text string) (err error) {
		grouped = true
		if text == "" {
			return errors.New("it is empty")
		}
		if g.By, err = smsplus.ParseDimensions(text); err == nil {
			err = g.Check()
		}
		if err != nil {
			return errors.New(flagNames.Replace(err.Error()))
		}
		return nil
	})
	return func(ctx context.Context, _ string) error {
		return p.withReader(ctx, q, func(r *query.Reader) error {
			if grouped || g.Times {
				return p.printGroups(ctx, r, q.Filter, g, asJSON)
			}
			rows, err := r.Templates(ctx, q.Filter)
			if err != nil {
				return err
			}
			if asJSON {
				return writeStatsJSON(p.stdout, rows)
			}
			_, err = io.WriteString(p.stdout, formatStats(rows))
			return err
		})
	}
}

func writeStatsJSON(w io.Writer, rows []smsplus.TemplateStats) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for _, s := range rows {
		if err := out.Encode(statsJSON(s)); err != nil {
			return err
		}
	}
	return nil
}

func formatStats(rows []smsplus.TemplateStats) string {
	t := table{numericColumns: 8}
	t.add("triggered", "preparing", "accepted", "failed", "undeliverable", "delivered", "read", "delivered_twice", "template")
	add := func(s smsplus.TemplateStats) {
		t.add(s.Triggered, s.Preparing, s.Accepted, s.Failed, s.Undeliverable, s.Delivered, s.Read, s.DeliveredTwice, s.Template)
	}
	sum := smsplus.TemplateStats{Template: "(all)"}
	for _, s := range rows {
		add(s)
		sum = sum.Plus(s)
	}
	add(sum)
	return t.render()
}
