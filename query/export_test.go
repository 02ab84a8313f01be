package query_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// writers are the exports, for the tests of their common rules.
var writers = map[string]func(io.Writer, iter.Seq2[smsplus.Message, error], ...query.Export) error{
	"CSV":    query.WriteCSV,
	"NDJSON": query.WriteNDJSON,
}

func seqOf(ms ...smsplus.Message) iter.Seq2[smsplus.Message, error] {
	return seqThenError(nil, ms...)
}

// seqThenError returns a sequence of the messages that ends with the error, unless it is
// nil.
func seqThenError(err error, ms ...smsplus.Message) iter.Seq2[smsplus.Message, error] {
	return func(yield func(smsplus.Message, error) bool) {
		for _, m := range ms {
			if !yield(m, nil) {
				return
			}
		}
		if err != nil {
			yield(smsplus.Message{}, err)
		}
	}
}

// fullRecord returns a message with every field that an export shows: a push message was
// undeliverable, and a text message was delivered and read.
func fullRecord(t require.TestingT) smsplus.Message {
	at := time.Date(2026, 9, 15, 10, 30, 0, 123456000, time.UTC)
	return smsplus.Message{
		ID:        uuid.MustParse("01890000-0000-7000-8000-000000000001"),
		Key:       "order-17",
		Reference: "batch-5",
		ResendOf:  messageID(3),
		ResentAs:  messageID(4),
		Template:  "shipped",
		Scenario:  "出貨通知",
		To:        channel.Recipient{Phone: parsePhone(t, "+886912345678"), IDs: map[channel.Name]string{channel.LINEPush: "U0123456789abcdef"}},
		Vars:      map[string]string{"code": "135790"},
		Metadata:  map[string]string{"tenant": "一 & 二"},
		Attempts: []smsplus.Attempt{
			{
				ID: messageID(1), Channel: channel.LINEPush, Status: status.Undeliverable,
				Reason: status.NoContact, Detail: "404 not found", Tries: 1, Recall: channel.TooLate,
				StartedAt: at, EndedAt: at.Add(time.Second),
			},
			{
				ID: messageID(2), Step: 1, Channel: channel.SMS, Status: status.Delivered, ProviderID: "sms-9", Content: 0xa1b2, Tries: 2,
				StartedAt: at.Add(time.Second), AcceptedAt: at.Add(2 * time.Second), DeliveredAt: at.Add(time.Minute),
				ReadAt: at.Add(2 * time.Minute), EndedAt: at.Add(time.Minute),
			},
		},
		Status:      status.Delivered,
		Channel:     channel.SMS,
		TriggeredAt: at,
		DeliveredAt: at.Add(time.Minute),
		ReadAt:      at.Add(2 * time.Minute),
		ExpiresAt:   at.Add(time.Hour),
		CanceledAt:  at.Add(3 * time.Minute),
		ConfirmedAt: at.Add(4 * time.Minute),
	}
}

func TestExports_MaskPersonalDataUnlessReveal(t *testing.T) {
	t.Parallel()
	for name, write := range writers {
		var masked, revealed strings.Builder
		require.NoError(t, write(&masked, seqOf(fullRecord(t))))
		require.NoError(t, write(&revealed, seqOf(fullRecord(t)), query.Export{Reveal: true}))
		for _, secret := range []string{"912345", "U0123456789abcdef", "135790", "一 & 二"} {
			require.NotContains(t, masked.String(), secret, name)
		}
		require.Contains(t, masked.String(), "******678", name)
		require.Contains(t, revealed.String(), "912345678", name)
		require.Contains(t, revealed.String(), "U0123456789abcdef", name)
	}
}

func TestExports_ReturnSeqErrorAfterEarlierRecords(t *testing.T) {
	t.Parallel()
	for name, write := range writers {
		var whole, cut bytes.Buffer
		require.NoError(t, write(&whole, seqOf(messages(3)...)))
		require.ErrorIs(t, write(&cut, seqThenError(errBroken, messages(3)...)), errBroken, name)
		require.Equal(t, whole.String(), cut.String(), name)
	}
}

