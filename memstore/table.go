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
	slab slab[record]

	// These are in order of trigger time, and of ID at equal times. all has every record.
	// byTemplate[n] has those of template n, and byChannel[n] those with an attempt on channel
	// n. byCountry[n] has those with a phone number of country n, and byGroup[g] those with a
	// status in group g.
	all                              list
	byTemplate, byChannel, byCountry []list
	byGroup                          [status.FailedGroup + 1]list

	// These find records by a hash with this seed. All but byID lack the records without a
	// phone number, such an ID, a key or a reference.
	seed                                                           maphash.Seed
	byID, byPhone, byRecipientID, byKey, byReference, byProviderID hashIndex

	// dueByLane has, for the number of each lane, the records with a DueAt in order of it.
	// A claim reads only the lanes that it takes from.
	dueByLane []list

	counters counters
	sheets   sheets
	interned *internTables // of the records

	changes *changeLog // nil until it is asked for

	// These are buffers of the methods that change the table.
	oldAttempts, newAttempts []attemptSummary
	oldUnits, newUnits       []countUnit
	ids                      []string
	taken                    []entry
}

func newTable(interned *internTables) *table {
	return &table{seed: maphash.MakeSeed(), interned: interned}
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
	return func(h handle) int { return bytes.Compare(t.slab.get(h).id[:], id[:]) }
}

// handleOrder orders the records of one due time.
func handleOrder(own handle) tieOrder {
	return func(h handle) int { return cmp.Compare(h, own) }
}

func (t *table) triggeredAtOf(h handle) int64 { return t.slab.get(h).triggeredAt }

func (t *table) hashID(id uuid.UUID) uint64 { return maphash.Bytes(t.seed, id[:]) }

func (t *table) hashPhone(n phone.Number) uint64 { return maphash.Comparable(t.seed, n) }

func (t *table) hashRecipientID(id string) uint64 { return maphash.String(t.seed, id) }

func (t *table) hashReference(reference string) uint64 { return maphash.String(t.seed, reference) }

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
	for _, id := range t.recipientIDs(&r) {
		t.byRecipientID.add(t.hashRecipientID(id), e, tie, t.triggeredAtOf)
	}
	if key := r.key(); key != "" {
		t.byKey.add(t.hashKey(key), e, tie, t.triggeredAtOf)
	}
	if reference := r.reference(); reference != "" {
		t.byReference.add(t.hashReference(reference), e, tie, t.triggeredAtOf)
	}
	t.all.add(e, tie)
	listForUpdate(&t.byTemplate, r.template).add(e, tie)
	t.byGroup[r.status().Group()].add(e, tie)
	t.oldAttempts, t.newAttempts = t.oldAttempts[:0], r.appendAttempts(t.newAttempts[:0])
	t.indexAttempts(e, tie)
	t.countRecord(nil, &r)
	t.noteRecord(&r, plusOne)
	t.addDue(h, &r)
	t.changes.noteChange(h)
	return true
}

// replace replaces the state of a record.
func (t *table) replace(h handle, state record) {
	r := t.slab.get(h)
	old := *r
	r.update(state)
	e, tie := entry{r.triggeredAt, h}, t.idOrder(&r.id)
	if before, after := old.status().Group(), r.status().Group(); before != after {
		t.byGroup[before].remove(e, tie)
		t.byGroup[after].add(e, tie)
	}
	t.oldAttempts, t.newAttempts = old.appendAttempts(t.oldAttempts[:0]), r.appendAttempts(t.newAttempts[:0])
	t.indexAttempts(e, tie)
	if old.facts != r.facts { // otherwise nothing that is counted has changed
		t.countRecord(&old, r)
		t.noteRecord(&old, -plusOne)
		t.noteRecord(r, plusOne)
	}
	t.removeDue(h, &old)
	t.addDue(h, r)
	t.changes.noteChange(h)
}

func (t *table) dropRecord(h handle) {
	r := *t.slab.get(h)
	e, tie := entry{r.triggeredAt, h}, t.idOrder(&r.id)
	t.byID.remove(t.hashID(r.id), e, tie)
	t.all.remove(e, tie)
	t.byTemplate[r.template].remove(e, tie)
	t.byGroup[r.status().Group()].remove(e, tie)
	if !r.phone.IsZero() {
		t.byCountry[r.country].remove(e, tie)
		t.byPhone.remove(t.hashPhone(r.phone), e, tie)
	}
	for _, id := range t.recipientIDs(&r) {
		t.byRecipientID.remove(t.hashRecipientID(id), e, tie)
	}
	if key := r.key(); key != "" {
		t.byKey.remove(t.hashKey(key), e, tie)
	}
	if reference := r.reference(); reference != "" {
		t.byReference.remove(t.hashReference(reference), e, tie)
	}
	t.oldAttempts, t.newAttempts = r.appendAttempts(t.oldAttempts[:0]), t.newAttempts[:0]
	t.indexAttempts(e, tie)
	t.countRecord(&r, nil)
	t.noteRecord(&r, -plusOne)
	t.removeDue(h, &r)
	t.changes.dropRecord(h)
	t.slab.free(h)
}

