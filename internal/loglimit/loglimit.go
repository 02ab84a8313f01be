// Package loglimit decides which lines of a log are left out because the log has just said the
// same.
package loglimit

import (
	"sync"
	"time"
)

// every is how often a log says the same thing at most.
const every = time.Second

// Limiter limits the lines with one key to one a second. The zero Limiter is ready for use, and
// safe for concurrent use. It keeps every key that it was ever asked about, so there must be few.
type Limiter[K comparable] struct {
	mu    sync.Mutex
	lines map[K]*line
}

type line struct {
	loggedAt time.Time
	skipped  int // since loggedAt
}

// Allow reports whether a line may be logged now. If so, it also returns how many with the same
// key were left out since the one before.
func (l *Limiter[K]) Allow(key K, now time.Time) (skipped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := l.lines[key]
	if seen == nil {
		if l.lines == nil {
			l.lines = make(map[K]*line)
		}
		l.lines[key] = &line{loggedAt: now}
		return 0, true
	}
	if now.Sub(seen.loggedAt) < every {
		seen.skipped++
		return 0, false
	}
	skipped, seen.skipped, seen.loggedAt = seen.skipped, 0, now
	return skipped, true
}
