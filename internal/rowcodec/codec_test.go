package rowcodec_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// keyOf returns the key of one repeated byte.
func keyOf(b byte) secret.Text {
	return secret.New(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, seal.SecretSize)))
}

func ring(t require.TestingT, lookups ...byte) *seal.Ring {
	c := seal.Config{Keys: []seal.Key{{ID: 1, Secret: keyOf('k')}}}
	for _, b := range lookups {
		c.Lookups = append(c.Lookups, keyOf(b))
	}
	r, err := seal.NewRing(c)
	require.NoError(t, err)
	return r
}

// codecs returns one codec that writes unencrypted and one that seals.
func codecs(t require.TestingT) map[string]*rowcodec.Codec {
	return map[string]*rowcodec.Codec{"open": rowcodec.NewCodec(nil, false), "sealed": rowcodec.NewCodec(ring(t, 'l'), false)}
}

func hashNumber(e164 string) phone.Number {
	n, err := phone.Parse(e164)
	if err != nil {
		panic(err)
	}
	return n
}

// encodedRow is a message as a store writes it, without its plain columns.
type encodedRow struct {
	phone               string
	fixed, state, route []byte
}

func encode(t require.TestingT, c *rowcodec.Codec, m smsplus.Message) (v encodedRow) {
	keys, err := c.PhoneKeys(m.To.Phone)
	require.NoError(t, err)
	if len(keys) > 0 {
		v.phone = keys[0]
	}
	v.fixed, err = c.EncodeFixed(&m)
	require.NoError(t, err)
	v.state, err = c.EncodeState(&m)
	require.NoError(t, err)
	v.route = rowcodec.EncodeRoute(&m)
	return v
}

// decode returns the message of a row. It copies the plain columns from m.
func decode(c *rowcodec.Codec, m smsplus.Message, v encodedRow) (smsplus.Message, error) {
	got := smsplus.Message{
		ID: m.ID, Key: m.Key, Template: m.Template, Status: m.Status, Channel: m.Channel, Lane: m.Lane,
		TriggeredAt: m.TriggeredAt, DueAt: m.DueAt, Claims: m.Claims, Version: m.Version,
	}
	return got, errors.Join(c.DecodeFixed(v.fixed, v.phone, &got), c.DecodeState(v.state, &got), rowcodec.DecodeRoute(v.route, &got))
}

// fullMessage returns a message with every field set, and every form that a field may
// have.
func fullMessage() smsplus.Message {
	at := func(minutes int) time.Time {
		return time.Date(2026, 3, 14, 12, minutes, 0, 123_457_000, time.UTC)
	}
	m := smsplus.Message{
		ID: uuid.MustParse("0195939e-4c80-7000-8000-000000000001"), Scenario: "order shipped",
		To:       channel.Recipient{Phone: hashNumber("+886912345678"), IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629"}},
		Vars:     map[string]string{"code": "123456"},
		Metadata: map[string]string{"order": ""},
		Plan: []smsplus.PlannedStep{
			{Channel: channel.LINEPush, Wait: 2*time.Hour + 1, OnFailed: smsplus.Forward},
			{Channel: "carrier_pigeon", Wait: -1, InDoubt: smsplus.Forward},
			{},
		},
		TriggeredAt: at(0), DeliveredAt: at(5), ReadAt: at(6), ExpiresAt: at(60), CanceledAt: at(-1),
		Status: status.Delivered,
	}
	m.Attempts = []smsplus.Attempt{{
		ID: smsplus.AttemptID(m.ID, 0), Channel: channel.LINEPush, Status: status.Undeliverable,
		Reason: status.Blocked, Detail: "429: 封鎖", ProviderID: smsplus.AttemptID(m.ID, 0).String(), Tries: 1,
		StartedAt: at(1), EndedAt: at(2),
	}, {
		ID: uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), Step: 1, Channel: "carrier_pigeon",
		Status: status.Failed, Reason: "pigeon_lost", ProviderID: "pigeon 7", Tries: 3, StartedAt: at(3),
	}, {
		ID: smsplus.AttemptID(m.ID, 2), Step: 2, Channel: channel.SMS, Status: status.Delivered, Tries: 2,
		StartedAt: at(4), AcceptedAt: at(5), DeliveredAt: at(5), ReadAt: at(6), EndedAt: at(5),
	}}
	return m
}

