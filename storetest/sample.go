package storetest

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// noon is the base of all sample times. It has microseconds, so that a store that rounds
// to milliseconds or seconds fails.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 123_457_000, time.UTC)

func mustParsePhone(e164 string) phone.Number {
	n, err := phone.Parse(e164)
	if err != nil {
		panic(err)
	}
	return n
}

// messageID returns the ID of the nth sample. IDs are not in the order of n, because a
// store must not rely on their order.
func messageID(n int) uuid.UUID { return uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n)) }

// newMessage returns the nth sample: triggered and due n minutes after noon.
func newMessage(n int) smsplus.Message {
	at := noon.Add(time.Duration(n) * time.Minute)
	return smsplus.Message{
		ID:          messageID(n),
		Template:    "otp",
		Scenario:    "OTP",
		To:          channel.Recipient{Phone: mustParsePhone("+886912345678")},
		Plan:        []smsplus.PlannedStep{{Channel: channel.SMS, Wait: time.Hour}},
		Channel:     channel.SMS,
		Lane:        channel.SMS,
		Sending:     -1,
		TriggeredAt: at,
		DueAt:       at,
	}
}

// newMessages returns the samples with from ≤ n < to.
func newMessages(from, to int) []smsplus.Message {
	var ms []smsplus.Message
	for n := from; n < to; n++ {
		ms = append(ms, newMessage(n))
	}
	return ms
}

// fullMessage returns the nth sample with every field set.
func fullMessage(n int) smsplus.Message {
	m := newMessage(n)
	at := func(minutes int) time.Time {
		return m.TriggeredAt.Add(time.Duration(minutes)*time.Minute + time.Duration(minutes)*time.Microsecond)
	}
	m.Key = fmt.Sprintf("order/%d", n)
	m.Reference = fmt.Sprintf("batch/%d", n/2)
	m.Class = smsplus.Bulk
	m.ResendOf, m.ResentAs = messageID(n+1000), messageID(n+2000)
	m.To.IDs = map[channel.Name]string{channel.LINEPush: "U4af4980629", "chat": fmt.Sprintf("ann+%d@example.com", n)}
	m.Vars = map[string]string{"code": "123456", "name": "Ann"}
	m.Metadata = map[string]string{"order": "A-17", "empty": ""}
	m.Plan = []smsplus.PlannedStep{
		{Channel: channel.LINEPush, Wait: 2*time.Hour + time.Microsecond, OnFailed: smsplus.Forward},
		{Channel: channel.WhatsApp, Wait: 30 * 24 * time.Hour, InDoubt: smsplus.Forward, Until: smsplus.UntilRead},
		{Channel: channel.SMS},
	}
	m.Attempts = []smsplus.Attempt{{
		ID:         smsplus.AttemptID(m.ID, 0),
		Channel:    channel.LINEPush,
		Status:     status.Undeliverable,
		Reason:     status.Blocked,
		Detail:     "429: the person blocked the account",
		ProviderID: fmt.Sprintf("line %d", n),
		Content:    1<<63 + 1,
		Tries:      1,
		StartedAt:  at(1),
		EndedAt:    at(2),
	}, {
		ID:          smsplus.AttemptID(m.ID, 1),
		Step:        1,
		Channel:     channel.WhatsApp,
		Status:      status.Delivered,
		ProviderID:  fmt.Sprintf("whatsapp %d", n),
		Tries:       3,
		Doubts:      2,
		Recall:      channel.TooLate,
		RecallTries: 3,
		StartedAt:   at(3),
		AcceptedAt:  at(4),
		DeliveredAt: at(5),
		ReadAt:      at(6),
		EndedAt:     at(7),
	}}
	m.Status = status.Delivered
	m.Channel, m.Lane = channel.WhatsApp, channel.SMS
	m.DeliveredAt, m.ReadAt, m.ExpiresAt, m.CanceledAt, m.DueAt = at(5), at(6), at(8), at(9), at(10)
	m.ConfirmedAt = at(11)
	m.Published = smsplus.Published{End: status.Undeliverable, Read: true, Confirmed: true, Failures: 300}
	m.Claims, m.Sending, m.Holder = 2, 1, 1<<62
	m.Version = 1 << 40
	return m
}

// sentMessage returns the nth sample after a provider accepted it under the provider ID.
func sentMessage(n int, c channel.Name, providerID string) smsplus.Message {
	m := newMessage(n)
	m.Channel = c
	m.Attempts = []smsplus.Attempt{{
		ID: smsplus.AttemptID(m.ID, 0), Channel: c, Status: status.Accepted, ProviderID: providerID,
		Tries: 1, StartedAt: m.TriggeredAt, AcceptedAt: m.TriggeredAt,
	}}
	m.Status = status.Accepted
	return m
}

// endedMessage returns the nth sample without a due time: it has ended.
func endedMessage(n int) smsplus.Message {
	m := newMessage(n)
	m.DueAt = time.Time{}
	return m
}

// newReceipt returns a delivery receipt of n minutes after noon.
func newReceipt(n int, ref channel.Ref) channel.Receipt {
	return channel.Receipt{
		Channel: ref.Channel, ProviderID: ref.ProviderID,
		Status: status.Delivered, At: noon.Add(time.Duration(n) * time.Minute),
	}
}

func smsRef(providerID string) channel.Ref {
	return channel.Ref{Channel: channel.SMS, ProviderID: providerID}
}

// trickyTexts are texts that stores are known to change or confuse. Each differs from all
// others.
var trickyTexts = []string{
	"驗證碼是「123456」，請勿告訴他人。",
	"𠮷野家 👩‍👩‍👧‍👦 🇹🇼",
	"é", "e\u0301", // look equal and are different texts
	"A", "a",
	"مرحبا بالعالم",
	`'single' "double" ` + "`back` \\ \\n",
	"'; DROP TABLE messages; --",
	"%", "_", "otp%", "*", "?", "$1", ":name",
	"  spaces around  ", "spaces",
	"line\nbreak\r\n\ttab\u2028",
	`{"json": [1, null, "\u0041"]}`,
	"NULL", "null", "0", "<b>&amp;</b>", "{{code}}",
}
