package memstore

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

// table holds the records and every index and counter of them. Invariant: each index
// contains exactly the records that its comment says, outside of the methods that
// change the table. Store.mu guards it.
type table struct {
	slab slab

	// These are in order of trigger time, and of ID at equal times. all has every record,
	// byTemplate[n] those of template n, byChannel[n] those with an attempt on channel n,
	// byCountry[n] those with a phone number of country n, and byGroup[g] those with a
	// status in group g.
	all                              list
	byTemplate, byChannel, byCountry []list
	byGroup                          [status.FailedGroup + 1]list

	// These find records by a hash with this seed. byPhone, byKey and byProviderID lack the
	// records without a phone number, a key or a provider ID.
	seed                               maphash.Seed
	byID, byPhone, byKey, byProviderID hashIndex

	// dueByLane has, for the number of each lane, the records with a DueAt in order of it.
	// A claim thus skips the lanes that it excludes.
	dueByLane []list

	counters counters

	// These are buffers of the methods that change the table.
	oldAttempts, newAttempts []attemptSummary
	oldUnits, newUnits       []countUnit
}

func newTable() *table {
	return &table{seed: maphash.MakeSeed()}
}

// listForUpdate returns the list of a number, and extends ls if it has none.
func listForUpdate(ls *[]list, number uint32) *list {
	if n := int(number) + 1; n > len(*ls) {
		*ls = append(*ls, make([]list, n-len(*ls))...)
	}
	return &(*ls)[number]
}

// listOf returns the list of a number, which the caller must not change.
func listOf(ls []list, number uint32) *list {
	if int(number) < len(ls) {
		return &ls[number]
	}
	return &list{}
}

// idOrder orders the records of one trigger time.
func (t *table) idOrder(id *uuid.UUID) tieOrder {
	return func(h handle) int { return bytes.Compare(t.slab.at(h).id[:], id[:]) }
}

// handleOrder orders the records of one due time.
func handleOrder(own handle) tieOrder {
	return func(h handle) int { return cmp.Compare(h, own) }
}

func (t *table) triggeredAtOf(h handle) int64 { return t.slab.at(h).triggeredAt }

func (t *table) hashID(id uuid.UUID) uint64 { return maphash.Bytes(t.seed, id[:]) }

func (t *table) hashPhone(n phone.Number) uint64 { return maphash.Comparable(t.seed, n) }

func (t *table) hashKey(key string) uint64 { return maphash.String(t.seed, key) }

func (t *table) hashProviderID(channel uint32, providerID string) uint64 {
	const odd = 0x9e3779b97f4a7c15 // distributes small numbers over 64 bits
	return maphash.String(t.seed, providerID) ^ uint64(channel+1)*odd
}

// insert inserts a record. It returns false if the ID exists already.
func (t *table) insert(r record) bool {
	if _, ok := t.handleByID(r.id); ok {
		return false
	}
	h := t.slab.add(r)
	e, tie := entry{r.triggeredAt, h}, t.idOrder(&r.id)
	// The hash indexes come first, so that the processor can wait for their memory in
	// parallel.
	t.byID.add(t.hashID(r.id), e, tie, t.triggeredAtOf)
	if !r.phone.IsZero() {
		t.byPhone.add(t.hashPhone(r.phone), e, tie, t.triggeredAtOf)
		listForUpdate(&t.byCountry, r.country).add(e, tie)
	}
	if key := r.key(); key != "" {
		t.byKey.add(t.hashKey(key), e, tie, t.triggeredAtOf)
	}
	t.all.add(e, tie)
	listForUpdate(&t.byTemplate, r.template).add(e, tie)
	t.byGroup[r.status().Group()].add(e, tie)
	t.oldAttempts, t.newAttempts = t.oldAttempts[:0], r.appendAttempts(t.newAttempts[:0])
	t.indexAttempts(e, tie)
	t.countRecord(nil, &r)
	t.addDue(h, &r)
	return true
}

// replace replaces the state of a record.
func (t *table) replace(h handle, state record) {
	r := t.slab.at(h)
	old := *r
	r.update(state)
	e, tie := entry{r.triggeredAt, h}, t.idOrder(&r.id)
	if before, after := old.status().Group(), r.status().Group(); before != after {
		t.byGroup[before].remove(e, tie)
		t.byGroup[after].add(e, tie)
	}
	t.oldAttempts, t.newAttempts = old.appendAttempts(t.oldAttempts[:0]), r.appendAttempts(t.newAttempts[:0])
	t.indexAttempts(e, tie)
	t.countRecord(&old, r)
	t.removeDue(h, &old)
	t.addDue(h, r)
}

func (t *table) drop(h handle) {
	r := *t.slab.at(h)
	e, tie := entry{r.triggeredAt, h}, t.idOrder(&r.id)
	t.byID.remove(t.hashID(r.id), e, tie)
	t.all.remove(e, tie)
	t.byTemplate[r.template].remove(e, tie)
	t.byGroup[r.status().Group()].remove(e, tie)
	if !r.phone.IsZero() {
		t.byCountry[r.country].remove(e, tie)
		t.byPhone.remove(t.hashPhone(r.phone), e, tie)
	}
	if key := r.key(); key != "" {
		t.byKey.remove(t.hashKey(key), e, tie)
	}
	t.oldAttempts, t.newAttempts = r.appendAttempts(t.oldAttempts[:0]), t.newAttempts[:0]
	t.indexAttempts(e, tie)
	t.countRecord(&r, nil)
	t.removeDue(h, &r)
	t.slab.free(h)
}

