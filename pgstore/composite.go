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

// tuples are rows as one parameter: an array of a composite type. They are kept in the
// binary format of composite values, and sent so where the connection knows their type
// (see [Store.introduce]); as text elsewhere, which is what connections need that
// prepare no statements ([pgx.QueryExecModeExec], [pgx.QueryExecModeSimpleProtocol]).
//
// The formats: PostgreSQL's record_recv and array_recv (src/backend/utils/adt), and its
// documentation, sections 8.15.6 and 8.16.6.
type tuples struct {
	n      int
	bytes  []byte
	start  int // of the tuple that is being written
	fields int // of it
}

// tuplesPool keeps the memory of batches that were sent.
var tuplesPool = sync.Pool{New: func() any { return new(tuples) }}

func newTuples() *tuples { return tuplesPool.Get().(*tuples) }

// reuse gives the memory of tuples that were sent to the next batch. A tracer may keep
// what was sent, so where there is one they are its.
func (s *Store) reuse(sent ...*tuples) {
	for _, t := range sent {
		if s.traced || cap(t.bytes) > mostReused {
			continue
		}
		t.n, t.bytes = 0, t.bytes[:0]
		tuplesPool.Put(t)
	}
}

// mostReused is how many bytes are worth keeping: a batch of the Dispatcher's takes a
// tenth of that.
const mostReused = 1 << 20

// String says nothing of what is in the tuples: a tracer may print it.
func (t *tuples) String() string { return fmt.Sprintf("%d tuples", t.n) }

// GoString is [tuples.String].
func (t *tuples) GoString() string { return t.String() }

// begin begins a tuple, whose fields are then added in the type's order.
func (t *tuples) begin() {
	t.start, t.fields = len(t.bytes), 0
	t.bytes = append(t.bytes, 0, 0, 0, 0, 0, 0, 0, 0) // its size, and the number of fields
}

func (t *tuples) end() {
	binary.BigEndian.PutUint32(t.bytes[t.start:], uint32(len(t.bytes)-t.start-4))
	binary.BigEndian.PutUint32(t.bytes[t.start+4:], uint32(t.fields))
	t.n++
}

func (t *tuples) field(oid uint32, size int) {
	t.bytes = binary.BigEndian.AppendUint32(t.bytes, oid)
	t.bytes = binary.BigEndian.AppendUint32(t.bytes, uint32(size))
	t.fields++
}

// null adds NULL as a value of the type.
func (t *tuples) null(oid uint32) { t.field(oid, -1) }

func (t *tuples) uuid(v uuid.UUID) {
	t.field(pgtype.UUIDOID, len(v))
	t.bytes = append(t.bytes, v[:]...)
}

func (t *tuples) int8(v int64) {
	t.field(pgtype.Int8OID, 8)
	t.bytes = binary.BigEndian.AppendUint64(t.bytes, uint64(v))
}

// int8OrNull adds a number, or NULL if it is not valid.
func (t *tuples) int8OrNull(v pgtype.Int8) {
	if !v.Valid {
		t.null(pgtype.Int8OID)
		return
	}
	t.int8(v.Int64)
}

func (t *tuples) int4(v int32) {
	t.field(pgtype.Int4OID, 4)
	t.bytes = binary.BigEndian.AppendUint32(t.bytes, uint32(v))
}

func (t *tuples) int2(v int16) {
	t.field(pgtype.Int2OID, 2)
	t.bytes = binary.BigEndian.AppendUint16(t.bytes, uint16(v))
}

func (t *tuples) text(v string) {
	t.field(pgtype.TextOID, len(v))
	t.bytes = append(t.bytes, v...)
}

// textOrNull adds a text, or NULL for "".
func (t *tuples) textOrNull(v string) {
	if v == "" {
		t.null(pgtype.TextOID)
		return
	}
	t.text(v)
}

func (t *tuples) bytea(v []byte) {
	t.field(pgtype.ByteaOID, len(v))
	t.bytes = append(t.bytes, v...)
}