// drawIDs returns the IDs of a recipient: often none, or one on LINE Push.
func drawIDs(t *rapid.T) map[channel.Name]string {
	name := rapid.OneOf(rapid.SampledFrom([]channel.Name{channel.LINEPush, channel.WhatsApp, ""}), rapid.Custom(func(t *rapid.T) channel.Name {
		return channel.Name(rapid.String().Draw(t, "name"))
	}))
	id := rapid.StringN(1, -1, -1)
	ids := rapid.OneOf(
		rapid.Just(map[channel.Name]string{}), rapid.MapOfN(rapid.Just(channel.LINEPush), id, 1, 1), rapid.MapOfN(name, id, 1, 3),
	).Draw(t, "IDs")
	if len(ids) == 0 {
		return nil
	}
	return ids
}

func drawMessage(t *rapid.T) smsplus.Message {
	when := func(label string) time.Time {
		if rapid.Bool().Draw(t, label+" is set") {
			return time.UnixMicro(rapid.Int64Range(-62135596800e6+1, 253402300799e6).Draw(t, label)).UTC()
		}
		return time.Time{}
	}
	text := rapid.String()
	texts := rapid.MapOfN(text, text, 0, 3)
	name := rapid.OneOf(rapid.SampledFrom([]string{"", "line_push", "line_notify", "whatsapp", "sms", "no_match"}), text)
	m := smsplus.Message{
		ID: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ID")), Scenario: text.Draw(t, "scenario"),
		To:   channel.Recipient{IDs: drawIDs(t)},
		Vars: texts.Draw(t, "vars"), Metadata: texts.Draw(t, "metadata"),
		TriggeredAt: when("TriggeredAt"), DeliveredAt: when("DeliveredAt"), ReadAt: when("ReadAt"),
		ExpiresAt: when("ExpiresAt"), CanceledAt: when("CanceledAt"), ConfirmedAt: when("ConfirmedAt"),
		Status: rapid.SampledFrom(status.Statuses()).Draw(t, "status"),
		Published: smsplus.Published{
			End:  rapid.SampledFrom(status.Statuses()).Draw(t, "end"),
			Read: rapid.Bool().Draw(t, "read"), Confirmed: rapid.Bool().Draw(t, "confirmed"),
			Failures: rapid.OneOf(rapid.Just(0), rapid.IntMin(0)).Draw(t, "failures"),
		},
		Class: rapid.SampledFrom([]smsplus.Class{smsplus.Normal, smsplus.Urgent, smsplus.Bulk}).Draw(t, "class"),
	}
	if rapid.Bool().Draw(t, "has a phone") {
		m.To.Phone = hashNumber(rapid.StringMatching(`\+[1-9][0-9]{6,14}`).Draw(t, "phone"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "steps") {
		m.Plan = append(m.Plan, smsplus.PlannedStep{
			Channel: channel.Name(name.Draw(t, "channel")), Wait: time.Duration(rapid.Int64().Draw(t, "wait")),
			OnFailed: smsplus.Policy(rapid.Byte().Draw(t, "on failed")), InDoubt: smsplus.Policy(rapid.ByteMax(15).Draw(t, "in doubt")),
			Until: smsplus.Until(rapid.ByteMax(15).Draw(t, "until")),
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "attempts") {
		a := smsplus.Attempt{
			Step: rapid.Int().Draw(t, "step"), Channel: channel.Name(name.Draw(t, "channel")),
			Status: rapid.SampledFrom(status.Statuses()).Draw(t, "status"),
			Reason: status.Reason(name.Draw(t, "reason")), Detail: text.Draw(t, "detail"),
			ProviderID: text.Draw(t, "provider ID"), Tries: rapid.Int().Draw(t, "tries"),
			Doubts: rapid.OneOf(rapid.Just(0), rapid.IntRange(0, math.MaxInt32)).Draw(t, "doubts"),
			Recall: channel.Recall(rapid.ByteMax(3).Draw(t, "recall")), RecallTries: rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 1<<28)).Draw(t, "recall tries"),
			StartedAt: when("StartedAt"), AcceptedAt: when("AcceptedAt"), DeliveredAt: when("DeliveredAt"),
			ReadAt: when("ReadAt"), EndedAt: when("EndedAt"),
		}
		if a.ID = smsplus.AttemptID(m.ID, a.Step); rapid.Bool().Draw(t, "another ID") {
			a.ID[0]++
		}
		if rapid.Bool().Draw(t, "named by its ID") {
			a.ProviderID = a.ID.String()
		}
		m.Attempts = append(m.Attempts, a)
	}
	return m
}

// normalize replaces empty maps by nil, as encoding does.
func normalize(m smsplus.Message) smsplus.Message {
	if len(m.Vars) == 0 {
		m.Vars = nil
	}
	if len(m.Metadata) == 0 {
		m.Metadata = nil
	}
	return m
}

// requireCounted requires that statistics count the decoded state as the message.
func requireCounted(t require.TestingT, c *rowcodec.Codec, want smsplus.Message, state []byte) {
	got := smsplus.Message{ID: want.ID, TriggeredAt: want.TriggeredAt, Status: want.Status}
	require.NoError(t, c.DecodeCounted(state, &got))
	require.Equal(t, smsplus.AppendUnits(nil, &want), smsplus.AppendUnits(nil, &got))
}

func TestCodec_RoundTripsMessage(t *testing.T) {
	t.Parallel()
	for name, c := range codecs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				m := drawMessage(t)
				got, err := decode(c, m, encode(t, c, m))
				require.NoError(t, err)
				require.Equal(t, normalize(m), got)
				requireCounted(t, c, got, encode(t, c, m).state)
			})
			for _, m := range []smsplus.Message{{}, fullMessage(), doubtfulMessage(), {
				TriggeredAt: time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
				ReadAt:      time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
				Plan:        []smsplus.PlannedStep{{Wait: math.MinInt64}},
			}} {
				got, err := decode(c, m, encode(t, c, m))
				require.NoError(t, err)
				require.Equal(t, m, got)
			}
		})
	}
}

