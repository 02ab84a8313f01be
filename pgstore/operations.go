package pgstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// SetPause implements [smsplus.Operations].
func (s *Store) SetPause(ctx context.Context, p smsplus.Pause) error {
	if err := p.Check(); err != nil {
		return fmt.Errorf("pgstore: set pause: %w", err)
	}
	return s.execRetry(ctx, "set pause", s.statements.setPause, string(p.Channel), p.Template, p.Since, p.Note)
}

// ClearPause implements [smsplus.Operations].
func (s *Store) ClearPause(ctx context.Context, p smsplus.Pause) error {
	return s.execRetry(ctx, "clear pause", s.statements.clearPause, string(p.Channel), p.Template)
}

// Pauses implements [smsplus.Operations].
func (s *Store) Pauses(ctx context.Context) ([]smsplus.Pause, error) {
	return queryRetry(ctx, s, "pauses", s.statements.pauses, func(row pgx.CollectableRow) (p smsplus.Pause, err error) {
		err = row.Scan(&p.Channel, &p.Template, &p.Since, &p.Note)
		p.Since = p.Since.UTC()
		return p, err
	})
}

// Beat implements [smsplus.Operations].
func (s *Store) Beat(ctx context.Context, h smsplus.Heartbeat) error {
	channels := make([]string, len(h.Channels))
	for i, name := range h.Channels {
		channels[i] = string(name)
	}
	templates := append([]string{}, h.Templates...) // not NULL
	shares, err := json.Marshal(h.Shares)
	if err != nil {
		return fmt.Errorf("pgstore: beat: %w", err)
	}
	return s.execRetry(ctx, "beat", s.statements.beat, h.ID, h.Name, h.StartedAt, h.At, h.Until, channels, templates, string(shares))
}

// Heartbeats implements [smsplus.Operations].
func (s *Store) Heartbeats(ctx context.Context, now time.Time) ([]smsplus.Heartbeat, error) {
	return queryRetry(ctx, s, "heartbeats", s.statements.heartbeats, func(row pgx.CollectableRow) (h smsplus.Heartbeat, err error) {
		err = row.Scan(&h.ID, &h.Name, &h.StartedAt, &h.At, &h.Until, &h.Channels, &h.Templates, &h.Shares)
		h.StartedAt, h.At, h.Until = h.StartedAt.UTC(), h.At.UTC(), h.Until.UTC()
		return h, err
	}, now)
}

// Backlog implements [smsplus.Operations].
func (s *Store) Backlog(ctx context.Context, now time.Time) ([]smsplus.LaneBacklog, error) {
	return queryRetry(ctx, s, "backlog", s.statements.backlog, func(row pgx.CollectableRow) (b smsplus.LaneBacklog, err error) {
		var lane string
		var first time.Time
		err = row.Scan(&lane, &b.Due, &first, &b.SetAside)
		b.Lane = channel.Name(lane)
		if b.Due > 0 {
			b.OldestDue = first.UTC()
		}
		return b, err
	}, now)
}

// execRetry runs a statement that returns no rows.
func (s *Store) execRetry(ctx context.Context, op, sql string, args ...any) error {
	return s.retryCall(ctx, op, func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, sql, args...)
		return err
	})
}

// queryRetry runs a statement and scans its rows.
func queryRetry[T any](ctx context.Context, s *Store, op, sql string, scan pgx.RowToFunc[T], args ...any) (all []T, err error) {
	err = s.retryCall(ctx, op, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, sql, args...)
		if err == nil {
			all, err = pgx.CollectRows(rows, scan)
		}
		return err
	})
	return all, err
}
