package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/smsplus"
)

// A hint is a NOTIFY that says that something was inserted which is due at once and
// which the inserter leaves to others. It is sent beside the inserts and never in
// their transactions, for commits that notify wait for each other; and at most so often.
const (
	hintPause = 100 * time.Millisecond
	// hintChannel is the name that all hints of a database have. A hint's payload is
	// the schema.
	hintChannel = "smsplus"
)

var _ smsplus.DueNotifier = (*Store)(nil)

// NotifyDue implements [smsplus.DueNotifier]: it calls wake for every hint. Without Options.Notify
// there are none, and it only waits. It takes a connection out of the pool, and closes
// it in the end.
func (s *Store) NotifyDue(ctx context.Context, wake func()) error {
	if !s.o.Notify {
		<-ctx.Done()
		return ctx.Err()
	}
	held, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := held.Hijack()
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the server ends it in any case
	if _, err := conn.Exec(ctx, "LISTEN "+hintChannel); err != nil {
		return discreet(err)
	}
	wake() // for what came before
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return discreet(err)
		}
		if n.Payload == s.o.Schema {
			wake()
		}
	}
}

// hints sends hints, for as long as the store is open.
type hints struct{ due chan struct{} }

// soon has a hint sent; those that are wanted meanwhile are the same one.
func (h hints) soon() {
	select {
	case h.due <- struct{}{}:
	default:
	}
}

func (h hints) run(ctx context.Context, pool *pgxpool.Pool, schema string) {
	for {
		select {
		case <-h.due:
		case <-ctx.Done():
			return
		}
		limited, cancel := context.WithTimeout(ctx, defaultTimeout)
		_, _ = pool.Exec(limited, "SELECT pg_notify($1, $2)", hintChannel, schema) // one that is lost costs a poll
		cancel()
		pause(ctx, hintPause)
	}
}

// leaves reports whether there is something among the messages that is due at once and
// left to whoever claims it.
func leaves(ms []smsplus.Message) bool {
	for i := range ms {
		if m := &ms[i]; m.Claims == 0 && !m.DueAt.IsZero() && !m.DueAt.After(m.TriggeredAt) {
			return true
		}
	}
	return false
}
