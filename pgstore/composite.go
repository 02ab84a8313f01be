package pgstore

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// compositeArray are rows as one parameter: an array of a composite type. They are kept in the
// binary format of composite values, and sent so where the connection knows their type
// (see [Store.introduce]); as text elsewhere, which is what connections need that
// prepare no statements ([pgx.QueryExecModeExec], [pgx.QueryExecModeSimpleProtocol]).
//
// The formats: PostgreSQL's record_recv and array_recv (src/backend/utils/adt), and its
// documentation, sections 8.15.6 and 8.16.6.
type compositeArray struct {
	rows      int
	bytes     []byte
	rowStart  int // of the tuple that is being written
	rowFields int // of it
}

// compositeArrayPool keeps the memory of batches that were sent.
var compositeArrayPool = sync.Pool{New: func() any { return new(compositeArray) }}

func newCompositeArray() *compositeArray { return compositeArrayPool.Get().(*compositeArray) }

// release gives the memory of tuples that were sent to the next batch. A tracer may keep
// what was sent, so where there is one they are its.
func (s *Store) release(sent ...*compositeArray) {
	for _, t := range sent {
		if s.hasTracer || cap(t.bytes) > maxPooledBytes {
			continue
		}
		t.rows, t.bytes = 0, t.bytes[:0]
		compositeArrayPool.Put(t)
	}
}

// maxPooledBytes is how many bytes are worth keeping: a batch of the Dispatcher's takes a
// tenth of that.
const maxPooledBytes = 1 << 20

// String says nothing of what is in the tuples: a tracer may print it.
func (t *compositeArray) String() string { return fmt.Sprintf("%d tuples", t.rows) }

// GoString is [tuples.String].
func (t *compositeArray) GoString() string { return t.String() }

// beginRow begins a tuple, whose fields are then added in the type's order.
func (t *compositeArray) beginRow() {
	t.rowStart, t.rowFields = len(t.bytes), 0
	t.bytes = append(t.bytes, 0, 0, 0, 0, 0, 0, 0, 0) // its size, and the number of fields
}

func (t *compositeArray) endRow() {
	binary.BigEndian.PutUint32(t.bytes[t.rowStart:], uint32(len(t.bytes)-t.rowStart-4))
	binary.BigEndian.PutUint32(t.bytes[t.rowStart+4:], uint32(t.rowFields))
	t.rows++
}

func (t *compositeArray) addField(oid uint32, size int) {
	t.bytes = binary.BigEndian.AppendUint32(t.bytes, oid)
	t.bytes = binary.BigEndian.AppendUint32(t.bytes, uint32(size))
	t.rowFields++
}

// addNull adds NULL as a value of the type.
func (t *compositeArray) addNull(oid uint32) { t.addField(oid, -1) }

func (t *compositeArray) addUUID(v uuid.UUID) {
	t.addField(pgtype.UUIDOID, len(v))
	t.bytes = append(t.bytes, v[:]...)
}

func (t *compositeArray) addInt8(v int64) {
	t.addField(pgtype.Int8OID, 8)
	t.bytes = binary.BigEndian.AppendUint64(t.bytes, uint64(v))
}

// addInt8OrNull adds a number, or NULL if it is not valid.
func (t *compositeArray) addInt8OrNull(v pgtype.Int8) {
	if !v.Valid {
		t.addNull(pgtype.Int8OID)
		return
	}
	t.addInt8(v.Int64)
}

func (t *compositeArray) addInt4(v int32) {
	t.addField(pgtype.Int4OID, 4)
	t.bytes = binary.BigEndian.AppendUint32(t.bytes, uint32(v))
}

func (t *compositeArray) addInt2(v int16) {
	t.addField(pgtype.Int2OID, 2)
	t.bytes = binary.BigEndian.AppendUint16(t.bytes, uint16(v))
}

func (t *compositeArray) addText(v string) {
	t.addField(pgtype.TextOID, len(v))
	t.bytes = append(t.bytes, v...)
}

// addTextOrNull adds a text, or NULL for "".
func (t *compositeArray) addTextOrNull(v string) {
	if v == "" {
		t.addNull(pgtype.TextOID)
		return
	}
	t.addText(v)
}

func (t *compositeArray) addBytea(v []byte) {
	t.addField(pgtype.ByteaOID, len(v))
	t.bytes = append(t.bytes, v...)
}

// pgEpoch is where PostgreSQL counts microseconds from.
var pgEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// addTimeOrNull adds a time, or NULL for the zero one.
func (t *compositeArray) addTimeOrNull(v time.Time) {
	if v.IsZero() {
		t.addNull(pgtype.TimestamptzOID)
		return
	}
	t.addTime(v)
}

func (t *compositeArray) addTime(v time.Time) {
	t.addField(pgtype.TimestamptzOID, 8)
	t.bytes = binary.BigEndian.AppendUint64(t.bytes, uint64(v.UnixMicro()-pgEpoch.UnixMicro()))
}

// TextValue implements [pgtype.TextValuer].
func (t *compositeArray) TextValue() (pgtype.Text, error) {
	var array, record strings.Builder
	next := func(b []byte) (n int, rest []byte) { return int(int32(binary.BigEndian.Uint32(b))), b[4:] }
	array.WriteByte('{')
	for b := t.bytes; len(b) > 0; {
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

// writeQuoted writes a text as one part of an array or a composite value.
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

// textFormat returns the text format of a value in the binary one.
func textFormat(oid uint32, v []byte) (string, error) {
	switch oid {
	case pgtype.UUIDOID:
		return uuid.UUID(v).String(), nil
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

// compositeArrayCodec writes tuples for a connection that knows their type.
type compositeArrayCodec struct {
	pgtype.ByteaCodec // nothing is read, but as it comes

	element uint32 // the composite type
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
	t := value.(*compositeArray)
	b = slices.Grow(b, 20+len(t.bytes))
	b = binary.BigEndian.AppendUint32(b, 1) // dimensions
	b = binary.BigEndian.AppendUint32(b, 0) // no element is NULL
	b = binary.BigEndian.AppendUint32(b, c.element)
	b = binary.BigEndian.AppendUint32(b, uint32(t.rows))
	b = binary.BigEndian.AppendUint32(b, 1) // the first index
	return append(b, t.bytes...), nil
}

// compositeArrayTypes are the types of tuples.
var compositeArrayTypes = []string{
	"smsplus_new_message[]", "smsplus_new_state[]", "smsplus_new_attempt[]", "smsplus_new_delta[]", "smsplus_new_route[]",
}

// acquire returns a connection that knows the types of the tuples.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.registerTypes(ctx, conn.Conn()); err != nil {
		conn.Release()
		return nil, err
	}
	return conn, nil
}

// registerTypes has a connection know the types of the tuples, whose numbers are others in
// every database.
func (s *Store) registerTypes(ctx context.Context, conn *pgx.Conn) error {
	known := conn.TypeMap()
	if t, ok := known.TypeForName(s.compositeArrayTypes[0]); ok {
		if _, ok := t.Codec.(compositeArrayCodec); ok {
			return nil
		}
	}
	rows, err := conn.Query(ctx, s.statements.arrayTypes, s.compositeArrayTypes)
	if err != nil {
		return err
	}
	types, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pgtype.Type, error) {
		var t pgtype.Type
		var codec compositeArrayCodec
		err := row.Scan(&t.Name, &t.OID, &codec.element)
		t.Codec = codec
		return &t, err
	})
	if err == nil && len(types) < len(s.compositeArrayTypes) {
		err = errors.New("a type of the schema is not there")
	}
	if err != nil {
		return err
	}
	known.RegisterTypes(types)
	return nil
}
