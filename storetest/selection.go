package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// requireSelected fails the test unless Records and Stats of f are those of the messages
// among ms that f matches, in pages of any size.
func requireSelected(t *testing.T, s smsplus.Store, ms []smsplus.Message, f smsplus.Filter, rule string) {
	t.Helper()
	for _, f.Limit = range []int{1, 2, 50} {
		requireMessages(t, matchingMessages(ms, f), mustListAll(t, s, f), "%s: %+v", rule, f)
	}
	requireStats(t, s, ms, f)
}

func testRecordsReference(t *testing.T, s smsplus.Store) {
	var ms []smsplus.Message
	for n, text := range append(trickyTexts, "batch", "batch/1", "batch/1 ", "") {
		for i := range 1 + n%3 {
			m := newMessage(10*n + i)
			m.Reference = text
			ms = append(ms, m)
		}
	}
	ms[0].Template, ms[1].To.Phone, ms[2].Status = "order", phones[2], status.Failed
	ms[3].Key, ms[4].To.IDs, ms[5].Scenario = "batch", idsOn("chat", "batch"), "batch"
	mustInsert(t, s, ms...)
	changed := ms[len(ms)/2]
	changed.Status = status.Delivered
	mustUpdate(t, s, changed)
	changed.Version++
	ms[len(ms)/2] = changed
	for _, m := range ms {
		f := smsplus.Filter{Reference: m.Reference}
		requireSelected(t, s, ms, f, "a reference selects its own messages alone")
		f.Template, f.Phone, f.Group, f.From = m.Template, m.To.Phone, m.Status.Group(), m.TriggeredAt
		requireSelected(t, s, ms, f, "a reference and another condition must both hold")
	}
	for _, f := range []smsplus.Filter{
		{Reference: "unknown"},
		{Reference: "batch", Key: "batch"},
		{Reference: "batch", Template: "unknown"},
		{Reference: "batch", To: noon},
	} {
		require.Empty(t, mustListAll(t, s, f), "nothing matches %+v", f)
		require.Empty(t, mustStats(t, s, f), "nothing matches %+v", f)
	}
}

func testRecordsScenario(t *testing.T, s smsplus.Store) {
	var ms []smsplus.Message
	for n, text := range append(trickyTexts, "OTP", "otp", "order shipped", "order", "") {
		for i := range 3 {
			m := newMessage(10*n + i)
			m.Scenario = text
			m.Plan[0].Wait += time.Duration(i%2) * time.Hour // a scenario has several plans
			m.Template = []string{"otp", "order"}[i/2]
			ms = append(ms, m)
		}
	}
	mustInsert(t, s, ms...)
	for i := 0; i < len(ms); i += 3 {
		f := smsplus.Filter{Scenario: ms[i].Scenario}
		requireSelected(t, s, ms, f, "a scenario selects its own messages alone")
		f.Template = "order"
		requireSelected(t, s, ms, f, "a scenario and a template must both hold")
		f.Template, f.From, f.To = "", ms[i].TriggeredAt, ms[i].TriggeredAt.Add(time.Minute)
		requireSelected(t, s, ms, f, "a scenario and a range must both hold")
	}
	require.Empty(t, mustListAll(t, s, smsplus.Filter{Scenario: "unknown"}))
	require.Empty(t, mustStats(t, s, smsplus.Filter{Scenario: "unknown"}))
}

// triedMessage returns the nth sample with attempts.
func triedMessage(n int, attempts ...smsplus.Attempt) smsplus.Message {
	m := newMessage(n)
	m.Status = status.Undeliverable
	for step, a := range attempts {
		a.ID, a.Step, a.Tries, a.StartedAt = smsplus.AttemptID(m.ID, step), step, 1, m.TriggeredAt
		m.Attempts = append(m.Attempts, a)
		if a.Status == status.Delivered {
			m.Status = status.Delivered
		}
	}
	return m
}

