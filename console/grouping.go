package console

import (
	"cmp"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// INTERIM until query.Reader.StatsBy is there.

type dimensions uint8

const (
	byTemplate dimensions = 1 << iota
	byScenario
	byChannel
	byReason
	byHour
	byDay
)

type groupStats struct {
	Template, Scenario string
	Channel            channel.Name
	Reason             status.Reason
	Start              time.Time

	Triggered, Preparing, Accepted, Failed, Undeliverable, Delivered, Read, DeliveredTwice int
	Times                                                                                  durations
}

type durations []time.Duration

func (d durations) Count() int { return len(d) }
func (d durations) Quantile(q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(d))
	return s[min(len(s)-1, int(q*float64(len(s))))]
}

type groupKey struct {
	t, s  string
	c     channel.Name
	r     status.Reason
	start time.Time
}

func (v *visit) statsBy(f smsplus.Filter, by dimensions) ([]groupStats, error) {
	all := map[groupKey]*groupStats{}
	for m, err := range v.reader.All(v.ctx, f) {
		if err != nil {
			return nil, err
		}
		add := func(c channel.Name, r status.Reason, st status.Status, read, twice bool, took time.Duration) {
			k := groupKey{}
			if by&byTemplate != 0 {
				k.t = m.Template
			}
			if by&byScenario != 0 {
				k.s = m.Scenario
			}
			if by&byChannel != 0 {
				k.c = c
			}
			if by&byReason != 0 {
				k.r = r
			}
			if by&byHour != 0 {
				k.start = m.TriggeredAt.In(v.zone).Truncate(time.Hour)
			}
			if by&byDay != 0 {
				k.start = startOfDay(m.TriggeredAt.In(v.zone))
			}
			g := all[k]
			if g == nil {
				g = &groupStats{Template: k.t, Scenario: k.s, Channel: k.c, Reason: k.r, Start: k.start}
				all[k] = g
			}
			var ts smsplus.TemplateStats
			ts.AddCount(smsplus.Count{Status: st, Read: read, DeliveredTwice: twice}, 1)
			g.Triggered += ts.Triggered
			g.Preparing += ts.Preparing
			g.Accepted += ts.Accepted
			g.Failed += ts.Failed
			g.Undeliverable += ts.Undeliverable
			g.Delivered += ts.Delivered
			g.Read += ts.Read
			g.DeliveredTwice += ts.DeliveredTwice
			if st == status.Delivered {
				g.Times = append(g.Times, took)
			}
		}
		cm := smsplus.CountMessage(&m)
		if by&(byChannel|byReason) == 0 && f.Channel == "" {
			add("", "", m.Status, cm.Read, cm.DeliveredTwice, m.DeliveredAt.Sub(m.TriggeredAt))
			continue
		}
		for _, a := range m.Attempts {
			if f.Channel != "" && a.Channel != f.Channel {
				continue
			}
			ca := cm.Attempt(a.Status, !a.ReadAt.IsZero())
			add(a.Channel, a.Reason, ca.Status, ca.Read, ca.DeliveredTwice, a.DeliveredAt.Sub(a.StartedAt))
		}
	}
	var out []groupStats
	for _, g := range all {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b groupStats) int {
		return cmp.Or(cmp.Compare(a.Template, b.Template), cmp.Compare(a.Channel, b.Channel), a.Start.Compare(b.Start))
	})
	return out, nil
}
