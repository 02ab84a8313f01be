package query_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

func TestChanges_PagesListEveryMessageOnce(t *testing.T) {
	t.Parallel()
	s := memstore.New()
	var ms []smsplus.Message
	for i := range smsplus.DefaultLimit + 5 {
		ms = append(ms, smsplus.Message{ID: uuid.UUID{byte(i)}, TriggeredAt: now.AddDate(0, -i, 0)})
	}
	_, err := s.Insert(t.Context(), ms)
	require.NoError(t, err)
	r := query.New(s, query.Options{Clock: mockClock(now)})
	first, err := r.Changes(t.Context(), "", 0)
	require.NoError(t, err)
	require.Len(t, first.Messages, smsplus.DefaultLimit)
	require.True(t, first.More)
	second, err := r.Changes(t.Context(), first.Next, 10)
	require.NoError(t, err)
	require.Len(t, second.Messages, 5, "however old they are")
	require.False(t, second.More)
}

func TestChanges_ErrorsAreNamed(t *testing.T) {
	t.Parallel()
	_, err := query.New(mockStore(), query.Options{}).Changes(t.Context(), "", 1)
	require.ErrorIs(t, err, smsplus.ErrChangesOff)
	r := query.New(memstore.New(), query.Options{})
	_, err = r.Changes(t.Context(), "", -1)
	require.ErrorIs(t, err, smsplus.ErrInvalidFilter)
	_, err = r.Changes(t.Context(), "elsewhere", 1)
	require.ErrorIs(t, err, smsplus.ErrChangesLost)
}
