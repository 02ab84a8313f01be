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

// table holds the records, and everything that finds or counts them.
type table struct {
	slab slab

	// By trigger time, equal ones by ID.
	all                              list
	byTemplate, byChannel, byCountry []list // by the names' numbers; channels are those of attempts
	byGroup                          [status.FailedGroup + 1]list

	// By hashes, with this seed.
	seed                               maphash.Seed
	byID, byPhone, byKey, byProviderID hashIndex

	// By due time, a list for each Message.Channel, so that a claim need not step
	// over what it leaves out.
	dueByLane []list

	counters counters

	// Buffers of the methods that change the table.
	oldAttempts, newAttempts []attemptSummary
	oldUnits, newUnits       []countUnit
}

func newTable() *table {
	return &table{seed: maphash.MakeSeed()}
}

// listForUpdate returns a name's list, to change it.
func listForUpdate(ls *[]list, number uint32) *list {
	if n := int(number) + 1; n > len(*ls) {
		*ls = append(*ls, make([]list, n-len(*ls))...)
	}
	return &(*ls)[number]
}

// listOf returns a name's list, for those who only look.
func listOf(ls []list, number uint32) *list {
	if int(number) < len(ls) {
		return &ls[number]
	}
	return &list{}
}

// idOrder orders records of one trigger time.
func (t *table) idOrder(id *uuid.UUID) tieOrder {
	return func(h handle) int { return bytes.Compare(t.slab.at(h).id[:], id[:]) }
}

// handleOrder orders records of one due time.
func handleOrder(own handle) tieOrder {
	return func(h handle) int { return cmp.Compare(h, own) }
}

func (t *table) triggeredAtOf(h handle) int64 { return t.slab.at(h).triggeredAt }

func (t *table) hashID(id uuid.UUID) uint64 { return maphash.Bytes(t.seed, id[:]) }

func (t *table) hashPhone(n phone.Number) uint64 { return maphash.Comparable(t.seed, n) }

func (t *table) hashKey(key string) uint64 { return maphash.String(t.seed, key) }

func (t *table) hashProviderID(channel uint32, providerID string) uint64 {
	const odd = 0x9e3779b97f4a7c15 // spreads small numbers over 64 bits
	return maphash.String(t.seed, providerID) ^ uint64(channel+1)*odd
}

// insert adds a record. It returns false if its ID is there already.
func (t *table) insert(r record) bool {
	if _, ok := t.handleByID(r.id); ok {
		return false
	}
	h := t.slab.add(r)
	e, tie := entry{r.triggeredAt, h}, t.idOrder(&r.id)
	// The lookups by hash come first: the processor then waits for memory once.
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

// replace gives a record another state.
func (t *table) replace(h handle, state record) {
	r := t.slab.at(h)
	old := *r
	r.update(state)
	e, tie := entry{r.triggeredAt, h}, t.idOrder(&r.id)
	if was, is := old.status().Group(), r.status().Group(); was != is {
		t.byGroup[was].remove(e, tie)
		t.byGroup[is].add(e, tie)
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

// indexAttempts brings what finds a record by its attempts from t.was to t.is.
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

// countRecord brings the counters from a record that left t.was to one that left t.is;
// nil is no record.
func (t *table) countRecord(was, is *record) {
	t.oldUnits, t.newUnits = t.oldUnits[:0], t.newUnits[:0]
	if was != nil {
		t.oldUnits = appendUnits(t.oldUnits, was, t.oldAttempts)
	}
	if is != nil {
		t.newUnits = appendUnits(t.newUnits, is, t.newAttempts)
	}
	r := cmp.Or(was, is)
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

// handleByID returns the record of that ID.
func (t *table) handleByID(id uuid.UUID) (handle, bool) {
	for h := range t.byID.handles(t.hashID(id)) {
		if t.slab.at(h).id == id {
			return h, true
		}
	}
	return 0, false
}

// handleByKey returns the record that has the key.
func (t *table) handleByKey(key string) (handle, bool) {
	for h := range t.byKey.handles(t.hashKey(key)) {
		if t.slab.at(h).key() == key {
			return h, true
		}
	}
	return 0, false
}

// appendHandlesByRef appends the records that have an attempt of that name.
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

// earliestDue returns the list that holds the earliest due record, of those whose
// lane is not in except; nil if there is none.
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

// claim takes up to limit records that are due, each scheduled for the lease's end.
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
