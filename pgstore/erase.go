package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Erase implements [smsplus.Eraser]. It works in batches, each in a transaction of its
// own.
//
// Erased data is gone from the tables. PostgreSQL keeps the old versions of the rows until
// they are vacuumed. Write-ahead logs and backups keep them as long as you keep those.
func (s *Store) Erase(ctx context.Context, n phone.Number) (erased int, err error) {
	keys, err := s.codec.PhoneKeys(n)
	if err != nil {
		return 0, fmt.Errorf("pgstore: erase: %w", err)
	}
	for batch := -1; batch != 0; erased += batch {
		err := s.retry(ctx, "erase", func(ctx context.Context) error {
			return s.inTx(ctx, func(tx pgx.Tx) (err error) {
				batch, err = s.eraseBatch(ctx, tx, keys)
				return err
			})
		})
		if err != nil {
			return erased, err
		}
	}
	var open int
	err = s.retry(ctx, "erase", func(ctx context.Context) error {
		return s.inTx(ctx, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, s.statements.countOpen, keys).Scan(&open)
		})
	})
	if err == nil && open > 0 {
		err = fmt.Errorf("pgstore: erase: %w: %d were left as they are", smsplus.ErrNotFinal, open)
	}
	return erased, err
}

// eraseBatch erases a batch of ended messages, and returns their number.
func (s *Store) eraseBatch(ctx context.Context, tx pgx.Tx, phoneKeys []string) (int, error) {
	ms, err := s.queryMessages(ctx, tx, s.statements.erasable, phoneKeys)
	if err != nil || len(ms) == 0 {
		return 0, err
	}
	var (
		ids           []pgtype.UUID
		triggeredAt   []time.Time
		fixed, bodies [][]byte
		refs          []channel.Ref
	)
	for i := range ms {
		m := &ms[i]
		for _, a := range m.Attempts {
			if a.ProviderID != "" {
				refs = append(refs, channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID})
			}
		}
		rowcodec.Redact(m)
		f, err := s.codec.EncodeFixed(m)
		if err != nil {
			return 0, err
		}
		body, err := s.codec.EncodeState(m)
		if err != nil {
			return 0, err
		}
		ids, triggeredAt = append(ids, pgtype.UUID{Bytes: m.ID, Valid: true}), append(triggeredAt, m.TriggeredAt)
		fixed, bodies = append(fixed, f), append(bodies, body)
	}
	hashes, err := s.providerIDHashes(refs)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, s.statements.erase, ids, triggeredAt, fixed, bodies, hashes)
	return len(ms), err
}
