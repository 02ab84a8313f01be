package daysheet

import (
	"encoding/binary"
	"errors"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// The encoding of a sheet is a byte with its version, the number of its labels, the labels,
// and its entries. An entry is the distance of its key from the one before, and its count.
// Numbers are varints, and a text follows its length.

const encodingVersion = 1

// ErrCorrupt is the error for bytes that no sheet encodes to.
var ErrCorrupt = errors.New("daysheet: counts cannot be decoded")

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

// Encode returns the encoding of a merged sheet. It leaves out labels without entries.
func (s *Sheet) Encode() []byte {
	numbers := make([]int, len(s.labels)) // of the labels in the encoding, and -1 of the others
	for i := range numbers {
		numbers[i] = -1
	}
	for e := (entryReader{b: s.entries}); e.next(); {
		numbers[e.key.labelNumber()] = 0
	}
	b := make([]byte, 0, 16+24*len(s.labels)+len(s.entries))
	b = append(b, encodingVersion)
	used := 0
	for i := range numbers {
		if numbers[i] == 0 {
			numbers[i] = used
			used++
		}
	}
	b = binary.AppendUvarint(b, uint64(used))
	for i := range s.labels {
		if numbers[i] >= 0 {
			b = s.labels[i].append(b)
		}
	}
	if used == len(s.labels) {
		return append(b, s.entries...)
	}
	w := entryWriter{b: b}
	for e := (entryReader{b: s.entries}); e.next(); {
		w.write(entry{newEntryKey(e.key.quarter(), numbers[e.key.labelNumber()], e.key.detail()), e.n})
	}
	return w.b
}

func (l *label) append(b []byte) []byte {
	if l.isAttempt {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	for _, text := range []string{string(l.channel), string(l.reason), l.template, l.scenario} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return b
}

// Decode returns the sheet of an encoding, which it keeps a part of.
func Decode(b []byte) (Sheet, error) {
	if len(b) == 0 || b[0] != encodingVersion {
		return Sheet{}, ErrCorrupt
	}
	d := decoder{b: b[1:]}
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		return Sheet{}, ErrCorrupt
	}
	s := Sheet{labels: make([]label, n)}
	for i := range s.labels {
		s.labels[i] = label{
			isAttempt: d.uvarint() == 1, channel: channel.Name(d.text()), reason: status.Reason(d.text()),
			template: d.text(), scenario: d.text(),
		}
	}
	s.entries = d.b
	for key := entryKey(0); len(d.b) > 0; {
		key += entryKey(d.uvarint())
		if d.varint(); key.quarter() >= Quarters || key.labelNumber() >= len(s.labels) {
			return Sheet{}, ErrCorrupt
		}
	}
	if d.failed {
		return Sheet{}, ErrCorrupt
	}
	return s, nil
}

// decoder reads the parts of an encoding. After a failure it reads zeros.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) skip(n int) {
	if n <= 0 {
		d.b, d.failed = nil, true
		return
	}
	d.b = d.b[n:]
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	d.skip(n)
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	d.skip(n)
	return v
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.b, d.failed = nil, true
		return ""
	}
	text := string(d.b[:n])
	d.b = d.b[n:]
	return text
}
