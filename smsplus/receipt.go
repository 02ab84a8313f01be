package smsplus

import (
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
// message, or parked because its message is not known yet; after an error the
// provider must repeat them, which does no harm. It is a [channel.Sink]. A receipt
// without a channel, a provider ID or a valid status is an [ErrInvalidReceipt].
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
		case !validText(r.ProviderID) || !validText(string(r.Reason)):
			bad.add("%w %d (%s): Receipt.ProviderID and Receipt.Reason must be UTF-8 without NUL", ErrInvalidReceipt, i, r.Channel)
		}
		if r.At.IsZero() {
			r.At = now
		}
		r.At, r.Detail = normalizeTime(r.At), sanitize(r.Detail)
	}
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	unknown, err := d.applyKnown(ctx, rs)
	if err != nil {
		return fmt.Errorf("smsplus: receive: %w", err)
	}
	if len(unknown) == 0 {
		return nil
	}
	if err := d.parkReceipts(ctx, unknown); err != nil {
		return fmt.Errorf("smsplus: receive: %w", err)
	}
	return nil
}

// parkReceipts keeps receipts whose messages are not known, and then looks once more:
// whoever stored the provider's ID in between has looked before they were parked.
func (d *Dispatcher) parkReceipts(ctx context.Context, rs []channel.Receipt) error {
	err := d.callStore(ctx, "Park", func(ctx context.Context) error { return d.cfg.Store.Park(ctx, rs) })
	if err != nil {
		return err
	}
	still, err := d.applyKnown(ctx, rs)
	if err != nil {
		return err
	}
	parked := make(map[channel.Ref]bool, len(still))
	for _, r := range still {
		if !parked[r.Ref()] {
			parked[r.Ref()] = true
			d.observe(ctx, ReceiptParked{r.Ref()})
		}
	}
	d.checkParked(ctx, slices.DeleteFunc(refsOf(rs), func(ref channel.Ref) bool { return parked[ref] })...)
	return nil
}

// refsOf returns the names that receipts carry, each once.
func refsOf(rs []channel.Receipt) []channel.Ref {
	var out []channel.Ref
	for _, r := range rs {
		if !slices.Contains(out, r.Ref()) {
			out = append(out, r.Ref())
		}
	}
	return out
}

// applyKnown applies receipts to their messages and stores those that changed. It
// returns the receipts whose messages are not known.
func (d *Dispatcher) applyKnown(ctx context.Context, rs []channel.Receipt) (unknown []channel.Receipt, err error) {
	for len(rs) > 0 {
		l, err := d.lookups.Do(lookup{refs: refsOf(rs)})
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
		about := make(map[*Message][]channel.Receipt, len(ms))
		for _, r := range rs {
			switch found := owners[r.Ref()]; len(found) {
			case 0:
				unknown = append(unknown, r)
			case 1:
				about[found[0]] = append(about[found[0]], r)
			default:
				d.observe(ctx, ReceiptIgnored{r.Ref(), r.Status, "its provider ID belongs to several messages"})
			}
		}
		if rs, err = d.applyAll(ctx, about); err != nil {
			return nil, err
		}
	}
	return unknown, nil
}

// lookup is providers' IDs, and the messages that have them.
type lookup struct {
	refs  []channel.Ref
	found []Message
}

// flushLookups looks a batch up in one call. Who shares a message has its own attempts.
func (d *Dispatcher) flushLookups(batch []*groupcommit.Entry[lookup], _ []Message) {
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
	err := d.callStore(context.Background(), "ByProviderID", func(ctx context.Context) (err error) {
		found, err = d.cfg.Store.ByProviderID(ctx, refs)
		return err
	})
	for _, t := range batch {
		t.Err = err
	}
	for _, m := range found {
		told := make(map[*groupcommit.Entry[lookup]]bool, 1)
		for i := range m.Attempts {
			for _, t := range askers[m.Attempts[i].ref()] {
				if !told[t] {
					told[t] = true
					own := m
					own.Attempts = slices.Clone(m.Attempts)
					t.Item.found = append(t.Item.found, own)
				}
			}
		}
	}
}