// indexAttempts updates the indexes by channel and by provider ID, from t.oldAttempts
// to t.newAttempts.
func (t *table) indexAttempts(e entry, tie tieOrder) {
	for i, a := range t.oldAttempts {
		if !hasChannel(t.oldAttempts[:i], a.channel) && !hasChannel(t.newAttempts, a.channel) {
			t.byChannel[a.channel].remove(e, tie)
		}
		if a.providerID != "" && !hasRef(t.oldAttempts[:i], a) && !hasRef(t.newAttempts, a) {
			t.byProviderID.remove(t.hashProviderID(a.channel, a.providerID), e, tie)
		}
	}
	for i, a := range t.newAttempts {
		if !hasChannel(t.newAttempts[:i], a.channel) && !hasChannel(t.oldAttempts, a.channel) {
			listForUpdate(&t.byChannel, a.channel).add(e, tie)
		}
		if a.providerID != "" && !hasRef(t.newAttempts[:i], a) && !hasRef(t.oldAttempts, a) {
			t.byProviderID.add(t.hashProviderID(a.channel, a.providerID), e, tie, t.triggeredAtOf)
		}
	}
}

func hasChannel(ts []attemptSummary, channel uint32) bool {
	return slices.ContainsFunc(ts, func(t attemptSummary) bool { return t.channel == channel })
}

func hasRef(ts []attemptSummary, a attemptSummary) bool {
	return slices.ContainsFunc(ts, func(t attemptSummary) bool {
		return t.channel == a.channel && t.providerID == a.providerID
	})
}

// countRecord updates the counters from a record with t.oldAttempts to one with
// t.newAttempts. A nil record is none.
func (t *table) countRecord(before, after *record) {
	t.oldUnits, t.newUnits = t.oldUnits[:0], t.newUnits[:0]
	if before != nil {
		t.oldUnits = appendUnits(t.oldUnits, before, t.oldAttempts)
	}
	if after != nil {
		t.newUnits = appendUnits(t.newUnits, after, t.newAttempts)
	}
	r := cmp.Or(before, after)
	t.counters.apply(r.triggeredAt, r.template, t.oldUnits, t.newUnits)
}

func appendUnits(ts []countUnit, r *record, attempts []attemptSummary) []countUnit {
	ts = append(ts, r.messageUnit())
	for _, a := range attempts {
		ts = append(ts, r.attemptUnit(a))
	}
	return ts
}

func (t *table) addDue(h handle, r *record) {
	if r.dueAt != microtime.Never {
		listForUpdate(&t.dueByLane, r.lane).add(entry{r.dueAt, h}, handleOrder(h))
	}
}

func (t *table) removeDue(h handle, r *record) {
	if r.dueAt != microtime.Never {
		t.dueByLane[r.lane].remove(entry{r.dueAt, h}, handleOrder(h))
	}
}

// handleByID returns the record with the ID.
func (t *table) handleByID(id uuid.UUID) (handle, bool) {
	for h := range t.byID.handles(t.hashID(id)) {
		if t.slab.at(h).id == id {
			return h, true
		}
	}
	return 0, false
}

// handleByKey returns the record with the key.
func (t *table) handleByKey(key string) (handle, bool) {
	for h := range t.byKey.handles(t.hashKey(key)) {
		if t.slab.at(h).key() == key {
			return h, true
		}
	}
	return 0, false
}

// appendHandlesByRef appends the records with an attempt of that channel and provider
// ID.
func (t *table) appendHandlesByRef(hs []handle, channel uint32, providerID string) []handle {
	if providerID == "" {
		return hs
	}
	var buf [4]attemptSummary
	for h := range t.byProviderID.handles(t.hashProviderID(channel, providerID)) {
		if hasRef(t.slab.at(h).appendAttempts(buf[:0]), attemptSummary{channel: channel, providerID: providerID}) {
			hs = append(hs, h)
		}
	}
	return hs
}

// earliestDue returns the list with the earliest due record, among the lanes that are
// not in except. It returns nil if there is none.
func (t *table) earliestDue(except []uint32) *list {
	var first *list
	for lane := range t.dueByLane {
		l := &t.dueByLane[lane]
		if l.length == 0 || first != nil && first.first().at <= l.first().at || slices.Contains(except, uint32(lane)) {
			continue
		}
		first = l
	}
	return first
}

// claim leases up to limit due records, the earliest first. dueAt is when the first of
// them fell due, and next the earliest due time of the others, each microtime.Never if
// there is none.
func (t *table) claim(now, leaseEnd int64, limit int, except []uint32) (claimed []record, dueAt, next int64) {
	dueAt, next = microtime.Never, microtime.Never
	var hs []handle
	for len(hs) < limit {
		l := t.earliestDue(except)
		if l == nil || l.first().at > now {
			break
		}
		e := l.takeFirst()
		if len(hs) == 0 {
			dueAt = e.at
		}
		hs = append(hs, e.handle)
	}
	if l := t.earliestDue(except); l != nil {
		next = l.first().at
	}
	claimed = make([]record, len(hs))
	for i, h := range hs {
		r := t.slab.at(h)
		r.dueAt = leaseEnd
		r.version++
		r.claims++
		claimed[i] = *r
	}
	for i, h := range hs {
		t.addDue(h, &claimed[i])
	}
	return claimed, dueAt, next
}
