package smsplus

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus/internal/groupcommit"
	"github.com/smsplus/smsplus-go/status"
)

// Receive takes receipts. It returns nil only when each of them is applied to its
// message, or parked because its message is not known yet. After an error the provider
// must repeat them, which does no harm. Receive is a [channel.Sink]. A receipt without a
// channel, a provider ID or a valid status, or with a time that no store can keep, is an
// [ErrInvalidReceipt]. Longer texts than 500 bytes are cut, and an ID ends in a hash then.
//
// A receipt is not parked again if it only repeats what is parked under its ID. It is if the
// store cannot say what is parked. About 16 receipts are parked under one ID; then only those
// with another status are, and the event ReceiptIgnored reports the others.
func (d *Dispatcher) Receive(ctx context.Context, rs ...channel.Receipt) error {
	if len(rs) == 0 {
		return nil
	}
	rs = slices.Clone(rs)
	now := d.now()
	var bad errorList
	for i := range rs {
		r := &rs[i]
		switch {
		case r.Channel == "":
			bad.add("%w %d: Receipt.Channel is required", ErrInvalidReceipt, i)
		case r.ProviderID == "":
			bad.add("%w %d (%s): Receipt.ProviderID is required", ErrInvalidReceipt, i, r.Channel)
		case !r.Status.Valid():
			bad.add("%w %d (%s): Receipt.Status: %v", ErrInvalidReceipt, i, r.Channel, r.Status)
		case !isStorable(r.At):
			bad.add("%w %d (%s): Receipt.At is not in the years 1 to 9999 (year %d)", ErrInvalidReceipt, i, r.Channel, r.At.Year())
		}
		if r.At.IsZero() {
			r.At = now
		}
		r.ProviderID, r.NewID = storableID(r.ProviderID), storableID(r.NewID)
		r.At, r.Reason, r.Detail = normalizeTime(r.At), reasonOf(r.Status, r.Reason), sanitizeText(r.Detail)
	}
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	for part := range slices.Chunk(rs, receiptBatch) {
		unknown, err := d.applyKnown(ctx, part)
		if err == nil && len(unknown) > 0 {
			err = d.parkReceipts(ctx, unknown)
		}
		if err != nil {
			return fmt.Errorf("smsplus: receive: %w", err)
		}
	}
	return nil
}

// receiptBatch is the largest number of receipts that are looked up together. Longer calls are
// divided, so that each receipt costs the same.
const receiptBatch = 2000

// newRef is the name that a receipt's attempt has once the receipt is applied.
func newRef(r channel.Receipt) channel.Ref {
	return channel.Ref{Channel: r.Channel, ProviderID: cmp.Or(r.NewID, r.ProviderID)}
}

// refsOf returns the names under which the attempts of receipts may be stored, each once.
func refsOf(rs []channel.Receipt) []channel.Ref {
	out := make([]channel.Ref, 0, len(rs))
	seen := make(map[channel.Ref]bool, len(rs))
	for _, r := range rs {
		for _, ref := range []channel.Ref{r.Ref(), newRef(r)} {
			if !seen[ref] {
				seen[ref] = true
				out = append(out, ref)
			}
		}
	}
	return out
}

// applyKnown applies receipts to their messages and stores the messages that changed. It
// returns the receipts whose messages are not known.
func (d *Dispatcher) applyKnown(ctx context.Context, rs []channel.Receipt) (unknown []channel.Receipt, err error) {
	for len(rs) > 0 {
		l, err := d.lookups.Do(ctx, lookup{refs: refsOf(rs)})
		if err != nil {
			return nil, err
		}
		ms := l.found
		owners := make(map[channel.Ref][]*Message, len(ms))
		for i := range ms {
			for _, a := range ms[i].Attempts {
				if a.ProviderID != "" {
					owners[a.ref()] = append(owners[a.ref()], &ms[i])
				}
			}
		}
		byMessage := make(map[*Message][]channel.Receipt, len(ms))
		for _, r := range rs {
			if m := ownerOf(r, owners); m != nil {
				byMessage[m] = append(byMessage[m], r)
			} else {
				unknown = append(unknown, r)
			}
		}
		if rs, err = d.applyAll(ctx, byMessage); err != nil {
			return nil, err
		}
	}
	return unknown, nil
}

// ownerOf returns the message that a receipt is about, or nil. Providers use IDs again, so
// an ID may belong to several messages. If the receipt names its recipient, a message to
// another one is not meant. Then attempts without a result come before the others, and later
// ones before earlier ones.
func ownerOf(r channel.Receipt, owners map[channel.Ref][]*Message) *Message {
	isToAnother := func(m *Message) bool {
		id := m.To.IDs[r.Channel]
		return !r.To.IsZero() && !m.To.Phone.IsZero() && m.To.Phone != r.To || r.ToID != "" && id != "" && id != r.ToID
	}
	candidates := slices.DeleteFunc(slices.Clone(owners[r.Ref()]), isToAnother)
	if len(candidates) == 0 {
		candidates = slices.DeleteFunc(slices.Clone(owners[newRef(r)]), isToAnother)
	}
	if len(candidates) == 0 {
		return nil
	}
	return slices.MaxFunc(candidates, func(m, n *Message) int {
		a, b := m.attemptOf(r), n.attemptOf(r)
		return cmp.Or(
			compareBool(m.isToRecipientOf(r), n.isToRecipientOf(r)),
			compareBool(!a.Status.Final(), !b.Status.Final()),
			a.StartedAt.Compare(b.StartedAt),
			bytes.Compare(m.ID[:], n.ID[:]),
		)
	})
}

