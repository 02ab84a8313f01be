package channel

import (
	"fmt"
	"slices"
)

// Recall is a provider's answer to a [Recaller]. The zero Recall is no answer. Stores keep the
// numbers, so they must not change. Of two answers about one attempt the higher one counts.
type Recall uint8

const (
	// Impossible says that the provider does not take the message back: it does not know it,
	// or has no such service.
	Impossible Recall = 1
	// TooLate says that the message has left the provider, or has ended.
	TooLate Recall = 2
	// Recalled says that the provider has taken the message back: it will not arrive. An
	// adapter whose provider does not promise that must not return it.
	Recalled Recall = 3
)

var recallNames = []string{"", "impossible", "too_late", "recalled"}

// Valid reports whether r is one of the three answers.
func (r Recall) Valid() bool { return r >= Impossible && r <= Recalled }

// String returns "recalled", "too_late" or "impossible", or "" for no answer.
func (r Recall) String() string {
	if int(r) < len(recallNames) {
		return recallNames[r]
	}
	return fmt.Sprintf("recall(%d)", uint8(r))
}

// MarshalText returns the text that String returns.
func (r Recall) MarshalText() ([]byte, error) {
	if int(r) >= len(recallNames) {
		return nil, fmt.Errorf("channel: there is no recall %d", uint8(r))
	}
	return []byte(recallNames[r]), nil
}

// UnmarshalText parses a text that String returns.
func (r *Recall) UnmarshalText(text []byte) error {
	i := slices.Index(recallNames, string(text))
	if i < 0 {
		return fmt.Errorf("channel: no such recall (%d characters): want recalled, too_late, impossible or nothing", len(text))
	}
	*r = Recall(i)
	return nil
}
