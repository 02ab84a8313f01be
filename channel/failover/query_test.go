package failover_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// askableProvider is a provider that can be asked. It remembers the IDs of each Query.
type askableProvider struct {
	*scriptedProvider
	query func(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error)

	mu    sync.Mutex
	asked [][]string
}

// newAskableProvider returns a provider that answers Delivered for every ref.
func newAskableProvider(name channel.Name) *askableProvider {
	p := &askableProvider{scriptedProvider: newWorkingProvider(name)}
	return p.queryBy(func(_ context.Context, refs []channel.Ref) ([]channel.Receipt, error) { return delivered(refs), nil })
}

func (p *askableProvider) queryBy(query func(context.Context, []channel.Ref) ([]channel.Receipt, error)) *askableProvider {
	p.query = query
	return p
}

func (p *askableProvider) Query(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	var ids []string
	for _, ref := range refs {
		if ref.Channel != p.name {
			panic("a ref of another channel")
		}
		ids = append(ids, ref.ProviderID)
	}
	slices.Sort(ids)
	p.mu.Lock()
	p.asked = append(p.asked, ids)
	p.mu.Unlock()
	return p.query(ctx, refs)
}

// takeAsked returns the IDs of each Query since the last takeAsked.
func (p *askableProvider) takeAsked() [][]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

// delivered returns an answer to each ref.
func delivered(refs []channel.Ref) (rs []channel.Receipt) {
	for _, ref := range refs {
		rs = append(rs, channel.Receipt{Channel: ref.Channel, ProviderID: ref.ProviderID, Status: status.Delivered})
	}
	return rs
}

func refsTo(ids ...string) []channel.Ref {
	refs := make([]channel.Ref, len(ids))
	for i, id := range ids {
		refs[i] = channel.Ref{Channel: channel.SMS, ProviderID: id}
	}
	return refs
}

func TestQuery_AsksEachProviderForItsOwn(t *testing.T) {
	t.Parallel()
	one, two := newAskableProvider("one"), newAskableProvider("two")
	c := openSMS(t, one, two, newWorkingProvider("three"))
	refs := refsTo("one:1", "two:1", "one:2", "two:a:b", "three:1", "gone:1", "1", uuid.NewString(), "", ":", "one:")
	rs, err := c.Query(t.Context(), refs)
	require.NoError(t, err)
	require.ElementsMatch(t, delivered(refsTo("one:1", "one:2", "one:", "two:1", "two:a:b")), rs)
	require.Equal(t, [][]string{{"", "1", "2"}}, one.takeAsked())
	require.Equal(t, [][]string{{"1", "a:b"}}, two.takeAsked())
}

// A provider may answer what it likes. Each answer is to a ref that it was asked about.
func TestQuery_ProviderAnswersForItsOwnAttemptsAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		id := rapid.StringMatching(`(one:|two:|sms:)?[12]?`)
		one, two := newAskableProvider("one"), newAskableProvider("two")
		for _, p := range []*askableProvider{one, two} {
			said := rapid.SliceOf(id).Draw(r, "answers")
			p.queryBy(func(context.Context, []channel.Ref) ([]channel.Receipt, error) {
				return delivered(refsTo(said...)), nil
			})
		}
		refs := refsTo(rapid.SliceOfDistinct(id, func(s string) string { return s }).Draw(r, "refs")...)
		c, err := failover.New(channel.SMS, one, two)
		require.NoError(r, err)
		rs, err := c.Query(t.Context(), refs)
		require.NoError(r, err)
		for _, answer := range rs {
			require.Contains(r, refs, answer.Ref())
		}
	})
}

func TestQuery_KeepsAnswersOfOtherProviders(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]func(context.Context, []channel.Ref) ([]channel.Receipt, error){
		"an error with an answer": func(_ context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
			return delivered(refs[:1]), channel.Temporary(errors.New("busy"), time.Hour)
		},
		"a panic": func(_ context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
			panic("secret " + refs[0].ProviderID)
		},
		"a provider that hangs": func(ctx context.Context, _ []channel.Ref) ([]channel.Receipt, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := openSMS(t, newAskableProvider("one").queryBy(query), newAskableProvider("two"))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				rs, err := c.Query(ctx, refsTo("one:1", "two:1"))
				require.ErrorContains(t, err, "failover: query: one: ")
				require.NotContains(t, err.Error(), "secret")
				_, pauses := errors.AsType[*channel.Error](err)
				require.False(t, pauses, "the pause that one provider asks for is not the others'")
				require.Contains(t, rs, delivered(refsTo("two:1"))[0])
				require.Equal(t, name == "an error with an answer", len(rs) == 2)
			})
		})
	}
}

