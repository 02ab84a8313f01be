package api

import "log/slog"

// logFailure logs an error that the caller is not shown, at most one of each code a second: while
// a store is down, every request fails. One of a caller who has left is no failure.
func (c *call) logFailure(operationID string, code problemCode, err error) {
	if c.r.Context().Err() != nil {
		return
	}
	if others, due := c.failures.Allow(code, c.config.Clock.Now()); due {
		c.config.Logger.LogAttrs(c.ctx, slog.LevelError, "api: request failed", slog.String("operation", operationID),
			slog.String("code", string(code)), slog.Any("err", err), slog.Int("others", others))
	}
}