func TestCodec_TruncatesTimesToMicrosecondsInUTC(t *testing.T) {
	t.Parallel()
	m := fullMessage()
	m.ReadAt = m.ReadAt.Add(999).In(time.FixedZone("Asia/Taipei", 8*60*60))
	got, err := decode(rowcodec.NewCodec(nil, false), m, encode(t, rowcodec.NewCodec(nil, false), m))
	require.NoError(t, err)
	require.Equal(t, fullMessage().ReadAt, got.ReadAt)
}

func TestCodec_RoundTripsReceipt(t *testing.T) {
	t.Parallel()
	for name, c := range codecs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				text := rapid.OneOf(rapid.SampledFrom([]string{"", "sms", "no_match"}), rapid.String())
				draw := func() channel.Receipt {
					return channel.Receipt{
						Channel: channel.Name(text.Draw(t, "channel")), ProviderID: text.Draw(t, "provider ID"),
						Status: rapid.SampledFrom(status.Statuses()).Draw(t, "status"),
						Reason: status.Reason(text.Draw(t, "reason")), Detail: text.Draw(t, "detail"),
						Read: rapid.Bool().Draw(t, "read"), At: time.UnixMicro(rapid.Int64Range(0, 1e6).Draw(t, "at")).UTC(),
					}
				}
				one, two := draw(), draw()
				b, key, err := c.EncodeReceipt(&one)
				require.NoError(t, err)
				got, err := c.DecodeReceipt(b)
				require.NoError(t, err)
				require.Equal(t, one, got)
				_, other, err := c.EncodeReceipt(&two)
				require.NoError(t, err)
				require.Equal(t, one == two, key == other, "equal receipts alone have equal keys")
			})
		})
	}
}

// doubtfulMessage returns fullMessage with an attempt in doubt.
func doubtfulMessage() smsplus.Message {
	m := fullMessage()
	m.Attempts[1].Doubts = 2
	return m
}

// An earlier release reads a message with recalls. To it they are a large number of doubts, which
// it keeps when it stores the message again.
func TestEncodeState_KeepsRecallsReadableToEarlierReleases(t *testing.T) {
	t.Parallel()
	c := rowcodec.NewCodec(nil, false)
	m, old := doubtfulMessage(), doubtfulMessage()
	m.Attempts[1].Recall, m.Attempts[1].RecallTries = channel.TooLate, 3
	recall := int64(channel.TooLate)<<32 + 3<<34
	if recall > math.MaxInt {
		t.Skip("an earlier release keeps no recall in an int of 32 bits")
	}
	old.Attempts[1].Doubts += int(recall)
	written, err := c.EncodeState(&m)
	require.NoError(t, err)
	kept, err := c.EncodeState(&old)
	require.NoError(t, err)
	require.Equal(t, written, kept)
	require.EqualValues(t, 2, written[0], "the version that knows doubts")
}

// messageToIDs returns doubtfulMessage to a person with IDs on several channels.
func messageToIDs() smsplus.Message {
	m := doubtfulMessage()
	m.To.IDs = map[channel.Name]string{channel.LINEPush: "U4af4980629", channel.WhatsApp: "TW.13491208655302741918", "chat": "王@example.com"}
	m.Reference, m.ResendOf = "batch 5", m.Attempts[1].ID
	return m
}

