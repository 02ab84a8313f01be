package storetest

import (
	"context"
	"time"

	"github.com/smsplus/smsplus-go/smsplus"
)

// setAsideMutants break the rules of SetAside.
var setAsideMutants = []mutant{
	{"sets nothing aside", func(_ *Model, b *brokenStore) {
		b.setAsideFunc = func(context.Context, []smsplus.Unreadable, time.Time) error { return nil }
	}, []string{"SetAside gives back a claimed message until a later time", "SetAside leaves stale messages alone"}},

	{"keeps the lease of a message that is set aside", func(m *Model, b *brokenStore) {
		b.corruptStored(m, func(m *smsplus.Message, before smsplus.Message) { m.DueAt = before.DueAt })
	}, []string{"SetAside gives back a claimed message until a later time"}},

	{"keeps the claim of a message that is set aside", func(m *Model, b *brokenStore) {
		b.corruptStored(m, func(m *smsplus.Message, before smsplus.Message) { m.Claims = before.Claims })
	}, []string{"SetAside gives back a claimed message until a later time"}},

	{"takes back every claim of a message that is set aside", func(m *Model, b *brokenStore) {
		b.corruptStored(m, func(m *smsplus.Message, _ smsplus.Message) { m.Claims = 0 })
	}, []string{"SetAside gives back a claimed message until a later time"}},

	{"keeps the holder of a message that is set aside", func(m *Model, b *brokenStore) {
		b.corruptStored(m, func(m *smsplus.Message, before smsplus.Message) { m.Holder = before.Holder })
	}, []string{"SetAside gives back a claimed message until a later time"}},

	{"resets Sending of a message that is set aside", func(m *Model, b *brokenStore) {
		b.corruptStored(m, func(m *smsplus.Message, _ smsplus.Message) { m.Sending = -1 })
	}, []string{"SetAside gives back a claimed message until a later time"}},

	{"keeps the version of a message that is set aside", func(m *Model, b *brokenStore) {
		b.corruptStored(m, func(m *smsplus.Message, before smsplus.Message) { m.Version = before.Version })
	}, []string{"SetAside gives back a claimed message until a later time", "SetAside leaves stale messages alone"}},

	{"sets aside stale messages", func(m *Model, b *brokenStore) {
		setAside := b.setAsideFunc
		b.setAsideFunc = func(ctx context.Context, rows []smsplus.Unreadable, until time.Time) error {
			current := make([]smsplus.Unreadable, len(rows))
			for i, u := range rows {
				msg, _ := m.Message(ctx, u.ID)
				current[i] = smsplus.Unreadable{ID: u.ID, Version: msg.Version}
			}
			return setAside(ctx, current, until)
		}
	}, []string{
		"SetAside leaves stale messages alone",
		"a call that is repeated after its answer was lost sees what the first one did",
	}},

	{"sets aside all or none", func(m *Model, b *brokenStore) {
		setAside := b.setAsideFunc
		b.setAsideFunc = func(ctx context.Context, rows []smsplus.Unreadable, until time.Time) error {
			for _, u := range rows {
				if msg, err := m.Message(ctx, u.ID); err != nil || msg.Version != u.Version {
					return nil
				}
			}
			return setAside(ctx, rows, until)
		}
	}, []string{"SetAside leaves stale messages alone"}},
}
