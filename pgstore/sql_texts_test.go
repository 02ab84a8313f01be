package pgstore

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// pgx keeps 512 prepared statements for each connection. A text for each value would push those
// of sends out of them.
func TestSQL_TextsDoNotDependOnTheValuesOfFilters(t *testing.T) {
	t.Parallel()
	s := &Store{codec: rowcodec.NewCodec(nil, false)}
	totals, recounts, pages := map[string]bool{}, map[string]bool{}, map[string]bool{}
	const day = 24 * time.Hour
	for i := range 400 {
		n := time.Duration(i)
		ranges := []smsplus.Filter{
			{},
			{From: sampleTime.Add(-n * day)},
			{To: sampleTime.Add(n * time.Hour)},
			{From: sampleTime.Add(-n*day - n*time.Minute), To: sampleTime.Add(n*time.Hour + time.Second)},
			{From: sampleTime.Truncate(time.Hour), To: sampleTime.Truncate(time.Hour).Add(n * time.Hour)},
		}
		for group := range status.FailedGroup + 1 {
			for _, f := range ranges {
				f.Group = group
				sql, _ := s.totalsQuery(f)
				totals[sql] = true
				f.CountryCode, f.Reason = "886", status.Blocked
				sql, _, err := s.recountQuery(f)
				require.NoError(t, err)
				recounts[sql] = true
				f.Limit = i + 1
				for _, f.Channel = range []channel.Name{"", channel.SMS} {
					if f.After = ""; i%2 == 1 {
						f.After = f.CursorAt(smsplus.Message{ID: uuid.Max, TriggeredAt: sampleTime})
					}
					sql, _, err := s.pageQuery(f, nil, textLimit(f.PageSize()+1))
					require.NoError(t, err)
					pages[sql] = true
				}
			}
		}
	}
	delete(totals, "")
	require.LessOrEqual(t, len(totals), 8, "of totals")
	require.LessOrEqual(t, len(recounts), 8, "of recounts")
	require.LessOrEqual(t, len(pages), 200, "of pages")
	// pages: 4 ranges, with or without a group and a cursor, and a text for each power of two
}
