package storetest_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/storetest"
)

// recordingStore records the names of its calls. Every call succeeds.
type recordingStore struct{ calls []string }

func (s *recordingStore) record(name string) { s.calls = append(s.calls, name) }

func (s *recordingStore) Insert(context.Context, []smsplus.Message) (map[string]smsplus.Message, error) {
	s.record("Insert")
	return map[string]smsplus.Message{"key": {}}, nil
}

func (s *recordingStore) Claim(context.Context, smsplus.Claim) (smsplus.Claimed, error) {
	s.record("Claim")
	return smsplus.Claimed{Next: time.Unix(1, 0)}, nil
}

func (s *recordingStore) Update(context.Context, []smsplus.Message) ([]uuid.UUID, error) {
	s.record("Update")
	return []uuid.UUID{{1}}, nil
}

func (s *recordingStore) SetAside(context.Context, []smsplus.Unreadable, time.Time) error {
	s.record("SetAside")
	return nil
}

func (s *recordingStore) Message(context.Context, uuid.UUID) (smsplus.Message, error) {
	s.record("Message")
	return smsplus.Message{Version: 1}, nil
}

func (s *recordingStore) ByProviderID(context.Context, []channel.Ref) ([]smsplus.Message, error) {
	s.record("ByProviderID")
	return []smsplus.Message{{}}, nil
}

func (s *recordingStore) Park(context.Context, []channel.Receipt) error {
	s.record("Park")
	return nil
}

func (s *recordingStore) Parked(context.Context, []channel.Ref) ([]channel.Receipt, error) {
	s.record("Parked")
	return []channel.Receipt{{}}, nil
}

func (s *recordingStore) ListParked(context.Context, string, int) ([]channel.Receipt, string, error) {
	s.record("ListParked")
	return []channel.Receipt{{}}, "next", nil
}

func (s *recordingStore) Unpark(context.Context, []channel.Ref) error {
	s.record("Unpark")
	return nil
}

func (s *recordingStore) Records(context.Context, smsplus.Filter) (smsplus.Page, error) {
	s.record("Records")
	return smsplus.Page{Next: "next"}, nil
}

func (s *recordingStore) Stats(context.Context, smsplus.Filter) ([]smsplus.TemplateStats, error) {
	s.record("Stats")
	return []smsplus.TemplateStats{{}}, nil
}

func (s *recordingStore) StatsBy(context.Context, smsplus.Filter, smsplus.Grouping) ([]smsplus.GroupStats, error) {
	s.record("StatsBy")
	return []smsplus.GroupStats{{}}, nil
}

func (s *recordingStore) Purge(context.Context, time.Time, int) (int, error) {
	s.record("Purge")
	return 1, nil
}

func (s *recordingStore) SetPause(context.Context, smsplus.Pause) error {
	s.record("SetPause")
	return nil
}

func (s *recordingStore) ClearPause(context.Context, smsplus.Pause) error {
	s.record("ClearPause")
	return nil
}

func (s *recordingStore) Pauses(context.Context) ([]smsplus.Pause, error) {
	s.record("Pauses")
	return []smsplus.Pause{{}}, nil
}

func (s *recordingStore) Beat(context.Context, smsplus.Heartbeat) error {
	s.record("Beat")
	return nil
}

func (s *recordingStore) Heartbeats(context.Context, time.Time) ([]smsplus.Heartbeat, error) {
	s.record("Heartbeats")
	return []smsplus.Heartbeat{{}}, nil
}

func (s *recordingStore) Backlog(context.Context, time.Time) ([]smsplus.LaneBacklog, error) {
	s.record("Backlog")
	return []smsplus.LaneBacklog{{}}, nil
}

func (s *recordingStore) Close() error {
	s.record("Close")
	return nil
}

// callWithZeroArgs calls a method by its name with zero arguments. It returns the error
// separately from the other results.
func callWithZeroArgs(t *testing.T, s smsplus.Store, method string) (results []any, err error) {
	t.Helper()
	f := reflect.ValueOf(s).MethodByName(method)
	require.True(t, f.IsValid())
	var args []reflect.Value
	for in := range f.Type().Ins() {
		args = append(args, reflect.Zero(in))
	}
	for _, v := range f.Call(args) {
		results = append(results, v.Interface())
	}
	last := len(results) - 1
	err, _ = results[last].(error)
	return results[:last], err
}

func TestFaulty_FailsEveryCallBeforeOrAfterItTakesEffect(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	for m := range reflect.TypeFor[smsplus.Store]().Methods() {
		method := m.Name
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			inner := &recordingStore{}
			s := &storetest.Faulty{Store: inner}
			plain, err := callWithZeroArgs(t, s, method)
			require.NoError(t, err, "without funcs nothing fails")
			require.Equal(t, []string{method}, inner.calls, "the store is called")
			for _, result := range plain {
				require.NotZero(t, result, "the store's results are returned")
			}
			if method == "Close" {
				return
			}

			on := func(name string) error {
				require.Equal(t, method, name, "the argument of a func is the method's name")
				return fault
			}
			s.Before = on
			results, err := callWithZeroArgs(t, s, method)
			require.ErrorIs(t, err, fault, "the call returns the error of Before")
			require.Len(t, inner.calls, 1, "the store is not called")
			for _, result := range results {
				require.Zero(t, result, "a failed call returns nothing")
			}

			s.Before, s.After = nil, on
			results, err = callWithZeroArgs(t, s, method)
			require.ErrorIs(t, err, fault, "the call returns the error of After")
			require.Len(t, inner.calls, 2, "the call takes effect")
			for _, result := range results {
				require.Zero(t, result, "a failed call returns nothing")
			}

			s.Before, s.After = func(string) error { return nil }, func(string) error { return nil }
			again, err := callWithZeroArgs(t, s, method)
			require.NoError(t, err, "funcs that return nil fail nothing")
			require.Equal(t, plain, again, "the store's results are returned")
		})
	}
}
