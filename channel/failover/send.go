package failover

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// answer is what asking a provider came to.
type answer struct {
	kind         kind
	result       channel.Result
	err          *channel.Error // nil if there is a result
	callerGaveUp bool           // the caller gave up, so it says nothing about the provider
}

type kind uint8

const (
	settled      kind = iota // taken, or refused for what the person or the message is
	faulty                   // not taken, and nor would the next message be
	messageFault             // not taken, by a fault that may be this message's alone
	inDoubt                  // nobody knows
	notAsked                 // not asked
)

func (a answer) accepted() bool {
	return a.err == nil && (a.result.Status == status.Accepted || a.result.Status == status.Delivered)
}

// Send hands the envelope to the first provider that settles the matter. Its errors are
// those of the providers.
func (c *Channel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	var no refusals
	doubted := c.doubts.providerOf(e.AttemptID)
	for _, p := range c.askOrder(doubted) {
		if err := ctx.Err(); err != nil {
			no.add(channel.Temporary(err, 0))
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
		no.add(a.err)
		if p == doubted && a.kind == faulty && !a.err.Status().Final() && p.idempotent {
			break // it can be asked again without risk, and nobody else can
		}
	}
	return channel.Result{}, no.err()
}

// askOrder returns the providers in the order that they are asked in.
func (c *Channel) askOrder(first *provider) []*provider {
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

// classify says what a provider's answer comes to.
func (p *provider) classify(ctx context.Context, result channel.Result, err error) answer {
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
		e = channel.InDoubt(err) // cut off in the middle, by whatever name
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

// newError makes an error of the provider's, with its name before its words.
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
	temporary  []string // what those said that may take it yet
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

// err returns the error that serves the message best.
func (r *refusals) err() error {
	if len(r.temporary) == 0 {
		return r.first
	}
	return channel.Temporary(errors.New(strings.Join(r.temporary, "; ")), r.retryAfter)
}
