package memstore

import "iter"

// hashIndex finds the records of a key, by the key's hash. The key is nearly always
// one record's, such as a phone number: that costs eight bytes or so, and only more
// records cost a list. Keys are not kept, so two of them may share a hash: whoever
// finds a record must look whether it is the right one.
//
// A map would do, but costs twice the time on a million records: a lookup there
// waits for memory three times, here once.
type hashIndex struct {
	// A hash's top byte chooses a shard, so that growing stops the store for a
	// moment only.
	shards    [256]shard
	lists     []list
	freeLists []location
}

// location is where a hash's records are: a handle or, with the top bit, the number
// of a list. Zero is nowhere.
type location uint32

const listBit location = 1 << 31

func (m *hashIndex) shardFor(hash uint64) (s *shard, tag uint32) {
	return &m.shards[hash>>56], uint32(hash)
}

// add adds a record. The time of another one is asked for when two begin to share
// a hash.
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

// storeList gives a list a place.
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

// remove takes out a record, which must be there.
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

// handles goes through the records of a hash.
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

// list returns the records of a hash as a list, to look at.
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

// shard is a hash table with linear probing, at most three quarters full.
type shard struct {
	slots []slot // a power of two of them
	used  int
}

// slot is a tag, by whose low bits it stands where it does, and a place; zero if empty.
type slot uint64

func slotOf(tag uint32, p location) slot { return slot(tag)<<32 | slot(p) }

func (s slot) tag() uint32 { return uint32(s >> 32) }

func (s slot) location() location { return location(s) }

// find returns the slot with the tag, or nil.
func (s *shard) find(tag uint32) *slot {
	if s.used == 0 {
		return nil
	}
	if i := s.search(tag); s.slots[i] != 0 {
		return &s.slots[i]
	}
	return nil
}

// search returns where the tag stands, or would.
func (s *shard) search(tag uint32) uint32 {
	mask := uint32(len(s.slots) - 1)
	i := tag & mask
	for s.slots[i] != 0 && s.slots[i].tag() != tag {
		i = (i + 1) & mask
	}
	return i
}

// add adds a tag that is not there.
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

// remove takes out a tag, which must be there, and moves up those behind it that
// could not be found across the gap.
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
