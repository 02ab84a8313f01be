package smsplus

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/status"
)

// ErrDelivered says that the message was delivered and is not sent again.
var ErrDelivered = errors.New("smsplus: message was delivered")

// Resend asks for a new message in place of one that did not arrive, and returns its ID. The
// new message has the same recipient, variables, reference and metadata, no key, and the
// template, route and time to live that are registered now. Each of the two names the other:
// [Message.ResendOf] and [Message.ResentAs].
//
// A message is resent once: a second call returns the same ID, as does a call that repeats
// one which was cut off. A message that has not ended is an [ErrNotFinal], and one that was
// delivered an [ErrDelivered]. The error is an [ErrInvalidTrigger] if the message's personal
// data was erased, or its template has gone or has other variables. So it is if the recipient has
// an ID on a channel that has gone.
func (d *Dispatcher) Resend(ctx context.Context, id uuid.UUID) (uuid.UUID, error) {
	m, err := d.Message(ctx, id)
	switch {
	case err != nil:
		return uuid.UUID{}, err
	case m.ResentAs != uuid.UUID{}:
		return m.ResentAs, nil
	case m.Status == status.Delivered:
		return uuid.UUID{}, fmt.Errorf("smsplus: resend: %w", ErrDelivered)
	case !m.HasEnded():
		return uuid.UUID{}, fmt.Errorf("smsplus: resend: %w", ErrNotFinal)
	}
	again, err := d.prepareMessage(&Trigger{
		Template: m.Template, To: m.To, Vars: m.Vars, Reference: m.Reference, Metadata: m.Metadata,
	})
	if err != nil {
		return uuid.UUID{}, fmt.Errorf("smsplus: resend: %w", err)
	}
	again.ID, again.ResendOf = resendID(id), id
	if _, err := d.Message(ctx, again.ID); err != nil {
		if !errors.Is(err, ErrNotFound) {
			return uuid.UUID{}, err
		}
		if err := d.sendResend(ctx, again); err != nil {
			return uuid.UUID{}, err
		}
	}
	return again.ID, d.linkResend(ctx, &m, again.ID)
}

// sendResend stores and sends a message that repeats another one. Another call may have
// stored it meanwhile.
func (d *Dispatcher) sendResend(ctx context.Context, m *Message) error {
	id := m.ID
	_, err := d.sendPrepared(ctx, m)
	if err == nil {
		return nil
	}
	if _, lookErr := d.Message(ctx, id); lookErr != nil {
		return err
	}
	return nil
}

// linkResend stores in a message that it was resent.
func (d *Dispatcher) linkResend(ctx context.Context, m *Message, as uuid.UUID) error {
	for {
		m.ResentAs = as
		stale, err := d.storeUpdate(ctx, m)
		if err != nil {
			return fmt.Errorf("smsplus: resend: %w", err)
		}
		if !stale {
			return nil
		}
		if *m, err = d.Message(ctx, m.ID); err != nil {
			return err
		}
	}
}

// resendID returns the ID of the message that repeats another one. It is a pure function, so
// that two calls of Resend make one message.
func resendID(message uuid.UUID) uuid.UUID { return uuid.NewSHA1(message, []byte("resend")) }
