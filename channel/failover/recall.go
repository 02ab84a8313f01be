package failover

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/smsplus/smsplus-go/channel"
)

// Recall has the provider that took an attempt take it back. An attempt in doubt is taken back
// from the latest provider that this process sent it to. It is impossible if that provider is no
// [channel.Recaller], or is not known.
func (c *Channel) Recall(ctx context.Context, ref channel.Ref) (channel.Recall, error) {
	p, own := c.takerOf(ref.ProviderID)
	if p == nil {
		return channel.Impossible, nil
	}
	recaller, ok := p.channel.(channel.Recaller)
	if !ok {
		return channel.Impossible, nil
	}
	answer, err := p.recallOnce(ctx, recaller, channel.Ref{Channel: p.name, ProviderID: own})
	if err != nil {
		return 0, fmt.Errorf("failover: recall: %s: %w", p.name, err)
	}
	return answer, nil
}

// recallOnce calls the provider's Recall and turns a panic into an error.
func (p *provider) recallOnce(ctx context.Context, r channel.Recaller, ref channel.Ref) (answer channel.Recall, err error) {
	defer func() {
		if v := recover(); v != nil {
			answer, err = 0, fmt.Errorf("the provider panicked (%T)", v)
			p.logger.LogAttrs(ctx, slog.LevelError, "failover: a provider panicked in Recall", slog.String("type", fmt.Sprintf("%T", v)))
		}
	}()
	return r.Recall(ctx, ref)
}