// bulkMessage returns messageToIDs of another class than most messages.
func bulkMessage() smsplus.Message {
	m := messageToIDs()
	m.Class = smsplus.Bulk
	return m
}

// confirmedMessage returns bulkMessage after the application confirmed it.
func confirmedMessage() smsplus.Message {
	m := bulkMessage()
	m.CanceledAt, m.ConfirmedAt = time.Time{}, m.ReadAt.Add(time.Minute)
	return m
}

// publishedMessage returns confirmedMessage after it was canceled, with its outcomes published.
func publishedMessage() smsplus.Message {
	m := confirmedMessage()
	m.CanceledAt = m.ReadAt
	m.Published = smsplus.Published{End: status.Delivered, Read: true, Confirmed: true, Failures: 300}
	return m
}

// goldenRows are messages and sampleReceipt as a release stored them, in hexadecimal. The
// files never change.
type goldenRows map[string]struct {
	Phone, Fixed, State, Route, Receipt string
	Ref                                 int64
}

func TestCodec_ReadsEveryVersion(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]smsplus.Message{"version1.json": fullMessage(), "version2.json": doubtfulMessage(), "version3.json": messageToIDs(), "version4.json": bulkMessage(), "version5.json": confirmedMessage(), "version6.json": publishedMessage()} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("testdata/" + file)
			require.NoError(t, err)
			var rows goldenRows
			require.NoError(t, json.Unmarshal(text, &rows))
			require.Len(t, rows, 2)
			for name, row := range rows {
				c := codecs(t)[name]
				unhex := func(text string) []byte {
					b, err := hex.DecodeString(text)
					require.NoError(t, err)
					return b
				}
				got, err := decode(c, want, encodedRow{row.Phone, unhex(row.Fixed), unhex(row.State), unhex(row.Route)})
				require.NoError(t, err, name)
				require.Equal(t, want, got, name)
				receipt, err := c.DecodeReceipt(unhex(row.Receipt))
				require.NoError(t, err, name)
				require.Equal(t, sampleReceipt(), receipt, name)
				keys, err := c.PhoneKeys(got.To.Phone)
				require.NoError(t, err)
				require.Equal(t, row.Phone, keys[0], "a number has the key of the version")
				refs, err := c.RefKeys(receipt.Ref())
				require.NoError(t, err)
				require.Equal(t, row.Ref, refs[0], "and so has a ref")
			}
		})
	}
}

func TestEncodeState_WritesEarliestVersion(t *testing.T) {
	t.Parallel()
	for name, c := range codecs(t) {
		certain, doubtful := fullMessage(), doubtfulMessage()
		state, err := c.EncodeState(&certain)
		require.NoError(t, err)
		require.Equal(t, byte(1), state[0]&0x7f, "%s: an earlier release reads a message without doubts", name)
		state, err = c.EncodeState(&doubtful)
		require.NoError(t, err)
		require.Equal(t, byte(2), state[0]&0x7f, name)
		confirmed := confirmedMessage()
		state, err = c.EncodeState(&confirmed)
		require.NoError(t, err)
		require.Equal(t, byte(2), state[0]&0x7f, "%s: to an earlier release it is canceled", name)
		confirmed.CanceledAt = confirmed.ReadAt
		state, err = c.EncodeState(&confirmed)
		require.NoError(t, err)
		require.Equal(t, byte(4), state[0]&0x7f, "%s: both times", name)
		certain.Published.End = status.Delivered
		state, err = c.EncodeState(&certain)
		require.NoError(t, err)
		require.Equal(t, byte(4), state[0]&0x7f, "%s: outcomes that were published", name)
	}
}

// Earlier releases ignore the bits of a state that they do not know.
func TestEncodeState_ConfirmedIsCanceledToAnEarlierRelease(t *testing.T) {
	t.Parallel()
	c := rowcodec.NewCodec(nil, false)
	confirmed := confirmedMessage()
	canceled := confirmed
	canceled.CanceledAt, canceled.ConfirmedAt = confirmed.ConfirmedAt, time.Time{}
	a, err := c.EncodeState(&confirmed)
	require.NoError(t, err)
	b, err := c.EncodeState(&canceled)
	require.NoError(t, err)
	require.Equal(t, b[1]|1<<4, a[1])
	a[1] = b[1]
	require.Equal(t, b, a)
}

