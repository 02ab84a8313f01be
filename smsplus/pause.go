package smsplus

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// Pause stops a channel, or the messages of a template, until [Dispatcher.Resume] is called.
// The pause is stored: it survives restarts, and every dispatcher on the store obeys it
// within Config.Poll. This one does when Pause returns. p names the channel or the template,
// which need not be registered here. Its Since is ignored. Pausing twice keeps the first
// pause.
//
// Nothing is sent on a paused channel, and no message leaves it for its next step. A send
// that has begun finishes. Messages keep their order. Receipts and [Dispatcher.Cancel] take
// effect during the pause. Waits and times to live do not stop. A message ends as expired
// during the pause. A step whose wait is over when the pause ends is left for the next step
// (congested), as if its channel had been full.
//
// An error that wraps [ErrInvalidPause] stores nothing. After any other error the pause may
// be stored, and Pause may be called again.
func (d *Dispatcher) Pause(ctx context.Context, p Pause) error {
	p.Since = d.now()
	return d.changePauses(ctx, "SetPause", p, d.cfg.Store.SetPause)
}

// Resume ends the pause of p's channel or template. Its Since and Note are ignored. A
// channel or template that is not paused is no error. The waiting messages are sent in the
// order in which they fell due, by every dispatcher within Config.Poll.
func (d *Dispatcher) Resume(ctx context.Context, p Pause) error {
	return d.changePauses(ctx, "ClearPause", p, d.cfg.Store.ClearPause)
}

func (d *Dispatcher) changePauses(ctx context.Context, op string, p Pause, change func(context.Context, Pause) error) error {
	if err := p.Check(); err != nil {
		return err
	}
	err := d.callStore(ctx, op, func(ctx context.Context) error { return change(ctx, p) })
	if err != nil {
		return fmt.Errorf("smsplus: pauses: %w", err)
	}
	return d.loadPauses(ctx)
}

// pauseLoop reads the pauses once per Poll until ctx ends, ends paused messages whose time to
// live is over, and looks for channels that fell silent. It runs next to the claim loop, so that
// a slow claim delays no pause.
func (d *Dispatcher) pauseLoop(ctx context.Context) {
	for ctx.Err() == nil {
		d.sleepFor(ctx, d.jitterPoll())
		if ctx.Err() == nil && d.loadPauses(ctx) == nil {
			_ = d.endExpired(ctx, false) // the error is reported; the next pass repeats it
		}
		if ctx.Err() == nil {
			d.watchReceipts(ctx)
		}
	}
}

// jitterPoll returns a time that is shorter than Poll by up to a fifth, so that many dispatchers
// spread out.
func (d *Dispatcher) jitterPoll() time.Duration { return d.cfg.Poll - rand.N(d.cfg.Poll/5+1) }

// pauseSet is what a dispatcher knows of the pauses in its store. It never changes. The nil
// pauseSet is that of a dispatcher that has not read the pauses yet.
type pauseSet struct {
	sorted          []Pause // as the store lists them
	pausedChannels  map[channel.Name]bool
	pausedTemplates map[string]bool
}

func newPauseSet(list []Pause) *pauseSet {
	s := &pauseSet{sorted: list, pausedChannels: make(map[channel.Name]bool), pausedTemplates: make(map[string]bool)}
	for _, p := range list {
		if p.Template != "" {
			s.pausedTemplates[p.Template] = true
		} else {
			s.pausedChannels[p.Channel] = true
		}
	}
	return s
}

func (s *pauseSet) isEmpty() bool { return s == nil || len(s.sorted) == 0 }

func (s *pauseSet) hasChannel(name channel.Name) bool { return s != nil && s.pausedChannels[name] }

func (s *pauseSet) hasTemplate(id string) bool { return s != nil && s.pausedTemplates[id] }

// holdsBack reports whether the job's step must not be sent now.
func (s *pauseSet) holdsBack(j *job) bool {
	return !s.isEmpty() && j.step >= 0 && (s.pausedTemplates[j.Template] || s.pausedChannels[j.channelName()])
}

// loadPauses reads the pauses from the store. Until the next call, the dispatcher obeys
// these.
func (d *Dispatcher) loadPauses(ctx context.Context) error {
	d.pausesLoad.Lock()
	defer d.pausesLoad.Unlock()
	var list []Pause
	err := d.callStore(ctx, "Pauses", func(ctx context.Context) (err error) {
		list, err = d.cfg.Store.Pauses(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("smsplus: pauses: %w", err)
	}
	before := d.pauses.Load()
	if before != nil && slices.Equal(before.sorted, list) {
		return nil
	}
	d.pauses.Store(newPauseSet(list))
	if !before.isEmpty() || len(list) > 0 {
		d.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "smsplus: the pauses changed", slog.Any("paused", namesOf(list)))
	}
	d.wakeClaimLoop()
	return nil
}

func namesOf(list []Pause) []string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.String()
	}
	return names
}

