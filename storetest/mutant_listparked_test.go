package storetest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/smsplus/smsplus-go/channel"
)

// listParkedMutants break the rules of ListParked.
var listParkedMutants = []mutant{
	{"lists the first page of parked receipts only", func(_ *Model, b *brokenStore) {
		listParked := b.listParkedFunc
		b.listParkedFunc = func(ctx context.Context, after string, limit int) ([]channel.Receipt, string, error) {
			rs, _, err := listParked(ctx, after, limit)
			return rs, "", err
		}
	}, []string{"pages of ListParked hold every receipt once"}},

	{"lists more parked receipts than the limit", func(_ *Model, b *brokenStore) {
		listParked := b.listParkedFunc
		b.listParkedFunc = func(ctx context.Context, after string, limit int) ([]channel.Receipt, string, error) {
			return listParked(ctx, after, limit+1)
		}
	}, []string{"pages of ListParked hold every receipt once"}},

	{"lists parked receipts without their details", func(_ *Model, b *brokenStore) {
		listParked := b.listParkedFunc
		b.listParkedFunc = func(ctx context.Context, after string, limit int) ([]channel.Receipt, string, error) {
			rs, next, err := listParked(ctx, after, limit)
			for i := range rs {
				rs[i].Detail = ""
			}
			return rs, next, err
		}
	}, []string{"pages of ListParked hold every receipt once"}},

	{"drops parked receipts that it lists", func(_ *Model, b *brokenStore) {
		listParked := b.listParkedFunc
		b.listParkedFunc = func(ctx context.Context, after string, limit int) ([]channel.Receipt, string, error) {
			rs, next, err := listParked(ctx, after, limit)
			for _, r := range rs {
				_ = b.Unpark(ctx, []channel.Ref{r.Ref()})
			}
			return rs, next, err
		}
	}, []string{"pages of ListParked hold every receipt once"}},

	{"lists parked receipts by time, and skips those of the cursor's time", func(m *Model, b *brokenStore) {
		b.listParkedFunc = func(_ context.Context, after string, limit int) ([]channel.Receipt, string, error) {
			rs := parkedByTime(m)
			rs = slices.DeleteFunc(rs, func(r channel.Receipt) bool { return r.At.Format(time.RFC3339Nano) <= after })
			if len(rs) <= limit {
				return rs, "", nil
			}
			return rs[:limit], rs[limit-1].At.Format(time.RFC3339Nano), nil
		}
	}, []string{"pages of ListParked hold every receipt once"}},

	{"counts the parked receipts of earlier pages", func(m *Model, b *brokenStore) {
		b.listParkedFunc = func(_ context.Context, after string, limit int) ([]channel.Receipt, string, error) {
			rs := parkedByTime(m)
			seen, _ := strconv.Atoi(after)
			rs = rs[min(seen, len(rs)):]
			if len(rs) <= limit {
				return rs, "", nil
			}
			return rs[:limit], strconv.Itoa(seen + limit), nil
		}
	}, []string{"receipts that come and go between two pages of ListParked neither hide nor repeat others"}},

	{"ends the list when the cursor's receipt is gone", func(m *Model, b *brokenStore) {
		listParked := b.listParkedFunc
		b.listParkedFunc = func(ctx context.Context, after string, limit int) ([]channel.Receipt, string, error) {
			m.mu.Lock()
			there := after == ""
			for r := range m.parked {
				there = there || receiptText(r) == after
			}
			m.mu.Unlock()
			if !there {
				return nil, "", nil
			}
			return listParked(ctx, after, limit)
		}
	}, []string{"receipts that come and go between two pages of ListParked neither hide nor repeat others"}},
}

// parkedByTime returns the parked receipts in order of time, and of text at equal times.
func parkedByTime(m *Model) []channel.Receipt {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rs []channel.Receipt
	for r := range m.parked {
		rs = append(rs, r)
	}
	slices.SortFunc(rs, func(a, b channel.Receipt) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(receiptText(a), receiptText(b)))
	})
	return rs
}
