package sqlitestore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

// damages are changes of a row after which a message cannot be read, as SQL.
var damages = map[string]string{
	"state is not valid":          "state = x'01ff'",
	"state is empty":              "state = x''",
	"state of a later release":    "state = x'7f00'",
	"fixed is not valid":          "fixed = x'01ff'",
	"fixed of a later release":    "fixed = x'7f'",
	"phone number is not valid":   "phone = 'no number'",
	"route is gone":               "route = 4711",
	"template is gone":            "template = 4711",
	"channel is gone":             "channel = 4711",
	"status does not exist":       "status = 9",
	"state of another message":    "state = (SELECT fixed FROM smsplus_message LIMIT 1)",
	"sealed without a Sealer":     "state = x'8100'",
	"fixed sealed without Sealer": "fixed = x'8100'",
}

func requireNamed(t *testing.T, want smsplus.Message, got []smsplus.Unreadable) {
	t.Helper()
	require.Len(t, got, 1)
	require.Equal(t, want.ID, got[0].ID)
	require.Equal(t, want.TriggeredAt, got[0].TriggeredAt)
	require.ErrorIs(t, got[0].Err, smsplus.ErrUnreadable)
	require.ErrorContains(t, got[0].Err, "sqlitestore: message "+want.ID.String())
	require.NotContains(t, got[0].Err.Error(), "123456")
}

func claimOf(now time.Time, limit int) smsplus.Claim {
	return smsplus.Claim{
		Now: now, Lease: time.Minute, Limit: limit, Holder: 1, Only: []channel.Name{channel.LINEPush, channel.SMS, ""},
	}
}

func TestStore_UnreadableMessageFailsNoOther(t *testing.T) {
	t.Parallel()
	for name, set := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, path := openStore(t, sqlitestore.Options{})
			bad, good := attempted(500, 1000), attempted(501, 1000) // accepted: they are due for the next step
			for _, m := range []*smsplus.Message{&bad, &good} {
				m.DueAt, m.Lane = opened, channel.SMS
				m.Attempts[1].ProviderID = "shared"
			}
			_, err := s.Insert(t.Context(), []smsplus.Message{bad, good})
			require.NoError(t, err)
			require.NoError(t, damageMessage(t.Context(), path, set, bad.ID))

			_, err = s.Message(t.Context(), bad.ID)
			require.ErrorIs(t, err, smsplus.ErrUnreadable)
			require.ErrorContains(t, err, "sqlitestore: message "+bad.ID.String())
			page, err := s.Records(t.Context(), smsplus.Filter{})
			require.NoError(t, err)
			require.Len(t, page.Messages, 1)
			requireNamed(t, bad, page.Unreadable)
			found, err := s.ByProviderID(t.Context(), []channel.Ref{{Channel: channel.SMS, ProviderID: "shared"}})
			require.NoError(t, err)
			require.Len(t, found, 1)

			claimed, err := s.Claim(t.Context(), claimOf(opened, 10))
			require.NoError(t, err)
			require.Len(t, claimed.Messages, 1)
			require.Equal(t, good.ID, claimed.Messages[0].ID)
			requireNamed(t, bad, claimed.Unreadable)
			require.Equal(t, 1, claimed.Unreadable[0].Claims)
			require.Equal(t, bad.Version+1, claimed.Unreadable[0].Version)
			none, err := s.Claim(t.Context(), claimOf(opened, 10))
			require.NoError(t, err)
			require.Empty(t, none.Unreadable, "it is leased")
			require.NoError(t, s.SetAside(t.Context(), claimed.Unreadable, opened.Add(time.Hour)))
			none, err = s.Claim(t.Context(), claimOf(opened.Add(time.Hour-time.Microsecond), 10))
			require.NoError(t, err)
			require.Empty(t, none.Unreadable, "it is set aside")
			stale, err := s.Update(t.Context(), none.Messages)
			require.NoError(t, err)
			require.Empty(t, stale)
		})
	}
}

func TestStore_MissingSealerKeyFailsNoOther(t *testing.T) {
	t.Parallel()
	old, path := openStore(t, sqlitestore.Options{Sealer: ring(t, "a", "x")})
	bad, good := triggered(1, 10), triggered(2, 10)
	_, err := old.Insert(t.Context(), []smsplus.Message{bad})
	require.NoError(t, err)
	s := reopen(t, path, sqlitestore.Options{Sealer: ring(t, "b", "x")})
	_, err = s.Insert(t.Context(), []smsplus.Message{good})
	require.NoError(t, err)
	claimed, err := s.Claim(t.Context(), claimOf(good.DueAt, 10))
	require.NoError(t, err)
	require.Len(t, claimed.Messages, 1)
	requireNamed(t, bad, claimed.Unreadable)
	require.NoError(t, s.SetAside(t.Context(), claimed.Unreadable, good.DueAt))

	claimed, err = old.Claim(t.Context(), claimOf(good.DueAt, 10))
	require.NoError(t, err)
	require.Len(t, claimed.Messages, 1, "who has the key sends it")
	require.Equal(t, bad.ID, claimed.Messages[0].ID)
	require.Equal(t, 1, claimed.Messages[0].Claims, "and is its only holder")
}

