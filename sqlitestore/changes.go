package sqlitestore

import (
	"context"
	"database/sql/driver"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/smsplus/smsplus-go/smsplus"
)

var _ smsplus.ChangeLister = (*Store)(nil)

// enableChangesScript makes the file note changes: each gets a number, and a message has the
// number of its last change alone. Triggers do it, so that no process can forget to. A claim
// writes no state.
//
// The sessions tell a copy of the file that was restored from the file itself. A process
// begins one with its first write, with the last number that the file had then.
const enableChangesScript = `
CREATE TABLE smsplus_change (
	number  INTEGER PRIMARY KEY AUTOINCREMENT,
	message INTEGER NOT NULL UNIQUE -- a message's number
) STRICT;
CREATE TABLE smsplus_session (
	number INTEGER PRIMARY KEY,
	token  BLOB    NOT NULL UNIQUE,
	start  INTEGER NOT NULL -- the last change before it
) STRICT;
INSERT INTO smsplus_change (message) SELECT number FROM smsplus_message ORDER BY triggered_at, id;
CREATE TRIGGER smsplus_change_insert AFTER INSERT ON smsplus_message BEGIN
	INSERT INTO smsplus_change (message) VALUES (NEW.number);
END;
CREATE TRIGGER smsplus_change_update AFTER UPDATE OF state ON smsplus_message BEGIN
	INSERT OR REPLACE INTO smsplus_change (message) VALUES (NEW.number);
END;
CREATE TRIGGER smsplus_change_delete AFTER DELETE ON smsplus_message BEGIN
	DELETE FROM smsplus_change WHERE message = OLD.number;
END;
`

const (
	countChangeTables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'smsplus_change'"

	selectLastChange = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'smsplus_change'"

	insertSession = "INSERT INTO smsplus_session (token, start) VALUES (randomblob(16), (" + selectLastChange + "))"
	purgeSessions = "DELETE FROM smsplus_session WHERE number <= (SELECT max(number) FROM smsplus_session) - ?"

	selectLastSession  = "SELECT number, token FROM smsplus_session ORDER BY number DESC LIMIT 1"
	selectFirstSession = "SELECT coalesce(min(number), 1) FROM smsplus_session"
	selectSession      = "SELECT coalesce(max(number), 0) FROM smsplus_session WHERE token = ?"
	selectSessionEnd   = "SELECT start FROM smsplus_session WHERE number > ? ORDER BY number LIMIT 1"
)

// keptSessions is the number of sessions that the file knows. A position from before them
// is lost.
const keptSessions = 10_000

var selectChanges = "SELECT " + messageColumns + ", x.number FROM smsplus_change x CROSS JOIN smsplus_message m ON m.number = x.message " +
	"WHERE x.number > ? ORDER BY x.number LIMIT ?"

// colChange is the index of the change's number after messageColumns.
const colChange = messageColumnCount

// hasChanges reports whether the file notes changes. If the option is set, it makes it do
// so first.
func hasChanges(ctx context.Context, c *conn, enable bool) (has bool, err error) {
	n, err := c.queryInt(ctx, countChangeTables)
	if n > 0 || !enable || err != nil {
		return n > 0, err
	}
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	if n, err = c.queryInt(ctx, countChangeTables); n == 0 && err == nil { // no other process was faster
		err = c.execScript(ctx, enableChangesScript)
	}
	if err == nil {
		err = c.exec(ctx, "COMMIT")
	}
	if err != nil {
		_ = c.exec(writerCtx, "ROLLBACK")
	}
	return err == nil, err
}

// beginSession begins the process's session, unless it has one.
func (w *writer) beginSession() error {
	if w.hasSession || !w.store.changes {
		return nil
	}
	if err := w.exec(writerCtx, insertSession); err != nil {
		return err
	}
	return w.exec(writerCtx, purgeSessions, int64(keptSessions))
}

// changePosition is a position in the changes of a file, as of a session.
type changePosition struct {
	session [16]byte // its token, or zero before the first one
	number  int64    // of the last change
}

func (p changePosition) encode() string {
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(p.session[:], uint64(p.number)))
}

// decodeChangePosition is the inverse of encode. "" is the beginning.
func decodeChangePosition(text string) (p changePosition, err error) {
	if text == "" {
		return p, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != len(p.session)+8 {
		return p, fmt.Errorf("sqlitestore: %w (%d characters)", smsplus.ErrChangesLost, len(text))
	}
	p.number = int64(binary.BigEndian.Uint64(b[copy(p.session[:], b):]))
	if p.number < 0 {
		return p, fmt.Errorf("sqlitestore: %w", smsplus.ErrChangesLost)
	}
	return p, nil
}

// Changes implements [smsplus.ChangeLister]. It needs Options.Changes, of any process that
// opened the file before this one. After a copy of the file was restored, what has changed
// since the copy was made comes again. The error is an ErrChangesLost if the copy was made
// before the last process that had written, or if 10,000 processes have opened the file since.
func (s *Store) Changes(ctx context.Context, after string, limit int) (page smsplus.ChangePage, err error) {
	if !s.changes {
		return page, fmt.Errorf("sqlitestore: %w: open the file with Options.Changes", smsplus.ErrChangesOff)
	}
	from, err := decodeChangePosition(after)
	if err != nil {
		return page, err
	}
	err = s.withSnapshot(ctx, func(c *conn) error {
		at, err := continueFrom(ctx, c, from)
		if err != nil {
			return err
		}
		var rs results
		count := 0
		err = c.query(ctx, selectChanges, []driver.Value{at.number, onePast(limit)}, func(row []driver.Value) error {
			if count++; count > limit {
				page.More = true
				return nil
			}
			at.number = integer(row[colChange])
			m, err := s.decodeRow(ctx, c, nil, row)
			return rs.add(row, m, err)
		})
		page.Messages, page.Unreadable, page.Next = rs.messages, rs.unreadable, at.encode()
		return err
	})
	if err != nil {
		return smsplus.ChangePage{}, err
	}
	return page, nil
}

// continueFrom returns the position to read from, as of the last session. It is the given
// one, unless the file has lost changes since: no session begins before a change that its
// file has.
func continueFrom(ctx context.Context, c *conn, from changePosition) (at changePosition, err error) {
	err = c.query(ctx, selectLastSession, nil, func(row []driver.Value) error {
		copy(at.session[:], blob(row[1]))
		return nil
	})
	if err != nil {
		return at, err
	}
	var session int64
	if from.session != (changePosition{}.session) {
		if session, err = c.queryInt(ctx, selectSession, from.session[:]); session == 0 && err == nil {
			err = fmt.Errorf("sqlitestore: %w", smsplus.ErrChangesLost)
		}
	} else if first, firstErr := c.queryInt(ctx, selectFirstSession); from.number > 0 && first > 1 {
		err = fmt.Errorf("sqlitestore: %w", smsplus.ErrChangesLost)
	} else {
		err = firstErr
	}
	if err != nil {
		return at, err
	}
	end, err := c.queryInt(ctx, selectLastChange)
	if err != nil {
		return at, err
	}
	err = c.query(ctx, selectSessionEnd, []driver.Value{session}, func(row []driver.Value) error {
		end = integer(row[0])
		return nil
	})
	at.number = min(from.number, end)
	return at, err
}