// An attempt in doubt belongs to the provider that may have it. Its answer names the
// attempt's ID from then on.
func TestQuery_AsksProviderInDoubt(t *testing.T) {
	t.Parallel()
	one, two := newAskableProvider("one"), newAskableProvider("two")
	one.answerWith(channel.Result{}, errBusy)
	two.answerWith(channel.Result{}, channel.InDoubt(errors.New("lost")))
	c := openSMS(t, one, two)
	e := envelope()
	_, err := c.Send(t.Context(), e)
	requireDoubt(t, err)
	id := e.AttemptID.String()
	want := channel.Receipt{Channel: channel.SMS, ProviderID: id, NewID: "two:" + id, Status: status.Delivered}
	rs, err := c.Query(t.Context(), refsTo(id))
	require.NoError(t, err)
	require.Equal(t, []channel.Receipt{want}, rs)
	require.Empty(t, one.takeAsked())

	two.queryBy(func(_ context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
		rs := delivered(refs)
		rs[0].NewID = "7"
		return rs, nil
	})
	rs, err = c.Query(t.Context(), refsTo(id))
	require.NoError(t, err)
	want.NewID = "two:7"
	require.Equal(t, []channel.Receipt{want}, rs)
}

// A provider that cannot be asked does not keep the messages of another one waiting.
func TestQuery_LeavesProviderAloneThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l logBuffer
		one, two := newAskableProvider("one"), newAskableProvider("two")
		answer := one.query
		one.queryBy(func(context.Context, []channel.Ref) ([]channel.Receipt, error) { return nil, errors.New("down") })
		c := openConfig(t, failover.Config{Providers: []channel.Channel{one, two}, Pause: time.Minute, Logger: l.logger()})
		query := func() error {
			rs, err := c.Query(t.Context(), refsTo("one:1", "two:1"))
			require.Contains(t, rs, delivered(refsTo("two:1"))[0])
			return err
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		for range 5 {
			_, err := c.Query(canceled, refsTo("one:1"))
			require.Error(t, err, "a caller that gives up says nothing about the provider")
		}
		require.Empty(t, l.take())
		for range 3 {
			require.Error(t, query())
		}
		require.Equal(t, "level=WARN msg=\"failover: a provider cannot be asked; its messages continue without an answer\""+
			" channel=sms provider=one\n", l.take())
		one.takeAsked()
		require.NoError(t, query())
		require.Empty(t, one.takeAsked())

		advance(time.Minute + 1)
		require.Error(t, query(), "it is tried once")
		require.NoError(t, query())
		one.queryBy(answer)
		advance(time.Minute + 1)
		require.NoError(t, query())
		require.Equal(t, [][]string{{"1"}, {"1"}}, one.takeAsked())
		require.Empty(t, l.take(), "once")
	})
}

// Receipts stay away, or are not sent at all. The provider that took the message is asked.
func TestEngine_ProviderBehindFailoverIsAsked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ every, after time.Duration }{
		"before the wait ends": {0, time.Hour},
		"at its interval":      {time.Minute, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary, backup := newAskableProvider("one"), newAskableProvider("two")
			primary.answerWith(channel.Result{}, errBusy)
			backup.traits.PollEvery = tt.every
			mock := clock.NewMock()
			d := dispatcherFor(t, openSMS(t, primary, backup), smsplus.Step{Wait: time.Hour}, mock)
			id := trigger(t, d)
			require.Equal(t, status.Accepted, message(t, d, id).Status)
			mock.Add(tt.after)
			tick(t, d)
			require.Equal(t, status.Delivered, message(t, d, id).Status)
			require.Equal(t, [][]string{{"1"}}, backup.takeAsked())
			require.Empty(t, primary.takeAsked())
		})
	}
}
