// Package replay tests that this release continues the messages that a store of an earlier
// release wrote. [Fill] writes the messages of the fixtures. A fixture is a file
// that Fill wrote, with the schema of its release. [Prove] takes a store that was
// migrated from a fixture.
//
//	load(t, "testdata/schema1.sql")
//	require.NoError(t, mystore.Migrate(t.Context(), path))
//	replay.Prove(t, open(t, path))
//
// A release that changes messages adds a fixture, and leaves the earlier ones
// unchanged.
package replay

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// noon is the time at which the process that wrote the fixtures ended.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// firstWait is the wait of the first step.
const firstWait = time.Hour

// fixtureMessage is a message of the fixtures, and the outcome that it must have.
type fixtureMessage struct {
	smsplus.Message
	wantEnd string
}

// fixture returns the messages of the fixtures. Their route is LINE Notification, then
// SMS.
func fixture() []fixtureMessage {
	to, err := phone.Parse("+886912345678")
	if err != nil {
		panic(err) // it is valid
	}
	var all []fixtureMessage
	add := func(ends string, change func(m *smsplus.Message)) {
		n := len(all) + 1
		at := noon.Add(-time.Duration(n) * time.Minute)
		m := smsplus.Message{
			ID:       uuid.MustParse(fmt.Sprintf("01936000-0000-7000-8000-%012d", n)),
			Template: "order", Scenario: "order shipped", To: channel.Recipient{Phone: to, IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629"}},
			Vars: map[string]string{"number": fmt.Sprint("第", n)}, Metadata: map[string]string{"shop": "17"},
			Plan:    []smsplus.PlannedStep{{Channel: channel.LINENotify, Wait: firstWait}, {Channel: channel.SMS}},
			Channel: channel.LINENotify, Lane: channel.LINENotify, TriggeredAt: at, ExpiresAt: noon.Add(24 * time.Hour),
			DueAt: at, Sending: -1, Version: 1,
		}
		change(&m)
		all = append(all, fixtureMessage{m, ends})
	}
	// try adds an attempt that started when the message was triggered.
	try := func(m *smsplus.Message, step int, st status.Status, providerID string) *smsplus.Attempt {
		m.Attempts = append(m.Attempts, smsplus.Attempt{
			ID: smsplus.AttemptID(m.ID, step), Step: step, Channel: m.Plan[step].Channel,
			Status: st, ProviderID: providerID, Tries: 1, StartedAt: m.TriggeredAt,
		})
		a := &m.Attempts[len(m.Attempts)-1]
		if st >= status.Accepted {
			a.AcceptedAt = m.TriggeredAt.Add(time.Second)
		}
		if st.Final() {
			a.EndedAt = m.TriggeredAt.Add(2 * time.Second)
		}
		if st == status.Delivered {
			a.DeliveredAt = a.EndedAt
			m.DeliveredAt = a.EndedAt
		}
		m.Status, m.Channel, m.Version = st, a.Channel, 3
		if st.Final() {
			m.DueAt, m.Lane = time.Time{}, ""
		}
		return a
	}
	accepted := func(m *smsplus.Message) {
		try(m, 0, status.Accepted, fmt.Sprint("tag ", m.ID))
		m.DueAt, m.Lane = m.TriggeredAt.Add(firstWait), channel.SMS
	}

	add("delivered line_notify=accepted sms=delivered", func(*smsplus.Message) {}) // no attempt was started
	add("delivered line_notify=accepted sms=delivered", func(m *smsplus.Message) {
		m.Key = "order 17"
		m.DueAt, m.Claims = noon.Add(30*time.Second), 1 // a dispatcher had leased it
	})
	add("delivered line_notify=accepted sms=delivered", accepted)
	add("delivered line_notify=delivered", accepted) // Prove receives its receipt
	add("delivered line_notify=delivered", accepted) // Fill parks its receipt
	add("delivered line_notify=delivered", func(m *smsplus.Message) {
		a := try(m, 0, status.Delivered, "seen")
		a.ReadAt, m.ReadAt = a.EndedAt.Add(time.Minute), a.EndedAt.Add(time.Minute)
	})
	add("undeliverable line_notify=undeliverable sms=undeliverable", func(m *smsplus.Message) {
		m.Key = "order 18"
		try(m, 0, status.Undeliverable, "").Reason = status.NoMatch
		a := try(m, 1, status.Undeliverable, "00A1")
		a.Reason, a.Detail = status.CarrierError, "UNDELIV err 000"
	})
	add("failed line_notify=failed", func(m *smsplus.Message) {
		a := try(m, 0, status.Failed, "")
		a.Reason, a.Detail = status.TemplateConfig, "no such template is registered"
	})
	return all
}

// receivedIndex and parkedIndex are the indexes of the messages whose receipts are
// received in Prove and parked by Fill.
const receivedIndex, parkedIndex = 3, 4

func receiptOf(i int) channel.Receipt {
	m := fixture()[i]
	return channel.Receipt{Channel: channel.LINENotify, ProviderID: m.Attempts[0].ProviderID, Status: status.Delivered, At: noon}
}

// Fill inserts the messages of the fixtures into an empty store, and parks a receipt.
func Fill(ctx context.Context, s smsplus.Store) error {
	var ms []smsplus.Message
	for _, k := range fixture() {
		ms = append(ms, k.Message)
	}
	if _, err := s.Insert(ctx, ms); err != nil {
		return err
	}
	return s.Park(ctx, []channel.Receipt{receiptOf(parkedIndex)})
}

// provider is a channel that accepts every message. On SMS it also delivers it.
type provider channel.Name

func (p provider) Name() channel.Name { return channel.Name(p) }

func (p provider) Traits() channel.Traits {
	if p.Name() == channel.SMS {
		return channel.Traits{Machine: status.SMS}
	}
	return channel.Traits{Machine: status.LINENotify, Reads: true}
}

func (p provider) Send(_ context.Context, e channel.Envelope) (channel.Result, error) {
	if p.Name() == channel.SMS {
		return channel.Result{Status: status.Delivered, ProviderID: e.AttemptID.String()}, nil
	}
	return channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, nil
}

// Prove requires that the store holds the messages of a fixture, that a dispatcher
// brings them to their expected outcomes, and that the statistics match.
func Prove(t *testing.T, s smsplus.Store) {
	t.Helper()
	ctx := t.Context()
	all := fixture()
	for _, k := range all {
		m, err := s.Message(ctx, k.ID)
		require.NoError(t, err)
		if k.Claims > 0 { // a schema without Sending does not say it, and its migration may
			require.Contains(t, []int{-1, 0}, m.Sending)
			k.Sending = m.Sending
		}
		require.Equal(t, k.Message, m)
	}
	requireStatsMatchRecords(t, s, len(all))

	mock := clock.NewMock()
	mock.Set(noon.Add(time.Minute)) // the lease of the second message has ended
	content := channel.Text("{{number}}")
	d, err := smsplus.New(smsplus.Config{
		Store: s, Clock: mock, Channels: []channel.Channel{provider(channel.LINENotify), provider(channel.SMS), provider(channel.LINEPush)},
		Templates: []smsplus.Template{{ID: "order", Scenario: "order shipped", Route: []smsplus.Step{
			{Channel: channel.LINENotify, Content: content, Wait: firstWait}, {Channel: channel.SMS, Content: content},
		}}},
	})
	require.NoError(t, err)
	again := smsplus.Trigger{Template: "order", Key: all[1].Key, To: all[1].To, Vars: all[1].Vars}
	id, err := d.Send(ctx, again)
	require.NoError(t, err)
	require.Equal(t, all[1].ID, id, "its key is known")
	require.NoError(t, d.Receive(ctx, receiptOf(receivedIndex)))
	for range 3 {
		_, err = d.Tick(ctx)
		require.NoError(t, err)
		mock.Add(firstWait + time.Minute)
	}
	for i, k := range all {
		m, err := d.Message(ctx, k.ID)
		require.NoError(t, err)
		ends := []string{m.Status.String()}
		for _, a := range m.Attempts {
			ends = append(ends, fmt.Sprintf("%s=%s", a.Channel, a.Status))
		}
		require.Equal(t, k.wantEnd, strings.Join(ends, " "), "message %d", i)
		require.True(t, m.DueAt.IsZero())
	}
	left, err := s.Parked(ctx, []channel.Ref{receiptOf(parkedIndex).Ref()})
	require.NoError(t, err)
	require.Empty(t, left)
	requireStatsMatchRecords(t, s, len(all))
}

// requireStatsMatchRecords requires that the statistics of several filters match their
// records.
func requireStatsMatchRecords(t *testing.T, s smsplus.Store, n int) {
	t.Helper()
	for _, f := range []smsplus.Filter{
		{},
		{Channel: channel.SMS},
		{Group: status.Sending},
		{Group: status.Sent},
		{Phone: fixture()[0].To.Phone},
		{RecipientID: fixture()[0].To.IDs[channel.LINEPush]},
		{CountryCode: "886"},
		{Template: "order"},
		{Scenario: "order shipped"},
		{Reason: status.CarrierError},
		{ProviderID: "00A1"},
		{From: noon.Add(-5 * time.Minute), To: noon},
	} {
		page, err := s.Records(t.Context(), f)
		require.NoError(t, err)
		var want []smsplus.TemplateStats
		for _, m := range page.Messages {
			if len(want) == 0 {
				want = append(want, smsplus.TemplateStats{Template: m.Template})
			}
			want[0].Add(m, f)
		}
		got, err := s.Stats(t.Context(), f)
		require.NoError(t, err)
		require.Equal(t, want, got, "%+v", f)
		if f == (smsplus.Filter{}) {
			require.Len(t, page.Messages, n)
		}
	}
}