// holdNew reports whether a message that is due now, and not stored yet, must wait for the
// claim loop: it is paused, or the pauses are not known. A message of a paused template is
// stored in the template's own lane.
func (d *Dispatcher) holdNew(m *Message) bool {
	known := d.pauses.Load()
	if known.hasTemplate(m.Template) {
		m.hold()
	}
	return known == nil || known.hasTemplate(m.Template) || known.hasChannel(m.Channel)
}

// pausedLane returns the lane in which messages wait whose template is paused. They have a
// lane of their own so that claims of the channels' lanes do not have to walk over them.
func pausedLane(template string) channel.Name { return channel.Name(pausedLanePrefix + template) }

// putBackPaused puts a message back that is paused. It stays due since it fell due, so that
// it keeps its place.
func (d *Dispatcher) putBackPaused(ctx context.Context, j job, mayWait bool) {
	j.held = d.pauses.Load().hasTemplate(j.Template)
	d.releaseLease(ctx, j, j.due, mayWait)
}

// starterOf returns how calls are started whose updates may share a commit: in goroutines of
// the group. Tick does all work in its caller's goroutine, one call after another.
func starterOf(group *sync.WaitGroup, inTick bool) (start func(call func())) {
	if inTick {
		return func(call func()) { call() }
	}
	return group.Go
}

// resumeLane moves the first messages of a template that is not paused any more to the lanes
// of their channels, and returns how many it met.
func (d *Dispatcher) resumeLane(ctx context.Context, lane channel.Name, inTick bool) (met int, err error) {
	c, holder, err := d.claimMessages(ctx, d.cfg.Batch, []channel.Name{lane})
	if err != nil || len(c.Messages) == 0 {
		return len(c.Unreadable), err
	}
	js, err := d.planJobs(ctx, c, holder, false)
	var updates sync.WaitGroup
	start := starterOf(&updates, inTick)
	for _, j := range js {
		j.held = err != nil
		start(func() {
			if j.step >= 0 || err != nil {
				d.releaseLease(ctx, j, j.due, false)
			} else {
				_, _ = d.runJob(ctx, j, false) // the error is reported; the lease's end repeats it
			}
		})
	}
	updates.Wait()
	return len(js) + len(c.Unreadable), err
}

const (
	expiryPage  = 1000
	expiryEvery = time.Minute
)

// expirySweep is the place in the open messages up to which paused ones were looked through
// for those whose time to live is over.
type expirySweep struct {
	mu     sync.Mutex
	nextAt time.Time // of the next pass
	after  Cursor
}

// endExpired ends paused messages whose time to live is over: claims do not bring them. It
// looks through one page of the open messages, or in Tick through all of them. It costs
// nothing while nothing is paused.
func (d *Dispatcher) endExpired(ctx context.Context, inTick bool) error {
	s := &d.expiry
	if d.pauses.Load().isEmpty() || !s.mu.TryLock() {
		return nil
	}
	defer s.mu.Unlock()
	if now := d.now(); inTick {
		s.after = ""
	} else if s.after == "" {
		if now.Before(s.nextAt) {
			return nil
		}
		s.nextAt = now.Add(expiryEvery)
	}
	for {
		var page Page
		err := d.callStore(ctx, "Records", func(ctx context.Context) (err error) {
			page, err = d.cfg.Store.Records(ctx, Filter{Group: status.Sending, Limit: expiryPage, After: s.after})
			return err
		})
		if err != nil {
			return err
		}
		if err := d.endExpiredOf(ctx, page.Messages, inTick); err != nil {
			return err
		}
		if s.after = page.Next; s.after == "" || !inTick {
			return nil
		}
	}
}

// endExpiredOf ends those of the messages that are paused, that no dispatcher holds, and
// whose time to live is over. The update of a message is its claim too: it fails if anything
// has changed since the message was read.
func (d *Dispatcher) endExpiredOf(ctx context.Context, ms []Message, inTick bool) error {
	now, known := d.now(), d.pauses.Load()
	var c Claimed
	for _, m := range ms {
		_, paused := m.PausedBy(known.sorted)
		if paused && m.expired(now) && !m.DueAt.After(now) {
			c.Messages, c.Due = append(c.Messages, m), append(c.Due, m.DueAt)
			c.Messages[len(c.Messages)-1].countClaim()
		}
	}
	if len(c.Messages) == 0 {
		return nil
	}
	js, err := d.planJobs(ctx, c, newHolder(), false)
	if err != nil {
		return err
	}
	var updates sync.WaitGroup
	start := starterOf(&updates, inTick)
	for _, j := range js {
		if j.step < 0 {
			start(func() { _, _ = d.runJob(ctx, j, false) }) // the error is reported; the next pass repeats it
		}
	}
	updates.Wait()
	return nil
}
