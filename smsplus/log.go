package smsplus

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// logEvery is how often the log says the same thing at most.
const logEvery = time.Second

// repeats counts the log lines that were left out because the log had just said the
// same. The number of keys is small: each is a constant text and a method, a channel or one
// of a few durations.
type repeats struct {
	mu   sync.Mutex
	seen map[string]*repeat
}

type repeat struct {
	loggedAt time.Time
	skipped  int
}

// logFailure logs an error. Lines with the same text and the same first attribute follow
// each other once a second at most; each says how many were left out before it.
func (d *Dispatcher) logFailure(ctx context.Context, msg string, attrs ...slog.Attr) {
	skipped, ok := d.repeats.mayLog(msg+" "+attrs[0].Value.String(), d.now())
	if !ok {
		return
	}
	if skipped > 0 {
		attrs = append(attrs, slog.Int("repeated", skipped))
	}
	d.cfg.Logger.LogAttrs(ctx, slog.LevelError, msg, attrs...) //nolint:sloglint // the callers' texts are constants
}

// mayLog reports whether a line may be logged now, and how many were left out before it.
func (r *repeats) mayLog(key string, now time.Time) (skipped int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.seen[key]
	if seen == nil {
		if r.seen == nil {
			r.seen = make(map[string]*repeat)
		}
		r.seen[key] = &repeat{loggedAt: now}
		return 0, true
	}
	if now.Sub(seen.loggedAt) < logEvery {
		seen.skipped++
		return 0, false
	}
	skipped, seen.skipped, seen.loggedAt = seen.skipped, 0, now
	return skipped, true
}
