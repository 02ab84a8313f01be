package pgstore

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
)

// compositeArray is a parameter that holds rows: an array of a composite type. It is built
// in the binary format of composite values, and sent in that format if the connection
// knows the type (see [Store.prepareConn]). Otherwise it is sent as text: connections
// that prepare no statements need that ([pgx.QueryExecModeExec],
// [pgx.QueryExecModeSimpleProtocol]).
//
// The formats are those of PostgreSQL's record_recv and array_recv (src/backend/utils/adt),
// and of its documentation, sections 8.15.6 and 8.16.6.
type compositeArray struct {
	rows  int
	bytes []byte

	// The row that is being written.
	rowStart  int // its first byte
	rowFields int // the number of its fields so far
	row       newRow
}

// compositeArrayPool holds arrays whose batches were sent.
var compositeArrayPool = sync.Pool{New: func() any { return new(compositeArray) }}

func newCompositeArray() *compositeArray { return compositeArrayPool.Get().(*compositeArray) }

// releaseArrays returns arrays that were sent to the pool. If the pool of connections has a
// tracer, the arrays are not reused: the tracer may keep the arguments of a statement.
func (s *Store) releaseArrays(sent ...*compositeArray) {
	for _, a := range sent {
		if s.hasTracer || cap(a.bytes) > maxPooledBytes {
			continue
		}
		a.rows, a.bytes = 0, a.bytes[:0]
		compositeArrayPool.Put(a)
	}
}

// maxPooledBytes is the capacity above which an array is not reused. A full batch of a
// Dispatcher needs less.
const maxPooledBytes = 1 << 20

// String returns the number of rows and no values, because a tracer may print arguments.
func (a *compositeArray) String() string { return fmt.Sprintf("%d rows", a.rows) }

// GoString implements [fmt.GoStringer] as [compositeArray.String].
func (a *compositeArray) GoString() string { return a.String() }

// beginRow begins a row. Its fields must be added in the order of the type's attributes.
func (a *compositeArray) beginRow() {
	a.rowStart, a.rowFields = len(a.bytes), 0
	a.bytes = append(a.bytes, 0, 0, 0, 0, 0, 0, 0, 0) // the size and the number of fields, set by endRow
}

func (a *compositeArray) endRow() {
	binary.BigEndian.PutUint32(a.bytes[a.rowStart:], uint32(len(a.bytes)-a.rowStart-4))
	binary.BigEndian.PutUint32(a.bytes[a.rowStart+4:], uint32(a.rowFields))
	a.rows++
}

func (a *compositeArray) addField(oid uint32, size int) {
	a.bytes = binary.BigEndian.AppendUint32(a.bytes, oid)
	a.bytes = binary.BigEndian.AppendUint32(a.bytes, uint32(size))
	a.rowFields++
}

// addNull adds NULL for a field of the type.
func (a *compositeArray) addNull(oid uint32) { a.addField(oid, -1) }

func (a *compositeArray) addUUID(v uuid.UUID) {
	a.addField(pgtype.UUIDOID, len(v))
	a.bytes = append(a.bytes, v[:]...)
}

// addFirstUUIDOrNull adds the first of some UUIDs, or NULL for none.
func (a *compositeArray) addFirstUUIDOrNull(vs []rowcodec.LookupKey) {
	if len(vs) == 0 {
		a.addNull(pgtype.UUIDOID)
		return
	}
	a.addUUID(uuid.UUID(vs[0]))
}

// uuidsHeader is the size of the header of an array with one dimension.
const uuidsHeader = 20

// addUUIDsOrNull adds an array of UUIDs, or NULL for none.
func (a *compositeArray) addUUIDsOrNull(vs []rowcodec.LookupKey) {
	if len(vs) == 0 {
		a.addNull(pgtype.UUIDArrayOID)
		return
	}
	const size = len(rowcodec.LookupKey{})
	a.addField(pgtype.UUIDArrayOID, uuidsHeader+len(vs)*(4+size))
	for _, head := range [uuidsHeader / 4]uint32{1, 0, pgtype.UUIDOID, uint32(len(vs)), 1} { // see compositeArrayCodec.Encode
		a.bytes = binary.BigEndian.AppendUint32(a.bytes, head)
	}
	for _, v := range vs {
		a.bytes = binary.BigEndian.AppendUint32(a.bytes, uint32(size))
		a.bytes = append(a.bytes, v[:]...)
	}
}

func (a *compositeArray) addInt8(v int64) {
	a.addField(pgtype.Int8OID, 8)
	a.bytes = binary.BigEndian.AppendUint64(a.bytes, uint64(v))
}

// addInt8OrNull adds a number, or NULL for one that is not valid.
func (a *compositeArray) addInt8OrNull(v pgtype.Int8) {
	if !v.Valid {
		a.addNull(pgtype.Int8OID)
		return
	}
	a.addInt8(v.Int64)
}

func (a *compositeArray) addInt4(v int32) {
	a.addField(pgtype.Int4OID, 4)
	a.bytes = binary.BigEndian.AppendUint32(a.bytes, uint32(v))
}

func (a *compositeArray) addInt2(v int16) {
	a.addField(pgtype.Int2OID, 2)
	a.bytes = binary.BigEndian.AppendUint16(a.bytes, uint16(v))
}

