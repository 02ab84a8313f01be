package smsplus

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
)

// ContentHash tells one version of a step's content from another: equal contents have equal
// hashes, in every process and release of the application. Zero means that it is not known.
type ContentHash uint64

// String returns 16 hexadecimal digits, or "" for zero.
func (h ContentHash) String() string {
	if h == 0 {
		return ""
	}
	return fmt.Sprintf("%016x", uint64(h))
}

// MarshalText returns the result of String.
func (h ContentHash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// HashContent returns the hash of a content's type and value. It covers all fields, exported
// or not, and all that they point to. Functions, Go channels and nil interfaces add nothing.
func HashContent(c channel.Content) ContentHash {
	if c == nil {
		return 0
	}
	h := sha256.New()
	make(partHashes).writeValue(h, reflect.ValueOf(c), 0)
	return ContentHash(max(1, binary.BigEndian.Uint64(h.Sum(nil))))
}

// maxHashDepth bounds how deep a content is read: it may point to itself.
const maxHashDepth = 32

// partHashes are the hashes of what pointers, maps and slices of one content hold. A content may
// hold a graph, such as the templates of text/template that know each other. Without hashes
// every way through it would be read.
type partHashes map[partPlace][sha256.Size]byte

// partPlace is where a value is, and the depth at which it is read.
type partPlace struct {
	kind          reflect.Type
	address       uintptr
	length, depth int
}

// writeShared writes the hash of what a pointer, a map or a slice holds, which write writes.
func (s partHashes) writeShared(h hash.Hash, p partPlace, write func(hash.Hash)) {
	sum, known := s[p]
	if !known {
		held := sha256.New()
		write(held)
		held.Sum(sum[:0])
		s[p] = sum
	}
	h.Write(sum[:])
}

// writeValue writes a value to h so that different values of one type, and equal values of
// different types, write different bytes.
func (s partHashes) writeValue(h hash.Hash, v reflect.Value, depth int) {
	if !v.IsValid() || depth > maxHashDepth {
		writeString(h, "")
		return
	}
	writeString(h, v.Type().String())
	switch v.Kind() {
	case reflect.String:
		writeString(h, v.String())
	case reflect.Bool:
		writeInt(h, map[bool]uint64{true: 1}[v.Bool()])
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		writeInt(h, uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		writeInt(h, v.Uint())
	case reflect.Complex64, reflect.Complex128:
		writeInt(h, math.Float64bits(real(v.Complex())))
		writeInt(h, math.Float64bits(imag(v.Complex())))
	case reflect.Float32, reflect.Float64:
		writeInt(h, math.Float64bits(v.Float()))
	case reflect.Array:
		s.writeElements(h, v, depth)
	case reflect.Slice:
		s.writeShared(h, partPlace{v.Type(), v.Pointer(), v.Len(), depth}, func(h hash.Hash) { s.writeElements(h, v, depth) })
	case reflect.Map:
		s.writeShared(h, partPlace{v.Type(), v.Pointer(), 0, depth}, func(h hash.Hash) { s.writeMap(h, v, depth) })
	case reflect.Struct:
		for _, field := range v.Fields() {
			s.writeValue(h, field, depth+1)
		}
	case reflect.Pointer:
		s.writeShared(h, partPlace{v.Type(), v.Pointer(), 0, depth}, func(h hash.Hash) { s.writeValue(h, v.Elem(), depth+1) })
	case reflect.Interface:
		s.writeValue(h, v.Elem(), depth+1)
	default: // a function or a channel has no value of its own
	}
}

func (s partHashes) writeElements(h hash.Hash, v reflect.Value, depth int) {
	writeInt(h, uint64(v.Len()))
	for i := range v.Len() {
		s.writeValue(h, v.Index(i), depth+1)
	}
}

// writeMap writes a map's entries in the order of their own hashes.
func (s partHashes) writeMap(h hash.Hash, v reflect.Value, depth int) {
	var entries []string
	for key, value := range v.Seq2() {
		entry := sha256.New()
		s.writeValue(entry, key, depth+1)
		s.writeValue(entry, value, depth+1)
		entries = append(entries, string(entry.Sum(nil)))
	}
	slices.Sort(entries)
	writeString(h, strings.Join(entries, ""))
}

func writeString(h hash.Hash, s string) {
	writeInt(h, uint64(len(s)))
	h.Write([]byte(s))
}

func writeInt(h hash.Hash, n uint64) {
	h.Write(binary.BigEndian.AppendUint64(nil, n))
}
