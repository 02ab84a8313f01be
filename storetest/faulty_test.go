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

// counting is a store whose calls all succeed and are counted.
type counting struct{ calls []string }

func (s *counting) called(name string) { s.calls = append(s.calls, name) }

func (s *counting) Insert(context.Context, []smsplus.Message) (map[string]smsplus.Message, error) {
	s.called("Insert")
	return map[string]smsplus.Message{"key": {}}, nil
}

func (s *counting) Claim(context.Context, smsplus.Claim) (smsplus.Claimed, error) {
	s.called("Claim")
	return smsplus.Claimed{DueAt: time.Unix(1, 0)}, nil
}

func (s *counting) Update(context.Context, []smsplus.Message) ([]uuid.UUID, error) {
	s.called("Update")
	return []uuid.UUID{{1}}, nil
}

func (s *counting) Message(context.Context, uuid.UUID) (smsplus.Message, error) {
	s.called("Message")
	return smsplus.Message{Version: 1}, nil
}

func (s *counting) ByProviderID(context.Context, []channel.Ref) ([]smsplus.Message, error) {
	s.called("ByProviderID")
	return []smsplus.Message{{}}, nil
}

func (s *counting) Park(context.Context, []channel.Receipt) error {
	s.called("Park")
	return nil
}

func (s *counting) Parked(context.Context, []channel.Ref) ([]channel.Receipt, error) {
	s.called("Parked")
	return []channel.Receipt{{}}, nil
}

func (s *counting) Unpark(context.Context, []channel.Ref) error {
	s.called("Unpark")
	return nil
}

func (s *counting) Records(context.Context, smsplus.Filter) (smsplus.Page, error) {
	s.called("Records")
	return smsplus.Page{Next: "next"}, nil
}

func (s *counting) Stats(context.Context, smsplus.Filter) ([]smsplus.TemplateStats, error) {
	s.called("Stats")
	return []smsplus.TemplateStats{{}}, nil
}

func (s *counting) Purge(context.Context, time.Time, int) (int, error) {
	s.called("Purge")
	return 1, nil
}

func (s *counting) Close() error {
	s.called("Close")
	return nil
}

// call calls a store's method by its name, with zero arguments, and returns its
// results, the error apart.
func call(t *testing.T, s smsplus.Store, method string) (results []any, err error) {
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

func TestFaultyFailsEveryCallBeforeOrAfterItTakesEffect(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	for m := range reflect.TypeFor[smsplus.Store]().Methods() {
		method := m.Name
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			inner := &counting{}
			s := &storetest.Faulty{Store: inner}
			plain, err := call(t, s, method)
			require.NoError(t, err, "without funcs nothing fails")
			require.Equal(t, []string{method}, inner.calls, "the store is called")
			for _, result := range plain {
				require.NotZero(t, result, "the store's results come back")
			}
			if method == "Close" {
				return
			}

			on := func(name string) error {
				require.Equal(t, method, name, "a func is handed the method's name")
				return fault
			}
			s.Before = on
			results, err := call(t, s, method)
			require.ErrorIs(t, err, fault, "the error of Before is the call's")
			require.Len(t, inner.calls, 1, "the store does not hear of the call")
			for _, result := range results {
				require.Zero(t, result, "a failed call returns nothing")
			}

			s.Before, s.After = nil, on
			results, err = call(t, s, method)
			require.ErrorIs(t, err, fault, "the error of After is the call's")
			require.Len(t, inner.calls, 2, "the call takes effect")
			for _, result := range results {
				require.Zero(t, result, "a failed call returns nothing")
			}

			s.Before, s.After = func(string) error { return nil }, func(string) error { return nil }
			again, err := call(t, s, method)
			require.NoError(t, err, "funcs that return nil fail nothing")
			require.Equal(t, plain, again, "the store's results come back")
		})
	}
}
