package daysheet

import "encoding/binary"

// An encoded entry is the distance of its key from the one before, and its count, as varints.

// entryReader reads entries in ascending order of their keys: the encoded ones of b, or the
// decoded ones.
type entryReader struct {
	entry
	b        []byte
	expanded []entry
}

// next reads the next entry. It returns false at the end.
func (r *entryReader) next() bool {
	if len(r.expanded) > 0 {
		r.entry, r.expanded = r.expanded[0], r.expanded[1:]
		return true
	}
	if len(r.b) == 0 {
		return false
	}
	distance, n := binary.Uvarint(r.b)
	count, m := binary.Varint(r.b[n:])
	r.key += entryKey(distance)
	r.n = count
	r.b = r.b[n+m:]
	return true
}

// entryWriter is the inverse of entryReader. It leaves out entries of nothing.
type entryWriter struct {
	b    []byte
	last entryKey
}

func (w *entryWriter) write(e entry) {
	if e.n == 0 {
		return
	}
	w.b = binary.AppendUvarint(w.b, uint64(e.key-w.last))
	w.b = binary.AppendVarint(w.b, e.n)
	w.last = e.key
}
