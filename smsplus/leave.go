package smsplus

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// leaveGrace is how long a call may take to return after its context has ended.
const leaveGrace = time.Second

// errCallLeft is the error of a call that ignores that its context ended, and of the next calls
// that find no free slot because of it.
var errCallLeft = errors.New("a call ignores that its context ended")

// errGoroutineEnded is the error of a call that ended its goroutine.
var errGoroutineEnded = errors.New("the call ended its goroutine")

// callOrLeave calls a method of a channel, in a goroutine of its own and under a deadline. A
// call that ignores the deadline is left behind. It keeps its slot until it returns, and while
// all slots are kept there is no other call. A panic is an error.
func callOrLeave[T any](ctx context.Context, slots chan struct{}, timeout time.Duration, method func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	select {
	case slots <- struct{}{}:
	default:
		return *new(T), errCallLeft
	}
	limited := withDeadline(ctx, timeout)
	defer limited.cancel()
	returned := make(chan result, 1)
	go func() {
		res := result{err: errGoroutineEnded}
		defer func() {
			if p := recover(); p != nil {
				res = result{err: fmt.Errorf("the channel panicked (%T)", p)}
			}
			<-slots
			returned <- res
		}()
		res.value, res.err = method(limited)
	}()
	select {
	case res := <-returned:
		return res.value, res.err
	case <-limited.Done():
	}
	// This runs on the machine's time, as the deadline does.
	grace := withDeadline(context.WithoutCancel(ctx), leaveGrace)
	defer grace.cancel()
	select {
	case res := <-returned:
		return res.value, res.err
	case <-grace.Done():
		return *new(T), errCallLeft
	}
}
