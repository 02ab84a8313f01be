package smsplus

import (
	"context"
	"errors"
	"fmt"

	"github.com/smsplus/smsplus-go/internal/mask"
)

// ErrChangesOff is wrapped by the error of [ChangeLister.Changes] on a store that does not
// note changes. The text says how to turn it on.
var ErrChangesOff = errors.New("smsplus: the store notes no changes")

// ErrChangesLost is wrapped by the error of [ChangeLister.Changes] if the store's history no
// longer has the position: the store was restored, or another one took over. The caller
// begins again, at "" or at a position that it kept from before.
var ErrChangesLost = errors.New("smsplus: the position is not in the store's history")

// ChangeLister is a [Store] that can say what has changed since. Some need an option for it,
// because noting changes costs each write something.
//
// A reader that calls Changes again and again, each time with the Next of the page before,
// sees the last state of every message, whatever writes meanwhile. The copy that an export
// keeps by message ID is then complete.
type ChangeLister interface {
	// Changes returns the messages whose last change is after a position, in the order of
	// these changes, at most limit of them. Each comes once and as it is now. One that changes
	// again comes again. The position "" is before all messages that the store holds.
	//
	// A change is what Insert, Update and Erase store. Neither Claim nor SetAside changes a
	// message, and nor need an Update that leaves the attempts, the status and their times as
	// they are. What Purge drops is gone without a change: a reader that keeps a copy drops
	// by the same age.
	//
	// No change is ever missed: a page ends before what a transaction that has not ended may
	// still add. So changes may come late by as long as the longest transaction that writes.
	//
	// The error wraps ErrChangesOff if the store does not note changes, and ErrChangesLost
	// if the position belongs to another history than the store's. A store that lost its last
	// changes repeats what it cannot tell apart, or returns ErrChangesLost.
	Changes(ctx context.Context, after string, limit int) (ChangePage, error)
}

// ChangePage is the result of [ChangeLister.Changes].
type ChangePage struct {
	// Messages are in the order of their last changes.
	Messages []Message
	// Unreadable are the messages of the page that cannot be read.
	Unreadable []Unreadable
	// Next is the position after the page. It is never "", and stays valid for later calls,
	// also if the page is empty.
	Next string
	// More reports that further changes are there already.
	More bool
}

// Format writes how many messages the page has, whatever the verb.
func (p ChangePage) Format(f fmt.State, _ rune) {
	mask.Writef(f, "smsplus.ChangePage(%d messages, %d unreadable)", len(p.Messages), len(p.Unreadable))
}
