package memstore

import "iter"

// multi finds the records of a key, by the key's hash. The key is nearly always
// one record's, such as a phone number: that costs eight bytes or so, and only more
// records cost a list. Keys are not kept, so two of them may share a hash: whoever
// finds a record must look whether it is the right one.
//
// A map would do, but costs twice the time on a million records: a lookup there
// waits for memory three times, here once.
type multi struct {
	// A hash's top byte chooses a shard, so that growing stops the store for a
	// moment only.
	shards [256]shard
	lists  []list
	free   []place
}

// place is where a hash's records are: a handle or, with the top bit, the number
// of a list. Zero is nowhere.
type place uint32

const isList place = 1 << 31

func (m *multi) shard(hash uint64) (s *shard, tag uint32) {
	return &m.shards[hash>>56], uint32(hash)
}

// add adds a record. The time of another one is asked for when two begin to share
// a hash.
func (m *multi) add(hash uint64, e entry, t tie, timeOf func(handle) int64) {
	s, tag := m.shard(hash)
	p := s.find(tag)
	switch {
	case p == nil:
		s.add(tag, place(e.handle))
	case p.place()&isList != 0:
		m.lists[p.place()&^isList].add(e, t)
	default:
		l := lone(p.place(), timeOf)
		l.add(e, t)
		*p = slotOf(tag, m.keep(l)|isList)
	}
}

// keep gives a list a place.
func (m *multi) keep(l *list) place {
	if n := len(m.free); n > 0 {
		p := m.free[n-1]
		m.free = m.free[:n-1]
		m.lists[p] = *l
		return p
	}
	m.lists = append(m.lists, *l)
	return place(len(m.lists) - 1)
}

// remove takes out a record, which must be there.
func (m *multi) remove(hash uint64, e entry, t tie) {
	s, tag := m.shard(hash)
	p := s.find(tag)
	at := p.place() &^ isList
	if p.place()&isList == 0 {
		s.remove(tag)
		return
	}
	l := &m.lists[at]
	l.remove(e, t)
	if l.n == 1 {
		*p = slotOf(tag, place(l.first().handle))
		*l = list{}
		m.free = append(m.free, at)
	}
}

// of goes through the records of a hash.
func (m *multi) of(hash uint64) iter.Seq[handle] {
	return func(yield func(handle) bool) {
		s, tag := m.shard(hash)
		switch p := s.find(tag); {
		case p == nil:
		case p.place()&isList == 0:
			yield(handle(p.place()))
		default:
			for e := range m.lists[p.place()&^isList].ascend() {
				if !yield(e.handle) {
					return
				}
			}
		}
	}
}

// list returns the records of a hash as a list, to look at.
func (m *multi) list(hash uint64, timeOf func(handle) int64) *list {
	s, tag := m.shard(hash)
	switch p := s.find(tag); {
	case p == nil:
		return &list{}
	case p.place()&isList == 0:
		return lone(p.place(), timeOf)
	default:
		return &m.lists[p.place()&^isList]
	}
}

func lone(p place, timeOf func(handle) int64) *list {
	h := handle(p)
	return &list{runs: [][]entry{{{timeOf(h), h}}}, n: 1}
}

// shard is a hash table with linear probing, at most three quarters full.
type shard struct {
	slots []slot // a power of two of them
	n     int
}

// slot is a tag, by whose low bits it stands where it does, and a place; zero if empty.
type slot uint64

func slotOf(tag uint32, p place) slot { return slot(tag)<<32 | slot(p) }

func (s slot) tag() uint32 { return uint32(s >> 32) }

func (s slot) place() place { return place(s) }

// find returns the slot with the tag, or nil.
func (s *shard) find(tag uint32) *slot {
	if s.n == 0 {
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
func (s *shard) add(tag uint32, p place) {
	if 4*(s.n+1) > 3*len(s.slots) {
		old := s.slots
		s.slots = make([]slot, max(8, 2*len(old)))
		for _, o := range old {
			if o != 0 {
				s.slots[s.search(o.tag())] = o
			}
		}
	}
	s.slots[s.search(tag)] = slotOf(tag, p)
	s.n++
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
	s.n--
}