func TestEncodeFixed_WritesEarliestVersion(t *testing.T) {
	t.Parallel()
	for name, c := range codecs(t) {
		none, onLINE, referring, onOthers, urgent := fullMessage(), fullMessage(), fullMessage(), messageToIDs(), fullMessage()
		none.To.IDs, referring.Reference, urgent.Class = nil, "batch 5", smsplus.Urgent
		for i, m := range []smsplus.Message{none, onLINE, referring, onOthers, urgent} {
			fixed, err := c.EncodeFixed(&m)
			require.NoError(t, err)
			require.Equal(t, []byte{1, 1, 2, 3, 4}[i], fixed[0]&0x7f, "%s: an earlier release reads what it knew", name)
		}
	}
}

func TestIDKeys_FindAnIDWrittenBefore(t *testing.T) {
	t.Parallel()
	all := codecs(t)
	plain, sealed := all["open"], rowcodec.NewCodec(ring(t, 'l'), true)
	before, err := plain.IDKeys("ann@example.com")
	require.NoError(t, err)
	now, err := sealed.IDKeys("ann@example.com")
	require.NoError(t, err)
	require.Len(t, before, 1)
	require.Contains(t, now[1:], before[0], "from before the Sealer")
	require.NotEqual(t, before[0], now[0], "a keyed hash is another one")
	keyed, err := all["sealed"].IDKeys("ann@example.com")
	require.NoError(t, err)
	require.Equal(t, now[:1], keyed, "a hash without a key can be reversed by trying")
	for name, c := range all {
		seen := map[rowcodec.LookupKey]bool{}
		for _, id := range []string{"ann@example.com", "Ann@example.com", "ann@example.com ", "+886912345678"} {
			keys, err := c.IDKeys(id)
			require.NoError(t, err)
			require.False(t, seen[keys[0]], name)
			seen[keys[0]] = true
			written, err := c.RecipientKeys(channel.Recipient{IDs: map[channel.Name]string{"chat": id, "forum": id, "": ""}})
			require.NoError(t, err)
			require.Equal(t, keys[:1], written, "%s: an ID is written once", name)
			person, err := c.PersonKeys(channel.Recipient{IDs: map[channel.Name]string{"chat": id, "": ""}})
			require.NoError(t, err)
			require.Equal(t, keys, person, name)
		}
		for _, none := range []channel.Recipient{{}, {IDs: map[channel.Name]string{"chat": ""}}, {Phone: hashNumber("+886912345678")}} {
			keys, err := c.RecipientKeys(none)
			require.NoError(t, err)
			require.Empty(t, keys, name)
		}
	}
}

// A recipient without IDs must cost nothing: these run for each message.
func TestCodec_RecipientWithoutIDsAllocatesNothing(t *testing.T) {
	m := fullMessage()
	m.To.IDs = nil
	c := rowcodec.NewCodec(nil, false)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = c.RecipientKeys(m.To) }))
	m.Vars, m.Metadata = nil, nil
	row := encode(t, c, m)
	without := testing.AllocsPerRun(100, func() { _ = c.DecodeFixed(row.fixed, row.phone, &m) })
	require.LessOrEqual(t, without, 2.0, "the reader and its text")
}

func sampleReceipt() channel.Receipt {
	return channel.Receipt{
		Channel: channel.WhatsApp, ProviderID: "wamid.1", Status: status.Undeliverable, Reason: status.NoMatch,
		Detail: "131026: 無法送達", Read: true, At: time.Date(2026, 3, 14, 12, 0, 0, 123_457_000, time.UTC),
	}
}

func TestCodec_SealedValueIsHiddenAndBoundToMessage(t *testing.T) {
	t.Parallel()
	c, m := codecs(t)["sealed"], fullMessage()
	v := encode(t, c, m)
	b, _, err := c.EncodeReceipt(&channel.Receipt{ProviderID: "U4af4980629", Detail: "封鎖"})
	require.NoError(t, err)
	for _, text := range []string{"912345678", "U4af4980629", "123456", "code", "order", "封鎖", "pigeon"} {
		for _, value := range [][]byte{v.fixed, v.state, b, []byte(v.phone)} {
			require.NotContains(t, string(value), text)
		}
	}

	other := m
	other.ID[0]++
	_, err = decode(c, other, v)
	require.ErrorIs(t, err, seal.ErrOpen, "another message's")
	require.ErrorIs(t, c.DecodeState(v.fixed, &m), seal.ErrOpen, "another value's of the same message")
	_, err = decode(rowcodec.NewCodec(nil, false), m, v)
	require.ErrorIs(t, err, rowcodec.ErrSealed, "without a Sealer")
	require.NotContains(t, err.Error(), "912")
}

