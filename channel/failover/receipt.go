package failover

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
)

// providerID returns the channel's ID of a message for a provider's own ID. It depends on
// its arguments alone, because a receipt may come to another process than the sender.
func providerID(name channel.Name, id string) string {
	if id == "" {
		return "" // an empty ID names nothing
	}
	return string(name) + ":" + id
}

// mayQuote reports whether an ID may be that of an attempt that a provider may have taken.
func (c *Channel) mayQuote(p *provider, id string) bool {
	attempt, err := uuid.Parse(id)
	return err == nil && attempt.String() == id && c.doubts.mayHave(attempt, p)
}

// sinkFor returns a sink that passes a provider's receipts on as the channel's. An attempt
// that a provider took has the provider's name in its ID, so no other provider's receipt
// finds it.
func (c *Channel) sinkFor(p *provider, s channel.Sink) channel.Sink {
	return func(ctx context.Context, rs ...channel.Receipt) error {
		ours := make([]channel.Receipt, 0, len(rs))
		for _, r := range rs {
			ours = append(ours, c.renameReceipt(p, r)...)
		}
		return s(ctx, ours...)
	}
}

// renameReceipt returns a provider's receipt under the IDs that its attempt may have. An
// attempt in doubt has its own ID. An attempt that the provider took has one of the
// provider's two IDs, or the only one. So a result with two IDs becomes two receipts, if it
// may be about an attempt in doubt. That a message was accepted is no news for an attempt that
// the provider took. It would often be parked, because it comes before the answer.
func (c *Channel) renameReceipt(p *provider, r channel.Receipt) []channel.Receipt {
	mayQuote := c.mayQuote(p, r.ProviderID)
	attempt, hasTwoIDs, isResult := r.ProviderID, r.NewID != "", r.Read || r.Status.Final()
	r.Channel = c.name
	r.ProviderID, r.NewID = providerID(p.name, r.ProviderID), providerID(p.name, r.NewID)
	if !mayQuote {
		return []channel.Receipt{r}
	}
	inDoubt := r
	inDoubt.ProviderID, inDoubt.NewID = attempt, cmp.Or(r.NewID, r.ProviderID)
	if !hasTwoIDs || !isResult {
		return []channel.Receipt{inDoubt}
	}
	return []channel.Receipt{inDoubt, r}
}

// ReceiptHandler returns a handler for the providers' calls. A call belongs to a provider
// if its path has the channel's name followed by the provider's: /sms/mitake, with any
// segments before and after. The provider gets the call unchanged. Any other call is
// answered with 404.
func (c *Channel) ReceiptHandler(s channel.Sink) http.Handler {
	handlers := make(map[string]http.Handler)
	for _, p := range c.providers {
		if receiver, ok := p.channel.(channel.Receiver); ok {
			handlers[string(p.name)] = receiver.ReceiptHandler(c.sinkFor(p, s))
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := false // the previous segment of the path is the channel's name
		for part := range strings.SplitSeq(r.URL.Path, "/") {
			if h := handlers[part]; own && h != nil {
				h.ServeHTTP(w, r)
				return
			}
			own = part == string(c.name)
		}
		w.WriteHeader(http.StatusNotFound)
	})
}

// Listen runs the sessions of all providers that have one, until ctx ends. A session that
// ends is started again, after a delay that grows to a minute, while the others continue.
func (c *Channel) Listen(ctx context.Context, s channel.Sink) error {
	var sessions sync.WaitGroup
	for _, p := range c.providers {
		if l, ok := p.channel.(channel.Listener); ok {
			sessions.Go(func() { p.keepListening(ctx, l, c.sinkFor(p, s)) })
		}
	}
	<-ctx.Done()
	sessions.Wait()
	return ctx.Err()
}

const (
	minRestartDelay = time.Second
	maxRestartDelay = time.Minute
)

// keepListening runs the provider's Listen again and again, until ctx ends.
func (p *provider) keepListening(ctx context.Context, l channel.Listener, s channel.Sink) {
	for wait := minRestartDelay; ; wait = min(2*wait, maxRestartDelay) {
		began := now()
		err := listenOnce(ctx, l, s)
		if ctx.Err() != nil {
			return
		}
		if now().Sub(began) > maxRestartDelay {
			wait = minRestartDelay
		}
		p.logger.LogAttrs(ctx, slog.LevelWarn, "failover: listener stopped; it is started again", slog.Any("error", err))
		pause, end := context.WithTimeout(ctx, wait/2+rand.N(wait/2))
		<-pause.Done()
		end()
	}
}

// listenOnce runs Listen and turns a panic into an error.
func listenOnce(ctx context.Context, l channel.Listener, s channel.Sink) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("failover: listener panicked (%T)", p)
		}
	}()
	return l.Listen(ctx, s)
}
