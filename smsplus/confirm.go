package smsplus

import (
	"context"
	"fmt"

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
	for {
		m, err := d.Message(ctx, id)
		if err != nil {
			return err
		}
		if !m.ConfirmedAt.IsZero() {
			return nil
		}
		before := d.copyForObserver(&m)
		now := d.now()
		if m.Claims > 0 { // as in Cancel
			d.canceledLeases.add(m.ID, m.DueAt, now)
		}
		d.confirmed(&m, now)
		stale, err := d.storeUpdate(ctx, &m)
		if err != nil {
			return fmt.Errorf("smsplus: confirm: %w", err)
		}
		if !stale {
			d.reportChanges(ctx, before, &m)
			return nil
		}
	}
}