func TestExports_WriteNothingIfFirstIsError(t *testing.T) {
	t.Parallel()
	for name, write := range writers {
		var out bytes.Buffer
		require.ErrorIs(t, write(&out, seqThenError(errBroken), query.Export{BOM: true}), errBroken, name)
		require.Empty(t, out.Bytes(), name)
	}
}

// withUnreadable returns the sequence with a record that cannot be read before each record
// and at the end.
func withUnreadable(seq iter.Seq2[smsplus.Message, error]) iter.Seq2[smsplus.Message, error] {
	return func(yield func(smsplus.Message, error) bool) {
		unreadable := func() bool {
			return yield(smsplus.Message{ID: messageID(99)}, fmt.Errorf("key 7: %w", smsplus.ErrUnreadable))
		}
		for m, err := range seq {
			if !unreadable() || !yield(m, err) {
				return
			}
		}
		unreadable()
	}
}

func TestExports_LeaveOutUnreadableRecords(t *testing.T) {
	t.Parallel()
	for name, write := range writers {
		for _, n := range []int{0, 3} {
			var whole, rest bytes.Buffer
			require.NoError(t, write(&whole, seqOf(messages(n)...)))
			err := write(&rest, withUnreadable(seqOf(messages(n)...)))
			require.ErrorIs(t, err, smsplus.ErrUnreadable, name)
			require.ErrorContains(t, err, fmt.Sprint(n+1), "%s: the error says how many", name)
			require.Equal(t, whole.String(), rest.String(), "%s: the others are written", name)
		}

		var cut bytes.Buffer
		err := write(&cut, withUnreadable(seqThenError(errBroken)))
		require.ErrorIs(t, err, errBroken, "%s: an error that ends the list is returned", name)
		require.Empty(t, cut.Bytes(), "%s: nothing is written before the first record", name)
		err = write(&limitedWriter{0}, withUnreadable(seqOf(messages(2)...)))
		require.ErrorIs(t, err, errFull, "%s: the writer's error is returned", name)
	}
}

// limitedWriter accepts a number of bytes and then fails.
type limitedWriter struct{ free int }

var errFull = errors.New("no room left")

func (f *limitedWriter) Write(p []byte) (int, error) {
	if len(p) > f.free {
		return 0, errFull
	}
	f.free -= len(p)
	return len(p), nil
}

func TestExports_ReturnWriterErrorAndStopReading(t *testing.T) {
	t.Parallel()
	for name, write := range writers {
		for _, room := range []int{0, 5000} {
			read := 0
			endless := func(yield func(smsplus.Message, error) bool) {
				for yield(message(read), nil) {
					read++
				}
			}
			require.ErrorIs(t, write(&limitedWriter{room}, endless), errFull, name)
			require.Less(t, read, 200, name)
		}
		require.ErrorIs(t, write(&limitedWriter{10}, seqOf(messages(2)...)), errFull, "%s: when it flushes", name)
		require.ErrorIs(t, write(&limitedWriter{10}, seqThenError(errBroken, messages(2)...)), errBroken, "%s: the error of seq came first", name)
	}
}

func TestExports_WriteWhileReading(t *testing.T) {
	t.Parallel()
	for name, write := range writers {
		written, read, held := &lineCounter{}, 0, 0
		err := write(written, func(yield func(smsplus.Message, error) bool) {
			for ; read < 10_000 && yield(message(read), nil); read++ {
				held = max(held, read-written.lines)
			}
		})
		require.NoError(t, err)
		require.Equal(t, 10_000, read, name)
		require.Less(t, held, 100, name)
	}
}

type lineCounter struct{ lines int }

func (c *lineCounter) Write(p []byte) (int, error) {
	c.lines += bytes.Count(p, []byte("\n"))
	return len(p), nil
}
