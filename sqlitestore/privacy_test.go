package sqlitestore_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

// personal is the personal data of personalMessage, as it would be found in a file.
var personal = []string{"911222333", "U4af4980629", "Annabelle", "order-4711", "she moved", "wamid.HBgM"}

func personalMessage() smsplus.Message {
	m := attempted(1, 10)
	m.To = channel.Recipient{Phone: number("+886911222333"), IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629"}}
	m.Vars = map[string]string{"name": "Annabelle"}
	m.Metadata = map[string]string{"order": "order-4711"}
	m.Attempts[0].Detail = "404: she moved"
	m.Attempts[1].ProviderID = "wamid.HBgMODg2OTEx"
	m.DueAt = time.Time{}
	return m
}

func sampleReceipt() channel.Receipt {
	return channel.Receipt{
		Channel: channel.SMS, ProviderID: "wamid.HBgMODg2OTEx", Status: status.Undeliverable,
		Detail: "550: she moved", At: opened,
	}
}

// fileBytes returns everything in the files of a store, which is what a thief would
// have.
func fileBytes(t *testing.T, path string) string {
	var all []byte
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		all = append(all, b...)
	}
	return string(all)
}

func TestSealer_HidesPersonalData(t *testing.T) {
	t.Parallel()
	for sealed, o := range map[bool]sqlitestore.Options{false: {}, true: {Sealer: ring(t, "a", "x")}} {
		s, path := openStore(t, o)
		m := personalMessage()
		_, err := s.Insert(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
		_, err = s.Update(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
		require.NoError(t, s.Park(t.Context(), []channel.Receipt{sampleReceipt()}))
		for _, text := range personal {
			if sealed {
				require.NotContains(t, fileBytes(t, path), text)
			} else {
				require.Contains(t, fileBytes(t, path), text, "the test can fail")
			}
		}

		for _, f := range []smsplus.Filter{{Phone: m.To.Phone}, {CountryCode: "886"}, {Phone: m.To.Phone, Channel: channel.SMS}} {
			p, err := s.Records(t.Context(), f)
			require.NoError(t, err)
			require.Len(t, p.Messages, 1, "and it is found")
			require.Equal(t, m.To, p.Messages[0].To)
			rows, err := s.Stats(t.Context(), f)
			require.NoError(t, err)
			require.Len(t, rows, 1)
		}
		p, err := s.Records(t.Context(), smsplus.Filter{Phone: number("+886911222334")})
		require.NoError(t, err)
		require.Empty(t, p.Messages)
	}
}

// A message that is not sealed can be forged by anyone with access to the file.
func TestSealer_RefusesUnsealedMessages(t *testing.T) {
	t.Parallel()
	before, path := openStore(t, sqlitestore.Options{})
	m := personalMessage()
	_, err := before.Insert(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	require.NoError(t, before.Park(t.Context(), []channel.Receipt{sampleReceipt()}))
	ref := sampleReceipt().Ref()

	s := reopen(t, path, sqlitestore.Options{Sealer: ring(t, "a", "x")})
	_, err = s.Message(t.Context(), m.ID)
	require.ErrorIs(t, err, smsplus.ErrUnreadable)
	require.ErrorContains(t, err, "not sealed, and Options.Unsealed is not set")
	p, err := s.Records(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Empty(t, p.Messages)
	require.Equal(t, m.ID, p.Unreadable[0].ID, "it is named by its ID")
	p, err = s.Records(t.Context(), smsplus.Filter{Phone: m.To.Phone})
	require.NoError(t, err)
	require.Empty(t, p.Unreadable, "nothing asks for the plain number")
	rs, err := s.Parked(t.Context(), []channel.Ref{ref})
	require.NoError(t, err)
	require.Empty(t, rs)

	s = reopen(t, path, sqlitestore.Options{Sealer: ring(t, "a", "x"), Unsealed: true})
	p, err = s.Records(t.Context(), smsplus.Filter{Phone: m.To.Phone})
	require.NoError(t, err)
	require.Equal(t, []smsplus.Message{m}, p.Messages)
	rs, err = s.Parked(t.Context(), []channel.Ref{ref})
	require.NoError(t, err)
	require.Equal(t, []channel.Receipt{sampleReceipt()}, rs)
}

func TestOpen_UnsealedNeedsSealer(t *testing.T) {
	t.Parallel()
	_, err := sqlitestore.Open(t.Context(), "messages.db", sqlitestore.Options{Unsealed: true})
	require.ErrorContains(t, err, "sqlitestore: Options.Unsealed is set without a Sealer")
}

func TestSealer_RotatesKeysAndSecrets(t *testing.T) {
	t.Parallel()
	s, path := openStore(t, sqlitestore.Options{})
	stores := []*sqlitestore.Store{
		s,
		reopen(t, path, sqlitestore.Options{Sealer: ring(t, "a", "x"), Unsealed: true}),
		reopen(t, path, sqlitestore.Options{Sealer: ring(t, "ba", "yx"), Unsealed: true}),
	}
	var ms []smsplus.Message
	var refs []channel.Ref
	for i, s := range stores {
		m := attempted(i, 10)
		m.To.Phone = number("+886911222333")
		m.Attempts[1].ProviderID += "-own"
		_, err := s.Insert(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
		r := sampleReceipt()
		r.At = opened.Add(time.Duration(i) * time.Second)
		require.NoError(t, s.Park(t.Context(), []channel.Receipt{r}))
		ms = append(ms, m)
		refs = append(refs, channel.Ref{Channel: channel.SMS, ProviderID: m.Attempts[1].ProviderID})
	}
	last := stores[2]
	f := smsplus.Filter{Phone: ms[0].To.Phone, Limit: 2}
	p, err := last.Records(t.Context(), f)
	require.NoError(t, err)
	require.Equal(t, []smsplus.Message{ms[2], ms[1]}, p.Messages, "in order, however each is stored")
	f.After = p.Next
	p, err = last.Records(t.Context(), f)
	require.NoError(t, err)
	require.Equal(t, []smsplus.Message{ms[0]}, p.Messages)
	rows, err := last.Stats(t.Context(), smsplus.Filter{Phone: ms[0].To.Phone})
	require.NoError(t, err)
	require.Len(t, rows, 3)
	found, err := last.ByProviderID(t.Context(), refs)
	require.NoError(t, err)
	require.ElementsMatch(t, ms, found)
	rs, err := last.Parked(t.Context(), []channel.Ref{sampleReceipt().Ref()})
	require.NoError(t, err)
	require.Len(t, rs, 3)

	stale, err := last.Update(t.Context(), ms)
	require.NoError(t, err)
	require.Empty(t, stale)
	found, err = last.ByProviderID(t.Context(), refs)
	require.NoError(t, err)
	require.Len(t, found, 3, "an update files them under the new secret")
	_, err = stores[0].Message(t.Context(), ms[0].ID)
	require.ErrorContains(t, err, "sealed, and there is no Sealer")

	n, err := last.Erase(t.Context(), ms[0].To)
	require.NoError(t, err)
	require.Equal(t, 3, n, "Erase finds them all")
	require.NoError(t, last.Unpark(t.Context(), []channel.Ref{sampleReceipt().Ref()}))
	rs, err = last.Parked(t.Context(), []channel.Ref{sampleReceipt().Ref()})
	require.NoError(t, err)
	require.Empty(t, rs)
}

func TestErase_RedactsMessagesAndKeepsCounts(t *testing.T) {
	t.Parallel()
	for _, sealer := range []seal.Sealer{nil, ring(t, "a", "x")} {
		s, path := openStore(t, sqlitestore.Options{Sealer: sealer})
		m, other, waits := personalMessage(), attempted(2, 10), attempted(3, 10)
		m.Key, waits.To.Phone, waits.DueAt = "key", m.To.Phone, opened.Add(quarter)
		_, err := s.Insert(t.Context(), []smsplus.Message{m, other, waits})
		require.NoError(t, err)
		require.NoError(t, s.Park(t.Context(), []channel.Receipt{sampleReceipt()}))
		filters := []smsplus.Filter{{}, {Channel: channel.SMS}, {CountryCode: "886"}, {Template: m.Template}, {Group: m.Status.Group()}}
		var before [][]smsplus.TemplateStats
		for _, f := range filters {
			rows, err := s.Stats(t.Context(), f)
			require.NoError(t, err)
			before = append(before, rows)
		}

		n, err := s.Erase(t.Context(), m.To)
		require.ErrorIs(t, err, smsplus.ErrNotFinal)
		require.EqualError(t, err, "smsplus: messages are under way: 1 were left as they are")
		require.Equal(t, 1, n)
		got, err := s.Message(t.Context(), waits.ID)
		require.NoError(t, err)
		require.Equal(t, waits, got, "a message that has not ended needs its recipient")

		want := personalMessage()
		want.Key, want.To, want.Vars, want.Metadata, want.Version = "key", channel.Recipient{}, nil, nil, m.Version+1
		want.Attempts[0].Detail, want.Attempts[0].ProviderID, want.Attempts[1].ProviderID = "", "", ""
		got, err = s.Message(t.Context(), m.ID)
		require.NoError(t, err)
		require.Equal(t, want, got)
		for i, f := range filters {
			rows, err := s.Stats(t.Context(), f)
			require.NoError(t, err)
			require.Equal(t, before[i], rows, "%+v", f)
			p, err := s.Records(t.Context(), f)
			require.NoError(t, err)
			require.Contains(t, p.Messages, want, "%+v", f)
		}
		for _, text := range personal[1:] { // another message still has the number
			require.NotContains(t, fileBytes(t, path), text)
		}

		taken, err := s.Insert(t.Context(), []smsplus.Message{{ID: idOf(99, opened), Key: "key", TriggeredAt: opened}})
		require.NoError(t, err)
		require.Contains(t, taken, "key", "its key stays taken")
		stale, err := s.Update(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
		require.Len(t, stale, 1, "whoever read it before brings nothing back")
		for _, a := range m.Attempts {
			ms, err := s.ByProviderID(t.Context(), []channel.Ref{{Channel: a.Channel, ProviderID: a.ProviderID}})
			require.NoError(t, err)
			require.Empty(t, ms)
		}
		rs, err := s.Parked(t.Context(), []channel.Ref{sampleReceipt().Ref()})
		require.NoError(t, err)
		require.Empty(t, rs, "what was parked for it is gone")

		waits.DueAt = time.Time{}
		_, err = s.Update(t.Context(), []smsplus.Message{waits})
		require.NoError(t, err)
		n, err = s.Erase(t.Context(), m.To)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.NotContains(t, fileBytes(t, path), personal[0])
		p, err := s.Records(t.Context(), smsplus.Filter{Phone: m.To.Phone})
		require.NoError(t, err)
		require.Empty(t, p.Messages)
		n, err = s.Erase(t.Context(), m.To)
		require.NoError(t, err)
		require.Zero(t, n)
		n, err = s.Purge(t.Context(), opened.Add(quarter), 10)
		require.NoError(t, err)
		require.Equal(t, 3, n, "retention has them like any others")
		rows, err := s.Stats(t.Context(), smsplus.Filter{})
		require.NoError(t, err)
		require.Empty(t, rows)
	}
}