// applyAll applies receipts and stores their messages; updates at one time share a
// commit. It returns the receipts of messages that changed meanwhile.
func (d *Dispatcher) applyAll(ctx context.Context, about map[*Message][]channel.Receipt) ([]channel.Receipt, error) {
	var (
		group errgroup.Group
		mu    sync.Mutex
		again []channel.Receipt
	)
	group.SetLimit(d.cfg.Batch)
	for m, rs := range about {
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

// applyToMessage applies receipts to their message and stores it if they said
// anything new.
func (d *Dispatcher) applyToMessage(ctx context.Context, m *Message, rs []channel.Receipt) (stale bool, err error) {
	before := d.copyForObserver(m)
	held, wasDelivered := m.Claims > 0, m.delivered()
	var changed, late bool
	now := d.now()
	d.applyUnderLease(m, now, func() {
		for _, r := range rs {
			a := m.byProviderID(r.Ref())
			gaveUp := a.Status.Final() || a != m.current()
			was := a.Status
			if !d.mergeReceipt(m, a, r) {
				d.reportIgnored(ctx, r)
				continue
			}
			changed = true
			late = late || gaveUp && was != status.Delivered && a.Status == status.Delivered
		}
	})
	if !changed {
		return false, nil
	}
	stale, err = d.storeUpdate(m)
	if err != nil || stale {
		return stale, err
	}
	d.reportChanges(ctx, before, m)
	if late {
		d.observe(ctx, ReceiptLate{m.ID, m.Template, rs[0].Channel, wasDelivered})
	}
	if !held && !m.DueAt.IsZero() && m.DueAt.Sub(now) < d.cfg.Poll {
		d.wakeClaimLoop()
	}
	return false, nil
}

// byProviderID returns the attempt that a provider's ID names. There is one.
func (m *Message) byProviderID(ref channel.Ref) *Attempt {
	i := slices.IndexFunc(m.Attempts, func(a Attempt) bool { return a.ref() == ref })
	return &m.Attempts[i]
}

// mergeReceipt records a receipt as evidence and reports whether it said anything new. A
// receipt of a status that the channel does not have is none: whether it is does
// not depend on where the attempt stands, or receipts would not commute.
func (d *Dispatcher) mergeReceipt(m *Message, a *Attempt, r channel.Receipt) bool {
	e := evidence{status: r.Status, reason: r.Reason, detail: scrub(r.Detail, m), at: r.At}
	if r.Read {
		e.status, e.read = status.Delivered, d.traits[r.Channel].Reads
	}
	return d.machineFor(r.Channel).Reaches(e.status) && a.merge(e)
}

// reportIgnored tells of a receipt that no attempt of its channel can have. One that only
// repeats what is known is not worth a word.
func (d *Dispatcher) reportIgnored(ctx context.Context, r channel.Receipt) {
	if !r.Read && !d.machineFor(r.Channel).Reaches(r.Status) {
		d.observe(ctx, ReceiptIgnored{r.Ref(), r.Status, "the channel has no such status"})
	}
}

// machineFor returns a channel's machine; that of a channel that is not registered
// here, but was when the message was sent, is the default.
func (r router) machineFor(c channel.Name) *status.Machine {
	if t, ok := r.traits[c]; ok {
		return t.Machine
	}
	return status.Default
}

// loadParked returns the receipts parked under the refs.
func (d *Dispatcher) loadParked(ctx context.Context, refs []channel.Ref) (rs []channel.Receipt, err error) {
	err = d.callStore(ctx, "Parked", func(ctx context.Context) error {
		rs, err = d.cfg.Store.Parked(ctx, refs)
		return err
	})
	return rs, err
}

// dropParked drops receipts whose word is stored. An error was told, and does no harm:
// they say nothing new the next time.
func (d *Dispatcher) dropParked(ctx context.Context, refs []channel.Ref) {
	if len(refs) > 0 {
		_ = d.callStore(ctx, "Unpark", func(ctx context.Context) error { return d.cfg.Store.Unpark(ctx, refs) })
	}
}

// checkParked takes in what was parked under a provider's ID before it was stored.
// Receive parks and then looks for the message; an update stores and then looks at
// what is parked: neither misses the other.
func (d *Dispatcher) checkParked(ctx context.Context, refs ...channel.Ref) {
	if len(refs) == 0 {
		return
	}
	if rs, err := d.loadParked(context.WithoutCancel(ctx), refs); err == nil {
		d.applyParked(ctx, rs)
	}
}

// applyParked applies receipts that were parked, and parks them no longer. An error was
// told, and what is parked is looked at again before the message moves on.
func (d *Dispatcher) applyParked(ctx context.Context, rs []channel.Receipt) {
	if len(rs) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx) // a drain that cuts sends off does not cut this
	if _, err := d.applyKnown(ctx, rs); err == nil {
		d.dropParked(ctx, refsOf(rs))
	}
}
