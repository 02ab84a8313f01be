package sqlitestore

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
)

const (
	insertPause = `INSERT INTO smsplus_pause (channel, template, since, note) VALUES (?, ?, ?, ?)
ON CONFLICT (channel, template) DO NOTHING`

	deletePause = "DELETE FROM smsplus_pause WHERE channel = ? AND template = ?"

	selectPauses = "SELECT channel, template, since, note FROM smsplus_pause ORDER BY channel, template"
)

// SetPause implements [smsplus.Operations].
func (s *Store) SetPause(ctx context.Context, p smsplus.Pause) error {
	if err := errors.Join(p.Check(), rowcodec.CheckTime("Pause.Since", p.Since)); err != nil {
		return fmt.Errorf("sqlitestore: SetPause: %w", err)
	}
	return s.execWrite(ctx, statementCall{insertPause, []driver.Value{string(p.Channel), p.Template, microtime.Of(p.Since), p.Note}})
}

// ClearPause implements [smsplus.Operations].
func (s *Store) ClearPause(ctx context.Context, p smsplus.Pause) error {
	return s.execWrite(ctx, statementCall{deletePause, []driver.Value{string(p.Channel), p.Template}})
}

// Pauses implements [smsplus.Operations].
func (s *Store) Pauses(ctx context.Context) (ps []smsplus.Pause, err error) {
	err = s.withReader(ctx, func(c *conn) error {
		return c.query(ctx, selectPauses, nil, func(row []driver.Value) error {
			ps = append(ps, smsplus.Pause{
				Channel: channel.Name(text(row[0])), Template: text(row[1]), Since: microtime.Time(integer(row[2])), Note: text(row[3]),
			})
			return nil
		})
	})
	return ps, err
}

const (
	upsertHeartbeat = `INSERT INTO smsplus_heartbeat (id, name, started_at, at, until, channels, templates, shares)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name, started_at = excluded.started_at,
	at = excluded.at, until = excluded.until, channels = excluded.channels,
	templates = excluded.templates, shares = excluded.shares`

	deleteHeartbeats = "DELETE FROM smsplus_heartbeat WHERE until <= ?"

	selectHeartbeats = `SELECT id, name, started_at, at, until, channels, templates, shares FROM smsplus_heartbeat
WHERE until > ? ORDER BY started_at, id`
)

// Beat implements [smsplus.Operations].
func (s *Store) Beat(ctx context.Context, h smsplus.Heartbeat) error {
	for _, t := range []time.Time{h.StartedAt, h.At, h.Until} {
		if err := rowcodec.CheckTime("a time of Heartbeat", t); err != nil {
			return fmt.Errorf("sqlitestore: Beat: %w", err)
		}
	}
	var lists [3]string // as JSON
	for i, list := range []any{h.Channels, h.Templates, h.Shares} {
		b, err := json.Marshal(list)
		if err != nil {
			return fmt.Errorf("sqlitestore: Beat: %w", err)
		}
		lists[i] = string(b)
	}
	return s.execWrite(ctx,
		statementCall{upsertHeartbeat, []driver.Value{
			h.ID[:], h.Name, microtime.Of(h.StartedAt), microtime.Of(h.At), microtime.Of(h.Until), lists[0], lists[1], lists[2],
		}},
		statementCall{deleteHeartbeats, []driver.Value{microtime.Of(h.At)}},
	)
}

// Heartbeats implements [smsplus.Operations].
func (s *Store) Heartbeats(ctx context.Context, now time.Time) (hs []smsplus.Heartbeat, err error) {
	err = s.withReader(ctx, func(c *conn) error {
		return c.query(ctx, selectHeartbeats, []driver.Value{microtime.Of(now)}, func(row []driver.Value) error {
			h := smsplus.Heartbeat{
				Name: text(row[1]), StartedAt: microtime.Time(integer(row[2])),
				At: microtime.Time(integer(row[3])), Until: microtime.Time(integer(row[4])),
			}
			id, err := uuid.FromBytes(blob(row[0]))
			for i, list := range []any{&h.Channels, &h.Templates, &h.Shares} {
				if err == nil {
					err = json.Unmarshal([]byte(text(row[5+i])), list)
				}
			}
			if err != nil {
				return fmt.Errorf("sqlitestore: a heartbeat is damaged: %w", err)
			}
			h.ID = id
			hs = append(hs, h)
			return nil
		})
	})
	return hs, err
}

const (
	countDueOfLane = `SELECT count(*) FROM smsplus_message INDEXED BY smsplus_message_due
WHERE lane = ? AND due_at IS NOT NULL AND due_at <= ?`

	countSetAside = `SELECT m.lane, count(*) FROM smsplus_set_aside a CROSS JOIN smsplus_message m
ON m.number = a.message AND m.version = a.version GROUP BY m.lane`
)

// Backlog implements [smsplus.Operations].
func (s *Store) Backlog(ctx context.Context, now time.Time) (lanes []smsplus.LaneBacklog, err error) {
	err = s.withSnapshot(ctx, func(c *conn) error {
		lanes, err = s.readBacklog(ctx, c, microtime.Of(now))
		return err
	})
	return lanes, err
}

func (s *Store) readBacklog(ctx context.Context, c *conn, now int64) (lanes []smsplus.LaneBacklog, err error) {
	setAside := make(map[int64]int)
	err = c.query(ctx, countSetAside, nil, func(row []driver.Value) error {
		setAside[integer(row[0])] = int(integer(row[1]))
		return nil
	})
	if err != nil {
		return nil, err
	}
	var heads []laneHead // every message that is set aside has a due time, and so a head
	err = c.query(ctx, selectLaneHeads, nil, func(row []driver.Value) error {
		if h := (laneHead{integer(row[0]), integer(row[1])}); h.dueAt <= now || setAside[h.lane] > 0 {
			heads = append(heads, h)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, h := range heads {
		name, err := s.names.lookupText(ctx, c, nil, h.lane)
		if errors.Is(err, errNoText) {
			continue // no dispatcher can serve it
		}
		if err != nil {
			return nil, err
		}
		b := smsplus.LaneBacklog{Lane: channel.Name(name), SetAside: setAside[h.lane]}
		if h.dueAt <= now {
			n, err := c.queryInt(ctx, countDueOfLane, h.lane, now)
			if err != nil {
				return nil, err
			}
			b.Due, b.OldestDue = int(n), microtime.Time(h.dueAt)
		}
		lanes = append(lanes, b)
	}
	slices.SortFunc(lanes, func(a, b smsplus.LaneBacklog) int { return strings.Compare(string(a.Lane), string(b.Lane)) })
	return lanes, nil
}

// statementCall is a statement that returns no rows, with its arguments.
type statementCall struct {
	sql  string
	args []driver.Value
}

// execWrite has the writer run the statements.
func (s *Store) execWrite(ctx context.Context, calls ...statementCall) error {
	_, err := submitWrite(ctx, s, func(w *writer) (struct{}, error) {
		for _, call := range calls {
			if err := w.exec(writerCtx, call.sql, call.args...); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}