// isToRecipientOf reports whether a message goes to the person that a receipt names. A
// receipt without a number and an ID names none.
func (m *Message) isToRecipientOf(r channel.Receipt) bool {
	return !r.To.IsZero() && m.To.Phone == r.To || r.ToID != "" && m.To.IDs[r.Channel] == r.ToID
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// lookup is a request for the messages that have the given providers' IDs.
type lookup struct {
	refs  []channel.Ref
	found []Message
}

// lookupBatch serves a batch of lookups with one call to the store. Requests that share a
// message get copies with attempts of their own.
func (d *Dispatcher) lookupBatch(ctx context.Context, batch []*groupcommit.Entry[lookup], _ []Message) {
	var refs []channel.Ref
	askers := make(map[channel.Ref][]*groupcommit.Entry[lookup])
	for _, t := range batch {
		for _, ref := range t.Item.refs {
			if askers[ref] == nil {
				refs = append(refs, ref)
			}
			askers[ref] = append(askers[ref], t)
		}
	}
	var found []Message
	err := d.callStore(ctx, "ByProviderID", func(ctx context.Context) (err error) {
		found, err = d.cfg.Store.ByProviderID(ctx, refs)
		return err
	})
	for _, t := range batch {
		t.Err = err
	}
	for _, m := range found {
		served := make(map[*groupcommit.Entry[lookup]]bool, 1)
		for i := range m.Attempts {
			for _, t := range askers[m.Attempts[i].ref()] {
				if !served[t] {
					served[t] = true
					copied := m
					copied.Attempts = slices.Clone(m.Attempts)
					t.Item.found = append(t.Item.found, copied)
				}
			}
		}
	}
}

// applyAll applies receipts and stores their messages. Concurrent updates share a commit.
// It returns the receipts of messages that changed meanwhile.
func (d *Dispatcher) applyAll(ctx context.Context, byMessage map[*Message][]channel.Receipt) ([]channel.Receipt, error) {
	var (
		group errgroup.Group
		mu    sync.Mutex
		again []channel.Receipt
	)
	group.SetLimit(d.cfg.Batch)
	for m, rs := range byMessage {
		group.Go(func() error {
			stale, err := d.applyToMessage(ctx, m, rs)
			if stale {
				mu.Lock()
				again = append(again, rs...)
				mu.Unlock()
			}
			return err
		})
	}
	err := group.Wait()
	return again, err
}

// applyToMessage applies receipts to their message, and stores it if they change it.
func (d *Dispatcher) applyToMessage(ctx context.Context, m *Message, rs []channel.Receipt) (stale bool, err error) {
	previous := d.copyForObserver(m)
	held, wasDelivered := m.Claims > 0, m.delivered()
	var (
		changed, late bool
		named         []channel.Ref // names that the attempts had not before
	)
	now := d.now()
	d.changeUnheld(m, now, func() {
		for _, r := range rs {
			a := m.attemptOf(r)
			gaveUp := a.Status.Final() || a != m.current()
			before := a.Status
			renamed := a.rename(r)
			if renamed {
				named = append(named, a.ref())
			}
			if !d.mergeReceipt(m, a, r) && !renamed {
				d.reportIgnored(ctx, r)
				continue
			}
			changed = true
			late = late || gaveUp && before != status.Delivered && a.Status == status.Delivered
		}
	})
	if !changed {
		return false, nil
	}
	stale, err = d.storeUpdate(ctx, m)
	if err != nil || stale {
		return stale, err
	}
	d.reportChanges(ctx, previous, m)
	if late {
		d.reportEvent(ctx, ReceiptLate{m.ID, m.Template, rs[0].Channel, wasDelivered})
	}
	if !held && !m.HasEnded() && m.DueAt.Sub(now) < d.cfg.Poll {
		d.wakeClaimLoop()
	}
	d.checkParked(ctx, named...)
	return false, nil
}

// attemptOf returns the attempt of m that a receipt is about. It has the receipt's name, or
// else it has the new name already. Otherwise a receipt of the same call has just given it
// another name.
func (m *Message) attemptOf(r channel.Receipt) *Attempt {
	for _, matches := range []func(Attempt) bool{
		func(a Attempt) bool { return a.ref() == r.Ref() },
		func(a Attempt) bool { return a.ref() == newRef(r) },
	} {
		if i := slices.IndexFunc(m.Attempts, matches); i >= 0 {
			return &m.Attempts[i]
		}
	}
	i := slices.IndexFunc(m.Attempts, func(a Attempt) bool { return a.Channel == r.Channel })
	return &m.Attempts[i]
}

// reportIgnored reports a receipt whose status its channel does not have. A receipt that
// only repeats what is known is not reported.
func (d *Dispatcher) reportIgnored(ctx context.Context, r channel.Receipt) {
	if !r.Read && !d.machineFor(r.Channel).Reaches(r.Status) {
		d.reportEvent(ctx, ReceiptIgnored{r.Ref(), r.Status, "the channel has no such status"})
	}
}
