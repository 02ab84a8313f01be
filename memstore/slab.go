package memstore

// handle is the index of an item in its slab, and never 0. The indexes hold handles instead
// of pointers, so that the garbage collector need not scan them.
type handle uint32

const chunkSize = 1024

// slab holds records, or parked receipts, in chunks that never move. It reuses the handles of
// dropped items.
type slab[T any] struct {
	chunks      [][]T
	freeHandles []handle
	highest     handle // the highest handle in use or in freeHandles
}

func (s *slab[T]) get(h handle) *T { return &s.chunks[h/chunkSize][h%chunkSize] }

func (s *slab[T]) add(item T) handle {
	var h handle
	if n := len(s.freeHandles); n > 0 {
		h, s.freeHandles = s.freeHandles[n-1], s.freeHandles[:n-1]
	} else {
		s.highest++
		h = s.highest
		if int(h/chunkSize) == len(s.chunks) {
			s.chunks = append(s.chunks, make([]T, chunkSize))
		}
	}
	*s.get(h) = item
	return h
}

func (s *slab[T]) free(h handle) {
	*s.get(h) = *new(T)
	s.freeHandles = append(s.freeHandles, h)
}
