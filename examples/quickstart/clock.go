package main

import (
	"math"
	"time"
)

// clock is a [smsplus.Clock] that runs fast. It begins at eight this morning.
type clock struct {
	begin, real time.Time // the clock's beginning, and the machine's time then
	speed       float64   // seconds of this clock in a second of the machine's
}

func newClock(hoursASecond float64) *clock {
	now := time.Now()
	year, month, day := now.In(taipei).Date()
	return &clock{
		begin: time.Date(year, month, day, 8, 0, 0, 0, taipei),
		real:  now,
		speed: hoursASecond * time.Hour.Seconds(),
	}
}

// Now returns the clock's time.
func (c *clock) Now() time.Time { return c.begin.Add(c.of(time.Since(c.real))) }

// After returns a channel that gets the clock's time once d of it has passed.
func (c *clock) After(d time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	time.AfterFunc(time.Duration(math.Ceil(float64(d)/c.speed)), func() { ch <- c.Now() })
	return ch
}

// of returns how much of the clock's time passes in a time of the machine's.
func (c *clock) of(machine time.Duration) time.Duration {
	return time.Duration(float64(machine) * c.speed)
}
