package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

const (
	historyDays = 30
	// historySize is the number of messages of the past.
	historySize = 3000
)

// addHistory fills a store that has no messages with some of the last month. They are
// inserted as they would have ended.
func addHistory(ctx context.Context, store smsplus.Store, now time.Time) error {
	page, err := store.Records(ctx, smsplus.Filter{Limit: 1})
	if err != nil || len(page.Messages)+len(page.Unreadable) > 0 {
		return err
	}
	var ms []smsplus.Message
	for range historySize {
		// People write by day, and more from week to week.
		days := historyDays * (1 - max(rand.Float64(), rand.Float64()))
		m, err := pastMessage(now.Add(-time.Minute - time.Duration(days*24*float64(time.Hour))).UTC().Truncate(time.Microsecond))
		if err != nil {
			return err
		}
		ms = append(ms, m)
	}
	_, err = store.Insert(ctx, ms)
	return err
}

// pastMessage returns a message that was triggered then and has ended.
func pastMessage(at time.Time) (smsplus.Message, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return smsplus.Message{}, err
	}
	t := pick(templates)
	tr := newTrigger(t)
	m := smsplus.Message{
		ID: id, Template: t.ID, Scenario: t.Scenario, To: tr.To, Vars: tr.Vars, Reference: tr.Reference,
		TriggeredAt: at, Sending: -1, Version: 1,
	}
	for _, s := range t.Route {
		m.Plan = append(m.Plan, smsplus.PlannedStep{Channel: s.Channel, Wait: s.Wait, OnFailed: s.OnFailed, InDoubt: s.InDoubt})
	}
	for i, s := range t.Route {
		a := pastAttempt(smsplus.AttemptID(id, i), i, s, at)
		m.Attempts, m.Status, m.Channel = append(m.Attempts, a), a.Status, a.Channel
		if a.Status == status.Delivered {
			m.DeliveredAt, m.ReadAt = a.DeliveredAt, a.ReadAt
			break
		}
		if a.Status == status.Failed && s.OnFailed != smsplus.Forward {
			break
		}
		at = a.EndedAt
	}
	return m, nil
}

// refusal is how an attempt did not arrive.
type refusal struct {
	status status.Status
	reason status.Reason
	detail string
}

// refusals are those of each channel, with the providers' words.
var refusals = map[channel.Name][]refusal{
	channel.LINEPush: {
		{status.Undeliverable, status.NoContact, ""},
		{status.Undeliverable, status.Blocked, "400: the user has blocked the account"},
		{status.Undeliverable, status.QuotaExceeded, "429: You have reached your monthly limit."},
	},
	channel.LINENotify: {
		{status.Undeliverable, status.NoMatch, "422: Failed to send messages"},
		{status.Undeliverable, status.NoReceipt, ""},
		{status.Undeliverable, status.Unverified, ""},
	},
	channel.WhatsApp: {
		{status.Undeliverable, status.TemplateMismatch, "132000: Number of parameters does not match"},
		{status.Undeliverable, status.Permission, "131031: Business Account locked"},
		{status.Failed, status.TemplateConfig, "132001: Template does not exist"},
	},
	channel.SMS: {
		{status.Undeliverable, status.InvalidNumber, "21211: The 'To' number is not a valid phone number."},
		{status.Undeliverable, status.CarrierError, "30003: Unreachable destination handset"},
		{status.Failed, status.SystemError, "503: service unavailable"},
	},
}

// pastAttempt returns an attempt that has ended. Three of four have arrived.
func pastAttempt(id uuid.UUID, step int, s smsplus.Step, at time.Time) smsplus.Attempt {
	took := time.Duration(rand.ExpFloat64() * 4 * float64(time.Second))
	if s.Channel == channel.LINEPush {
		took /= 10
	}
	a := smsplus.Attempt{
		ID: id, Step: step, Channel: s.Channel, Content: smsplus.HashContent(s.Content), Tries: 1, ProviderID: fmt.Sprintf("p-%s", id),
		StartedAt: at, EndedAt: at.Add(took).Truncate(time.Microsecond),
	}
	if s.Channel != channel.LINEPush {
		a.AcceptedAt = at.Add(took / 4).Truncate(time.Microsecond)
	}
	if rand.IntN(4) > 0 {
		a.Status, a.DeliveredAt = status.Delivered, a.EndedAt
		if s.Channel == channel.WhatsApp && rand.IntN(2) == 0 {
			a.ReadAt = a.EndedAt.Add(time.Duration(rand.IntN(3600)) * time.Second)
		}
		return a
	}
	why := pick(refusals[s.Channel])
	a.Status, a.Reason, a.Detail = why.status, why.reason, why.detail
	if s.Channel == channel.LINENotify {
		a.EndedAt = at.Add(s.Wait)
	}
	return a
}
