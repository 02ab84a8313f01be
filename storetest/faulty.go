package storetest

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Faulty wraps a store and fails its calls when a test tells it to, before or after a call
// takes effect. It is for tests of code that uses a store: they simulate an outage, or a
// crash before or after a write.
//
//	store := &storetest.Faulty{Store: memstore.New()}
//	store.After = func(method string) error {
//		if method == "Update" {
//			return errors.New("the answer was lost")
//		}
//		return nil
//	}
//
// The argument of each func is the name of the method, such as "Insert". A nil func fails
// no call. Close never fails. A Faulty is safe for concurrent use if its funcs are, and if
// they are not replaced during a call.
type Faulty struct {
	smsplus.Store
	// Before runs before each call. If it returns an error, the call returns that error
	// and the store is not called.
	Before func(method string) error
	// After runs after each call that succeeded. If it returns an error, the call returns
	// that error although it has taken effect.
	After func(method string) error
}

var _ smsplus.Store = (*Faulty)(nil)

// Insert calls the store's Insert, if no func fails it.
func (f *Faulty) Insert(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
	return faulty(f, "Insert", func() (map[string]smsplus.Message, error) { return f.Store.Insert(ctx, ms) })
}

// Claim calls the store's Claim, if no func fails it.
func (f *Faulty) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	return faulty(f, "Claim", func() (smsplus.Claimed, error) { return f.Store.Claim(ctx, c) })
}

// Update calls the store's Update, if no func fails it.
func (f *Faulty) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	return faulty(f, "Update", func() ([]uuid.UUID, error) { return f.Store.Update(ctx, ms) })
}

// SetAside calls the store's SetAside, if no func fails it.
func (f *Faulty) SetAside(ctx context.Context, rows []smsplus.Unreadable, until time.Time) error {
	_, err := faulty(f, "SetAside", func() (struct{}, error) { return struct{}{}, f.Store.SetAside(ctx, rows, until) })
	return err
}

// Message calls the store's Message, if no func fails it.
func (f *Faulty) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	return faulty(f, "Message", func() (smsplus.Message, error) { return f.Store.Message(ctx, id) })
}

// ByProviderID calls the store's ByProviderID, if no func fails it.
func (f *Faulty) ByProviderID(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
	return faulty(f, "ByProviderID", func() ([]smsplus.Message, error) { return f.Store.ByProviderID(ctx, refs) })
}

// Park calls the store's Park, if no func fails it.
func (f *Faulty) Park(ctx context.Context, rs []channel.Receipt) error {
	_, err := faulty(f, "Park", func() (struct{}, error) { return struct{}{}, f.Store.Park(ctx, rs) })
	return err
}

// Parked calls the store's Parked, if no func fails it.
func (f *Faulty) Parked(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	return faulty(f, "Parked", func() ([]channel.Receipt, error) { return f.Store.Parked(ctx, refs) })
}

// ListParked calls the store's ListParked, if no func fails it.
func (f *Faulty) ListParked(ctx context.Context, after string, limit int) (rs []channel.Receipt, next string, err error) {
	rs, err = faulty(f, "ListParked", func() ([]channel.Receipt, error) {
		rs, next, err = f.Store.ListParked(ctx, after, limit)
		return rs, err
	})
	if err != nil {
		return nil, "", err
	}
	return rs, next, nil
}

// Unpark calls the store's Unpark, if no func fails it.
func (f *Faulty) Unpark(ctx context.Context, refs []channel.Ref) error {
	_, err := faulty(f, "Unpark", func() (struct{}, error) { return struct{}{}, f.Store.Unpark(ctx, refs) })
	return err
}

// Records calls the store's Records, if no func fails it.
func (f *Faulty) Records(ctx context.Context, filter smsplus.Filter) (smsplus.Page, error) {
	return faulty(f, "Records", func() (smsplus.Page, error) { return f.Store.Records(ctx, filter) })
}

// Stats calls the store's Stats, if no func fails it.
func (f *Faulty) Stats(ctx context.Context, filter smsplus.Filter) ([]smsplus.TemplateStats, error) {
	return faulty(f, "Stats", func() ([]smsplus.TemplateStats, error) { return f.Store.Stats(ctx, filter) })
}

// StatsBy calls the store's StatsBy, if no func fails it.
func (f *Faulty) StatsBy(ctx context.Context, filter smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
	return faulty(f, "StatsBy", func() ([]smsplus.GroupStats, error) { return f.Store.StatsBy(ctx, filter, g) })
}

// Purge calls the store's Purge, if no func fails it.
func (f *Faulty) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return faulty(f, "Purge", func() (int, error) { return f.Store.Purge(ctx, before, limit) })
}

// SetPause calls the store's SetPause, if no func fails it.
func (f *Faulty) SetPause(ctx context.Context, p smsplus.Pause) error {
	_, err := faulty(f, "SetPause", func() (struct{}, error) { return struct{}{}, f.Store.SetPause(ctx, p) })
	return err
}

// ClearPause calls the store's ClearPause, if no func fails it.
func (f *Faulty) ClearPause(ctx context.Context, p smsplus.Pause) error {
	_, err := faulty(f, "ClearPause", func() (struct{}, error) { return struct{}{}, f.Store.ClearPause(ctx, p) })
	return err
}

// Pauses calls the store's Pauses, if no func fails it.
func (f *Faulty) Pauses(ctx context.Context) ([]smsplus.Pause, error) {
	return faulty(f, "Pauses", func() ([]smsplus.Pause, error) { return f.Store.Pauses(ctx) })
}

// Beat calls the store's Beat, if no func fails it.
func (f *Faulty) Beat(ctx context.Context, h smsplus.Heartbeat) error {
	_, err := faulty(f, "Beat", func() (struct{}, error) { return struct{}{}, f.Store.Beat(ctx, h) })
	return err
}

// Heartbeats calls the store's Heartbeats, if no func fails it.
func (f *Faulty) Heartbeats(ctx context.Context, now time.Time) ([]smsplus.Heartbeat, error) {
	return faulty(f, "Heartbeats", func() ([]smsplus.Heartbeat, error) { return f.Store.Heartbeats(ctx, now) })
}

// Backlog calls the store's Backlog, if no func fails it.
func (f *Faulty) Backlog(ctx context.Context, now time.Time) ([]smsplus.LaneBacklog, error) {
	return faulty(f, "Backlog", func() ([]smsplus.LaneBacklog, error) { return f.Store.Backlog(ctx, now) })
}

// faulty makes one call between Before and After.
func faulty[R any](f *Faulty, method string, call func() (R, error)) (R, error) {
	var none R
	if f.Before != nil {
		if err := f.Before(method); err != nil {
			return none, err
		}
	}
	r, err := call()
	if err != nil || f.After == nil {
		return r, err
	}
	if err := f.After(method); err != nil {
		return none, err
	}
	return r, nil
}
