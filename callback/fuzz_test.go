package callback

import (
	"testing"
	"time"
)

// FuzzRetryAfter gives what an endpoint may answer.
func FuzzRetryAfter(f *testing.F) {
	for _, text := range []string{"", "120", "-1", "99999999999999999999", "Mon, 30 Nov 2026 17:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		f.Add(text)
	}
	now := time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		if wait := retryAfter(text, now); wait < 0 || wait > maxRetryAfter {
			t.Errorf("retryAfter(%q) = %v", text, wait)
		}
	})
}
