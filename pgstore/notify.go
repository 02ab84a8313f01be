package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/smsplus"
)

// A store sends a notification (NOTIFY) after an insert of messages that are due at once
// and that the inserting dispatcher did not claim. It is sent in the background and never
// in the transaction of an insert, because commits that notify wait for each other.
const (
	// notifyInterval is the shortest time between two notifications of a store.
	notifyInterval = 100 * time.Millisecond
	// notifyChannel is the channel of all notifications of a database. The payload is the
	// schema.
	notifyChannel = "smsplus"
)

var _ smsplus.DueNotifier = (*Store)(nil)

// NotifyDue implements [smsplus.DueNotifier]. It calls wake for each notification. Without
// Options.Notify it only waits for ctx to end. It takes a connection out of the pool, and
// closes it when it returns.
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
	wake() // for messages that were inserted before LISTEN
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

// notifier sends notifications until the store is closed.
type notifier struct{ requests chan struct{} }

// request asks for a notification. Requests that come before it is sent share it.
func (n notifier) request() {
	select {
	case n.requests <- struct{}{}:
	default:
	}
}

// run sends the notifications that are requested, until ctx ends. Notify is the statement.
func (n notifier) run(ctx context.Context, pool *pgxpool.Pool, notify, schema string) {
	for {
		select {
		case <-n.requests:
		case <-ctx.Done():
			return
		}
		bounded, cancel := context.WithTimeout(ctx, defaultTimeout)
		_, _ = pool.Exec(bounded, notify, notifyChannel, schema) // if it is lost, a poll finds the messages
		cancel()
		sleepFor(ctx, notifyInterval)
	}
}

// leavesDueMessage reports whether one of the messages is due at once and not claimed.
func leavesDueMessage(ms []smsplus.Message) bool {
	for i := range ms {
		if m := &ms[i]; m.Claims == 0 && !m.DueAt.IsZero() && !m.DueAt.After(m.TriggeredAt) {
			return true
		}
	}
	return false
}
