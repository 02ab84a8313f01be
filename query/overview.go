package query

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Overview says how sending stands, for all processes on a store.
type Overview struct {
	// At is the time of the overview.
	At time.Time
	// Pauses are what is paused, channels after templates.
	Pauses []smsplus.Pause
	// Dispatchers are the latest heartbeats of the dispatchers that run, the oldest run
	// first. Releases from before heartbeats are not among them.
	Dispatchers []smsplus.Heartbeat
	// Lanes are the lanes with messages that are due, or set aside.
	Lanes []LaneStatus
}

// LaneStatus says how far behind a lane is.
type LaneStatus struct {
	// Channel is what the messages are to be sent on. It is empty if they are only to end, or
	// if Template or HasOutcomes is set.
	Channel channel.Name
	// Class is the messages' class: each has a lane of its own.
	Class smsplus.Class
	// Template is set for messages that are held until their template is resumed.
	Template string
	// HasOutcomes says that the messages have ended, and that their outcomes are to be published:
	// see [smsplus.Outcomes].
	HasOutcomes bool
	// Due counts the messages that no dispatcher has claimed although they are due. Behind is
	// how long the first of them has been due.
	Due    int
	Behind time.Duration
	// SetAside counts the messages that a dispatcher could not read.
	SetAside int
	// IsPaused says that the channel or the template is paused.
	IsPaused bool
	// IsServed says that a running dispatcher has the channel, or the template.
	IsServed bool
}

// Overview returns how sending stands now: what is paused, which dispatchers run, and how
// far behind each lane is. Its cost depends on the messages that are due.
func (r *Reader) Overview(ctx context.Context) (Overview, error) {
	o := Overview{At: r.clock.Now().UTC()}
	var backlog []smsplus.LaneBacklog
	var err error
	if o.Pauses, err = r.store.Pauses(ctx); err == nil {
		o.Dispatchers, err = r.store.Heartbeats(ctx, o.At)
	}
	if err == nil {
		backlog, err = r.store.Backlog(ctx, o.At)
	}
	if err != nil {
		return Overview{}, fmt.Errorf("query: overview: %w", err)
	}
	for _, b := range backlog {
		o.Lanes = append(o.Lanes, o.laneStatus(b))
	}
	return o, nil
}

// Receipts returns how the receipts of each channel come, in order of the channels: when the last
// one happened, and whether they have stopped. See [smsplus.CheckReceipts] for what counts and
// what it costs.
func (r *Reader) Receipts(ctx context.Context) ([]smsplus.ChannelReceipts, error) {
	all, err := smsplus.CheckReceipts(ctx, r.store, r.clock.Now().UTC())
	if err != nil {
		return nil, fmt.Errorf("query: receipts: %w", err)
	}
	return all, nil
}

func (o Overview) laneStatus(b smsplus.LaneBacklog) LaneStatus {
	s := LaneStatus{Due: b.Due, SetAside: b.SetAside, HasOutcomes: b.Lane == smsplus.OutcomeLane}
	s.Channel, s.Class = smsplus.ChannelOfLane(b.Lane)
	if template, ok := smsplus.TemplateOfLane(b.Lane); ok {
		s.Template = template
	}
	if b.Due > 0 {
		s.Behind = o.At.Sub(b.OldestDue)
	}
	s.IsPaused = slices.ContainsFunc(o.Pauses, func(p smsplus.Pause) bool {
		return p.Channel == s.Channel && p.Template == s.Template
	})
	s.IsServed = slices.ContainsFunc(o.Dispatchers, func(h smsplus.Heartbeat) bool {
		return s.Channel == "" && s.Template == "" || slices.Contains(h.Channels, s.Channel) || slices.Contains(h.Templates, s.Template)
	})
	return s
}

// Pauses returns what is paused, for [smsplus.Message.PausedBy].
func (r *Reader) Pauses(ctx context.Context) ([]smsplus.Pause, error) {
	ps, err := r.store.Pauses(ctx)
	if err != nil {
		return nil, fmt.Errorf("query: pauses: %w", err)
	}
	return ps, nil
}