// triedMessages differ in which attempt has which channel, reason and provider's ID.
func triedMessages() []smsplus.Message {
	const line, sms = channel.LINEPush, channel.SMS
	odd := status.Reason("odd: 50% of: it")
	attempt := func(c channel.Name, st status.Status, r status.Reason, id string) smsplus.Attempt {
		return smsplus.Attempt{Channel: c, Status: st, Reason: r, ProviderID: id}
	}
	return []smsplus.Message{
		triedMessage(0),
		triedMessage(1, attempt(line, status.Undeliverable, status.Blocked, "1"), attempt(sms, status.Delivered, "", "2")),
		triedMessage(2, attempt(line, status.Undeliverable, status.Blocked, ""), attempt(sms, status.Undeliverable, status.CarrierError, "1")),
		triedMessage(3, attempt(line, status.Undeliverable, status.NoContact, "2"), attempt(sms, status.Undeliverable, status.Blocked, "1")),
		triedMessage(4, attempt(sms, status.Undeliverable, status.CarrierError, "1"), attempt(sms, status.Failed, status.Blocked, "2")),
		triedMessage(5, attempt(sms, status.Undeliverable, status.CarrierError, "1"), attempt(sms, status.Delivered, status.CarrierError, "1")),
		triedMessage(6, attempt(sms, status.Delivered, "", "1"), attempt(line, status.Preparing, status.SystemError, "1")),
		triedMessage(7, attempt("chat room", status.Failed, odd, "1 2:3")),
		triedMessage(8, attempt("chat", status.Failed, status.Reason("carrier"), "11")),
		triedMessage(9, attempt(line, status.Accepted, "", "1")),
	}
}

func testRecordsAttempt(t *testing.T, s smsplus.Store) {
	ms := triedMessages()
	ms[1].Template, ms[4].Template, ms[2].To.Phone, ms[3].Reference = "order", "order", phones[2], "batch"
	mustInsert(t, s, ms[:5]...)
	late := ms[5:]
	for i := range late { // these get their attempts later
		m := clone(late[i])
		m.Attempts, m.Status = nil, status.Preparing
		mustInsert(t, s, m)
		if len(late[i].Attempts) > 1 {
			m.Attempts = clone(late[i]).Attempts[:1]
			mustUpdate(t, s, m)
			late[i].Version++
		}
		mustUpdate(t, s, late[i])
		late[i].Version++
	}
	requireTried(t, s, ms)
	// Reasons and provider's IDs that an update removes or moves to another attempt.
	for i := range ms {
		ms[i] = clone(ms[i])
		for j := range ms[i].Attempts {
			a := &ms[i].Attempts[j]
			a.Reason, a.ProviderID = []status.Reason{status.CarrierError, "", a.Reason}[(i+j)%3], []string{"2", "", "1"}[(i+j)%3]
		}
	}
	mustUpdate(t, s, ms...)
	for i := range ms {
		ms[i].Version++
	}
	requireTried(t, s, ms)
}

// requireTried checks Records and Stats by channel, reason and provider's ID.
func requireTried(t *testing.T, s smsplus.Store, ms []smsplus.Message) {
	t.Helper()
	for _, c := range []channel.Name{"", channel.LINEPush, channel.SMS, "chat room", "unknown"} {
		for _, r := range []status.Reason{"", status.Blocked, status.CarrierError, "carrier", "error", status.SystemError, "odd: 50% of: it", "unknown"} {
			for _, id := range []string{"", "1", "2", "1 2:3", "unknown"} {
				if r == "" && id == "" {
					continue
				}
				requireSelected(t, s, ms, smsplus.Filter{Channel: c, Reason: r, ProviderID: id},
					"one attempt has the channel, the reason and the provider's ID")
			}
		}
	}
	for _, f := range []smsplus.Filter{
		{Reason: status.Blocked, Template: "order"},
		{Reason: status.CarrierError, Group: status.UndeliverableGroup},
		{Reason: status.CarrierError, Phone: phones[2]},
		{Reason: status.CarrierError, CountryCode: "886", From: atMinute(3)},
		{Channel: channel.SMS, Reason: status.CarrierError, Template: "otp", Group: status.Sent, To: atMinute(6)},
		{ProviderID: "1", Template: "order"},
		{ProviderID: "1", Group: status.Sent, From: atMinute(2), To: atMinute(7)},
		{ProviderID: "1", Phone: phones[2]},
		{ProviderID: "1", Reference: "batch"},
		{Reason: status.Blocked, Reference: "batch", Scenario: "OTP"},
	} {
		requireSelected(t, s, ms, f, "every condition holds")
	}
}
