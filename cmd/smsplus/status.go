package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

// status prints what is paused, which dispatchers run, and how far behind each lane is.
func (p *program) status(f *flags) action {
	var zone *time.Location
	f.declareZone(&zone)
	asJSON := f.Bool("json", false, "print one object")
	return func(ctx context.Context, _ string) error {
		return p.withStore(ctx, func(s smsplus.Store) error {
			o, err := query.New(s, query.Options{}).Overview(ctx)
			if err != nil {
				return err
			}
			e := query.Export{Location: zone}
			if *asJSON {
				return writeOverviewJSON(p.stdout, o, e)
			}
			_, err = io.WriteString(p.stdout, formatOverview(o, e))
			return err
		})
	}
}

const whenObeyed = "Dispatchers obey within their Poll (1 s by default)."

// pause pauses a channel or a template.
func (p *program) pause(f *flags) action {
	var what smsplus.Pause
	f.declarePaused(&what)
	f.declareText(&what.Note, "note", "why, and by whom: for people")
	return p.changePause(&what, func(ctx context.Context, _ smsplus.Store, d *smsplus.Dispatcher) (string, error) {
		return "is paused. " + whenObeyed, d.Pause(ctx, what)
	})
}

// resume ends a pause.
func (p *program) resume(f *flags) action {
	var what smsplus.Pause
	f.declarePaused(&what)
	return p.changePause(&what, func(ctx context.Context, s smsplus.Store, d *smsplus.Dispatcher) (string, error) {
		paused, err := s.Pauses(ctx)
		if err != nil {
			return "", err
		}
		done := "was not paused."
		if slices.ContainsFunc(paused, func(q smsplus.Pause) bool { return q.Channel == what.Channel && q.Template == what.Template }) {
			done = "is resumed. " + whenObeyed
		}
		return done, d.Resume(ctx, what)
	})
}

// declarePaused declares the flags that name what is paused.
func (f *flags) declarePaused(into *smsplus.Pause) {
	f.declareText((*string)(&into.Channel), "channel", "the `channel`, such as sms")
	f.declareText(&into.Template, "template", "the `template`'s ID")
	f.checks = append(f.checks, func() error {
		if (into.Channel == "") == (into.Template == "") && len(f.errs) == 0 {
			return errors.New("-channel or -template, and not both, is required")
		}
		return into.Check()
	})
}

// changePause calls change, which returns what it did to what the flags name. A Dispatcher
// without channels stores a pause as any other does.
func (p *program) changePause(
	what *smsplus.Pause, change func(context.Context, smsplus.Store, *smsplus.Dispatcher) (done string, err error),
) action {
	return func(ctx context.Context, _ string) error {
		return p.withStore(ctx, func(s smsplus.Store) error {
			d, err := smsplus.New(smsplus.Config{Store: s})
			if err != nil {
				return err
			}
			done, err := change(ctx, s, d)
			if err != nil {
				return err
			}
			alive, err := s.Heartbeats(ctx, time.Now())
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(p.stdout, "The %v %s\n", what, done); err != nil {
				return err
			}
			if !slices.ContainsFunc(alive, func(h smsplus.Heartbeat) bool {
				return slices.Contains(h.Channels, what.Channel) || slices.Contains(h.Templates, what.Template)
			}) {
				fmt.Fprintf(p.stderr, "smsplus: no running dispatcher has the %v\n", what)
			}
			return nil
		})
	}
}

func formatOverview(o query.Overview, e query.Export) string {
	var pauses, dispatchers, lanes table
	pauses.add("since", "paused", "note")
	for _, q := range o.Pauses {
		pauses.add(formatTime(q.Since, e), q, q.Note)
	}
	dispatchers.add("started", "heartbeat", "dispatcher", "channels", "templates")
	for _, h := range o.Dispatchers {
		dispatchers.add(formatTime(h.StartedAt, e), formatTime(h.At, e), h.Name, joinNames(channelsWithShares(h)), joinNames(h.Templates))
	}
	lanes = table{numericColumns: 3}
	lanes.add("due", "behind", "set_aside", "lane", "")
	for _, l := range o.Lanes {
		lanes.add(l.Due, l.Behind.Round(time.Second), l.SetAside, laneName(l), laneState(l))
	}
	return "Pauses\n" + pauses.render() + "\nDispatchers\n" + dispatchers.render() + "\nBacklog\n" + lanes.render()
}

