package main

import (
	"math"
	"time"
)

// clock is a [smsplus.Clock] that runs fast. It begins at eight this morning.
type clock struct {
	begin, real time.Time // the clock's beginning, and the machine's time then
	speed       float64   // seconds of this clock in a second of the machine's
	stoppedAt   time.Time // zero while the clock runs
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
	if !c.stoppedAt.IsZero() {
		return c.stoppedAt
	}
	return c.begin.Add(c.fromMachine(time.Since(c.real)))
}

// After returns a channel that receives the clock's time when d has passed. While the
// clock is stopped, the channel receives it immediately.
func (c *clock) After(d time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	if !c.stoppedAt.IsZero() {
		ch <- c.stoppedAt
		return ch
	}
	time.AfterFunc(c.toMachine(d), func() { ch <- c.Now() })
	return ch
}

// startAt starts the clock at the given time. Only code that runs before all other users of the
// clock may call startAt or set stoppedAt.
func (c *clock) startAt(from time.Time) {
	c.stoppedAt = time.Time{}
	c.real = time.Now().Add(-c.toMachine(from.Sub(c.begin)))
}

// toMachine converts a duration of the clock to the machine's time.
func (c *clock) toMachine(d time.Duration) time.Duration {
	return time.Duration(math.Ceil(float64(d) / c.speed))
}

// fromMachine converts a duration of the machine's time to the clock's.
func (c *clock) fromMachine(machine time.Duration) time.Duration {
	return time.Duration(float64(machine) * c.speed)
}
