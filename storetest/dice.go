package storetest

import (
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// dice returns a number from 0 up to, not including, n: from a random source or
// from rapid, which makes a failing sequence shorter by rolling lower.
type dice func(n int) int

func one[T any](roll dice, of ...T) T { return of[roll(len(of))] }

var phones = []phone.Number{
	{},
	number("+886912345678"), number("+886223456789"), number("+85291234567"), number("+819012345678"),
	number("+14155550123"), number("+447700900123"),
}

// message returns the nth sample as chance has it. Its trigger time is one of few,
// so that times tie, lie on hours and days, and lie just beside them.
func (roll dice) message(n int) smsplus.Message {
	m := message(n)
	m.Template = one(roll, "otp", "OTP", "order", "訂單")
	m.To = channel.Recipient{Phone: one(roll, phones...)}
	if m.To.IsZero() {
		m.To.LINEUserID = "U4af4980629"
	}
	m.TriggeredAt = roll.time()
	roll.progress(&m)
	return m
}

// time returns a time within two days of noon.
func (roll dice) time() time.Time {
	at := noon
	if roll(2) == 1 {
		at = noon.Truncate(time.Hour)
	}
	at = at.Add(time.Duration(roll(48)-24) * one(roll, time.Minute, time.Hour, 2*time.Hour))
	return at.Add(time.Duration(roll(3)-1) * time.Microsecond)
}

// progress gives m a new fate, which need not make sense: what a store makes of a
// message depends on its fields alone.
func (roll dice) progress(m *smsplus.Message) {
	m.Status = one(roll, status.Statuses()...)
	m.Channel = one(roll, channel.SMS, channel.WhatsApp, channel.LINEPush, channel.LINENotify)
	m.Lane = one(roll, "", channel.SMS, channel.WhatsApp, channel.LINEPush)
	m.DueAt, m.ReadAt, m.DeliveredAt = time.Time{}, time.Time{}, time.Time{}
	if roll(2) == 1 {
		m.DueAt = roll.time()
	}
	if roll(3) == 1 {
		m.DeliveredAt, m.ReadAt = m.TriggeredAt.Add(time.Minute), m.TriggeredAt.Add(2*time.Minute)
	}
	m.Attempts = nil
	for step, c := range []channel.Name{channel.LINEPush, channel.WhatsApp, channel.SMS} {
		if roll(2) == 0 {
			continue
		}
		a := smsplus.Attempt{
			ID: smsplus.AttemptID(m.ID, step), Step: step, Channel: c,
			Status:     one(roll, status.Delivered, status.Undeliverable, status.Accepted, status.Failed, status.Preparing),
			ProviderID: one(roll, providerIDs...),
			Tries:      1, StartedAt: m.TriggeredAt,
		}
		if roll(3) == 1 {
			a.ReadAt = m.TriggeredAt.Add(time.Minute)
		}
		m.Attempts = append(m.Attempts, a)
	}
}

// providerIDs are few, so that messages share them.
var providerIDs = []string{"1", "2", "3", "4", "5", "6"}

// filter returns a filter of its first page.
func (roll dice) filter() smsplus.Filter {
	var f smsplus.Filter
	maybe := func(set func()) {
		if roll(3) == 1 {
			set()
		}
	}
	maybe(func() { f.From = roll.time() })
	maybe(func() { f.To = roll.time() })
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
		f.From, f.To = f.To, f.From
	}
	maybe(func() { f.Template = one(roll, "otp", "OTP", "order", "訂單", "unknown") })
	maybe(func() { f.Channel = one(roll, channel.SMS, channel.WhatsApp, channel.LINEPush, channel.LINENotify) })
	maybe(func() { f.Phone = one(roll, phones...) })
	maybe(func() { f.CountryCode = one(roll, "", "886", "88", "1", "852") })
	maybe(func() { f.Group = status.Group(roll(int(status.FailedGroup) + 1)) })
	return f
}

func (roll dice) ref() channel.Ref {
	return channel.Ref{
		Channel:    one(roll, channel.SMS, channel.WhatsApp, channel.LINEPush),
		ProviderID: one(roll, providerIDs...),
	}
}

func (roll dice) refs() []channel.Ref {
	refs := make([]channel.Ref, 1+roll(3))
	for i := range refs {
		refs[i] = roll.ref()
	}
	return refs
}

func (roll dice) receipts() []channel.Receipt {
	rs := make([]channel.Receipt, 1+roll(3))
	for i := range rs {
		rs[i] = receipt(0, roll.ref())
		rs[i].At = roll.time()
		rs[i].Status = one(roll, status.Delivered, status.Undeliverable)
		rs[i].Read = roll(2) == 1
	}
	return rs
}
