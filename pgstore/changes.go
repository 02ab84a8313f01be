package pgstore

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/smsplus"
)

var _ smsplus.ChangeLister = (*Store)(nil)

// changePosition is a position in the changes of one timeline of one database cluster.
type changePosition struct {
	system   int64
	timeline int32
	changed  uint64 // the transaction of the last message, and its ID
	id       uuid.UUID
}

const changePositionBytes = 8 + 4 + 8 + 16

func (p changePosition) encode() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.system))
	b = binary.BigEndian.AppendUint32(b, uint32(p.timeline))
	b = binary.BigEndian.AppendUint64(b, p.changed)
	return base64.RawURLEncoding.EncodeToString(append(b, p.id[:]...))
}

func decodeChangePosition(text string) (p changePosition, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != changePositionBytes {
		return p, fmt.Errorf("%w (%d characters)", smsplus.ErrChangesLost, len(text))
	}
	p.system, p.timeline = int64(binary.BigEndian.Uint64(b)), int32(binary.BigEndian.Uint32(b[8:]))
	p.changed, p.id = binary.BigEndian.Uint64(b[12:]), uuid.UUID(b[20:])
	return p, nil
}

// errMoved is the error for tables that were copied from another database cluster.
var errMoved = errors.New("the tables are from another database cluster: run Migrate with Options.Changes")

// Changes implements [smsplus.ChangeLister]. It needs Options.Changes, and the primary: it
// notes how far the changes were read. Any transaction of the database cluster that has
// written, and has not ended, holds the changes after its beginning back.
//
// After a fail-over to a standby that had not received everything, the changes since the
// last call that it knows of are repeated. The error is an ErrChangesLost if it knows of no
// call, or if the tables were restored into another cluster.
func (s *Store) Changes(ctx context.Context, after string, limit int) (page smsplus.ChangePage, err error) {
	if err := ctx.Err(); err != nil {
		return page, err
	}
	if !s.layout.changes {
		return page, fmt.Errorf("pgstore: changes: %w: run Migrate with Options.Changes", smsplus.ErrChangesOff)
	}
	var from changePosition
	if after != "" {
		if from, err = decodeChangePosition(after); err != nil {
			return page, fmt.Errorf("pgstore: changes: %w", err)
		}
	}
	err = s.retryCall(ctx, "changes", func(ctx context.Context) error {
		return s.inTx(ctx, func(tx pgx.Tx) error {
			at, err := s.continueFrom(ctx, tx, from, after == "")
			if err == nil {
				page, err = s.readChanges(ctx, tx, at, limit)
			}
			return err
		})
	})
	return page, err
}

// history is a database cluster's history of changes.
type history struct {
	system   int64
	timeline int32
	isKnown  bool        // the tables were made or marked in this cluster
	read     pgtype.Text // the bound up to which a timeline was read, if it was
}

// readHistory reads the history, with the bound of a timeline. The SQL is sql/history.sql.
func readHistory(ctx context.Context, tx pgx.Tx, sql string, timeline int32) (h history, err error) {
	err = tx.QueryRow(ctx, sql, timeline).Scan(&h.system, &h.timeline, &h.isKnown, &h.read)
	return h, err
}

// continueFrom returns the position to read from. It is the given one, unless the database has
// lost a part of its timeline since.
func (s *Store) continueFrom(ctx context.Context, tx pgx.Tx, from changePosition, fromStart bool) (at changePosition, err error) {
	h, err := readHistory(ctx, tx, s.statements.timelines, from.timeline)
	at.system, at.timeline = h.system, h.timeline
	switch {
	case err != nil:
		return at, err
	case !h.isKnown:
		return at, fmt.Errorf("%w: %w", smsplus.ErrChangesLost, errMoved)
	case fromStart:
		return at, nil
	case from.system != at.system:
		return at, smsplus.ErrChangesLost
	}
	at.changed, at.id = from.changed, from.id
	if from.timeline == at.timeline {
		return at, nil
	}
	if !h.read.Valid {
		return at, smsplus.ErrChangesLost
	}
	// What both histories have is at least all before the bound of the last call that this one
	// knows of. What it has beyond that began later.
	bound, err := strconv.ParseUint(h.read.String, 10, 64)
	if err == nil && at.changed >= bound {
		at.changed, at.id = max(bound, 1)-1, uuid.Max
	}
	return at, err
}

// readChanges reads a page of the changes after a position, and marks how far they were
// read.
func (s *Store) readChanges(ctx context.Context, tx pgx.Tx, at changePosition, limit int) (page smsplus.ChangePage, err error) {
	rows, err := tx.Query(ctx, s.statements.changes.textWithLimit(limit+1), strconv.FormatUint(at.changed, 10), at.id)
	if err != nil {
		return page, err
	}
	var bound string
	var changed pgtype.Text
	var positions []string
	var rs []scannedMessage
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		r, ok, err := s.scanMessage(row, &bound, &changed)
		if ok {
			rs, positions = append(rs, r), append(positions, changed.String)
		}
		return struct{}{}, err
	})
	if err != nil {
		return page, err
	}
	if end, err := strconv.ParseUint(bound, 10, 64); err != nil || at.changed >= end {
		return page, smsplus.ErrChangesLost // the position is in the future
	}
	if page.More = len(rs) > limit; page.More {
		rs = rs[:limit]
	}
	if err := s.attachRoutes(ctx, tx, rs); err != nil {
		return page, err
	}
	if n := len(rs); n > 0 {
		at.id = rs[n-1].ID
		if at.changed, err = strconv.ParseUint(positions[n-1], 10, 64); err != nil {
			return page, err
		}
		if err := s.markHistory(ctx, tx, at, bound); err != nil {
			return page, err
		}
	}
	page.Messages, page.Unreadable = splitReadable(rs)
	page.Next = at.encode()
	return page, nil
}

// markHistory notes how far the changes were read. Its commit waits until it is durable, and
// with it everything that was read, whatever synchronous_commit is.
func (s *Store) markHistory(ctx context.Context, tx pgx.Tx, at changePosition, bound string) error {
	if _, err := tx.Exec(ctx, s.statements.syncCommit); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, s.statements.markTimeline, at.timeline, at.system, bound)
	return err
}

// enableChanges makes the tables note changes. Tables from another cluster begin again.
func enableChanges(ctx context.Context, tx pgx.Tx, l layout) error {
	if l.changes {
		h, err := readHistory(ctx, tx, l.render("history", params{}), 0)
		if err != nil || h.isKnown {
			return err
		}
		if _, err := tx.Exec(ctx, l.render("forget_changes", params{})); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, l.render("enable_changes", params{}))
	return err
}
