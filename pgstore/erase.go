package pgstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Erase implements [smsplus.Eraser]. It works in batches, each in a transaction of its
// own.
//
// Erased data is gone from the tables. PostgreSQL keeps the old versions of the rows until
// they are vacuumed. Write-ahead logs and backups keep them as long as you keep those.
func (s *Store) Erase(ctx context.Context, person channel.Recipient) (erased int, err error) {
	phones, err := s.codec.PhoneKeys(person.Phone)
	if err != nil {
		return 0, fmt.Errorf("pgstore: erase: %w", err)
	}
	ids, err := s.codec.PersonKeys(person)
	if err != nil {
		return 0, fmt.Errorf("pgstore: erase: %w", err)
	}
	keys := []any{phones, uuidsOf(ids)} // the parameters of find_person
	defer s.idle.noteWrite()()
	// Pass after pass, until one finds nothing more to erase. Messages that cannot be read
	// are found by each.
	var (
		after      uuid.UUID // the last message of the batch before
		inPass     int       // the messages that this pass erased
		unreadable []smsplus.Unreadable
	)
	for {
		var b erasedBatch
		err := s.retryCall(ctx, "erase", func(ctx context.Context) error {
			return s.inTx(ctx, func(tx pgx.Tx) (err error) {
				b, err = s.eraseBatch(ctx, tx, person, append(keys, after))
				return err
			})
		})
		if err != nil {
			return erased, err
		}
		erased, inPass = erased+b.erased, inPass+b.erased
		unreadable = append(unreadable, b.unreadable...)
		if after = b.last; b.size > 0 {
			continue
		}
		if inPass == 0 {
			break
		}
		inPass, unreadable = 0, nil
	}
	var open int
	err = s.retryCall(ctx, "erase", func(ctx context.Context) error {
		return s.inTx(ctx, func(tx pgx.Tx) error {
			rs, err := s.queryMessages(ctx, tx, s.statements.openToPerson, keys...)
			ms, unreadable := splitReadable(rs)
			open = len(messagesTo(person, ms)) + len(unreadable)
			return err
		})
	})
	if err == nil && open > 0 {
		err = fmt.Errorf("pgstore: erase: %w: %d were left as they are", smsplus.ErrNotFinal, open)
	}
	if err == nil && len(unreadable) > 0 {
		err = fmt.Errorf("pgstore: erase: %w: %d were left as they are, the first is %v", smsplus.ErrUnreadable, len(unreadable), unreadable[0].ID)
	}
	return erased, err
}

// messagesTo returns the messages to a person. The others have an equal ID on another channel.
func messagesTo(person channel.Recipient, ms []smsplus.Message) []smsplus.Message {
	return slices.DeleteFunc(ms, func(m smsplus.Message) bool { return !m.To.SharesAddress(person) })
}

// erasedBatch is the result of eraseBatch.
type erasedBatch struct {
	size       int // the messages that were looked at
	erased     int
	unreadable []smsplus.Unreadable
	last       uuid.UUID
}

// eraseBatch erases a batch of ended messages to a person. The arguments are those of
// sql/erasable.sql.
func (s *Store) eraseBatch(ctx context.Context, tx pgx.Tx, person channel.Recipient, args []any) (b erasedBatch, err error) {
	rs, err := s.queryMessages(ctx, tx, s.statements.erasable, args...)
	if err != nil || len(rs) == 0 {
		return b, err
	}
	ms, unreadable := splitReadable(rs)
	ms = messagesTo(person, ms)
	b = erasedBatch{len(rs), len(ms), unreadable, rs[len(rs)-1].ID}
	var (
		ids           []pgtype.UUID
		triggeredAt   []time.Time
		fixed, bodies [][]byte
		refs          []channel.Ref
	)
	for i := range ms {
		m := &ms[i]
		refs = append(refs, rowcodec.MessageRefs(m)...)
		rowcodec.Redact(m)
		f, err := s.codec.EncodeFixed(m)
		if err != nil {
			return b, err
		}
		body, err := s.codec.EncodeState(m)
		if err != nil {
			return b, err
		}
		ids, triggeredAt = append(ids, pgtype.UUID{Bytes: m.ID, Valid: true}), append(triggeredAt, m.TriggeredAt)
		fixed, bodies = append(fixed, f), append(bodies, body)
	}
	unparked, err := s.codec.Refs(refs)
	if err != nil {
		return b, err
	}
	_, err = tx.Exec(ctx, s.statements.erase, ids, triggeredAt, fixed, bodies, unparked.Keys())
	return b, err
}
