package smsplus

import (
	"math/rand/v2"
	"time"
)

// backoff returns the wait after the given try, counted from 1: between half and the whole
// of a time that doubles with each try.
func (r Retry) backoff(try int) time.Duration {
	full := r.Max
	if shift := try - 1; shift < 32 && r.Base<<shift < r.Max && r.Base<<shift>>shift == r.Base {
		full = r.Base << shift
	}
	half := full / 2
	return half + rand.N(half+1)
}