func TestCodec_ReadsAndFindsUnsealedRows(t *testing.T) {
	t.Parallel()
	open, sealed, m := rowcodec.NewCodec(nil, false), rowcodec.NewCodec(ring(t, 'l'), false), fullMessage()
	rotated := rowcodec.NewCodec(ring(t, 'm', 'l'), true)
	ref := channel.Ref{Channel: channel.SMS, ProviderID: "1"}
	for _, before := range []*rowcodec.Codec{open, sealed} {
		v := encode(t, before, m)
		got, err := decode(rotated, m, v)
		require.NoError(t, err)
		require.Equal(t, m, got)

		keys, err := rotated.PhoneKeys(m.To.Phone)
		require.NoError(t, err)
		require.Contains(t, keys, v.phone)
		was, err := before.RefKeys(ref)
		require.NoError(t, err)
		is, err := rotated.RefKeys(ref)
		require.NoError(t, err)
		require.Contains(t, is, was[0])
		require.NotEqual(t, is[0], was[0], "new rows are stored under the first key")
	}
}

func TestCodec_RefusesUnsealedValuesUnlessTheyMayExist(t *testing.T) {
	t.Parallel()
	open, sealed, m := rowcodec.NewCodec(nil, false), rowcodec.NewCodec(ring(t, 'm', 'l'), false), fullMessage()
	v := encode(t, open, m)
	rec := sampleReceipt()
	b, receiptKey, err := open.EncodeReceipt(&rec)
	require.NoError(t, err)
	var got smsplus.Message
	require.ErrorIs(t, sealed.DecodeFixed(v.fixed, v.phone, &got), rowcodec.ErrUnsealed)
	require.ErrorIs(t, sealed.DecodeState(v.state, &got), rowcodec.ErrUnsealed)
	_, err = sealed.DecodeReceipt(b)
	require.ErrorIs(t, err, rowcodec.ErrUnsealed)

	keys, err := sealed.PhoneKeys(m.To.Phone)
	require.NoError(t, err)
	require.Len(t, keys, 2, "one for each lookup secret")
	require.NotContains(t, keys, v.phone)
	was, err := open.RefKeys(rec.Ref())
	require.NoError(t, err)
	is, err := sealed.RefKeys(rec.Ref())
	require.NoError(t, err)
	require.Len(t, is, 2)
	require.NotContains(t, is, was[0], "a hash without a key can be reversed by trying")
	_, sealedKey, err := sealed.EncodeReceipt(&rec)
	require.NoError(t, err)
	require.NotEqual(t, receiptKey, sealedKey)
}

func TestKeys_AreDistinct(t *testing.T) {
	t.Parallel()
	for name, c := range codecs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[int64]channel.Ref{}
			for _, ref := range []channel.Ref{
				{}, {Channel: "a"}, {ProviderID: "a"}, {Channel: "a", ProviderID: "b"}, {Channel: "ab"}, {ProviderID: "ab"},
			} {
				keys, err := c.RefKeys(ref)
				require.NoError(t, err)
				require.NotContains(t, seen, keys[0])
				seen[keys[0]] = ref
			}
			one, err := c.PhoneKeys(hashNumber("+886912345678"))
			require.NoError(t, err)
			two, err := c.PhoneKeys(hashNumber("+886912345679"))
			require.NoError(t, err)
			require.NotEqual(t, one[0], two[0])
			none, err := c.PhoneKeys(phone.Number{})
			require.NoError(t, err)
			require.Empty(t, none)
		})
	}
}

func TestRedact_KeepsCounts(t *testing.T) {
	t.Parallel()
	m := fullMessage()
	rowcodec.Redact(&m)
	require.True(t, m.To.IsZero())
	text, err := json.Marshal(m)
	require.NoError(t, err)
	for _, gone := range []string{"912345678", "U4af4980629", "123456", "code", "封鎖", "pigeon 7", m.Attempts[0].ID.String() + `","Tries`} {
		require.NotContains(t, string(text), gone)
	}
	for _, c := range []channel.Name{"", channel.LINEPush, channel.SMS} {
		var want, got smsplus.TemplateStats
		want.Add(fullMessage(), smsplus.Filter{Channel: c})
		got.Add(m, smsplus.Filter{Channel: c})
		require.Equal(t, want, got)
	}
	require.Equal(t, fullMessage().Plan, m.Plan)
	require.Equal(t, status.Blocked, m.Attempts[0].Reason)
}

// failingSealer is a Sealer that returns errors, or hashes that its contract does not
// allow.
type failingSealer struct {
	seal.Sealer
	lookups [][]byte
	err     error
}

func (b failingSealer) Seal(_, _ []byte) ([]byte, error) { return nil, b.err }
func (b failingSealer) Lookup([]byte) ([][]byte, error)  { return b.lookups, b.err }

