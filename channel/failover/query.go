package failover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/sony/gobreaker/v2"

	"github.com/smsplus/smsplus-go/channel"
)

// Query asks each provider about its own attempts, all of them at once. An attempt in doubt
// is asked of the latest provider that this process sent it to. A provider that is no
// [channel.Querier], or that the ID names and the channel does not have, is not asked.
//
// The answers of a provider count if another one fails. After three failed calls in a row, a
// provider is not asked for Config.Pause, and its messages continue without an answer. So it
// does not keep the messages of another one waiting.
func (c *Channel) Query(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	questions := make(map[*provider]map[string]channel.Ref) // the refs by the provider's own IDs
	for _, ref := range refs {
		p, own := c.takerOf(ref.ProviderID)
		if p == nil || p.querier == nil {
			continue
		}
		if questions[p] == nil {
			questions[p] = make(map[string]channel.Ref)
		}
		questions[p][own] = ref
	}
	var (
		calls   sync.WaitGroup
		mu      sync.Mutex
		answers []channel.Receipt
		bad     []error
	)
	for _, p := range c.providers {
		own := questions[p]
		if own == nil {
			continue
		}
		calls.Go(func() {
			rs, err := p.tryQuery(ctx, own)
			mu.Lock()
			defer mu.Unlock()
			for _, r := range rs {
				if ref, asked := own[r.ProviderID]; asked {
					answers = append(answers, c.nameAnswer(p, ref, r))
				}
			}
			if err != nil {
				// It is not wrapped, because a pause that one provider asks for is not the others'.
				bad = append(bad, fmt.Errorf("failover: query: %s: %s", p.name, err.Error()))
			}
		})
	}
	calls.Wait()
	return answers, errors.Join(bad...)
}

// takerOf returns the provider that has an attempt, as far as its ID and this process know,
// and the provider's own ID of it. The provider is nil if none is known.
func (c *Channel) takerOf(id string) (p *provider, own string) {
	if name, own, named := strings.Cut(id, ":"); named {
		for _, p := range c.providers {
			if string(p.name) == name {
				return p, own
			}
		}
		return nil, ""
	}
	attempt, err := uuid.Parse(id)
	if err != nil {
		return nil, ""
	}
	return c.doubts.providerOf(attempt), id
}

// nameAnswer returns a provider's answer under the ref that it answers. An attempt in doubt
// is the provider's from then on, as after a receipt.
func (c *Channel) nameAnswer(p *provider, ref channel.Ref, r channel.Receipt) channel.Receipt {
	own := r.ProviderID
	r.Channel, r.ProviderID, r.NewID = ref.Channel, ref.ProviderID, providerID(p.name, r.NewID)
	if r.NewID == "" && own == ref.ProviderID {
		r.NewID = providerID(p.name, own)
	}
	return r
}

// queryFailures is how many failed Queries in a row open the breaker of a provider's Queries.
// The engine gives up on a channel after as many.
const queryFailures = 3

// newQueryBreaker returns the breaker of a provider's Queries. One Query at a time is under way.
func (p *provider) newQueryBreaker(c Config) *gobreaker.CircuitBreaker[struct{}] {
	return gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:     c.Pause,
		ReadyToTrip: func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= queryFailures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errNotCounted) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if from == gobreaker.StateClosed && to == gobreaker.StateOpen {
				p.logger.Warn("failover: a provider cannot be asked; its messages continue without an answer")
			}
		},
	})
}

// tryQuery asks the provider, unless its breaker is open. Answers that come with an error
// count.
func (p *provider) tryQuery(ctx context.Context, questions map[string]channel.Ref) (answers []channel.Receipt, err error) {
	refs := make([]channel.Ref, 0, len(questions))
	for own := range questions {
		refs = append(refs, channel.Ref{Channel: p.name, ProviderID: own})
	}
	_, _ = p.queryBreaker.Execute(func() (none struct{}, counted error) {
		if answers, err = p.queryOnce(ctx, refs); err != nil && errors.Is(ctx.Err(), context.Canceled) {
			return none, errNotCounted
		}
		return none, err
	})
	return answers, err
}

// queryOnce calls the provider's Query and turns a panic into an error.
func (p *provider) queryOnce(ctx context.Context, refs []channel.Ref) (answers []channel.Receipt, err error) {
	defer func() {
		if v := recover(); v != nil {
			answers, err = nil, fmt.Errorf("the provider panicked (%T)", v)
			p.logger.LogAttrs(ctx, slog.LevelError, "failover: a provider panicked in Query", slog.String("type", fmt.Sprintf("%T", v)))
		}
	}()
	return p.querier.Query(ctx, refs)
}
