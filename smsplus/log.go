package smsplus

import (
	"context"
	"log/slog"
)

// logFailure logs an error. Of lines with the same text and the same first attribute it logs at
// most one a second, which says how many were left out before it.
func (d *Dispatcher) logFailure(ctx context.Context, msg string, attrs ...slog.Attr) {
	skipped, ok := d.logLimit.Allow(msg+" "+attrs[0].Value.String(), d.now())
	if !ok {
		return
	}
	if skipped > 0 {
		attrs = append(attrs, slog.Int("repeated", skipped))
	}
	d.cfg.Logger.LogAttrs(ctx, slog.LevelError, msg, attrs...) //nolint:sloglint // the callers' texts are constants
}
