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

// ErrUnreadable is wrapped by every error about a stored message that cannot be read: its
// key is missing, it is damaged, or a later release wrote it.
var ErrUnreadable = errors.New("smsplus: message cannot be read")

// Store is where messages live. Package storetest proves that an implementation
// keeps the rules below. Its Model is the plainest Store.
//
// A store must be safe for concurrent use, by many dispatchers at once. Every time is an
// argument: it never asks a clock. It keeps times to the microsecond at least and returns
// them in UTC. It keeps no reference to an argument, and the caller may change results.
// A call that ends with an error has either taken effect or not. A caller must not assume
// which. A call whose context has ended returns an error.
//
// Times are in the years 1 to 9999, and every limit is above 0 and below math.MaxInt32.
// Claims, Tries and Doubts fit an int32, and steps, Sending and RecallTries an int16.
//
// One message that cannot be read never makes the others unreachable. Claim and Records
// name it together with the others. Message and Insert return an error that wraps
// [ErrUnreadable], and ByProviderID leaves it out. Stats counts of it what can be counted
// without reading it, and so does StatsBy, which may lack its scenario, reasons and times.
// Purge drops it like any other.
type Store interface {
	// Insert adds messages, all or none, as they are. A message whose Claims is 1 is
	// already claimed. Keys within one call are distinct.
	//
	// If a message in the store has a non-empty Key of the call, nothing is added and the
	// error is nil. Then taken holds that message for each such key. A message whose ID is
	// there already is an error, and so is a key of a message that cannot be read.
	Insert(ctx context.Context, ms []Message) (taken map[string]Message, err error)

	// Claim leases at most c.Limit messages, the earliest DueAt first. Each has a DueAt at or
	// before c.Now, a lane of c.Only, and a template that is not in c.SkipTemplates.
	// A lease sets DueAt to c.Now + c.Lease and Holder to c.Holder, and raises Version and
	// Claims by one. The messages are returned so changed. Two concurrent calls never return
	// the same message. A message that cannot be read is leased too. It has an entry in
	// Claimed.Unreadable, and the others of the batch are returned.
	Claim(ctx context.Context, c Claim) (Claimed, error)

	// Update replaces messages whose stored Version is the one given, and raises it by
	// one. Claims, Sending, Holder and DueAt are stored as they are: a caller that keeps
	// its lease passes them on. The others are left alone, and their IDs come back as stale:
	// their Version has moved on, or the store does not hold them. What a trigger fixes never
	// changes, and a store may leave it as it is: ID, Key, Reference, ResendOf,
	// Template, Scenario, Class, To, Vars, Metadata, Plan, TriggeredAt.
	Update(ctx context.Context, ms []Message) (stale []uuid.UUID, err error)

	// SetAside gives back messages that could not be read, without reading them. Each gets the
	// DueAt until and loses its last claim: Claims falls by one, Holder becomes 0, and Version
	// rises by one. One whose stored Version is not the one given is left alone.
	SetAside(ctx context.Context, rows []Unreadable, until time.Time) error

	// Message returns one message, or ErrNotFound, or an error that wraps ErrUnreadable.
	Message(ctx context.Context, id uuid.UUID) (Message, error)

	// ByProviderID returns the messages that have an attempt on one of the refs'
	// channels with that ProviderID, each once, in any order. Refs that no message
	// has are no error. A message that cannot be read is left out: its receipts are
	// parked, and found when it can be read again.
	ByProviderID(ctx context.Context, refs []channel.Ref) ([]Message, error)

	// Park keeps receipts that no message is known for yet. A receipt equal to one
	// already parked is not kept twice. Every receipt has an At.
	Park(ctx context.Context, rs []channel.Receipt) error

	// Parked returns the receipts parked under the refs, in any order.
	Parked(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error)

	// ListParked returns at most limit parked receipts, in an order of the store's own that
	// does not change while receipts come and go. After is the cursor of the page before;
	// "" is the first page. Next is "" on the last page.
	ListParked(ctx context.Context, after string, limit int) (rs []channel.Receipt, next string, err error)

	// Unpark drops the receipts parked under the refs. The caller has stored their content
	// before, so that a crash in between repeats a receipt and never loses one.
	Unpark(ctx context.Context, refs []channel.Ref) error

	// Records returns the messages that f matches, newest trigger first, and equal trigger
	// times by ID, greatest first. A page has at most f.Limit messages after f.After,
	// unreadable ones included. One that cannot be read is named under each filter that
	// matches it. It may be named too if its attempts match Channel, Reason and ProviderID of f
	// apart from each other. Messages that are added meanwhile neither shift nor repeat
	// the later pages of a cursor. An invalid filter returns the error of f.Check.
	Records(ctx context.Context, f Filter) (Page, error)

	// Stats returns the counts of what f matches, a row for each template that has
	// any, in order of Template. Limit and After are ignored. [TemplateStats.Add]
	// defines what counts. An invalid filter returns the error of f.Check.
	Stats(ctx context.Context, f Filter) ([]TemplateStats, error)

	// StatsBy returns the counts of what f matches, grouped by g. Limit and After are
	// ignored. [Grouping.Stats] defines what counts and the order of the rows. An invalid
	// filter or grouping returns the errors of both Checks.
	StatsBy(ctx context.Context, f Filter, g Grouping) ([]GroupStats, error)

	// Purge drops messages triggered before the given time that have ended (their
	// DueAt is zero), and receipts parked with an At before it. It drops at most limit
	// of both together, oldest first, and returns how many it dropped.
	Purge(ctx context.Context, before time.Time, limit int) (int, error)

	// Close releases the store's resources. No call may follow.
	Close() error

	Operations
}

