package smsplus

import "github.com/smsplus/smsplus-go/status"

// Until is what counts as the success of a step. Stores keep the numbers, so they must not
// change.
type Until uint8

const (
	// UntilDelivered ends the route when the message is delivered.
	UntilDelivered Until = 0
	// UntilAccepted ends the route when the provider has accepted the message, without a wait
	// for its receipt. The message stays Accepted until a receipt says more. A receipt that it
	// did not arrive moves it to the next step all the same.
	UntilAccepted Until = 1
	// UntilRead ends the route when the person has read the message. If the wait ends before,
	// the next step is sent, although the message was delivered: that is no loss, and the
	// statistics count two deliveries. Only channels with Traits.Reads have it.
	UntilRead Until = 2
)

var untilNames = enum{"until", []string{"delivered", "accepted", "read"}, "delivered, accepted or read"}

// String returns "delivered", "accepted" or "read".
func (u Until) String() string { return untilNames.textOf(uint8(u)) }

// MarshalText returns the name that String returns.
func (u Until) MarshalText() ([]byte, error) { return untilNames.marshalNumber(uint8(u)) }

// UnmarshalText parses a name that String returns. "" is UntilDelivered.
func (u *Until) UnmarshalText(text []byte) error {
	n, err := untilNames.parseNumber(text)
	if err == nil {
		*u = Until(n)
	}
	return err
}

// isReachedBy reports whether an attempt is the success that its step wants.
func (u Until) isReachedBy(a *Attempt) bool {
	switch u {
	case UntilAccepted:
		return a.Status == status.Accepted || a.Status == status.Delivered
	case UntilRead:
		return !a.ReadAt.IsZero()
	default:
		return a.Status == status.Delivered
	}
}

// succeeded reports whether m is confirmed, or an attempt is the success that its step wants: no
// further step is sent.
func (m *Message) succeeded() bool {
	if !m.ConfirmedAt.IsZero() {
		return true
	}
	for i := range m.Attempts {
		if a := &m.Attempts[i]; m.Plan[a.Step].Until.isReachedBy(a) {
			return true
		}
	}
	return false
}
