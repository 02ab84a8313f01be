package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// testingT is what the suite needs of a *testing.T or a *rapid.T.
type testingT interface {
	require.TestingT
	Helper()
	Context() context.Context
}

// The must functions call a store and fail the test on an error.

func mustInsert(t testingT, s smsplus.Store, ms ...smsplus.Message) {
	t.Helper()
	taken, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)
	require.Empty(t, taken, "no key is taken")
}

// mustClaim claims messages. A nil Only is every lane of the samples, and a zero Holder
// is defaultHolder.
func mustClaim(t testingT, s smsplus.Store, c smsplus.Claim) smsplus.Claimed {
	t.Helper()
	c = withClaimDefaults(c)
	claimed, err := s.Claim(t.Context(), c)
	require.NoError(t, err)
	return claimed
}

// defaultHolder is the holder of claims whose rule is about something else.
const defaultHolder = 1

// allLanes are the lanes of the samples and of random messages.
var allLanes = []channel.Name{"", channel.SMS, channel.WhatsApp, channel.LINEPush, channel.LINENotify}

func withClaimDefaults(c smsplus.Claim) smsplus.Claim {
	c.Holder = cmp.Or(c.Holder, defaultHolder)
	if c.Only == nil {
		c.Only = allLanes
	}
	return c
}

func mustUpdate(t testingT, s smsplus.Store, ms ...smsplus.Message) {
	t.Helper()
	stale, err := s.Update(t.Context(), ms)
	require.NoError(t, err)
	require.Empty(t, stale, "no version is stale")
}

func mustGet(t testingT, s smsplus.Store, id uuid.UUID) smsplus.Message {
	t.Helper()
	m, err := s.Message(t.Context(), id)
	require.NoError(t, err)
	return m
}

// requireNotFound requires that the store does not hold the message.
func requireNotFound(t testingT, s smsplus.Store, id uuid.UUID, rule string) {
	t.Helper()
	_, err := s.Message(t.Context(), id)
	require.ErrorIs(t, err, smsplus.ErrNotFound, rule)
}

// mustFindByProviderID returns the result of ByProviderID in order of ID.
func mustFindByProviderID(t testingT, s smsplus.Store, refs ...channel.Ref) []smsplus.Message {
	t.Helper()
	ms, err := s.ByProviderID(t.Context(), refs)
	require.NoError(t, err)
	slices.SortFunc(ms, byID)
	return ms
}

func mustPark(t testingT, s smsplus.Store, rs ...channel.Receipt) {
	t.Helper()
	require.NoError(t, s.Park(t.Context(), rs))
}

func mustUnpark(t testingT, s smsplus.Store, refs ...channel.Ref) {
	t.Helper()
	require.NoError(t, s.Unpark(t.Context(), refs))
}

func mustPurge(t testingT, s smsplus.Store, before time.Time, limit int) int {
	t.Helper()
	n, err := s.Purge(t.Context(), before, limit)
	require.NoError(t, err)
	return n
}

// mustPage returns one page of records and checks its size.
func mustPage(t testingT, s smsplus.Store, f smsplus.Filter) smsplus.Page {
	t.Helper()
	p, err := s.Records(t.Context(), f)
	require.NoError(t, err, "%+v", f)
	require.LessOrEqual(t, len(p.Messages)+len(p.Unreadable), f.PageSize(), "a page holds no more than the limit: %+v", f)
	return p
}

// mustListAll returns the records of all pages from f.After on.
func mustListAll(t testingT, s smsplus.Store, f smsplus.Filter) []smsplus.Message {
	t.Helper()
	var ms []smsplus.Message
	for seen := map[smsplus.Cursor]bool{}; ; {
		p := mustPage(t, s, f)
		ms = append(ms, p.Messages...)
		if p.Next == "" {
			return ms
		}
		require.False(t, seen[p.Next], "no two pages have the same Next: %+v", f)
		seen[p.Next] = true
		f.After = p.Next
	}
}

func mustStats(t testingT, s smsplus.Store, f smsplus.Filter) []smsplus.TemplateStats {
	t.Helper()
	rows, err := s.Stats(t.Context(), f)
	require.NoError(t, err, "%+v", f)
	return rows
}

// requireMessages requires the same messages in the same order, equal in every field.
func requireMessages(t testingT, want, got []smsplus.Message, rule string, args ...any) {
	t.Helper()
	text := fmt.Sprintf(rule, args...)
	require.Equal(t, ids(want), ids(got), text)
	for i := range want {
		require.Equal(t, normalize(want[i]), normalize(got[i]), text)
	}
}

// requireMessage requires that the store holds the message, equal in every field.
func requireMessage(t testingT, s smsplus.Store, want smsplus.Message, rule string, args ...any) {
	t.Helper()
	requireMessages(t, []smsplus.Message{want}, []smsplus.Message{mustGet(t, s, want.ID)}, rule, args...)
}

// requireReceipts requires that exactly these receipts are parked under the refs, in any
// order.
func requireReceipts(t testingT, s smsplus.Store, want []channel.Receipt, refs []channel.Ref, rule string, args ...any) {
	t.Helper()
	got, err := s.Parked(t.Context(), refs)
	require.NoError(t, err)
	require.Equal(t, countReceipts(want), countReceipts(got), append([]any{rule}, args...)...)
}

// normalize returns m with nil for empty maps and slices. A store may return either.
func normalize(m smsplus.Message) smsplus.Message {
	m = clone(m)
	if len(m.Vars) == 0 {
		m.Vars = nil
	}
	if len(m.Metadata) == 0 {
		m.Metadata = nil
	}
	if len(m.Plan) == 0 {
		m.Plan = nil
	}
	if len(m.Attempts) == 0 {
		m.Attempts = nil
	}
	return m
}

func ids(ms []smsplus.Message) []string {
	list := make([]string, len(ms))
	for i := range ms {
		list[i] = ms[i].ID.String()
	}
	return list
}

// concurrently calls f from n goroutines that start together, and requires that none
// returns an error.
func concurrently(t testingT, n int, f func(i int) error) {
	t.Helper()
	start := make(chan struct{})
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	require.NoError(t, errors.Join(errs...), "concurrent calls do not make each other fail")
}
