package memstore

// handle is a record's index in the slab, and never 0. The indexes hold handles instead
// of pointers, so that the garbage collector need not scan them.
type handle uint32

const chunkSize = 1024

// slab holds records in chunks that never move. It reuses the handles of dropped
// records.
type slab struct {
	chunks      [][]record
	freeHandles []handle
	highest     handle // the highest handle in use or in freeHandles
}

func (s *slab) get(h handle) *record { return &s.chunks[h/chunkSize][h%chunkSize] }

func (s *slab) add(r record) handle {
	var h handle
	if n := len(s.freeHandles); n > 0 {
		h, s.freeHandles = s.freeHandles[n-1], s.freeHandles[:n-1]
	} else {
		s.highest++
		h = s.highest
		if int(h/chunkSize) == len(s.chunks) {
			s.chunks = append(s.chunks, make([]record, chunkSize))
		}
	}
	*s.get(h) = r
	return h
}

func (s *slab) free(h handle) {
	*s.get(h) = record{}
	s.freeHandles = append(s.freeHandles, h)
}
