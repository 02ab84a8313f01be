package smsplus

import "time"

// Clock is a source of time. The clocks of github.com/benbjohnson/clock are Clocks: with
// its Mock and [Dispatcher.Tick], a test of a fallback needs no sleep.
type Clock interface {
	// Now returns the current time.
	Now() time.Time
	// After returns a channel that receives the time once d has passed.
	After(d time.Duration) <-chan time.Time
}
