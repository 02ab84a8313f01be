package memstore

import "iter"

// hashIndex finds the records of a key by the hash of the key. Almost every key, such
// as a phone number, has one record, which costs about eight bytes. Only a key with
// several records has a list. The index does not store keys, and two keys may share a
// hash, so the caller must compare the key of each record that it finds.
//
// A map from hash to location would do, but a lookup in it waits for memory three times
// instead of once.
type hashIndex struct {
	// shards are selected by the top byte of the hash. Only one of them grows at a time, so
	// that growing holds the store's lock for a moment only.
	shards    [256]shard
	lists     []list     // those of keys with several records, and empty ones
	freeLists []location // the indexes of the empty lists
}

// location is where the records of a hash are: a handle or, with listBit, an index of
// lists. Zero is none.
type location uint32

const listBit location = 1 << 31

func (m *hashIndex) shardFor(hash uint64) (s *shard, tag uint32) {
	return &m.shards[hash>>56], uint32(hash)
}

// add adds a record. It calls timeOf for the other record, if the hash had exactly one.
func (m *hashIndex) add(hash uint64, e entry, t tieOrder, timeOf func(handle) int64) {
	s, tag := m.shardFor(hash)
	p := s.find(tag)
	switch {
	case p == nil:
		s.add(tag, location(e.handle))
	case p.location()&listBit != 0:
		m.lists[p.location()&^listBit].add(e, t)
	default:
		l := singleEntryList(p.location(), timeOf)
		l.add(e, t)
		*p = slotOf(tag, m.storeList(l)|listBit)
	}
}

// storeList stores a list and returns its index.
func (m *hashIndex) storeList(l *list) location {
	if n := len(m.freeLists); n > 0 {
		p := m.freeLists[n-1]
		m.freeLists = m.freeLists[:n-1]
		m.lists[p] = *l
		return p
	}
	m.lists = append(m.lists, *l)
	return location(len(m.lists) - 1)
}

// remove removes a record, which must be in the index. A list that is left with one
// record is dissolved.
func (m *hashIndex) remove(hash uint64, e entry, t tieOrder) {
	s, tag := m.shardFor(hash)
	p := s.find(tag)
	at := p.location() &^ listBit
	if p.location()&listBit == 0 {
		s.remove(tag)
		return
	}
	l := &m.lists[at]
	l.remove(e, t)
	if l.length == 1 {
		*p = slotOf(tag, location(l.first().handle))
		*l = list{}
		m.freeLists = append(m.freeLists, at)
	}
}

// handles yields the records of a hash.
func (m *hashIndex) handles(hash uint64) iter.Seq[handle] {
	return func(yield func(handle) bool) {
		s, tag := m.shardFor(hash)
		switch p := s.find(tag); {
		case p == nil:
		case p.location()&listBit == 0:
			yield(handle(p.location()))
		default:
			for e := range m.lists[p.location()&^listBit].ascend() {
				if !yield(e.handle) {
					return
				}
			}
		}
	}
}

// list returns the records of a hash as a list, which the caller must not change.
func (m *hashIndex) list(hash uint64, timeOf func(handle) int64) *list {
	s, tag := m.shardFor(hash)
	switch p := s.find(tag); {
	case p == nil:
		return &list{}
	case p.location()&listBit == 0:
		return singleEntryList(p.location(), timeOf)
	default:
		return &m.lists[p.location()&^listBit]
	}
}

func singleEntryList(p location, timeOf func(handle) int64) *list {
	h := handle(p)
	return &list{runs: [][]entry{{{timeOf(h), h}}}, length: 1}
}

// shard is an open-addressing hash table with linear probing.
type shard struct {
	slots []slot // their number is a power of two, or 0
	used  int    // slots in use, at most three quarters
}

// slot is a tag, which is the low half of a hash, and its location. It is zero if it is
// empty.
type slot uint64

func slotOf(tag uint32, p location) slot { return slot(tag)<<32 | slot(p) }

func (s slot) tag() uint32 { return uint32(s >> 32) }

func (s slot) location() location { return location(s) }

// find returns the slot of the tag, or nil.
func (s *shard) find(tag uint32) *slot {
	if s.used == 0 {
		return nil
	}
	if i := s.search(tag); s.slots[i] != 0 {
		return &s.slots[i]
	}
	return nil
}

// search returns the index of the tag's slot, or of the empty slot where it belongs.
func (s *shard) search(tag uint32) uint32 {
	mask := uint32(len(s.slots) - 1)
	i := tag & mask
	for s.slots[i] != 0 && s.slots[i].tag() != tag {
		i = (i + 1) & mask
	}
	return i
}

// add adds a tag that is not in the table.
func (s *shard) add(tag uint32, p location) {
	if 4*(s.used+1) > 3*len(s.slots) {
		old := s.slots
		s.slots = make([]slot, max(8, 2*len(old)))
		for _, o := range old {
			if o != 0 {
				s.slots[s.search(o.tag())] = o
			}
		}
	}
	s.slots[s.search(tag)] = slotOf(tag, p)
	s.used++
}

// remove removes a tag, which must be in the table. It moves up each following tag that
// a search could not find across the gap.
func (s *shard) remove(tag uint32) {
	mask := uint32(len(s.slots) - 1)
	gap := s.search(tag)
	for i := (gap + 1) & mask; s.slots[i] != 0; i = (i + 1) & mask {
		home := s.slots[i].tag() & mask
		if (i-home)&mask >= (i-gap)&mask {
			s.slots[gap] = s.slots[i]
			gap = i
		}
	}
	s.slots[gap] = 0
	s.used--
}
