package sqlitestore_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

// Schema 1 does not say which step the holder of a message may be sending. It is derived
// from the attempts.
func TestMigrate_HeldMessageIsPerhapsOnItsWay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		attempts []status.Status
		lane     channel.Name
		claims   int
		want     int
	}{
		{"not held", nil, channel.SMS, 0, -1},
		{"first step", nil, channel.SMS, 1, 0},
		{"first step again", []status.Status{status.Preparing}, channel.SMS, 3, 0},
		{"second step", []status.Status{status.Accepted}, channel.SMS, 1, 1},
		{"third step", []status.Status{status.Undeliverable, status.Failed}, channel.SMS, 1, 2},
		{"third step again", []status.Status{status.Undeliverable, status.Failed, status.Preparing}, channel.SMS, 1, 2},
		{"only to end", []status.Status{status.Accepted}, "", 1, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, path := openStore(t, sqlitestore.Options{})
			m := smsplus.Message{
				ID: uuid.New(), Template: "otp", To: channel.Recipient{Phone: number("+886912345678")}, TriggeredAt: opened,
				DueAt: opened, Lane: tt.lane, Channel: channel.SMS, Claims: tt.claims, Sending: -1, Version: 1, Plan: make([]smsplus.PlannedStep, 3),
			}
			for i, st := range tt.attempts {
				c := channel.Name(fmt.Sprint("channel ", i))
				m.Plan[i].Channel = c
				m.Attempts = append(m.Attempts, smsplus.Attempt{ID: uuid.New(), Step: i, Channel: c, Status: st})
				m.Status = st
			}
			_, err := s.Insert(t.Context(), []smsplus.Message{m})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			// Back to schema 1, as far as the migration looks at it.
			db, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			_, err = db.ExecContext(t.Context(), "ALTER TABLE smsplus_message DROP COLUMN sending; "+
				"ALTER TABLE smsplus_message DROP COLUMN holder; DELETE FROM smsplus_migration WHERE version = 2")
			require.NoError(t, err)
			require.NoError(t, db.Close())
			require.NoError(t, sqlitestore.Migrate(t.Context(), path))
			m.Sending = tt.want
			have, err := reopen(t, path, sqlitestore.Options{}).Message(t.Context(), m.ID)
			require.NoError(t, err)
			require.Equal(t, m, have)
		})
	}
}
