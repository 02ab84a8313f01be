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

// MarshalText is String.
func (h ContentHash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// HashContent returns the hash of a content's type and value. It reads what the value holds
// and what that points to, exported or not, apart from functions, channels and interfaces
// that are nil.
func HashContent(c channel.Content) ContentHash {
	if c == nil {
		return 0
	}
	h := sha256.New()
	writeValue(h, reflect.ValueOf(c), 0)
	return ContentHash(max(1, binary.BigEndian.Uint64(h.Sum(nil))))
}

// maxHashDepth bounds how deep a content is read: it may point to itself.
const maxHashDepth = 32

// writeValue writes a value to h so that different values of one type, and equal values of
// different types, write different bytes.
func writeValue(h hash.Hash, v reflect.Value, depth int) {
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
	case reflect.Slice, reflect.Array:
		writeInt(h, uint64(v.Len()))
		for i := range v.Len() {
			writeValue(h, v.Index(i), depth+1)
		}
	case reflect.Map:
		writeMap(h, v, depth)
	case reflect.Struct:
		for _, field := range v.Fields() {
			writeValue(h, field, depth+1)
		}
	case reflect.Pointer, reflect.Interface:
		writeValue(h, v.Elem(), depth+1)
	default: // a function or a channel has no value of its own
	}
}

// writeMap writes a map's entries in the order of their own hashes.
func writeMap(h hash.Hash, v reflect.Value, depth int) {
	var entries []string
	for key, value := range v.Seq2() {
		entry := sha256.New()
		writeValue(entry, key, depth+1)
		writeValue(entry, value, depth+1)
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
