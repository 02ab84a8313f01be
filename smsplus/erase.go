package smsplus

import (
	"context"
	"errors"

	"github.com/smsplus/smsplus-go/channel"
)

// ErrNotFinal is wrapped by [Eraser.Erase] when it left messages alone because they have
// not ended, and by [Dispatcher.Resend] of such a message.
var ErrNotFinal = errors.New("smsplus: messages are under way")

// Eraser is a [Store] that can erase a person's data.
type Eraser interface {
	// Erase removes personal data from all messages to the person: those to the number, and
	// those to one of the IDs on the same channel. Another person's equal ID on another
	// channel is left alone. No number and no ID erase nothing.
	//
	// It removes the recipient, the variables, the metadata, the providers' texts and their
	// IDs of the attempts. It drops the receipts that are parked for them. The records stay,
	// but cannot be found by the number or an ID. All counts stay: template, scenario,
	// country code, times, and the status and reason of each attempt. The idempotency key
	// stays too: a repeated trigger is not sent, but is an [ErrKeyReused].
	//
	// Messages that have not ended ([Message.HasEnded]) need this data to be sent. Erase
	// leaves them alone, erases the others, and returns an [ErrNotFinal] that says how many
	// it left. Cancel them, or wait for their end, and erase again. A receipt that comes
	// later finds no erased message.
	//
	// Erase returns how many messages it erased. An interrupted call may have erased some.
	Erase(ctx context.Context, person channel.Recipient) (int, error)
}
