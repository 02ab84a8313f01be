package smsplus

import (
	"math/rand/v2"
	"time"
)

// backoff returns how long to leave a channel alone after the given try, counted
// from 1: between half and the whole of an exponentially growing time.
func (r Retry) backoff(try int) time.Duration {
	full := r.Max
	if shift := try - 1; shift < 32 && r.Base<<shift < r.Max && r.Base<<shift>>shift == r.Base {
		full = r.Base << shift
	}
	half := full / 2
	return half + rand.N(half+1)
}
