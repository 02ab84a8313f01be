package smsplus

import (
	"context"
	"errors"
	"slices"

	"github.com/smsplus/smsplus-go/channel"
)

// registeredTemplate is a Template, and the plan and variables that its triggers need.
type registeredTemplate struct {
	Template
	plan   []PlannedStep
	hashes []ContentHash // of the route's contents
	vars   []string
}

// SetTemplates replaces all templates, those of [Config.Templates] or of the call before,
// while the Dispatcher runs. It is all or nothing: the error holds every mistake, each named
// by its field, and with an error the templates stay as they were. Warnings are as by [New].
//
// Triggers see the new templates when SetTemplates has returned. A message that was
// triggered before keeps its route. Its later sends, retries included, have the content of
// the new template. If that has no step on the channel, or there is no such template any
// more, the message waits for a dispatcher that has it (see [Unserved]).
func (d *Dispatcher) SetTemplates(ts []Template) error {
	channels := make(map[channel.Name]channel.Channel, len(d.cfg.Channels))
	for _, ch := range d.cfg.Channels {
		channels[ch.Name()] = ch
	}
	var bad errorList
	checkTemplates("smsplus: SetTemplates: templates", ts, channels, &bad)
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	d.registerTemplates(ts)
	d.unknownTemplates.forget()
	d.wakeClaimLoop()
	return nil
}

// registerTemplates replaces the registered templates. checkTemplates has accepted ts.
func (d *Dispatcher) registerTemplates(ts []Template) {
	byID := make(map[string]*registeredTemplate, len(ts))
	for _, t := range ts {
		byID[t.ID] = newTemplate(t)
		d.noteWaits(t)
		d.warnShortWaits(t)
		d.warnSuspects(t)
	}
	d.templates.Store(&byID)
}

// template returns the registered template with the ID, or nil.
func (d *Dispatcher) template(id string) *registeredTemplate { return (*d.templates.Load())[id] }

func newTemplate(t Template) *registeredTemplate {
	t.Route = slices.Clone(t.Route)
	reg := &registeredTemplate{Template: t}
	for _, s := range t.Route {
		reg.hashes = append(reg.hashes, HashContent(s.Content))
		reg.plan = append(reg.plan, PlannedStep{s.Channel, s.Wait, s.OnFailed, s.InDoubt, s.Until})
		for _, v := range s.Content.Vars() {
			if !slices.Contains(reg.vars, v) {
				reg.vars = append(reg.vars, v)
			}
		}
	}
	return reg
}

// noteWaits lowers each channel's shortestWait to that of t. A message may have to leave a lane
// unsent after the wait of a step that another one follows, or after the time to live.
func (d *Dispatcher) noteWaits(t Template) {
	for i, s := range t.Route {
		wait := t.TTL
		if w := d.wait(PlannedStep{Channel: s.Channel, Wait: s.Wait}); i+1 < len(t.Route) && (wait == 0 || w < wait) {
			wait = w
		}
		o := d.outlets[s.Channel]
		if shortest := o.shortestWait.Load(); wait > 0 && (shortest == 0 || int64(wait) < shortest) {
			o.shortestWait.Store(int64(wait))
		}
	}
}

// warnShortWaits reports steps whose wait ends while their provider still tries.
func (d *Dispatcher) warnShortWaits(t Template) {
	for _, s := range t.Route[:len(t.Route)-1] {
		tr := d.traits[s.Channel]
		if s.Wait == 0 || tr.Expires || s.Wait >= tr.Validity {
			continue
		}
		d.cfg.Logger.Warn("smsplus: the provider goes on trying after the message has moved on: the person may get both",
			"template", t.ID, "channel", s.Channel, "wait", s.Wait, "validity", tr.Validity)
		d.reportEvent(context.Background(), WaitTooShort{t.ID, s.Channel, s.Wait, tr.Validity})
	}
}
