package main

import (
	"math"
	"time"
)

// clock is a [smsplus.Clock] that runs fast. It begins at eight this morning.
type clock struct {
	begin, real time.Time // the clock's beginning, and the machine's time then
	speed       float64   // seconds of this clock in a second of the machine's
	still       time.Time // where it stands; zero: it runs
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
func (c *clock) Now() time.Time {
	if !c.still.IsZero() {
		return c.still
	}
	return c.begin.Add(c.of(time.Since(c.real)))
}

// After returns a channel that gets the clock's time once d of it has passed. Nobody
// waits while it stands.
func (c *clock) After(d time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	if !c.still.IsZero() {
		ch <- c.still
		return ch
	}
	time.AfterFunc(c.machine(d), func() { ch <- c.Now() })
	return ch
}

// run lets the clock go on from a time. It and what sets still are for before anything
// else uses the clock.
func (c *clock) run(from time.Time) {
	c.still = time.Time{}
	c.real = time.Now().Add(-c.machine(from.Sub(c.begin)))
}

// machine returns how much of the machine's time a time of the clock's takes.
func (c *clock) machine(d time.Duration) time.Duration {
	return time.Duration(math.Ceil(float64(d) / c.speed))
}

// of returns how much of the clock's time passes in a time of the machine's.
func (c *clock) of(machine time.Duration) time.Duration {
	return time.Duration(float64(machine) * c.speed)
}