func (a *compositeArray) addText(v string) {
	a.addField(pgtype.TextOID, len(v))
	a.bytes = append(a.bytes, v...)
}

// addTextOrNull adds a text, or NULL for "".
func (a *compositeArray) addTextOrNull(v string) {
	if v == "" {
		a.addNull(pgtype.TextOID)
		return
	}
	a.addText(v)
}

func (a *compositeArray) addBytea(v []byte) {
	a.addField(pgtype.ByteaOID, len(v))
	a.bytes = append(a.bytes, v...)
}

// pgEpoch is the time from which PostgreSQL counts microseconds.
var pgEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// addTimeOrNull adds a time, or NULL for the zero one.
func (a *compositeArray) addTimeOrNull(v time.Time) {
	if v.IsZero() {
		a.addNull(pgtype.TimestamptzOID)
		return
	}
	a.addTime(v)
}

func (a *compositeArray) addTime(v time.Time) {
	a.addField(pgtype.TimestamptzOID, 8)
	a.bytes = binary.BigEndian.AppendUint64(a.bytes, uint64(v.UnixMicro()-pgEpoch.UnixMicro()))
}

// TextValue implements [pgtype.TextValuer].
func (a *compositeArray) TextValue() (pgtype.Text, error) {
	var array, record strings.Builder
	next := func(b []byte) (n int, rest []byte) { return int(int32(binary.BigEndian.Uint32(b))), b[4:] }
	array.WriteByte('{')
	for b := a.bytes; len(b) > 0; {
		if array.Len() > 1 {
			array.WriteByte(',')
		}
		record.Reset()
		var fields, oid, size int
		_, b = next(b)
		fields, b = next(b)
		for i := range fields {
			if i > 0 {
				record.WriteByte(',')
			}
			oid, b = next(b)
			if size, b = next(b); size < 0 {
				continue
			}
			text, err := textFormat(uint32(oid), b[:size])
			if err != nil {
				return pgtype.Text{}, err
			}
			writeQuoted(&record, text)
			b = b[size:]
		}
		writeQuoted(&array, "("+record.String()+")")
	}
	array.WriteByte('}')
	return pgtype.Text{String: array.String(), Valid: true}, nil
}

// writeQuoted writes a text as one element of an array or one field of a composite value.
func writeQuoted(b *strings.Builder, text string) {
	b.WriteByte('"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	b.WriteByte('"')
}

// textFormat converts a value from the binary format to the text format.
func textFormat(oid uint32, v []byte) (string, error) {
	switch oid {
	case pgtype.UUIDOID:
		return uuid.UUID(v).String(), nil
	case pgtype.UUIDArrayOID:
		var texts []string
		for v = v[uuidsHeader:]; len(v) > 0; v = v[4+16:] {
			texts = append(texts, uuid.UUID(v[4:4+16]).String())
		}
		return "{" + strings.Join(texts, ",") + "}", nil
	case pgtype.Int8OID:
		return strconv.FormatInt(int64(binary.BigEndian.Uint64(v)), 10), nil
	case pgtype.Int4OID:
		return strconv.Itoa(int(int32(binary.BigEndian.Uint32(v)))), nil
	case pgtype.Int2OID:
		return strconv.Itoa(int(int16(binary.BigEndian.Uint16(v)))), nil
	case pgtype.TextOID:
		return string(v), nil
	case pgtype.ByteaOID:
		return `\x` + hex.EncodeToString(v), nil
	case pgtype.TimestamptzOID:
		at := time.UnixMicro(int64(binary.BigEndian.Uint64(v)) + pgEpoch.UnixMicro())
		return at.UTC().Format("2006-01-02 15:04:05.999999Z07:00"), nil
	}
	return "", fmt.Errorf("a field's type is unknown (%d)", oid)
}

// compositeArrayCodec encodes arrays for a connection that knows their type.
type compositeArrayCodec struct {
	pgtype.ByteaCodec // values that are read are left undecoded

	element uint32 // the OID of the composite type
}

func (compositeArrayCodec) FormatSupported(format int16) bool {
	return format == pgtype.BinaryFormatCode
}

func (compositeArrayCodec) PreferredFormat() int16 { return pgtype.BinaryFormatCode }

func (c compositeArrayCodec) PlanEncode(_ *pgtype.Map, _ uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(*compositeArray); !ok || format != pgtype.BinaryFormatCode {
		return nil
	}
	return c
}

// Encode implements [pgtype.EncodePlan] with the binary format of arrays.
func (c compositeArrayCodec) Encode(value any, b []byte) ([]byte, error) {
	a := value.(*compositeArray)
	b = slices.Grow(b, 20+len(a.bytes))
	b = binary.BigEndian.AppendUint32(b, 1) // dimensions
	b = binary.BigEndian.AppendUint32(b, 0) // no element is NULL
	b = binary.BigEndian.AppendUint32(b, c.element)
	b = binary.BigEndian.AppendUint32(b, uint32(a.rows))
	b = binary.BigEndian.AppendUint32(b, 1) // the first index
	return append(b, a.bytes...), nil
}

// compositeArrayTypes are the array types of the migrations.
var compositeArrayTypes = []string{
	newMessageType.name + "[]", newStateType.name + "[]", "smsplus_new_attempt[]", "smsplus_new_delta[]", "smsplus_new_route[]",
}
