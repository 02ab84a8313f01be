package sqlquery_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/sqlquery"
	"github.com/smsplus/smsplus-go/smsplus"
)

// A store's conditions let through what a filter does not match, here all messages.
func TestMatchingPage_HoldsEveryMatchOnce(t *testing.T) {
	t.Parallel()
	var all, want []smsplus.Message
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for i := range 40 {
		m := smsplus.Message{ID: uuid.UUID{byte(i)}, TriggeredAt: at.Add(-time.Duration(i/2) * time.Minute), Attempts: []smsplus.Attempt{{Channel: channel.SMS}}}
		if i > 5 && i%7 < 2 {
			m.Attempts = append(m.Attempts, smsplus.Attempt{Channel: channel.LINEPush})
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b smsplus.Message) int { return slices.Compare(b.ID[:], a.ID[:]) })
	slices.SortStableFunc(all, func(a, b smsplus.Message) int { return b.TriggeredAt.Compare(a.TriggeredAt) })
	f := smsplus.Filter{Channel: channel.LINEPush}
	fetch := func(f smsplus.Filter) (smsplus.Page, error) {
		from := 0
		if f.After != "" {
			from = 1 + slices.IndexFunc(all, func(m smsplus.Message) bool { return f.CursorAt(m) == f.After })
		}
		return f.Page(slices.Clone(all[from:min(len(all), from+f.PageSize()+1)])), nil
	}
	for _, m := range all {
		if f.Match(m) {
			want = append(want, m)
		}
	}
	for _, f.Limit = range []int{1, 2, len(want) - 1, len(want), len(want) + 1, 100} {
		var got []smsplus.Message
		for f.After = ""; ; {
			page, err := sqlquery.MatchingPage(f, fetch)
			require.NoError(t, err)
			require.NotEmpty(t, page.Messages)
			require.LessOrEqual(t, len(page.Messages), f.Limit)
			got = append(got, page.Messages...)
			if f.After = page.Next; f.After == "" {
				break
			}
		}
		require.Equal(t, want, got, "pages of %d", f.Limit)
	}
}

func TestMatchingPage_KeepsUnreadableAndErrors(t *testing.T) {
	t.Parallel()
	u := smsplus.Unreadable{ID: uuid.New()}
	page, err := sqlquery.MatchingPage(smsplus.Filter{ProviderID: "1"}, func(f smsplus.Filter) (smsplus.Page, error) { return f.Page(nil, u), nil })
	require.NoError(t, err)
	require.Equal(t, smsplus.Page{Unreadable: []smsplus.Unreadable{u}}, page)
	down := errors.New("down")
	_, err = sqlquery.MatchingPage(smsplus.Filter{}, func(smsplus.Filter) (smsplus.Page, error) { return smsplus.Page{}, down })
	require.ErrorIs(t, err, down)
}
