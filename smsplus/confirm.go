package smsplus

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Confirm records the application's own proof that the person has the message: the code was
// entered, or the app was opened. The message ends Delivered, from any state, and no further
// step is sent. A send that a provider has accepted cannot be called back. The attempts keep
// their own statuses, and still take receipts.
//
// A message that had ended, such as a failed one, is Delivered from then on too. So is one of
// which no step was sent yet: to stop a message that is not needed, use [Dispatcher.Cancel].
// Confirming twice is no error, and the first time is kept. The error is [ErrNotFound] if there
// is no such message.
func (d *Dispatcher) Confirm(ctx context.Context, id uuid.UUID) error {
	return d.stopRoute(ctx, "confirm", id, func(m *Message, now time.Time) (changed bool, err error) {
		if !m.ConfirmedAt.IsZero() {
			return false, nil
		}
		d.confirmed(m, now)
		return true, nil
	})
}