func TestCodec_ReturnsSealerErrors(t *testing.T) {
	t.Parallel()
	m := fullMessage()
	lost := errors.New("the key is lost")
	c := rowcodec.NewCodec(failingSealer{err: lost}, false)
	_, err := c.EncodeFixed(&m)
	require.ErrorIs(t, err, lost)
	_, err = c.EncodeState(&m)
	require.ErrorIs(t, err, lost)
	_, _, err = c.EncodeReceipt(&channel.Receipt{})
	require.ErrorIs(t, err, lost)
	_, err = c.PhoneKeys(m.To.Phone)
	require.ErrorIs(t, err, lost)
	for _, lookups := range [][][]byte{nil, {make([]byte, 15)}} {
		_, err = rowcodec.NewCodec(failingSealer{lookups: lookups}, false).PhoneKeys(m.To.Phone)
		require.ErrorContains(t, err, "the Sealer's Lookup returned")
	}
}

func TestEncodeState_RejectsInvalidStatus(t *testing.T) {
	t.Parallel()
	m := fullMessage()
	m.Attempts[2].Status = 9
	_, err := rowcodec.NewCodec(nil, false).EncodeState(&m)
	require.EqualError(t, err, "rowcodec: Message.Attempts[2].Status 9 does not exist")
	m.Published.Failures = -1
	_, err = rowcodec.NewCodec(nil, false).EncodeState(&m)
	require.EqualError(t, err, "rowcodec: Message.Published has the status 0 and -1 failures")
	m.Status = 8
	_, err = rowcodec.NewCodec(nil, false).EncodeState(&m)
	require.EqualError(t, err, "rowcodec: Message.Status 8 does not exist")
}

func TestEncodeReceipt_RejectsInvalidStatus(t *testing.T) {
	t.Parallel()
	_, _, err := rowcodec.NewCodec(nil, false).EncodeReceipt(&channel.Receipt{Status: 9})
	require.EqualError(t, err, "rowcodec: Receipt.Status 9 does not exist")
}

// setEachTime calls test once for each time of a message, set to at, with its name.
func setEachTime(at time.Time, test func(name string, m smsplus.Message)) {
	fields := []string{"TriggeredAt", "DueAt", "DeliveredAt", "ReadAt", "ExpiresAt", "CanceledAt", "ConfirmedAt"}
	ofAttempt := []string{"StartedAt", "AcceptedAt", "DeliveredAt", "ReadAt", "EndedAt"}
	for _, name := range fields {
		m := fullMessage()
		reflect.ValueOf(&m).Elem().FieldByName(name).Set(reflect.ValueOf(at))
		test("Message."+name, m)
	}
	for _, name := range ofAttempt {
		m := fullMessage()
		reflect.ValueOf(&m.Attempts[1]).Elem().FieldByName(name).Set(reflect.ValueOf(at))
		test("Message.Attempts[1]."+name, m)
	}
}

func TestEncode_RejectsFarTimes(t *testing.T) {
	t.Parallel()
	c := rowcodec.NewCodec(nil, false)
	first, last := time.Time{}, time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	for _, at := range []time.Time{
		first.Add(-1), last.Add(time.Microsecond), time.Unix(math.MaxInt64, 0), time.Unix(math.MinInt64, 0), time.UnixMicro(math.MaxInt64),
	} {
		setEachTime(at, func(name string, m smsplus.Message) {
			_, err := c.EncodeState(&m)
			require.EqualError(t, err, "rowcodec: "+name+" is outside of the years 1 to 9999")
		})
		_, _, err := c.EncodeReceipt(&channel.Receipt{At: at})
		require.EqualError(t, err, "rowcodec: Receipt.At is outside of the years 1 to 9999")
	}
	for _, at := range []time.Time{first, last} {
		setEachTime(at, func(name string, m smsplus.Message) {
			got, err := decode(c, m, encode(t, c, m))
			require.NoError(t, err, name)
			require.Equal(t, m, got, name)
		})
	}
}

