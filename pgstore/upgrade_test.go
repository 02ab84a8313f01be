package pgstore_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/internal/replay"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Schema 2 does not say which step the holder of a message may be sending. The migration
// derives it from the attempts.
func TestMigrate_HeldMessageIsPerhapsOnItsWay(t *testing.T) {
	t.Parallel()
	for _, held := range replay.HeldMessages() {
		for _, monthly := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, by months %v", held.Name, monthly), func(t *testing.T) {
				t.Parallel()
				pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: monthly}
				m := held.Message
				insertAll(t, openStore(t, pool, o), m)
				// Back to schema 2, as far as the migration looks at it.
				execIn(t, pool, o.Schema, "DROP FUNCTION %smsplus_mark_delta_sheets, %smsplus_mark_total_sheets, %smsplus_note_recount CASCADE; "+
					"DROP TABLE %smsplus_sheet; ALTER TABLE %smsplus_state DROP COLUMN sending, DROP COLUMN holder; "+
					"DROP TYPE %smsplus_new_message_3; DROP TYPE %smsplus_new_state_3; "+
					"ALTER TABLE %smsplus_message DROP COLUMN recipient_ids; DROP TYPE %smsplus_new_message_4; "+
					"ALTER TABLE %smsplus_message DROP COLUMN reference; ALTER TABLE %smsplus_state DROP COLUMN reasons; "+
					"DROP TYPE %smsplus_new_message_6; DROP TYPE %smsplus_new_state_6; "+
					"ALTER TABLE %smsplus_delta ALTER COLUMN id DROP DEFAULT; ALTER TABLE %smsplus_delta ALTER COLUMN id TYPE bigint USING 1; "+
					"ALTER TABLE %smsplus_delta ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY; "+
					"DROP TABLE %smsplus_pause, %smsplus_heartbeat, %smsplus_set_aside; DELETE FROM %smsplus_migration WHERE version >= 3")
				m.Sending = held.WantSending
				have, err := openStore(t, pool, o).Message(t.Context(), m.ID)
				require.NoError(t, err)
				require.Equal(t, m, have)
			})
		}
	}
}

// A process of the release before may run on for a while: its rows have the defaults of the
// new columns, and its types stay.
func TestMigrate_LeavesTypesOfReleaseBefore(t *testing.T) {
	t.Parallel()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	s := openStore(t, pool, o)
	insertAll(t, s, fullMessage(1))
	execIn(t, pool, o.Schema, `INSERT INTO %smsplus_message SELECT triggered_at, '00000000-0000-0000-0000-000000000002', route, template, country, phone, NULL, fixed
		FROM %smsplus_message`)
	execIn(t, pool, o.Schema, `INSERT INTO %smsplus_state (id, triggered_at, template, due_at, version, claims, status, tab, channel, lane, tally, body)
		SELECT (n).id, (n).triggered_at, (n).template, (n).due_at, (n).version, (n).claims, (n).status, (n).tab, (n).channel, (n).lane, (n).tally, (n).body
		FROM (SELECT ROW('00000000-0000-0000-0000-000000000002', triggered_at, template, 0, NULL, NULL, NULL, '', due_at, version, claims,
			status, tab, channel, lane, tally, body)::%smsplus_new_message AS n FROM %smsplus_state) old`)
	have, err := s.Message(t.Context(), uuid.MustParse("00000000-0000-0000-0000-000000000002"))
	require.NoError(t, err)
	require.Equal(t, -1, have.Sending)
	require.Zero(t, have.Holder)
}

// Logical replication needs a primary key to find a row by, and copies no sequence.
func TestMigrate_SuitsLogicalReplication(t *testing.T) {
	t.Parallel()
	for _, monthly := range []bool{false, true} {
		pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: monthly}
		openStore(t, pool, o)
		require.Empty(t, queryTexts(t, pool, "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)", o.Schema))
		require.Empty(t, queryTexts(t, pool, "SELECT relname FROM pg_class c WHERE relkind IN ('r', 'p') AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) "+
			"AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)", o.Schema))
	}
}

func TestStats_CountPastInt32(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, mode := range []bool{false, true} {
		pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: mode}
		s := openStore(t, pool, o)
		insertAll(t, s, fullMessage(1))
		require.NoError(t, s.Maintain(ctx, noon))
		execIn(t, pool, o.Schema, "UPDATE %smsplus_total SET undeliverable = $1", int64(math.MaxInt32))
		insertAll(t, s, fullMessage(2))
		over := math.MaxInt32 // a constant sum would not compile for 32 bits
		over++
		for range 2 {
			rows, err := s.Stats(ctx, smsplus.Filter{})
			require.NoError(t, err)
			require.Equal(t, []smsplus.TemplateStats{{Template: "otp", Triggered: over, Undeliverable: over}}, rows)
			require.NoError(t, s.Maintain(ctx, noon))
		}
		if mode {
			n, err := s.DropMonths(ctx, noon.AddDate(0, 2, 0))
			require.NoError(t, err)
			require.Zero(t, n, "the messages are in the default partition")
		}
	}
}

// A store whose clock is ahead takes the lease for a time that the others do not reach soon.
func TestFold_ClockAheadStopsNobody(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
	deltas := func() (n int) {
		require.NoError(t, pool.QueryRow(ctx, "SELECT count(*) FROM "+dbName(o.Schema, "smsplus_delta")).Scan(&n))
		return n
	}
	ahead, other := openStore(t, pool, o), openStore(t, pool, o)
	require.NoError(t, ahead.Maintain(ctx, noon.AddDate(0, 0, 1)))
	insertAll(t, other, fullMessage(1))
	require.NoError(t, other.Maintain(ctx, noon))
	require.Zero(t, deltas())

	insertAll(t, other, fullMessage(2))
	require.NoError(t, ahead.Maintain(ctx, noon.Add(time.Second)))
	require.Positive(t, deltas(), "a lease of now is respected")

	// The clock is set right while the store runs.
	claim := smsplus.Claim{Now: noon.AddDate(0, 0, 2), Lease: time.Minute, Limit: 1, Holder: 1}
	for _, now := range []time.Time{noon.AddDate(0, 0, 2), noon.Add(time.Hour)} {
		claim.Now = now
		_, err := ahead.Claim(ctx, claim)
		require.NoError(t, err)
		for deltas() > 0 { // it folds in the background
			require.NoError(t, ctx.Err())
		}
		insertAll(t, other, fullMessage(10+now.Day()))
	}
}
