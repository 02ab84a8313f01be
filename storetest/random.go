package storetest

import (
	"math/rand/v2"
	"strconv"
	"time"

	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// generator makes random test data.
type generator struct {
	// intN returns a number in [0, n).
	intN func(n int) int
}

// newGenerator returns a generator that makes the same data for the same seed.
func newGenerator(seed1, seed2 uint64) generator {
	return generator{rand.New(rand.NewPCG(seed1, seed2)).IntN}
}

// rapidGenerator returns a generator that draws from rapid. Rapid shrinks a failing
// test by drawing lower numbers.
func rapidGenerator(t *rapid.T) generator {
	return generator{func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "n") }}
}

// pick returns one of the values.
func pick[T any](gen generator, of ...T) T { return of[gen.intN(len(of))] }

// phones are the numbers of random messages and filters. The zero number is one of them.
var phones = []phone.Number{
	{},
	mustParsePhone("+886912345678"), mustParsePhone("+886223456789"), mustParsePhone("+85291234567"),
	mustParsePhone("+819012345678"), mustParsePhone("+14155550123"), mustParsePhone("+447700900123"),
}

// recipientIDs are few, so that recipients share them, on one channel or on several.
var recipientIDs = []string{"U4af4980629", "u4af4980629", "ann@example.com"}

// idsByChannel returns the IDs of a recipient, mostly none.
func (gen generator) idsByChannel() map[channel.Name]string {
	var ids map[channel.Name]string
	for _, c := range []channel.Name{channel.LINEPush, "chat"} {
		if gen.intN(4) == 1 {
			if ids == nil {
				ids = map[channel.Name]string{}
			}
			ids[c] = pick(gen, recipientIDs...)
		}
	}
	return ids
}

// message returns the nth sample with random fields. Its trigger time is one of few,
// so that some are equal, and some are on the edge of an hour or a day.
func (gen generator) message(n int) smsplus.Message {
	m := newMessage(n)
	m.Template = pick(gen, "otp", "OTP", "order", "訂單")
	m.Scenario = pick(gen, scenarios...)
	m.Reference = pick(gen, references...)
	m.Class = pick(gen, smsplus.Normal, smsplus.Normal, smsplus.Urgent, smsplus.Bulk)
	m.To = channel.Recipient{Phone: pick(gen, phones...)}
	m.To.IDs = gen.idsByChannel()
	if m.To.IsZero() {
		m.To.IDs = map[channel.Name]string{channel.LINEPush: recipientIDs[0]}
	}
	m.TriggeredAt = gen.time()
	gen.changeState(&m)
	return m
}

// time returns a time within two days of noon.
func (gen generator) time() time.Time {
	at := noon
	if gen.intN(2) == 1 {
		at = noon.Truncate(time.Hour)
	}
	at = at.Add(time.Duration(gen.intN(48)-24) * pick(gen, time.Minute, time.Hour, 2*time.Hour))
	return at.Add(time.Duration(gen.intN(3)-1) * time.Microsecond)
}

