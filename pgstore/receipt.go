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

// ByProviderID implements [smsplus.Store]. An empty ProviderID finds nothing.
func (s *Store) ByProviderID(ctx context.Context, refs []channel.Ref) (ms []smsplus.Message, err error) {
	refs = slices.DeleteFunc(slices.Clone(refs), func(ref channel.Ref) bool { return ref.ProviderID == "" })
	hashes, err := s.providerIDHashes(refs)
	if err != nil {
		return nil, fmt.Errorf("pgstore: by provider ID: %w", err)
	}
	err = s.retry(ctx, "by provider ID", func(ctx context.Context) error {
		ms, err = s.queryMessages(ctx, s.pool, s.statements.byProviderID, hashes)
		return err
	})
	wanted := setOfRefs(refs)
	ms = slices.DeleteFunc(ms, func(m smsplus.Message) bool { // another provider ID may have the same hash
		return !slices.ContainsFunc(m.Attempts, func(a smsplus.Attempt) bool {
			return wanted[channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}]
		})
	})
	return ms, err
}

// providerIDHashes returns the hashes under which attempts and receipts with the refs may be
// stored: several for a ref if the sealer has had other lookup keys.
func (s *Store) providerIDHashes(refs []channel.Ref) ([]int64, error) {
	hashes := make([]int64, 0, len(refs))
	for _, ref := range refs {
		keys, err := s.codec.RefKeys(ref)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, keys...)
	}
	return hashes, nil
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
		hashes, err := s.codec.RefKeys(r.Ref())
		if err != nil {
			return fmt.Errorf("pgstore: park: %w", err)
		}
		body, key, err := s.codec.EncodeReceipt(r)
		if err != nil {
			return fmt.Errorf("pgstore: park: %w", err)
		}
		refs, keys = append(refs, hashes[0]), append(keys, key)
		ats, bodies = append(ats, r.At), append(bodies, body)
	}
	return s.retry(ctx, "park", func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, s.statements.park, refs, keys, ats, bodies)
		return err
	})
}

// Parked implements [smsplus.Store].
func (s *Store) Parked(ctx context.Context, refs []channel.Ref) (rs []channel.Receipt, err error) {
	hashes, err := s.providerIDHashes(refs)
	if err != nil {
		return nil, fmt.Errorf("pgstore: parked: %w", err)
	}
	err = s.retry(ctx, "parked", func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, s.statements.parked, hashes)
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
	wanted := setOfRefs(refs)
	return slices.DeleteFunc(rs, func(r channel.Receipt) bool { return !wanted[r.Ref()] }), err
}

// Unpark implements [smsplus.Store]. It compares hashes alone: two provider IDs with the
// same hash are practically impossible.
func (s *Store) Unpark(ctx context.Context, refs []channel.Ref) error {
	hashes, err := s.providerIDHashes(refs)
	if err != nil {
		return fmt.Errorf("pgstore: unpark: %w", err)
	}
	return s.retry(ctx, "unpark", func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, s.statements.unpark, hashes)
		return err
	})
}
