package smsplus

import (
	"context"
	"errors"

	"github.com/smsplus/smsplus-go/phone"
)

// ErrNotFinal is what [Eraser.Erase] wraps when messages were left as they are
// because they have not ended.
var ErrNotFinal = errors.New("smsplus: messages are under way")

// Eraser is a [Store] that can forget a person.
type Eraser interface {
	// Erase takes out of all messages to the number what says who they were for and
	// what they told them: the recipient, the variables, the metadata, what the
	// providers said and what they call the attempts; and it drops the receipts that
	// are parked for them. The records stay, without a number to find them by, and so
	// do all counts: template, scenario, country code, times, status and reason of each
	// attempt. The idempotency key stays too, so that a repeated trigger is not sent: it
	// is an [ErrKeyReused].
	//
	// Messages that have not ended (their DueAt is set) cannot be sent without
	// these, so they are left as they are, and the error, an [ErrNotFinal], says how
	// many; the others are erased nonetheless. Cancel them, or wait for their end, and
	// erase again. A receipt that comes later finds no erased message.
	//
	// It returns how many messages it erased. An interrupted call may have erased some.
	Erase(ctx context.Context, n phone.Number) (int, error)
}