func TestDecode_RejectsWrongLength(t *testing.T) {
	t.Parallel()
	c := rowcodec.NewCodec(nil, false)
	v := encode(t, c, doubtfulMessage())
	r := sampleReceipt()
	receipt, _, err := c.EncodeReceipt(&r)
	require.NoError(t, err)
	require.ErrorIs(t, c.DecodeFixed(v.fixed, "no number", &smsplus.Message{}), rowcodec.ErrCorrupt)
	for name, value := range map[string][]byte{"fixed": v.fixed, "state": v.state, "route": v.route, "receipt": receipt} {
		decode := func(b []byte) error {
			m := smsplus.Message{TriggeredAt: doubtfulMessage().TriggeredAt} // the state's times count from it
			switch name {
			case "fixed":
				return c.DecodeFixed(b, "", &m)
			case "state":
				return c.DecodeState(b, &m)
			case "route":
				return rowcodec.DecodeRoute(b, &m)
			}
			_, err := c.DecodeReceipt(b)
			return err
		}
		require.NoError(t, decode(value), name)
		for n := range value {
			require.ErrorIs(t, decode(value[:n]), rowcodec.ErrCorrupt, "%s cut to %d bytes", name, n)
		}
		require.ErrorIs(t, decode(append(value, 0)), rowcodec.ErrCorrupt, name)
		latest := map[string]byte{"fixed": 4, "state": 4}[name]
		if latest == 0 {
			latest = 1
		}
		for _, version := range []byte{0, latest + 1} {
			value[0] = version
			require.EqualError(t, decode(value),
				fmt.Sprintf("rowcodec: %s has version %d, and this release knows up to version %d", name, version, latest))
		}
	}
}

// What encoding refuses, decoding refuses too: nothing that was read cannot be written again.
func TestDecode_RejectsTimesThatNoStoreKeeps(t *testing.T) {
	t.Parallel()
	c := rowcodec.NewCodec(nil, false)
	for name, us := range map[string]int64{"far away": math.MaxInt64 / 2, "long ago": math.MinInt64 / 2} {
		var m smsplus.Message
		state := append(binary.AppendVarint([]byte{1, 1}, us), 0) // DeliveredAt alone, and no attempts
		require.ErrorIs(t, c.DecodeState(state, &m), rowcodec.ErrCorrupt, name)
		receipt, _, err := c.EncodeReceipt(&channel.Receipt{Channel: channel.SMS, ProviderID: "1", At: time.UnixMicro(0)})
		require.NoError(t, err)
		receipt = binary.AppendVarint(receipt[:len(receipt)-1], us) // the time is last, and one byte
		_, err = c.DecodeReceipt(receipt)
		require.ErrorIs(t, err, rowcodec.ErrCorrupt, name)
	}
}

// FuzzDecode decodes any bytes as a row. What decodes must encode to the same message
// again.
func FuzzDecode(f *testing.F) {
	c := rowcodec.NewCodec(nil, false)
	for _, m := range []smsplus.Message{{}, fullMessage(), doubtfulMessage()} {
		v := encode(f, c, m)
		r := sampleReceipt()
		receipt, _, err := c.EncodeReceipt(&r)
		require.NoError(f, err)
		f.Add(v.fixed, v.state, v.route, receipt)
	}
	f.Add([]byte{1}, []byte{0x81, 1, 0, 0, 0, 1}, []byte{1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, []byte{})
	f.Fuzz(func(t *testing.T, fixed, state, route, receipt []byte) {
		for _, c := range codecs(t) {
			m := smsplus.Message{ID: fullMessage().ID, TriggeredAt: fullMessage().TriggeredAt}
			if got, err := decode(c, m, encodedRow{"", fixed, state, route}); err == nil {
				again, err := decode(c, m, encode(t, c, got))
				require.NoError(t, err)
				require.Equal(t, normalize(got), again)
				requireCounted(t, c, got, state)
			}
			if got, err := c.DecodeReceipt(receipt); err == nil {
				b, _, err := c.EncodeReceipt(&got)
				require.NoError(t, err)
				again, err := c.DecodeReceipt(b)
				require.NoError(t, err)
				require.Equal(t, got, again)
			}
		}
	})
}

func BenchmarkMessage(b *testing.B) {
	for name, c := range codecs(b) {
		b.Run(name, func(b *testing.B) {
			m := fullMessage()
			m.Attempts = m.Attempts[1:]
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				fixed, err := c.EncodeFixed(&m)
				if err != nil {
					b.Fatal(err)
				}
				state, err := c.EncodeState(&m)
				if err != nil {
					b.Fatal(err)
				}
				got := smsplus.Message{ID: m.ID, TriggeredAt: m.TriggeredAt}
				if err := errors.Join(c.DecodeFixed(fixed, "", &got), c.DecodeState(state, &got)); err != nil {
					b.Fatal(err)
				}
				size = len(fixed) + len(state)
			}
			b.ReportMetric(float64(size), "B/message")
			text, err := json.Marshal(struct{ Vars, Metadata, Attempts any }{m.Vars, m.Metadata, m.Attempts})
			require.NoError(b, err)
			b.ReportMetric(float64(len(text)), "B/message-in-JSON")
		})
	}
}
