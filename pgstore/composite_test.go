package pgstore

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/smsplus"
)

// drawCompositeArray returns states with arbitrary values, and with all characters that
// the text format quotes.
func drawCompositeArray(t *rapid.T) *compositeArray {
	var (
		text  = rapid.StringOf(rapid.RuneFrom([]rune(`a"\,(){}'é界 ` + "\n\t")))
		bytes = rapid.SliceOf(rapid.Byte())
		times = rapid.Custom(func(t *rapid.T) time.Time {
			if rapid.Bool().Draw(t, "null") {
				return time.Time{}
			}
			return time.UnixMicro(rapid.Int64Range(-1e15, 4e15).Draw(t, "µs"))
		})
		rows = newCompositeArray()
	)
	for range rapid.IntRange(0, 4).Draw(t, "n") {
		rows.beginRow()
		rows.addUUID(uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")))
		rows.addTime(times.Draw(t, "triggered_at"))
		rows.addInt8(rapid.Int64().Draw(t, "version"))
		rows.addTimeOrNull(times.Draw(t, "due_at"))
		rows.addInt4(rapid.Int32().Draw(t, "claims"))
		rows.addInt2(rapid.Int16().Draw(t, "sending"))
		rows.addInt8(rapid.Int64().Draw(t, "holder"))
		rows.addInt2(rapid.Int16().Draw(t, "status"))
		rows.addInt2(rapid.Int16().Draw(t, "tab"))
		rows.addText(text.Draw(t, "channel"))
		rows.addTextOrNull(text.Draw(t, "lane"))
		rows.addText(text.Draw(t, "tally"))
		rows.addTextOrNull(text.Draw(t, "reasons"))
		rows.addBytea(bytes.Draw(t, "body"))
		rows.addText(text.Draw(t, "last"))
		rows.addInt8OrNull(pgtype.Int8{Int64: rapid.Int64().Draw(t, "name"), Valid: rapid.Bool().Draw(t, "named")})
		rows.addTextOrNull(text.Draw(t, "names"))
		rows.endRow()
	}
	return rows
}

func TestCompositeArray_PrintsNoValues(t *testing.T) {
	t.Parallel()
	rows := newCompositeArray()
	rows.beginRow()
	rows.addText("+886912345678")
	rows.endRow()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, "1 rows", fmt.Sprintf(format, rows))
	}
}

// argumentTracer is a tracer that keeps the arrays among the arguments.
type argumentTracer struct{ arrays []*compositeArray }

func (k *argumentTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	for _, arg := range q.Args {
		if t, ok := arg.(*compositeArray); ok {
			k.arrays = append(k.arrays, t)
		}
	}
	return ctx
}

func (*argumentTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestCompositeArray_TracerMayKeepArguments(t *testing.T) {
	t.Parallel()
	o := Options{Schema: pgtest.Schema(t)}
	var kept argumentTracer
	pool := pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = &kept })
	require.NoError(t, Migrate(t.Context(), pool, o))
	s, err := New(t.Context(), pool, o)
	require.NoError(t, err)
	defer s.Close() //nolint:errcheck // it never fails
	for n := range 3 {
		_, err := s.Update(t.Context(), make([]smsplus.Message, n)) // all with the same ID, so that one is sent
		require.NoError(t, err)
	}
	require.Len(t, kept.arrays, 3)
	for n, sent := range kept.arrays {
		require.Equal(t, min(n, 1), sent.rows)
	}
}

func TestCompositeArray_FormatsAreEqual(t *testing.T) {
	t.Parallel()
	o := Options{Schema: pgtest.Schema(t)}
	pool := pgtest.Pool(t, func(c *pgxpool.Config) { c.MaxConns = 1 })
	require.NoError(t, Migrate(t.Context(), pool, o))
	s, err := New(t.Context(), pool, o)
	require.NoError(t, err)
	defer s.Close() //nolint:errcheck // it never fails
	conn, err := s.acquireConn(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	sql := strings.ReplaceAll("SELECT cardinality($1::TYPE[]), cardinality($2::text::TYPE[]), $1::TYPE[] = $2::text::TYPE[]",
		"TYPE", o.qualifier()+newStateType.name)
	prepared, err := conn.Conn().Prepare(t.Context(), "both", sql)
	require.NoError(t, err)
	require.EqualValues(t, pgtype.BinaryFormatCode, conn.Conn().TypeMap().FormatCodeForOID(prepared.ParamOIDs[0]))
	rapid.Check(t, func(rt *rapid.T) {
		ts := drawCompositeArray(rt)
		defer s.releaseArrays(ts)
		text, err := ts.TextValue()
		require.NoError(t, err)
		var binary, asText int
		var same bool
		require.NoError(t, conn.QueryRow(t.Context(), "both", ts, text.String).Scan(&binary, &asText, &same))
		require.Equal(t, ts.rows, binary)
		require.Equal(t, ts.rows, asText)
		require.True(t, same, text.String)
	})
}
