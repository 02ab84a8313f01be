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
	notifyInterval = 100 * time.Millisecond
	// notifyChannel is the name that all hints of a database have. A hint's payload is
	// the schema.
	notifyChannel = "smsplus"
)

var _ smsplus.DueNotifier = (*Store)(nil)

// NotifyDue implements [smsplus.DueNotifier]: it calls wake for every hint. Without Options.Notify
// there are none, and it only waits. It takes a connection out of the pool, and closes
// it in the end.
func (s *Store) NotifyDue(ctx context.Context, wake func()) error {
	if !s.options.Notify {
		<-ctx.Done()
		return ctx.Err()
	}
	held, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := held.Hijack()
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the server ends it in any case
	if _, err := conn.Exec(ctx, "LISTEN "+notifyChannel); err != nil {
		return redactError(err)
	}
	wake() // for what came before
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return redactError(err)
		}
		if n.Payload == s.options.Schema {
			wake()
		}
	}
}

// notifier sends hints, for as long as the store is open.
type notifier struct{ requests chan struct{} }

// request has a hint sent; those that are wanted meanwhile are the same one.
func (h notifier) request() {
	select {
	case h.requests <- struct{}{}:
	default:
	}
}

func (h notifier) run(ctx context.Context, pool *pgxpool.Pool, schema string) {
	for {
		select {
		case <-h.requests:
		case <-ctx.Done():
			return
		}
		limited, cancel := context.WithTimeout(ctx, defaultTimeout)
		_, _ = pool.Exec(limited, "SELECT pg_notify($1, $2)", notifyChannel, schema) // one that is lost costs a poll
		cancel()
		sleep(ctx, notifyInterval)
	}
}

// leavesDueMessage reports whether there is something among the messages that is due at once and
// left to whoever claims it.
func leavesDueMessage(ms []smsplus.Message) bool {
	for i := range ms {
		if m := &ms[i]; m.Claims == 0 && !m.DueAt.IsZero() && !m.DueAt.After(m.TriggeredAt) {
			return true
		}
	}
	return false
}
