package smsplus

import "time"

// Clock tells the time. Those of github.com/benbjohnson/clock are Clocks: its Mock,
// with [Dispatcher.Tick], makes a fallback test that needs no sleep.
type Clock interface {
	// Now returns the time.
	Now() time.Time
	// After returns a channel that gets the time once d has passed.
	After(d time.Duration) <-chan time.Time
}