// recipientIDs returns the IDs of a record's recipient, each once, until its next call.
func (t *table) recipientIDs(r *record) []string {
	t.ids = r.appendIDs(t.ids[:0])
	return t.ids
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
	t.counters.applyChange(r.triggeredAt, r.template, t.oldUnits, t.newUnits)
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
		if t.slab.get(h).id == id {
			return h, true
		}
	}
	return 0, false
}

// handleByKey returns the record with the key.
func (t *table) handleByKey(key string) (handle, bool) {
	for h := range t.byKey.handles(t.hashKey(key)) {
		if t.slab.get(h).key() == key {
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
		if hasRef(t.slab.get(h).appendAttempts(buf[:0]), attemptSummary{channel: channel, providerID: providerID}) {
			hs = append(hs, h)
		}
	}
	return hs
}

// claimRequest is a [smsplus.Claim] in numbers.
type claimRequest struct {
	now, leaseEnd int64
	limit         int
	holder        int64
	lanes         []uint32
	skipTemplates []uint32
}

// claimRecords leases up to limit due records, the earliest first. due holds when each of them
// fell due. next is the earliest due time of the records that stayed in the lanes, or
// microtime.Never.
func (t *table) claimRecords(c claimRequest) (claimed []record, due []int64, next int64) {
	lanes := make([]*list, 0, 8)
	for _, lane := range c.lanes {
		if l := listOf(t.dueByLane, lane); l.length > 0 {
			lanes = append(lanes, l)
		}
	}
	if len(c.skipTemplates) == 0 {
		next = t.takeDue(lanes, c.now, c.limit)
	} else {
		next = t.takeDueExcept(lanes, c.now, c.limit, c.skipTemplates)
	}
	taken := t.taken
	claimed, due = make([]record, len(taken)), make([]int64, len(taken))
	for i, e := range taken {
		r := t.slab.get(e.handle)
		r.dueAt, r.holder = c.leaseEnd, c.holder
		r.version++
		r.claims++
		claimed[i], due[i] = *r, e.at
	}
	for i, e := range taken {
		t.addDue(e.handle, &claimed[i])
	}
	return claimed, due, next
}

// takeDue moves up to limit due entries from the lists to t.taken, the earliest first. next
// is the time of the first one that stays.
func (t *table) takeDue(ls []*list, now int64, limit int) (next int64) {
	for t.taken = t.taken[:0]; ; {
		var first *list
		for _, l := range ls {
			if l.length > 0 && (first == nil || l.first().at < first.first().at) {
				first = l
			}
		}
		switch {
		case first == nil:
			return microtime.Never
		case len(t.taken) == limit || first.first().at > now:
			return first.first().at
		}
		t.taken = append(t.taken, first.takeFirst())
	}
}

// takeDueExcept is takeDue without the records of some templates, which stay and are
// never next.
func (t *table) takeDueExcept(ls []*list, now int64, limit int, templates []uint32) (next int64) {
	taken := t.taken[:0]
	for _, l := range ls {
		fromList := 0
		for e := range l.ascend() {
			if slices.Contains(templates, t.slab.get(e.handle).template) {
				continue
			}
			taken = append(taken, e)
			if fromList++; fromList > limit || e.at > now {
				break // the last one is only to be next
			}
		}
	}
	slices.SortStableFunc(taken, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
	next = microtime.Never
	for i, e := range taken {
		if i == limit || e.at > now {
			taken, next = taken[:i], e.at
			break
		}
	}
	for _, e := range taken {
		t.removeDue(e.handle, t.slab.get(e.handle))
	}
	t.taken = taken
	return next
}

// passedLane is a lane that a claim did not take from, with the due time of its first
// record.
type passedLane struct {
	lane  uint32
	dueAt int64
}

// allLanes returns the numbers of the lanes that had messages.
func (t *table) allLanes() []uint32 {
	var lanes []uint32
	for lane := range t.dueByLane {
		lanes = append(lanes, uint32(lane))
	}
	return lanes
}

// passedLanes returns the lanes with due times that are not among the given ones.
func (t *table) passedLanes(lanes []uint32) []passedLane {
	var passed []passedLane
	for lane := range t.dueByLane {
		if l := &t.dueByLane[lane]; l.length > 0 && !slices.Contains(lanes, uint32(lane)) {
			passed = append(passed, passedLane{uint32(lane), l.first().at})
		}
	}
	return passed
}

// setAside gives back a claimed record that its caller cannot read.
func (t *table) setAside(h handle, until int64) {
	r := t.slab.get(h)
	t.removeDue(h, r)
	r.dueAt, r.holder = until, 0
	r.version++
	r.claims--
	t.addDue(h, r)
}