// changeState sets the fields of m that an update may change. The result need not make
// sense, because a store reads the fields and knows no rules between them.
func (gen generator) changeState(m *smsplus.Message) {
	m.Status = pick(gen, status.Statuses()...)
	m.Channel = pick(gen, channel.SMS, channel.WhatsApp, channel.LINEPush, channel.LINENotify)
	m.Lane = pick(gen, "", channel.SMS, channel.WhatsApp, channel.LINEPush)
	m.Claims, m.Sending, m.Holder = gen.intN(3), gen.intN(4)-1, int64(gen.intN(3))
	m.DueAt, m.ReadAt, m.DeliveredAt = time.Time{}, time.Time{}, time.Time{}
	if gen.intN(2) == 1 {
		m.DueAt = gen.time()
	}
	if gen.intN(3) == 1 {
		m.DeliveredAt = m.TriggeredAt.Add(pick(gen, time.Minute, time.Second, 3*time.Hour))
		m.ReadAt = m.TriggeredAt.Add(2 * time.Minute)
	}
	m.Attempts = nil
	for step, c := range []channel.Name{channel.LINEPush, channel.WhatsApp, channel.SMS} {
		if gen.intN(2) == 0 {
			continue
		}
		a := smsplus.Attempt{
			ID: smsplus.AttemptID(m.ID, step), Step: step, Channel: c,
			Status:     pick(gen, status.Delivered, status.Undeliverable, status.Accepted, status.Failed, status.Preparing),
			ProviderID: pick(gen, providerIDs...),
			Reason:     pick(gen, reasons...),
			Tries:      1, Doubts: gen.intN(3), StartedAt: m.TriggeredAt,
			Recall: pick(gen, 0, channel.Impossible, channel.TooLate, channel.Recalled), RecallTries: gen.intN(3),
		}
		if gen.intN(3) == 1 {
			a.DeliveredAt = m.TriggeredAt.Add(pick(gen, -time.Second, time.Microsecond, 50*time.Millisecond, time.Minute, 40*time.Hour))
		}
		if gen.intN(3) == 1 {
			a.ReadAt = m.TriggeredAt.Add(time.Minute)
		}
		m.Attempts = append(m.Attempts, a)
	}
}

// These are few, so that messages and attempts share them.
var (
	providerIDs = []string{"1", "2", "3", "4", "5", "6"}
	references  = []string{"", "batch/1", "batch/11"}
	scenarios   = []string{"OTP", "otp", ""}
	reasons     = []status.Reason{"", status.CarrierError, status.Blocked, "vendor_error"}
)

// filter returns a filter without a cursor.
func (gen generator) filter() smsplus.Filter {
	var f smsplus.Filter
	maybe := func(set func()) {
		if gen.intN(3) == 1 {
			set()
		}
	}
	maybe(func() { f.From = gen.time() })
	maybe(func() { f.To = gen.time() })
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
		f.From, f.To = f.To, f.From
	}
	maybe(func() { f.Template = pick(gen, "otp", "OTP", "order", "訂單", "unknown") })
	maybe(func() { f.Channel = pick(gen, channel.SMS, channel.WhatsApp, channel.LINEPush, channel.LINENotify) })
	maybe(func() { f.Phone = pick(gen, phones...) })
	maybe(func() { f.RecipientID = pick(gen, append(recipientIDs, "unknown")...) })
	maybe(func() { f.CountryCode = pick(gen, "", "886", "88", "1", "852") })
	maybe(func() { f.Key = strconv.Itoa(gen.intN(50)) })
	maybe(func() { f.Reference = pick(gen, append(references, "unknown")...) })
	maybe(func() { f.Scenario = pick(gen, append(scenarios, "unknown")...) })
	maybe(func() { f.Reason = pick(gen, append(reasons, "unknown")...) })
	maybe(func() { f.ProviderID = pick(gen, append(providerIDs, "unknown")...) })
	maybe(func() { f.Group = status.Group(gen.intN(int(status.FailedGroup) + 1)) })
	return f
}

func (gen generator) ref() channel.Ref {
	return channel.Ref{
		Channel:    pick(gen, channel.SMS, channel.WhatsApp, channel.LINEPush),
		ProviderID: pick(gen, providerIDs...),
	}
}

func (gen generator) refs() []channel.Ref {
	refs := make([]channel.Ref, 1+gen.intN(3))
	for i := range refs {
		refs[i] = gen.ref()
	}
	return refs
}

func (gen generator) receipts() []channel.Receipt {
	rs := make([]channel.Receipt, 1+gen.intN(3))
	for i := range rs {
		rs[i] = newReceipt(0, gen.ref())
		rs[i].At = gen.time()
		rs[i].Status = pick(gen, status.Delivered, status.Undeliverable)
		rs[i].Read = gen.intN(2) == 1
	}
	return rs
}
