package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// changeReader is what an export keeps: the last state that it saw of each message.
type changeReader struct {
	list  smsplus.ChangeLister
	after string
	seen  map[uuid.UUID]smsplus.Message
}

// newChangeReader returns a reader of the store's changes, or skips the test.
func newChangeReader(t *testing.T, s smsplus.Store) *changeReader {
	t.Helper()
	list, ok := s.(smsplus.ChangeLister)
	if !ok {
		t.Skip("the store is no ChangeLister")
	}
	if _, err := list.Changes(t.Context(), "", 1); errors.Is(err, smsplus.ErrChangesOff) {
		t.Skip("the store notes no changes: open it with the option")
	}
	return &changeReader{list: list, seen: map[uuid.UUID]smsplus.Message{}}
}

// changesPatience is how long a rule waits for changes that a store may list late.
var changesPatience = 20 * time.Second

// changesPoll is how long a reader that has read all changes waits before it asks again.
const changesPoll = time.Millisecond

// read reads all changes in pages of a size, and returns the messages in their order. It
// waits until there are as many as are wanted.
func (r *changeReader) read(t testingT, limit, want int) []smsplus.Message {
	return r.readUntil(t, limit, func(ms []smsplus.Message) bool { return len(ms) >= want })
}

// readUntil reads all changes in pages of a size, and returns the messages in their order. It
// waits until they are enough.
func (r *changeReader) readUntil(t testingT, limit int, isEnough func([]smsplus.Message) bool) (ms []smsplus.Message) {
	ctx, cancel := context.WithTimeout(context.Background(), changesPatience)
	defer cancel()
	for {
		p, err := r.list.Changes(context.Background(), r.after, limit)
		require.NoError(t, err)
		require.LessOrEqual(t, len(p.Messages)+len(p.Unreadable), limit, "a page has at most limit messages")
		require.NotEmpty(t, p.Next, "every page has a Next")
		ms = append(ms, p.Messages...)
		for _, m := range p.Messages {
			r.seen[m.ID] = m
		}
		for _, u := range p.Unreadable {
			r.seen[u.ID] = smsplus.Message{ID: u.ID}
		}
		r.after = p.Next
		if p.More {
			continue
		}
		if isEnough(ms) || ctx.Err() != nil {
			return ms
		}
		select {
		case <-ctx.Done():
		case <-time.After(changesPoll):
		}
	}
}

func testChangesOnce(t *testing.T, s smsplus.Store) {
	r := newChangeReader(t, s)
	require.Empty(t, r.read(t, 10, 0), "an empty store has no changes")
	var want []smsplus.Message
	for n := range 7 {
		m := newMessage(n * 3 % 7) // in another order than that of trigger times
		mustInsert(t, s, m)
		want = append(want, m)
	}
	for limit := 1; limit <= 8; limit++ {
		fresh := newChangeReader(t, s)
		requireMessages(t, want, fresh.read(t, limit, len(want)), "each message comes once, in the order of its last change")
	}
	requireMessages(t, want, r.read(t, 3, len(want)), "a position in an empty store is before all that comes")
	require.Empty(t, r.read(t, 10, 0), "nothing that was read comes again")
	for limit := 1; limit <= 8; limit++ {
		p, err := r.list.Changes(t.Context(), "", limit)
		require.NoError(t, err)
		require.Len(t, p.Messages, min(limit, len(want)))
		require.Equal(t, limit < len(want), p.More, "More says whether there is more than the page has (limit %d)", limit)
	}

	again, last := want[4], want[1]
	for _, m := range []*smsplus.Message{&again, &last, &again} {
		m.Status, m.Attempts = status.Undeliverable, append(m.Attempts, smsplus.Attempt{
			ID: smsplus.AttemptID(m.ID, len(m.Attempts)), Step: len(m.Attempts), Channel: channel.SMS, Status: status.Undeliverable, Reason: status.CarrierError,
		})
		mustUpdate(t, s, *m)
		m.Version++
	}
	requireMessages(t, []smsplus.Message{last, again}, r.read(t, 1, 2), "a message that has changed comes again, as it is now")
	require.Empty(t, r.read(t, 10, 0))
	fresh := newChangeReader(t, s)
	require.Len(t, fresh.read(t, 2, len(want)), len(want), "a message that has changed twice comes once")
}

