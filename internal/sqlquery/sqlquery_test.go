package sqlquery_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/sqlquery"
)

func TestArgs_PlaceholdersFollowTheDialect(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		placeholder sqlquery.Placeholder
		want        []string
	}{
		"numbered":   {sqlquery.Numbered, []string{"$1", "$2"}},
		"positional": {sqlquery.Positional, []string{"?", "?"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := sqlquery.NewArgs[any](tt.placeholder)
			require.Empty(t, args.Values())
			require.Equal(t, tt.want, []string{args.Add("a"), args.Add(2)})
			require.Equal(t, []any{"a", 2}, args.Values())
		})
	}
}

func TestConditions_AllMustHold(t *testing.T) {
	t.Parallel()
	var where sqlquery.Conditions
	require.Empty(t, where.Where())
	where.Add("a = $1")
	require.Equal(t, " WHERE a = $1", where.Where())
	where.Add("b = $2")
	require.Equal(t, " WHERE a = $1 AND b = $2", where.Where())
}