// millennium is where PostgreSQL counts microseconds from.
var millennium = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// timeOrNull adds a time, or NULL for the zero one.
func (t *tuples) timeOrNull(v time.Time) {
	if v.IsZero() {
		t.null(pgtype.TimestamptzOID)
		return
	}
	t.time(v)
}

func (t *tuples) time(v time.Time) {
	t.field(pgtype.TimestamptzOID, 8)
	t.bytes = binary.BigEndian.AppendUint64(t.bytes, uint64(v.UnixMicro()-millennium.UnixMicro()))
}

// TextValue implements [pgtype.TextValuer].
func (t *tuples) TextValue() (pgtype.Text, error) {
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
			text, err := textOf(uint32(oid), b[:size])
			if err != nil {
				return pgtype.Text{}, err
			}
			quote(&record, text)
			b = b[size:]
		}
		quote(&array, "("+record.String()+")")
	}
	array.WriteByte('}')
	return pgtype.Text{String: array.String(), Valid: true}, nil
}

// quote writes a text as one part of an array or a composite value.
func quote(b *strings.Builder, text string) {
	b.WriteByte('"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	b.WriteByte('"')
}

// textOf returns the text format of a value in the binary one.
func textOf(oid uint32, v []byte) (string, error) {
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
		at := time.UnixMicro(int64(binary.BigEndian.Uint64(v)) + millennium.UnixMicro())
		return at.UTC().Format("2006-01-02 15:04:05.999999Z07:00"), nil
	}
	return "", fmt.Errorf("a field's type is unknown (%d)", oid)
}

// tuplesCodec writes tuples for a connection that knows their type.
type tuplesCodec struct {
	pgtype.ByteaCodec // nothing is read, but as it comes

	element uint32 // the composite type
}

func (tuplesCodec) FormatSupported(format int16) bool { return format == pgtype.BinaryFormatCode }

func (tuplesCodec) PreferredFormat() int16 { return pgtype.BinaryFormatCode }

func (c tuplesCodec) PlanEncode(_ *pgtype.Map, _ uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(*tuples); !ok || format != pgtype.BinaryFormatCode {
		return nil
	}
	return c
}

// Encode implements [pgtype.EncodePlan] with the binary format of arrays.
func (c tuplesCodec) Encode(value any, b []byte) ([]byte, error) {
	t := value.(*tuples)
	b = slices.Grow(b, 20+len(t.bytes))
	b = binary.BigEndian.AppendUint32(b, 1) // dimensions
	b = binary.BigEndian.AppendUint32(b, 0) // no element is NULL
	b = binary.BigEndian.AppendUint32(b, c.element)
	b = binary.BigEndian.AppendUint32(b, uint32(t.n))
	b = binary.BigEndian.AppendUint32(b, 1) // the first index
	return append(b, t.bytes...), nil
}

// tupleTypes are the types of tuples.
var tupleTypes = []string{
	"smsplus_new_message[]", "smsplus_new_state[]", "smsplus_new_attempt[]", "smsplus_new_delta[]", "smsplus_new_route[]",
}

// acquire returns a connection that knows the types of the tuples.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.introduce(ctx, conn.Conn()); err != nil {
		conn.Release()
		return nil, err
	}
	return conn, nil
}

// introduce has a connection know the types of the tuples, whose numbers are others in
// every database.
func (s *Store) introduce(ctx context.Context, conn *pgx.Conn) error {
	known := conn.TypeMap()
	if t, ok := known.TypeForName(s.tupleTypes[0]); ok {
		if _, ok := t.Codec.(tuplesCodec); ok {
			return nil
		}
	}
	rows, err := conn.Query(ctx, s.statements.arrayTypes, s.tupleTypes)
	if err != nil {
		return err
	}
	types, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pgtype.Type, error) {
		var t pgtype.Type
		var codec tuplesCodec
		err := row.Scan(&t.Name, &t.OID, &codec.element)
		t.Codec = codec
		return &t, err
	})
	if err == nil && len(types) < len(s.tupleTypes) {
		err = errors.New("a type of the schema is not there")
	}
	if err != nil {
		return err
	}
	known.RegisterTypes(types)
	return nil
}
