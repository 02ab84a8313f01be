package pgstore

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

func TestRetry_RepeatsAbortedTransactions(t *testing.T) {
	t.Parallel()
	s := &Store{options: Options{}.withDefaults()}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	give := func(code string) error {
		return fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: code, Detail: "a secret"})
	}
	for _, tt := range []struct {
		name  string
		ctx   context.Context
		err   error
		fails int // how many calls fail before one succeeds
		calls int
		ok    bool
	}{
		{"a call that succeeds", t.Context(), nil, 0, 1, true},
		{"serialization failures", t.Context(), give("40001"), 3, 4, true},
		{"a deadlock", t.Context(), give("40P01"), 1, 2, true},
		{"failures without end", t.Context(), give("40001"), 1000, maxTries, false},
		{"another error", t.Context(), give("23505"), 1, 1, false},
		{"an error that is not the database's", t.Context(), errors.New("no connection"), 1, 1, false},
		{"a context that has ended", ended, nil, 0, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			err := s.retryCall(tt.ctx, "op", func(ctx context.Context) error {
				deadline, ok := ctx.Deadline()
				require.True(t, ok, "every call has a deadline")
				require.LessOrEqual(t, time.Until(deadline), defaultTimeout)
				if calls++; calls <= tt.fails {
					return tt.err
				}
				return nil
			})
			require.Equal(t, tt.calls, calls)
			if tt.ok {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			require.NotContains(t, fmt.Sprintf("%+v", err), "secret")
		})
	}
}
