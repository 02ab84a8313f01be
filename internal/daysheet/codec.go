package daysheet

import (
	"encoding/binary"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// The encoding of a sheet is a byte with its version, the number of its labels, the labels,
// and its entries. An entry is the distance of its key from the one before, and its count.
// Numbers are varints, and a text follows its length.

const encodingVersion = 1

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

// Append appends the encoding of the sheet without what is still to be merged. Labels without
// entries are left out.
func (s *Sheet) Append(b []byte) []byte {
	numbers, used := make([]int, len(s.labels)), 0 // numbers in the encoding, from 1 on
	for e := s.reader(); e.next(); {
		numbers[e.key.labelNumber()] = 1
	}
	for i := range numbers {
		if numbers[i] > 0 {
			used++
			numbers[i] = used
		}
	}
	b = append(b, encodingVersion)
	b = binary.AppendUvarint(b, uint64(used))
	for i := range s.labels {
		if numbers[i] > 0 {
			b = s.labels[i].append(b)
		}
	}
	if used == len(s.labels) {
		return append(b, s.entries...)
	}
	w := entryWriter{b: b}
	for e := s.reader(); e.next(); {
		w.write(entry{newEntryKey(e.key.quarter(), numbers[e.key.labelNumber()]-1, e.key.detail()), e.n})
	}
	return w.b
}

func (l *label) append(b []byte) []byte {
	isAttempt := byte(0)
	if l.isAttempt {
		isAttempt = 1
	}
	b = append(b, isAttempt)
	for _, text := range []string{string(l.channel), string(l.reason), l.template, l.scenario} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return b
}

// DecodeSheet returns the sheet that [Sheet.Append] encoded. It keeps a part of b. The error
// is an [ErrCorrupt].
func DecodeSheet(b []byte) (Sheet, error) {
	d := decoder{b: b}
	if d.byte() != encodingVersion {
		return Sheet{}, ErrCorrupt
	}
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		return Sheet{}, ErrCorrupt
	}
	s := Sheet{labels: make([]label, n)}
	for i := range s.labels {
		s.labels[i] = label{
			isAttempt: d.byte() == 1, channel: channel.Name(d.text()), reason: status.Reason(d.text()),
			template: d.text(), scenario: d.text(),
		}
	}
	s.entries = d.b
	for last := entryKey(0); len(d.b) > 0; {
		key := last + entryKey(d.uvarint())
		if count := d.varint(); count <= 0 || key < last || key.quarter() >= Quarters || key.labelNumber() >= len(s.labels) {
			return Sheet{}, ErrCorrupt
		}
		last = key
	}
	if d.failed {
		return Sheet{}, ErrCorrupt
	}
	return s, nil
}
