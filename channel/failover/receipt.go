package failover

import (
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

// providerID returns what a provider's own ID of a message is outside of it. It depends
// on nothing else, for a receipt may come to another process than the one that sent.
func providerID(name channel.Name, id string) string {
	if id == "" {
		return "" // which names nothing, and stays so
	}
	if parsed, err := uuid.Parse(id); err == nil && parsed.String() == id {
		return id
	}
	return string(name) + ":" + id
}

// sinkFor returns one that hands a provider's receipts on as the channel's.
func (c *Channel) sinkFor(p *provider, s channel.Sink) channel.Sink {
	return func(ctx context.Context, rs ...channel.Receipt) error {
		ours := make([]channel.Receipt, len(rs))
		for i, r := range rs {
			r.Channel, r.ProviderID = c.name, providerID(p.name, r.ProviderID)
			ours[i] = r
		}
		return s(ctx, ours...)
	}
}

// ReceiptHandler returns a handler for the providers' calls. A provider's are those whose
// path has the channel's name and, next, the provider's: /sms/mitake, with anything
// before and after. It gets the call as it came. Any other call is answered 404.
func (c *Channel) ReceiptHandler(s channel.Sink) http.Handler {
	handlers := make(map[string]http.Handler)
	for _, p := range c.providers {
		if receiver, ok := p.channel.(channel.Receiver); ok {
			handlers[string(p.name)] = receiver.ReceiptHandler(c.sinkFor(p, s))
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := false // the part of the path before is the channel's name
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

// Listen keeps the sessions of all providers that have one until ctx ends. One that breaks
// is begun again, later and later up to a minute, while the others go on.
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

func listenOnce(ctx context.Context, l channel.Listener, s channel.Sink) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("failover: listener panicked (%T)", p)
		}
	}()
	return l.Listen(ctx, s)
}
