package memstore

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/google/uuid"

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
	seed                        maphash.Seed
	byID, byPhone, byKey, byRef multi

	// By due time, a list for each Message.Channel, so that a claim need not step
	// over what it leaves out.
	due []list

	counters counters

	// Buffers of the methods that change the table.
	was, is           []trace
	wasTally, isTally []tally
}

func newTable() *table {
	return &table{seed: maphash.MakeSeed()}
}

// numbered returns a name's list, to change it.
func numbered(ls *[]list, number uint32) *list {
	if n := int(number) + 1; n > len(*ls) {
		*ls = append(*ls, make([]list, n-len(*ls))...)
	}
	return &(*ls)[number]
}

// at returns a name's list, for those who only look.
func at(ls []list, number uint32) *list {
	if int(number) < len(ls) {
		return &ls[number]
	}
	return &list{}
}

// idOrder orders records of one trigger time.
func (t *table) idOrder(id *uuid.UUID) tie {
	return func(h handle) int { return bytes.Compare(t.slab.at(h).id[:], id[:]) }
}

// handleOrder orders records of one due time.
func handleOrder(own handle) tie {
	return func(h handle) int { return cmp.Compare(h, own) }
}

func (t *table) triggeredAt(h handle) int64 { return t.slab.at(h).triggeredAt }

func (t *table) hashID(id uuid.UUID) uint64 { return maphash.Bytes(t.seed, id[:]) }

func (t *table) hashPhone(n phone.Number) uint64 { return maphash.Comparable(t.seed, n) }

func (t *table) hashKey(key string) uint64 { return maphash.String(t.seed, key) }

func (t *table) hashRef(channel uint32, providerID string) uint64 {
	const odd = 0x9e3779b97f4a7c15 // spreads small numbers over 64 bits
	return maphash.String(t.seed, providerID) ^ uint64(channel+1)*odd
}

// insert adds a record. It returns false if its ID is there already.
func (t *table) insert(r record) bool {
	if _, ok := t.withID(r.id); ok {
		return false
	}
	h := t.slab.put(r)
	e, tie := entry{r.triggeredAt, h}, t.idOrder(&r.id)
	// The lookups by hash come first: the processor then waits for memory once.
	t.byID.add(t.hashID(r.id), e, tie, t.triggeredAt)
	if !r.phone.IsZero() {
		t.byPhone.add(t.hashPhone(r.phone), e, tie, t.triggeredAt)
		numbered(&t.byCountry, r.country).add(e, tie)
	}
	if key := r.key(); key != "" {
		t.byKey.add(t.hashKey(key), e, tie, t.triggeredAt)
	}
	t.all.add(e, tie)
	numbered(&t.byTemplate, r.template).add(e, tie)
	t.byGroup[r.status.Group()].add(e, tie)
	t.was, t.is = t.was[:0], r.traces(t.is[:0])
	t.trace(e, tie)
	t.count(nil, &r)
	t.schedule(h, &r)
	return true
}

// replace gives a record another state.
func (t *table) replace(h handle, state record) {
	r := t.slab.at(h)
	old := *r
	r.update(state)
	e, tie := entry{r.triggeredAt, h}, t.idOrder(&r.id)
	if was, is := old.status.Group(), r.status.Group(); was != is {
		t.byGroup[was].remove(e, tie)
		t.byGroup[is].add(e, tie)
	}
	t.was, t.is = old.traces(t.was[:0]), r.traces(t.is[:0])
	t.trace(e, tie)
	t.count(&old, r)
	t.unschedule(h, &old)
	t.schedule(h, r)
}

func (t *table) drop(h handle) {
	r := *t.slab.at(h)
	e, tie := entry{r.triggeredAt, h}, t.idOrder(&r.id)
	t.byID.remove(t.hashID(r.id), e, tie)
	t.all.remove(e, tie)
	t.byTemplate[r.template].remove(e, tie)
	t.byGroup[r.status.Group()].remove(e, tie)
	if !r.phone.IsZero() {
		t.byCountry[r.country].remove(e, tie)
		t.byPhone.remove(t.hashPhone(r.phone), e, tie)
	}
	if key := r.key(); key != "" {
		t.byKey.remove(t.hashKey(key), e, tie)
	}
	t.was, t.is = r.traces(t.was[:0]), t.is[:0]
	t.trace(e, tie)
	t.count(&r, nil)
	t.unschedule(h, &r)
	t.slab.drop(h)
}

