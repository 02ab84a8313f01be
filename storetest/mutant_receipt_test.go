package storetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// receiptMutants break the rules of Message, ByProviderID and parked receipts.
var receiptMutants = []mutant{
	{"finds a message that is not there", func(_ *Model, b *brokenStore) {
		b.messageFunc = func(context.Context, uuid.UUID) (smsplus.Message, error) { return smsplus.Message{}, nil }
	}, []string{"Message returns ErrNotFound for a message that the store does not hold"}},

	{"has a not-found error of its own", func(_ *Model, b *brokenStore) {
		message := b.messageFunc
		b.messageFunc = func(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
			m, err := message(ctx, id)
			if err != nil {
				err = errors.New("no rows in result set")
			}
			return m, err
		}
	}, []string{"Message returns ErrNotFound for a message that the store does not hold"}},

	{"searches only the last attempt", func(m *Model, b *brokenStore) {
		b.byProviderIDFunc = func(_ context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return cloneAll(m.messagesWhere(func(m smsplus.Message) bool {
				if len(m.Attempts) == 0 {
					return false
				}
				a := m.Attempts[len(m.Attempts)-1]
				return slices.Contains(refs, channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID})
			})), nil
		}
	}, []string{"ByProviderID finds the messages of all refs, each once"}},

	{"returns a message once per ref", func(m *Model, b *brokenStore) {
		b.byProviderIDFunc = func(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
			var all []smsplus.Message
			for i := range refs {
				ms, err := m.ByProviderID(ctx, refs[i:i+1])
				if err != nil {
					return nil, err
				}
				all = append(all, ms...)
			}
			return all, nil
		}
	}, []string{"ByProviderID finds the messages of all refs, each once"}},

	{"returns one message per ref", func(m *Model, b *brokenStore) {
		b.byProviderIDFunc = func(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
			found := map[uuid.UUID]smsplus.Message{}
			for i := range refs {
				ms, err := m.ByProviderID(ctx, refs[i:i+1])
				if err != nil {
					return nil, err
				}
				if len(ms) > 0 {
					found[ms[0].ID] = ms[0]
				}
			}
			return slices.Collect(maps.Values(found)), nil
		}
	}, []string{"ByProviderID finds the messages of all refs, each once"}},

	{"fails for an unknown ref", func(_ *Model, b *brokenStore) {
		byProviderID := b.byProviderIDFunc
		b.byProviderIDFunc = func(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
			ms, err := byProviderID(ctx, refs)
			if err == nil && len(ms) == 0 {
				err = smsplus.ErrNotFound
			}
			return ms, err
		}
	}, []string{"ByProviderID finds the messages of all refs, each once"}},

	{"matches channels and provider IDs separately", func(m *Model, b *brokenStore) {
		b.byProviderIDFunc = func(_ context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return cloneAll(m.messagesWhere(func(m smsplus.Message) bool {
				return slices.ContainsFunc(m.Attempts, func(a smsplus.Attempt) bool {
					return slices.ContainsFunc(refs, func(r channel.Ref) bool { return r.Channel == a.Channel }) &&
						slices.ContainsFunc(refs, func(r channel.Ref) bool { return r.ProviderID == a.ProviderID })
				})
			})), nil
		}
	}, []string{"ByProviderID tells channels apart"}},

	{"finds a message by an earlier provider ID", func(m *Model, b *brokenStore) {
		index := map[channel.Ref]uuid.UUID{}
		b.corruptWrites(func(m *smsplus.Message) {
			for _, a := range m.Attempts {
				index[channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}] = m.ID
			}
		})
		b.byProviderIDFunc = func(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
			found := map[uuid.UUID]smsplus.Message{}
			for _, ref := range refs {
				if msg, err := m.Message(ctx, index[ref]); err == nil {
					found[msg.ID] = msg
				}
			}
			return slices.Collect(maps.Values(found)), nil
		}
	}, []string{"ByProviderID follows an update"}},

	{"finds a message only by the provider IDs that it was inserted with", func(m *Model, b *brokenStore) {
		index := map[channel.Ref]uuid.UUID{}
		insert := b.insertFunc
		b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
			for _, m := range ms {
				for _, a := range m.Attempts {
					index[channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}] = m.ID
				}
			}
			return insert(ctx, ms)
		}
		b.byProviderIDFunc = func(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
			var found []smsplus.Message
			for _, ref := range refs {
				if msg, err := m.Message(ctx, index[ref]); err == nil {
					found = append(found, msg)
				}
			}
			return found, nil
		}
	}, []string{"ByProviderID follows an update"}},

	{"parks receipts without their details", func(_ *Model, b *brokenStore) {
		park := b.parkFunc
		b.parkFunc = func(ctx context.Context, rs []channel.Receipt) error {
			rs = slices.Clone(rs)
			for i := range rs {
				rs[i].Detail = ""
			}
			return park(ctx, rs)
		}
	}, []string{"every field of a parked receipt is kept"}},

	{"parks equal receipts twice", func(m *Model, b *brokenStore) {
		var parked []channel.Receipt
		b.parkFunc = func(_ context.Context, rs []channel.Receipt) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			parked = append(parked, rs...)
			return nil
		}
		b.parkedFunc = func(_ context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			other := func(r channel.Receipt) bool { return !slices.Contains(refs, r.Ref()) }
			return slices.DeleteFunc(slices.Clone(parked), other), nil
		}
	}, []string{
		"equal receipts are parked once, and different ones are all kept",
		"concurrent parking neither loses nor duplicates a receipt",
	}},

	{"parks one receipt per ref", func(m *Model, b *brokenStore) {
		b.parkFunc = func(ctx context.Context, rs []channel.Receipt) error {
			for i, r := range rs {
				_ = m.Unpark(ctx, []channel.Ref{r.Ref()})
				if err := m.Park(ctx, rs[i:i+1]); err != nil {
					return err
				}
			}
			return nil
		}
	}, []string{"equal receipts are parked once, and different ones are all kept", "every field of a parked receipt is kept"}},

	{"answers a repeated ref twice", func(m *Model, b *brokenStore) {
		b.parkedFunc = func(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
			var all []channel.Receipt
			for i := range refs {
				rs, _ := m.Parked(ctx, refs[i:i+1])
				all = append(all, rs...)
			}
			return all, nil
		}
	}, []string{"equal receipts are parked once, and different ones are all kept"}},

	{"returns every parked receipt", func(m *Model, b *brokenStore) {
		b.parkedFunc = func(context.Context, []channel.Ref) ([]channel.Receipt, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return slices.Collect(maps.Keys(m.parked)), nil
		}
	}, []string{"Parked returns only the receipts of its refs"}},

	{"drops the receipts that it returns", func(m *Model, b *brokenStore) {
		b.parkedFunc = func(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
			rs, err := m.Parked(ctx, refs)
			_ = m.Unpark(ctx, refs)
			return rs, err
		}
	}, []string{"Parked returns only the receipts of its refs"}},

	{"drops every parked receipt", func(m *Model, b *brokenStore) {
		b.unparkFunc = func(context.Context, []channel.Ref) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			clear(m.parked)
			return nil
		}
	}, []string{"Unpark drops only the receipts of its refs"}},

	{"drops receipts whatever their channel", func(m *Model, b *brokenStore) {
		b.unparkFunc = func(_ context.Context, refs []channel.Ref) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			maps.DeleteFunc(m.parked, func(r channel.Receipt, _ bool) bool {
				return slices.ContainsFunc(refs, func(ref channel.Ref) bool { return ref.ProviderID == r.ProviderID })
			})
			return nil
		}
	}, []string{"Unpark drops only the receipts of its refs"}},

	{"drops one receipt per ref", func(m *Model, b *brokenStore) {
		b.unparkFunc = func(_ context.Context, refs []channel.Ref) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, ref := range refs {
				for r := range m.parked {
					if r.Ref() == ref {
						delete(m.parked, r)
						break
					}
				}
			}
			return nil
		}
	}, []string{"Unpark drops only the receipts of its refs"}},

	{"overwrites concurrent changes of the parked receipts", func(m *Model, b *brokenStore) {
		b.parkFunc = func(_ context.Context, rs []channel.Receipt) error {
			m.mu.Lock()
			parked := maps.Clone(m.parked)
			m.mu.Unlock()
			yieldOften()
			for _, r := range rs {
				parked[r] = true
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			m.parked = parked
			return nil
		}
		b.unparkFunc = func(_ context.Context, refs []channel.Ref) error {
			m.mu.Lock()
			parked := maps.Clone(m.parked)
			m.mu.Unlock()
			yieldOften()
			maps.DeleteFunc(parked, func(r channel.Receipt, _ bool) bool { return slices.Contains(refs, r.Ref()) })
			m.mu.Lock()
			defer m.mu.Unlock()
			m.parked = parked
			return nil
		}
	}, []string{"concurrent parking neither loses nor duplicates a receipt"}},

	{"returns a parked receipt only from the second call on", func(m *Model, b *brokenStore) {
		var fresh sync.Map
		b.parkFunc = func(ctx context.Context, rs []channel.Receipt) error {
			for _, r := range rs {
				fresh.Store(r.Ref(), true)
			}
			return m.Park(ctx, rs)
		}
		b.parkedFunc = func(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
			for _, ref := range refs {
				if _, ok := fresh.LoadAndDelete(ref); ok {
					return nil, nil
				}
			}
			return m.Parked(ctx, refs)
		}
	}, []string{"a receipt and the update that stores its provider ID never miss each other"}},
}