func testChangesClaims(t *testing.T, s smsplus.Store) {
	r := newChangeReader(t, s)
	mustInsert(t, s, newMessages(1, 4)...)
	require.Len(t, r.read(t, 10, 3), 3)
	claimed, err := s.Claim(t.Context(), smsplus.Claim{Now: atMinute(5), Lease: time.Minute, Limit: 10, Holder: 1})
	require.NoError(t, err)
	require.Len(t, claimed.Messages, 3)
	require.NoError(t, s.SetAside(t.Context(), []smsplus.Unreadable{{ID: claimed.Messages[0].ID, Version: claimed.Messages[0].Version}}, atMinute(9)))
	_, err = s.Update(t.Context(), []smsplus.Message{newMessage(2)}) // stale
	require.NoError(t, err)
	require.Empty(t, r.read(t, 10, 0), "neither a claim, nor what is set aside, nor a stale update is a change")
	m := claimed.Messages[2]
	m.Status = status.Delivered
	m.Attempts = sentMessage(3, channel.SMS, "1").Attempts
	mustUpdate(t, s, m)
	require.Len(t, r.read(t, 10, 1), 1)
}

func testChangesErased(t *testing.T, s smsplus.Store) {
	e := eraserOf(t, s)
	r := newChangeReader(t, s)
	gone, kept := fullMessage(1), fullMessage(2)
	gone.DueAt, kept.DueAt = time.Time{}, time.Time{}
	kept.To = channel.Recipient{Phone: phones[2]}
	mustInsert(t, s, gone, kept)
	require.Len(t, r.read(t, 10, 2), 2)
	_, err := e.Erase(t.Context(), gone.To)
	require.NoError(t, err)
	requireMessages(t, []smsplus.Message{erased(gone)}, r.read(t, 10, 1), "an erased message has changed")
}

func testChangesPurged(t *testing.T, s smsplus.Store) {
	r := newChangeReader(t, s)
	for _, m := range []smsplus.Message{newMessage(3), endedMessage(2), endedMessage(1)} {
		mustInsert(t, s, m)
	}
	require.Len(t, r.read(t, 1, 3), 3)
	require.Equal(t, 1, mustPurge(t, s, atMinute(2), 10))
	require.Empty(t, r.read(t, 10, 0), "what is purged is no change")
	mustInsert(t, s, newMessage(4))
	requireMessages(t, []smsplus.Message{newMessage(4)}, r.read(t, 10, 1), "a position stays valid when its message is purged")
	fresh := newChangeReader(t, s)
	require.Len(t, fresh.read(t, 10, 3), 3, "a purged message does not come")
}

func testChangesPosition(t *testing.T, s smsplus.Store) {
	r := newChangeReader(t, s)
	mustInsert(t, s, newMessages(1, 4)...)
	for _, after := range []string{"no position", "\x00", "-1", "....", "1.2.3.4.5"} {
		_, err := r.list.Changes(t.Context(), after, 10)
		require.ErrorIs(t, err, smsplus.ErrChangesLost, "a position that the store did not give is refused: %q", after)
	}
}

func testChangesConcurrent(t *testing.T, s smsplus.Store) {
	r := newChangeReader(t, s)
	const writers, rounds = 8, 25 // and one reader
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, writers)
	for w := range writers {
		go func() {
			done <- func() error {
				gen := newGenerator(uint64(w), 1)
				for round := range rounds {
					m := newMessage(1_000*w + round)
					if _, err := s.Insert(ctx, []smsplus.Message{m}); err != nil {
						return err
					}
					for range gen.intN(3) {
						m.Attempts = append(m.Attempts, smsplus.Attempt{ID: smsplus.AttemptID(m.ID, len(m.Attempts)), Step: len(m.Attempts), Channel: channel.SMS})
						if stale, err := s.Update(ctx, []smsplus.Message{m}); err != nil || len(stale) > 0 {
							return staleError(err)
						}
						m.Version++
					}
				}
				return nil
			}()
		}()
	}
	for running := writers; running > 0; {
		select {
		case err := <-done:
			require.NoError(t, err)
			running--
		case <-time.After(changesPoll):
			r.read(t, 3, 0)
		}
	}
	all := mustListAll(t, s, smsplus.Filter{})
	r.readUntil(t, 7, func([]smsplus.Message) bool {
		return !slices.ContainsFunc(all, func(m smsplus.Message) bool { return r.seen[m.ID].Version != m.Version })
	})
	require.Len(t, all, writers*rounds)
	require.Len(t, r.seen, writers*rounds)
	for _, m := range all {
		require.Equal(t, m.Version, r.seen[m.ID].Version, "the reader has seen the last state of every message")
		require.Len(t, r.seen[m.ID].Attempts, len(m.Attempts))
	}
}

func staleError(err error) error {
	if err != nil {
		return err
	}
	return errors.New("an update was stale")
}

func testUnreadableChanges(t *testing.T, s smsplus.Store) {
	r := newChangeReader(t, s)
	ms := newMessages(1, 6)
	mustInsert(t, s, ms...)
	mustDamage(t, s, ms[1])
	mustDamage(t, s, ms[3])
	require.Len(t, r.read(t, 2, 3), 3, "the others come")
	require.Len(t, r.seen, 5, "a message that cannot be read is named")
}