// laneName returns what the messages of a lane wait for.
func laneName(l query.LaneStatus) string {
	switch {
	case l.Template != "":
		return "template " + l.Template
	case l.Channel != "" && l.Class != smsplus.Normal:
		return fmt.Sprintf("%s (%v)", l.Channel, l.Class)
	case l.Channel != "":
		return string(l.Channel)
	case l.HasOutcomes:
		return "(outcomes)"
	}
	return "(to end)"
}

func laneState(l query.LaneStatus) string {
	var states []string
	if l.IsPaused {
		states = append(states, "paused")
	}
	if !l.IsServed {
		states = append(states, "no running dispatcher has it")
	}
	return strings.Join(states, ", ")
}

// channelsWithShares returns the dispatcher's channels, with its shares of their rates.
func channelsWithShares(h smsplus.Heartbeat) []string {
	texts := make([]string, len(h.Channels))
	for i, name := range h.Channels {
		texts[i] = string(name)
		if share, ok := h.Shares[name]; ok {
			texts[i] += fmt.Sprintf(" (%.4g/s)", share)
		}
	}
	return texts
}

func joinNames[N ~string](names []N) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = string(n)
	}
	return strings.Join(texts, ",")
}

// overviewJSON is the object of status -json. Its keys must not change, because programs
// read them.
type overviewJSON struct {
	At          string           `json:"at"`
	Pauses      []pauseJSON      `json:"pauses"`
	Dispatchers []dispatcherJSON `json:"dispatchers"`
	Lanes       []laneJSON       `json:"lanes"`
}

type pauseJSON struct {
	Channel  channel.Name `json:"channel,omitempty"`
	Template string       `json:"template,omitempty"`
	Since    string       `json:"since"`
	Note     string       `json:"note,omitempty"`
}

type dispatcherJSON struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	StartedAt string         `json:"started_at"`
	At        string         `json:"at"`
	Until     string         `json:"until"`
	Channels  []channel.Name `json:"channels"`
	Templates []string       `json:"templates"`
	// Shares are the dispatcher's shares of rates, in sends a second.
	Shares map[channel.Name]float64 `json:"shares,omitempty"`
}

type laneJSON struct {
	Channel       channel.Name  `json:"channel,omitempty"`
	Class         smsplus.Class `json:"class,omitempty"`
	Template      string        `json:"template,omitempty"`
	Outcomes      bool          `json:"outcomes,omitempty"`
	Due           int           `json:"due"`
	BehindSeconds float64       `json:"behind_seconds"`
	SetAside      int           `json:"set_aside"`
	Paused        bool          `json:"paused"`
	Served        bool          `json:"served"`
}

func writeOverviewJSON(w io.Writer, o query.Overview, e query.Export) error {
	j := overviewJSON{At: formatTime(o.At, e), Pauses: []pauseJSON{}, Dispatchers: []dispatcherJSON{}, Lanes: []laneJSON{}}
	for _, q := range o.Pauses {
		j.Pauses = append(j.Pauses, newPauseJSON(q, e))
	}
	for _, h := range o.Dispatchers {
		j.Dispatchers = append(j.Dispatchers, dispatcherJSON{
			h.ID.String(), h.Name, formatTime(h.StartedAt, e), formatTime(h.At, e), formatTime(h.Until, e),
			append([]channel.Name{}, h.Channels...), append([]string{}, h.Templates...), h.Shares,
		})
	}
	for _, l := range o.Lanes {
		j.Lanes = append(j.Lanes, laneJSON{l.Channel, l.Class, l.Template, l.HasOutcomes, l.Due, l.Behind.Seconds(), l.SetAside, l.IsPaused, l.IsServed})
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out.Encode(j)
}

func newPauseJSON(q smsplus.Pause, e query.Export) pauseJSON {
	return pauseJSON{q.Channel, q.Template, formatTime(q.Since, e), q.Note}
}