// trace brings what finds a record by its attempts from t.was to t.is.
func (t *table) trace(e entry, tie tie) {
	for i, a := range t.was {
		if !hasChannel(t.was[:i], a.channel) && !hasChannel(t.is, a.channel) {
			t.byChannel[a.channel].remove(e, tie)
		}
		if a.providerID != "" && !hasRef(t.was[:i], a) && !hasRef(t.is, a) {
			t.byRef.remove(t.hashRef(a.channel, a.providerID), e, tie)
		}
	}
	for i, a := range t.is {
		if !hasChannel(t.is[:i], a.channel) && !hasChannel(t.was, a.channel) {
			numbered(&t.byChannel, a.channel).add(e, tie)
		}
		if a.providerID != "" && !hasRef(t.is[:i], a) && !hasRef(t.was, a) {
			t.byRef.add(t.hashRef(a.channel, a.providerID), e, tie, t.triggeredAt)
		}
	}
}

func hasChannel(ts []trace, channel uint32) bool {
	return slices.ContainsFunc(ts, func(t trace) bool { return t.channel == channel })
}

func hasRef(ts []trace, a trace) bool {
	return slices.ContainsFunc(ts, func(t trace) bool {
		return t.channel == a.channel && t.providerID == a.providerID
	})
}

// count brings the counters from a record that left t.was to one that left t.is;
// nil is no record.
func (t *table) count(was, is *record) {
	t.wasTally, t.isTally = t.wasTally[:0], t.isTally[:0]
	if was != nil {
		t.wasTally = tallies(t.wasTally, was, t.was)
	}
	if is != nil {
		t.isTally = tallies(t.isTally, is, t.is)
	}
	r := cmp.Or(was, is)
	t.counters.move(r.triggeredAt, r.template, t.wasTally, t.isTally)
}

func tallies(ts []tally, r *record, attempts []trace) []tally {
	ts = append(ts, r.tally())
	for _, a := range attempts {
		ts = append(ts, r.tallyOf(a))
	}
	return ts
}

func (t *table) schedule(h handle, r *record) {
	if r.dueAt != never {
		numbered(&t.due, r.lane).add(entry{r.dueAt, h}, handleOrder(h))
	}
}

func (t *table) unschedule(h handle, r *record) {
	if r.dueAt != never {
		t.due[r.lane].remove(entry{r.dueAt, h}, handleOrder(h))
	}
}

// withID returns the record of that ID.
func (t *table) withID(id uuid.UUID) (handle, bool) {
	for h := range t.byID.of(t.hashID(id)) {
		if t.slab.at(h).id == id {
			return h, true
		}
	}
	return 0, false
}

// withKey returns the record that has the key.
func (t *table) withKey(key string) (handle, bool) {
	for h := range t.byKey.of(t.hashKey(key)) {
		if t.slab.at(h).key() == key {
			return h, true
		}
	}
	return 0, false
}

// withRef appends the records that have an attempt of that name.
func (t *table) withRef(hs []handle, channel uint32, providerID string) []handle {
	if providerID == "" {
		return hs
	}
	var buf [4]trace
	for h := range t.byRef.of(t.hashRef(channel, providerID)) {
		if hasRef(t.slab.at(h).traces(buf[:0]), trace{channel: channel, providerID: providerID}) {
			hs = append(hs, h)
		}
	}
	return hs
}

// earliest returns the list that holds the earliest due record, of those whose
// lane is not in except; nil if there is none.
func (t *table) earliest(except []uint32) *list {
	var first *list
	for lane := range t.due {
		l := &t.due[lane]
		if l.n == 0 || first != nil && first.first().at <= l.first().at || slices.Contains(except, uint32(lane)) {
			continue
		}
		first = l
	}
	return first
}

// claim takes up to limit records that are due, each scheduled for the lease's end.
func (t *table) claim(now, leaseEnd int64, limit int, except []uint32) (claimed []record, dueAt, next int64) {
	dueAt, next = never, never
	var hs []handle
	for len(hs) < limit {
		l := t.earliest(except)
		if l == nil || l.first().at > now {
			break
		}
		e := l.takeFirst()
		if len(hs) == 0 {
			dueAt = e.at
		}
		hs = append(hs, e.handle)
	}
	if l := t.earliest(except); l != nil {
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
		t.schedule(h, &claimed[i])
	}
	return claimed, dueAt, next
}