// DueNotifier is a [Store] that learns at once of messages that other processes stored.
// Without it, a dispatcher finds them at its next poll, within Config.Poll. It polls in any
// case, because a notification may be lost.
type DueNotifier interface {
	// NotifyDue calls wake whenever a message may have become due. A call too many does no
	// harm. NotifyDue returns when ctx ends, or when it cannot continue; then it is called
	// again after a pause. The function wake never blocks.
	NotifyDue(ctx context.Context, wake func()) error
}

// Claim is the argument of [Store.Claim].
type Claim struct {
	// Now is the time.
	Now time.Time
	// Lease is how long the caller holds the messages.
	Lease time.Duration
	// Limit is how many messages to lease at most, unreadable ones included.
	Limit int
	// Holder identifies this call. It is not 0.
	Holder int64
	// Only names the lanes to take messages from. "" is the lane of messages that only end.
	// Nil means every lane.
	Only []channel.Name
	// SkipTemplates names templates whose messages stay where they are. It is empty on
	// most calls.
	SkipTemplates []string
}

// Claimed is the result of [Store.Claim].
type Claimed struct {
	// Messages are the leased messages, earliest due first.
	Messages []Message
	// Due holds for each of Messages the DueAt that it had before.
	Due []time.Time
	// Unreadable are the leased messages that could not be read.
	Unreadable []Unreadable
	// Next is the earliest DueAt of the messages in lanes of Claim.Only that stayed, apart
	// from those of Claim.SkipTemplates. It may be in the past when Limit cut the claim
	// short. Zero if there are none. A store whose claims are slow may leave out, for some
	// minutes, a message that another process stored since; the same goes for Passed.
	Next time.Time
	// Passed are the lanes outside of Claim.Only that hold messages of any template, in
	// any order, each with its earliest DueAt.
	Passed []PassedLane
}

// PassedLane is a lane that a claim did not take from.
type PassedLane struct {
	Lane  channel.Name
	DueAt time.Time // of its earliest message
}

// Unreadable is a stored message that cannot be decoded or opened: its key is missing,
// it is damaged, or a later release wrote it.
type Unreadable struct {
	ID      uuid.UUID
	Version int64 // as stored, after the claim that returns it
	Claims  int   // as stored, after the claim that returns it
	// TriggeredAt is the trigger time in a [Page]. A claim may leave it out.
	TriggeredAt time.Time
	// Err is the reason. It wraps [ErrUnreadable] and names no content.
	Err error
}
