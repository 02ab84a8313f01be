package sqlitestore_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/replay"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
)

// Schema 1 does not say which step the holder of a message may be sending. It is derived
// from the attempts.
func TestMigrate_HeldMessageIsPerhapsOnItsWay(t *testing.T) {
	t.Parallel()
	for _, held := range replay.HeldMessages() {
		t.Run(held.Name, func(t *testing.T) {
			t.Parallel()
			s, path := openStore(t, sqlitestore.Options{})
			m := held.Message
			_, err := s.Insert(t.Context(), []smsplus.Message{m})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			// Back to schema 1, as far as the migration looks at it.
			db, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			_, err = db.ExecContext(t.Context(), "ALTER TABLE smsplus_message DROP COLUMN sending; "+
				"ALTER TABLE smsplus_message DROP COLUMN holder; ALTER TABLE smsplus_message DROP COLUMN recipient_ids; "+
				"DROP INDEX smsplus_message_reference; DROP INDEX smsplus_message_reason; "+
				"ALTER TABLE smsplus_message DROP COLUMN reference; ALTER TABLE smsplus_message DROP COLUMN reasons; "+
				"DROP TABLE smsplus_sheet; ALTER TABLE smsplus_tally DROP COLUMN stamp; "+
				"DROP TABLE smsplus_recipient; DROP TABLE smsplus_pause; DROP TABLE smsplus_heartbeat; DROP TABLE smsplus_set_aside; "+
				"DELETE FROM smsplus_migration WHERE version >= 2")
			require.NoError(t, err)
			require.NoError(t, db.Close())
			require.NoError(t, sqlitestore.Migrate(t.Context(), path))
			m.Sending = held.WantSending
			have, err := reopen(t, path, sqlitestore.Options{}).Message(t.Context(), m.ID)
			require.NoError(t, err)
			require.Equal(t, m, have)
		})
	}
}
