package pgstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// ByProviderID implements [smsplus.Store]. An empty ProviderID names nothing.
func (s *Store) ByProviderID(ctx context.Context, refs []channel.Ref) (ms []smsplus.Message, err error) {
	refs = slices.DeleteFunc(slices.Clone(refs), func(ref channel.Ref) bool { return ref.ProviderID == "" })
	names, err := s.providerIDHashes(refs)
	if err != nil {
		return nil, fmt.Errorf("pgstore: by provider ID: %w", err)
	}
	err = s.retry(ctx, "by provider ID", func(ctx context.Context) error {
		ms, err = s.queryMessages(ctx, s.pool, s.statements.byProviderID, names)
		return err
	})
	asked := setOfRefs(refs)
	ms = slices.DeleteFunc(ms, func(m smsplus.Message) bool { // another name may have the same number
		return !slices.ContainsFunc(m.Attempts, func(a smsplus.Attempt) bool {
			return asked[channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}]
		})
	})
	return ms, err
}

// providerIDHashes returns the numbers that what has the refs may be filed under.
func (s *Store) providerIDHashes(refs []channel.Ref) ([]int64, error) {
	numbers := make([]int64, 0, len(refs))
	for _, ref := range refs {
		keys, err := s.codec.RefKeys(ref)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, keys...)
	}
	return numbers, nil
}

func setOfRefs(refs []channel.Ref) map[channel.Ref]bool {
	set := make(map[channel.Ref]bool, len(refs))
	for _, ref := range refs {
		set[ref] = true
	}
	return set
}

// Park implements [smsplus.Store].
func (s *Store) Park(ctx context.Context, rs []channel.Receipt) error {
	var (
		refs, keys []int64
		ats        []time.Time
		bodies     [][]byte
	)
	for i := range rs {
		r := &rs[i]
		names, err := s.codec.RefKeys(r.Ref())
		if err != nil {
			return fmt.Errorf("pgstore: park: %w", err)
		}
		body, key, err := s.codec.EncodeReceipt(r)
		if err != nil {
			return fmt.Errorf("pgstore: park: %w", err)
		}
		refs, keys = append(refs, names[0]), append(keys, key)
		ats, bodies = append(ats, r.At), append(bodies, body)
	}
	return s.retry(ctx, "park", func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, s.statements.park, refs, keys, ats, bodies)
		return err
	})
}

// Parked implements [smsplus.Store].
func (s *Store) Parked(ctx context.Context, refs []channel.Ref) (rs []channel.Receipt, err error) {
	names, err := s.providerIDHashes(refs)
	if err != nil {
		return nil, fmt.Errorf("pgstore: parked: %w", err)
	}
	err = s.retry(ctx, "parked", func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, s.statements.parked, names)
		if err != nil {
			return err
		}
		rs, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (channel.Receipt, error) {
			var body []byte
			if err := row.Scan(&body); err != nil {
				return channel.Receipt{}, err
			}
			return s.codec.DecodeReceipt(body)
		})
		return err
	})
	asked := setOfRefs(refs)
	return slices.DeleteFunc(rs, func(r channel.Receipt) bool { return !asked[r.Ref()] }), err
}

// Unpark implements [smsplus.Store]. It goes by the refs' numbers alone: that two
// provider IDs ever have the same one is as likely as that a UUID repeats.
func (s *Store) Unpark(ctx context.Context, refs []channel.Ref) error {
	names, err := s.providerIDHashes(refs)
	if err != nil {
		return fmt.Errorf("pgstore: unpark: %w", err)
	}
	return s.retry(ctx, "unpark", func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, s.statements.unpark, names)
		return err
	})
}
