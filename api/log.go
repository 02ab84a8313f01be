package api

import (
	"log/slog"
	"sync"
	"time"
)

// failureLog limits the lines about each kind of problem to one a second: while a store is down,
// every request fails.
type failureLog struct {
	mu     sync.Mutex
	last   map[problemCode]time.Time
	others map[problemCode]int // failures since the last line
}

// isDue reports whether to log a problem now, and how many there were since the last line.
func (f *failureLog) isDue(code problemCode, now time.Time) (others int, due bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil {
		f.last, f.others = make(map[problemCode]time.Time), make(map[problemCode]int)
	}
	if last, ok := f.last[code]; ok && now.Sub(last) < time.Second {
		f.others[code]++
		return 0, false
	}
	others = f.others[code]
	f.last[code], f.others[code] = now, 0
	return others, true
}

// logFailure logs an error that the caller is not shown. One of a caller who has left is no
// failure.
func (c *call) logFailure(operationID string, code problemCode, err error) {
	if c.r.Context().Err() != nil {
		return
	}
	if others, due := c.failures.isDue(code, c.config.Clock.Now()); due {
		c.config.Logger.LogAttrs(c.ctx, slog.LevelError, "api: request failed", slog.String("operation", operationID),
			slog.String("code", string(code)), slog.Any("err", err), slog.Int("others", others))
	}
}
