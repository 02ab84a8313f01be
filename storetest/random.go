package storetest

import (
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// generator returns a number from 0 up to, not including, n: from a random source or
// from rapid, which makes a failing sequence shorter by rolling lower.
type generator func(n int) int

func pick[T any](roll generator, of ...T) T { return of[roll(len(of))] }

var phones = []phone.Number{
	{},
	mustParsePhone("+886912345678"), mustParsePhone("+886223456789"), mustParsePhone("+85291234567"), mustParsePhone("+819012345678"),
	mustParsePhone("+14155550123"), mustParsePhone("+447700900123"),
}

// message returns the nth sample as chance has it. Its trigger time is one of few,
// so that times tie, lie on hours and days, and lie just beside them.
func (roll generator) message(n int) smsplus.Message {
	m := newMessage(n)
	m.Template = pick(roll, "otp", "OTP", "order", "訂單")
	m.To = channel.Recipient{Phone: pick(roll, phones...)}
	if m.To.IsZero() {
		m.To.LINEUserID = "U4af4980629"
	}
	m.TriggeredAt = roll.time()
	roll.changeState(&m)
	return m
}

// time returns a time within two days of noon.
func (roll generator) time() time.Time {
	at := noon
	if roll(2) == 1 {
		at = noon.Truncate(time.Hour)
	}
	at = at.Add(time.Duration(roll(48)-24) * pick(roll, time.Minute, time.Hour, 2*time.Hour))
	return at.Add(time.Duration(roll(3)-1) * time.Microsecond)
}

// changeState gives m a new fate, which need not make sense: what a store makes of a
// message depends on its fields alone.
func (roll generator) changeState(m *smsplus.Message) {
	m.Status = pick(roll, status.Statuses()...)
	m.Channel = pick(roll, channel.SMS, channel.WhatsApp, channel.LINEPush, channel.LINENotify)
	m.Lane = pick(roll, "", channel.SMS, channel.WhatsApp, channel.LINEPush)
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
			Status:     pick(roll, status.Delivered, status.Undeliverable, status.Accepted, status.Failed, status.Preparing),
			ProviderID: pick(roll, providerIDs...),
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
func (roll generator) filter() smsplus.Filter {
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
	maybe(func() { f.Template = pick(roll, "otp", "OTP", "order", "訂單", "unknown") })
	maybe(func() { f.Channel = pick(roll, channel.SMS, channel.WhatsApp, channel.LINEPush, channel.LINENotify) })
	maybe(func() { f.Phone = pick(roll, phones...) })
	maybe(func() { f.CountryCode = pick(roll, "", "886", "88", "1", "852") })
	maybe(func() { f.Group = status.Group(roll(int(status.FailedGroup) + 1)) })
	return f
}

func (roll generator) ref() channel.Ref {
	return channel.Ref{
		Channel:    pick(roll, channel.SMS, channel.WhatsApp, channel.LINEPush),
		ProviderID: pick(roll, providerIDs...),
	}
}

func (roll generator) refs() []channel.Ref {
	refs := make([]channel.Ref, 1+roll(3))
	for i := range refs {
		refs[i] = roll.ref()
	}
	return refs
}

func (roll generator) receipts() []channel.Receipt {
	rs := make([]channel.Receipt, 1+roll(3))
	for i := range rs {
		rs[i] = newReceipt(0, roll.ref())
		rs[i].At = roll.time()
		rs[i].Status = pick(roll, status.Delivered, status.Undeliverable)
		rs[i].Read = roll(2) == 1
	}
	return rs
}
