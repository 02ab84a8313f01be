package smsplus

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

// maxParkedPerID bounds the receipts that are parked under one ID. Beyond it, a receipt is
// parked only if none of its kind is. There are few kinds.
const maxParkedPerID = 16

// parkReceipts keeps receipts whose messages are not known, and then looks once more: an
// update that stored the provider's ID in between has looked before they were parked. A
// receipt that names its attempt is kept under both IDs, because the answer may be lost.
func (d *Dispatcher) parkReceipts(ctx context.Context, rs []channel.Receipt) error {
	known, _ := d.loadParked(ctx, refsOf(rs)) // without it, repeats are parked too: no receipt is lost
	if toPark := d.parkableReceipts(ctx, rs, known); len(toPark) > 0 {
		err := d.callStore(ctx, "Park", func(ctx context.Context) error { return d.cfg.Store.Park(ctx, toPark) })
		if err != nil {
			return err
		}
	}
	unknown, err := d.applyKnown(ctx, rs)
	if err != nil {
		return err
	}
	parked := make(map[channel.Ref]bool, len(unknown))
	for _, r := range unknown {
		if !parked[r.Ref()] {
			d.reportEvent(ctx, ReceiptParked{r.Ref()})
		}
		parked[r.Ref()], parked[newRef(r)] = true, true
	}
	d.checkParked(ctx, slices.DeleteFunc(refsOf(rs), func(ref channel.Ref) bool { return parked[ref] })...)
	return nil
}

// parkedKind is what receipts can say about one message. Of each kind, the earliest receipt
// decides how an attempt ends.
type parkedKind struct {
	ref    channel.Ref
	status status.Status
	read   bool
}

func kindOf(r channel.Receipt) parkedKind {
	if r.Read {
		return parkedKind{r.Ref(), status.Delivered, true}
	}
	return parkedKind{r.Ref(), r.Status, false}
}

// parkableReceipts returns the receipts that are to be parked: without their recipients, and
// under each name that the attempt may have by the time that it is stored. It leaves out
// receipts that say nothing that the known ones do not say, such as one that a provider
// repeats without a time.
func (d *Dispatcher) parkableReceipts(ctx context.Context, rs, known []channel.Receipt) []channel.Receipt {
	first := make(map[parkedKind]channel.Receipt, len(known)+len(rs))
	count := make(map[channel.Ref]int, len(known)+len(rs))
	keep := func(r channel.Receipt) {
		count[r.Ref()]++
		if f, ok := first[kindOf(r)]; !ok || isEarlier(r, f) {
			first[kindOf(r)] = r
		}
	}
	for _, r := range known {
		keep(r)
	}
	out := make([]channel.Receipt, 0, len(rs))
	park := func(r channel.Receipt) {
		f, ok := first[kindOf(r)]
		switch {
		case ok && !isEarlier(r, f):
		case ok && count[r.Ref()] >= maxParkedPerID:
			d.reportEvent(ctx, ReceiptIgnored{r.Ref(), r.Status, "too many receipts are parked under its ID"})
		default:
			keep(r)
			out = append(out, r)
		}
	}
	for _, r := range rs {
		later := newRef(r)
		r.To, r.ToID, r.NewID = phone.Number{}, "", ""
		park(r)
		if later != r.Ref() {
			r.ProviderID = later.ProviderID
			park(r)
		}
	}
	return out
}

// isEarlier reports whether a receipt counts instead of another one of its kind, as
// [Attempt.merge] decides.
func isEarlier(r, other channel.Receipt) bool {
	return cmp.Or(r.At.Compare(other.At), cmp.Compare(r.Reason, other.Reason), cmp.Compare(r.Detail, other.Detail)) < 0
}

// storableID returns a provider's ID as stores keep it. An ID that no store can keep, or that
// is too long, ends in a hash. So receipts find it, and those of no other ID.
func storableID(id string) string {
	if len(id) <= maxDetail && validText(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	hash := "~" + base64.RawURLEncoding.EncodeToString(sum[:])
	return truncateText(sanitizeText(id), maxDetail-len(hash)) + hash
}

// loadParked returns the receipts parked under the refs.
func (d *Dispatcher) loadParked(ctx context.Context, refs []channel.Ref) (rs []channel.Receipt, err error) {
	err = d.callStore(ctx, "Parked", func(ctx context.Context) error {
		rs, err = d.cfg.Store.Parked(ctx, refs)
		return err
	})
	return rs, err
}

// dropParked drops parked receipts after their messages are stored. callStore reports an
// error, which does no harm: applied again, the receipts change nothing.
func (d *Dispatcher) dropParked(ctx context.Context, refs []channel.Ref) {
	if len(refs) > 0 {
		_ = d.callStore(ctx, "Unpark", func(ctx context.Context) error { return d.cfg.Store.Unpark(ctx, refs) })
	}
}

// checkParked applies receipts that were parked under a provider's ID before it was
// stored. Receive parks and then looks for the message. An update stores and then looks at
// what is parked. So one of the two finds the other.
func (d *Dispatcher) checkParked(ctx context.Context, refs ...channel.Ref) {
	if len(refs) == 0 {
		return
	}
	if rs, err := d.loadParked(context.WithoutCancel(ctx), refs); err == nil {
		d.applyParked(ctx, rs, nil)
	}
}

// applyParked applies parked receipts and drops them. callStore reports an error, after
// which they stay parked: the next claim of the message, or the sweep, finds them. A receipt
// with two IDs is parked under both, so those of the message m, if any, are also dropped under
// its attempts' own IDs. They would count as unmatched.
func (d *Dispatcher) applyParked(ctx context.Context, rs []channel.Receipt, m *Message) {
	if len(rs) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx) // a drain that cuts sends off does not cut this
	if _, err := d.applyKnown(ctx, rs); err != nil {
		return
	}
	refs := refsOf(rs)
	if m != nil {
		for _, a := range m.Attempts {
			if own := (channel.Ref{Channel: a.Channel, ProviderID: a.ID.String()}); slices.Contains(refs, a.ref()) && a.ref() != own {
				refs = append(refs, own)
			}
		}
	}
	d.dropParked(ctx, refs)
}

// unmatchedAfter is the age of a parked receipt from which it counts as one that finds no
// message. Answers to sends are stored much sooner.
const unmatchedAfter = time.Hour

// unmatched counts the parked receipts that find no message, in one pass of the sweep.
type unmatched map[channel.Name]*ReceiptsUnmatched

func (u unmatched) add(r channel.Receipt, now time.Time) {
	age := now.Sub(r.At)
	if age < unmatchedAfter {
		return
	}
	e := u[r.Channel]
	if e == nil {
		e = &ReceiptsUnmatched{Channel: r.Channel}
		u[r.Channel] = e
	}
	e.Count++
	e.Behind = max(e.Behind, age)
}