func TestClaim_NamesMessageThatNoUpdateCouldStore(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{})
	bad, good := triggered(1, 10), triggered(2, 10)
	_, err := s.Insert(t.Context(), []smsplus.Message{bad, good})
	require.NoError(t, err)
	require.NoError(t, damageMessage(t.Context(), path, "marks = x'00ff'", bad.ID))
	claimed, err := s.Claim(t.Context(), claimOf(good.DueAt, 10))
	require.NoError(t, err)
	require.Len(t, claimed.Messages, 1)
	requireNamed(t, bad, claimed.Unreadable)
	rows, err := s.Stats(t.Context(), smsplus.Filter{Phone: bad.To.Phone})
	require.NoError(t, err)
	require.Equal(t, []smsplus.TemplateStats{{Template: bad.Template, Triggered: 1, Preparing: 1}}, rows,
		"statistics count it by its status")
}

func TestPurge_LeavesMessageWithDamagedCounts(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{Synchronous: sqlitestore.Normal})
	ms := make([]smsplus.Message, 1100)
	for i := range ms {
		ms[i] = triggered(i, len(ms))
		ms[i].DueAt = time.Time{}
	}
	_, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)
	for _, m := range ms[:2] {
		require.NoError(t, damageMessage(t.Context(), path, "marks = x'00ff'", m.ID))
	}
	n, err := s.Purge(t.Context(), opened.Add(quarter), 2000)
	require.NoError(t, err)
	require.Equal(t, 1098, n)
	n, err = s.Purge(t.Context(), opened.Add(quarter), 2000)
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestErase_LeavesUnreadableMessage(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{})
	ms := make([]smsplus.Message, 250)
	for i := range ms {
		ms[i] = attempted(i, len(ms))
		ms[i].To.Phone, ms[i].DueAt = sharedPhone, time.Time{}
	}
	_, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)
	for _, m := range ms[:120] {
		require.NoError(t, damageMessage(t.Context(), path, "state = x'01ff'", m.ID))
	}
	n, err := s.Erase(t.Context(), channel.Recipient{Phone: sharedPhone})
	require.ErrorIs(t, err, smsplus.ErrUnreadable)
	require.NotErrorIs(t, err, smsplus.ErrNotFinal)
	require.ErrorContains(t, err, "120 were left as they are")
	require.Equal(t, 130, n)
}

func TestUnpark_KeepsReceiptThatCannotBeRead(t *testing.T) {
	t.Parallel()
	old, path := openStore(t, sqlitestore.Options{Sealer: ring(t, "a", "x")})
	bad := channel.Receipt{Channel: channel.SMS, ProviderID: "1", Status: status.Delivered, At: opened}
	require.NoError(t, old.Park(t.Context(), []channel.Receipt{bad}))
	s := reopen(t, path, sqlitestore.Options{Sealer: ring(t, "b", "x")})
	good := bad
	good.Read = true
	require.NoError(t, s.Park(t.Context(), []channel.Receipt{good}))
	refs := []channel.Ref{good.Ref()}
	rs, err := s.Parked(t.Context(), refs)
	require.NoError(t, err)
	require.Equal(t, []channel.Receipt{good}, rs)
	rs, next, err := s.ListParked(t.Context(), "", 10)
	require.NoError(t, err)
	require.Equal(t, []channel.Receipt{good}, rs)
	require.Empty(t, next)

	require.NoError(t, s.Unpark(t.Context(), refs))
	rs, err = old.Parked(t.Context(), refs)
	require.NoError(t, err)
	require.Equal(t, []channel.Receipt{bad}, rs, "it is found again with its key")
}

func TestListParked_RejectsForeignCursor(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t, sqlitestore.Options{})
	for _, cursor := range []string{"x", "1", "1,", "1,2,3", ",", "99999999999999999999,1"} {
		_, _, err := s.ListParked(t.Context(), cursor, 1)
		require.ErrorContains(t, err, "sqlitestore: not a cursor of ListParked", cursor)
	}
	_, _, err := s.ListParked(t.Context(), "", 0)
	require.EqualError(t, err, "sqlitestore: the limit of ListParked is not positive (0)")
}

func TestStore_RejectsTimeThatItCannotKeep(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t, sqlitestore.Options{})
	far := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	m := triggered(1, 10)
	m.DueAt = far
	_, err := s.Insert(t.Context(), []smsplus.Message{m})
	require.EqualError(t, err, "rowcodec: Message.DueAt is outside of the years 1 to 9999")
	_, err = s.Claim(t.Context(), claimOf(far.Add(-time.Second), 1))
	require.EqualError(t, err, "sqlitestore: Claim: the end of the lease is outside of the years 1 to 9999")
	require.EqualError(t, s.SetAside(t.Context(), nil, far),
		"sqlitestore: SetAside: the time until which messages are set aside is outside of the years 1 to 9999")
	err = s.Park(t.Context(), []channel.Receipt{{Channel: channel.SMS, ProviderID: "1", At: far}})
	require.EqualError(t, err, "rowcodec: Receipt.At is outside of the years 1 to 9999")
}

func TestPurge_DropsTheNotesOfWhatWasSetAside(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{})
	m := triggered(1, 10)
	_, err := s.Insert(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	require.NoError(t, s.SetAside(t.Context(), []smsplus.Unreadable{{ID: m.ID, Version: m.Version}}, opened))
	db := openRaw(t, path)
	require.Equal(t, []string{"1"}, queryTexts(t, db, "SELECT count(*) FROM smsplus_set_aside"))
	m.Version++
	m.DueAt = time.Time{}
	stale, err := s.Update(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	require.Empty(t, stale)
	n, err := s.Purge(t.Context(), opened.Add(quarter), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, []string{"0"}, queryTexts(t, db, "SELECT count(*) FROM smsplus_set_aside"))
}
