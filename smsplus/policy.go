package smsplus

import "fmt"

// Policy is what to do at a fork of the route. The zero Policy is the default of its field.
// Stores keep the numbers, so they must not change.
type Policy uint8

const (
	// Forward continues with the next step. It is a policy of both fields.
	Forward Policy = 1
	// Stop ends the message. It is a policy of Step.OnFailed, and its default.
	Stop Policy = 2
	// Resend sends the attempt again. It is a policy of Step.InDoubt, and its default.
	Resend Policy = 3
)

var policyNames = [...]string{"default", "forward", "stop", "resend"}

// String returns the policy's name, "forward", "stop" or "resend", or "default" for the
// zero Policy.
func (p Policy) String() string {
	if int(p) < len(policyNames) {
		return policyNames[p]
	}
	return fmt.Sprintf("policy(%d)", uint8(p))
}

// MarshalText returns the policy's name.
func (p Policy) MarshalText() ([]byte, error) {
	if int(p) >= len(policyNames) {
		return nil, fmt.Errorf("smsplus: there is no policy %d", uint8(p))
	}
	return []byte(policyNames[p]), nil
}

// UnmarshalText parses a policy's name. "" is the zero Policy.
func (p *Policy) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = 0
		return nil
	}
	for i, name := range policyNames {
		if string(text) == name {
			*p = Policy(i)
			return nil
		}
	}
	return fmt.Errorf("smsplus: no such policy (%d characters): want forward, stop, resend or default", len(text))
}
