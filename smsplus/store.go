package smsplus

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
)

// ErrNotFound is what a [Store] returns for a message it does not hold.
var ErrNotFound = errors.New("smsplus: no such message")

// Store is where messages live. The package storetest proves that an
// implementation keeps the rules below; package memstore is the reference.
//
// A store must be safe for concurrent use, by many dispatchers at once. It is
// handed every time and never asks a clock. It keeps times to the microsecond at
// least and gives them back in UTC. It keeps no reference to what it is handed,
// and what it returns is the caller's to change. A call that ends with an error
// has either taken effect or not; a caller must not assume which. A call whose
// context has ended returns an error.
type Store interface {
	// Insert adds messages, all or none, as they are: one whose Claims is 1 is
	// already claimed. If a non-empty Key is taken by a message that the store
	// holds, nothing is added, the error is nil, and taken holds that message for
	// each such key. Keys within one call are distinct. A message whose ID is there
	// already is an error.
	Insert(ctx context.Context, ms []Message) (taken map[string]Message, err error)

	// Claim leases messages: those with a DueAt at or before c.Now whose Lane is
	// not in c.Except, earliest first, at most c.Limit. Of each it sets DueAt
	// to c.Now + c.Lease, and raises Version and Claims by one, and returns it so
	// changed. Of two calls at a time, no message is returned by both.
	Claim(ctx context.Context, c Claim) (Claimed, error)

	// Update replaces messages whose stored Version is the one given, and raises
	// it by one and sets Claims to 0. The IDs of the others, whose Version has
	// moved on or which the store does not hold, come back as stale, and those are
	// left alone. What a trigger fixes never changes, and a store may leave it as
	// it is: ID, Key, Template, Scenario, To, Vars, Metadata, Plan, TriggeredAt.
	Update(ctx context.Context, ms []Message) (stale []uuid.UUID, err error)

	// Message returns one message, or ErrNotFound.
	Message(ctx context.Context, id uuid.UUID) (Message, error)

	// ByProviderID returns the messages that have an attempt on one of the refs'
	// channels with that ProviderID, each once, in any order. Refs that no message
	// has are no error.
	ByProviderID(ctx context.Context, refs []channel.Ref) ([]Message, error)

	// Park keeps receipts that no message is known for yet. A receipt equal to one
	// already parked is not kept twice. Every receipt has an At.
	Park(ctx context.Context, rs []channel.Receipt) error

	// Parked returns the receipts parked under the refs, in any order.
	Parked(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error)

	// Unpark drops the receipts parked under the refs. It is called only after
	// what they say is stored, so that a crash between repeats and never loses.
	Unpark(ctx context.Context, refs []channel.Ref) error

	// Records returns the messages that f matches, newest trigger first (equal
	// trigger times by ID, greatest first), at most f.Limit from f.After on.
	// Messages that are added meanwhile neither shift nor repeat what a cursor's
	// later pages hold. It returns what f.Check does for a filter that is wrong.
	Records(ctx context.Context, f Filter) (Page, error)

	// Stats returns the counts of what f matches, a row for each template that has
	// any, in order of Template. Limit and After are ignored. [TemplateStats.Add]
	// defines what counts. It returns what f.Check does for a filter that is wrong.
	Stats(ctx context.Context, f Filter) ([]TemplateStats, error)

	// Purge drops messages triggered before the given time that have ended (their
	// DueAt is zero), and receipts parked with an At before it: at most limit of
	// both together, oldest first. It returns how many it dropped.
	Purge(ctx context.Context, before time.Time, limit int) (int, error)

	// Close releases what the store holds. No call may follow.
	Close() error
}

// DueNotifier is a [Store] that hears at once of messages which others stored, on other
// connections or in other processes. Without it a dispatcher finds them at its next
// look, within Config.Poll; with it too, for a word may be lost.
type DueNotifier interface {
	// NotifyDue calls wake whenever there may be something due that was not, or not known
	// of, before: too often does no harm. Wake returns when ctx ends, or when it cannot
	// go on, and is then called again after a pause. The function wake never blocks.
	NotifyDue(ctx context.Context, wake func()) error
}

// Claim is what [Store.Claim] is asked for.
type Claim struct {
	// Now is the time.
	Now time.Time
	// Lease is how long the messages are the caller's.
	Lease time.Duration
	// Limit is how many to lease at most. It is above 0.
	Limit int
	// Except names lanes whose messages are to stay where they are.
	Except []channel.Name
}

// Claimed is what [Store.Claim] leased.
type Claimed struct {
	// Messages are the leased messages, earliest due first.
	Messages []Message
	// DueAt is when the first of them had been due. Zero if there are none.
	DueAt time.Time
	// Next is the earliest DueAt among the messages that stayed and are not
	// excepted; it may be past when Limit cut the claim short. Zero if there are none.
	Next time.Time
}
