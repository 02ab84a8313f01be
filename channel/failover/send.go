package failover

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// answer is the outcome of trying one provider.
type answer struct {
	kind         kind
	result       channel.Result
	err          *channel.Error // nil if there is a result
	callerGaveUp bool           // the answer says nothing about the provider
}

// kind classifies an answer: whether the next provider is tried, and whether the breaker
// counts it.
type kind uint8

const (
	settled      kind = iota // taken, or refused because of the person or the content
	faulty                   // not taken, and the next message would not be taken either
	messageFault             // not taken, by a fault that only this message may have
	inDoubt                  // the message may have been taken
	skipped                  // the breaker is open
)

// accepted reports whether the provider took the message.
func (a answer) accepted() bool {
	return a.err == nil && (a.result.Status == status.Accepted || a.result.Status == status.Delivered)
}

// Send hands the envelope to the first provider that settles the message. It returns that
// provider's error, or the best one of all.
func (c *Channel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	var refused refusals
	doubted := c.doubts.providerOf(e.AttemptID)
	for _, p := range c.tryOrder(doubted) {
		if err := ctx.Err(); err != nil {
			refused.add(channel.Temporary(err, 0))
			break
		}
		a := p.trySend(ctx, e)
		switch {
		case a.kind == settled && a.err == nil:
			c.doubts.forget(e.AttemptID)
			return a.result, nil
		case a.kind == settled:
			c.doubts.forget(e.AttemptID)
			return channel.Result{}, a.err
		case a.kind == inDoubt:
			c.doubts.remember(e.AttemptID, p)
			return channel.Result{}, a.err
		}
		refused.add(a.err)
		if p == doubted && a.kind == faulty && !a.err.Status().Final() && p.idempotent {
			break // this provider can be tried again without risk, and no other can
		}
	}
	return channel.Result{}, refused.mostUsefulError()
}

// tryOrder returns the providers in the order of a Send, with first, if any, before the
// others.
func (c *Channel) tryOrder(first *provider) []*provider {
	if first == nil {
		return c.providers
	}
	order := []*provider{first}
	for _, p := range c.providers {
		if p != first {
			order = append(order, p)
		}
	}
	return order
}

// classifyOutcome turns the outcome of a provider's Send into an answer.
func (p *provider) classifyOutcome(ctx context.Context, result channel.Result, err error) answer {
	if err == nil {
		result.ProviderID = providerID(p.name, result.ProviderID)
		if result.Detail != "" {
			result.Detail = string(p.name) + ": " + result.Detail
		}
		return answer{kind: settled, result: result}
	}
	e, ok := errors.AsType[*channel.Error](err)
	switch {
	case ok:
	case ctx.Err() != nil:
		e = channel.InDoubt(err) // the context ended during the call, whatever the error is called
	default:
		e = channel.Temporary(err, 0)
	}
	a := answer{
		kind:         settled,
		err:          p.newError(channel.Verdict{Status: e.Status(), Reason: e.Reason()}, e.Detail(), e.RetryAfter()),
		callerGaveUp: errors.Is(ctx.Err(), context.Canceled),
	}
	switch reason := e.Reason(); {
	case e.InDoubt():
		a.kind = inDoubt
	case !e.Status().Final() || concernsAccount(reason):
		a.kind = faulty
	case reason == status.Permission || reason == status.TemplateConfig || reason == status.SystemError:
		a.kind = messageFault
	}
	return a
}

// newError returns an error with the provider's name before its words.
func (p *provider) newError(v channel.Verdict, words string, retryAfter time.Duration) *channel.Error {
	named := string(p.name)
	if words != "" {
		named += ": " + words
	}
	e, _ := errors.AsType[*channel.Error](v.Error(named, retryAfter))
	return e
}

// refusals are the errors of providers that did not take a message.
type refusals struct {
	first      *channel.Error
	temporary  []string // the words of providers that may still take it
	retryAfter time.Duration
}

func (r *refusals) add(e *channel.Error) {
	if r.first == nil {
		r.first = e
	}
	if e.Status().Final() {
		return
	}
	r.temporary = append(r.temporary, e.Detail())
	if after := e.RetryAfter(); after > 0 && (r.retryAfter == 0 || after < r.retryAfter) {
		r.retryAfter = after
	}
}

// mostUsefulError returns the error that is most useful for the message: a temporary one if
// there is any, and otherwise the first.
func (r *refusals) mostUsefulError() error {
	if len(r.temporary) == 0 {
		return r.first
	}
	return channel.Temporary(errors.New(strings.Join(r.temporary, "; ")), r.retryAfter)
}
