package smsplus

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

var policyNames = enum{"policy", []string{"default", "forward", "stop", "resend"}, "forward, stop, resend or default"}

// String returns the policy's name, "forward", "stop" or "resend", or "default" for the
// zero Policy.
func (p Policy) String() string { return policyNames.textOf(uint8(p)) }

// MarshalText returns the policy's name.
func (p Policy) MarshalText() ([]byte, error) { return policyNames.marshalNumber(uint8(p)) }

// UnmarshalText parses a policy's name. "" is the zero Policy.
func (p *Policy) UnmarshalText(text []byte) error {
	n, err := policyNames.parseNumber(text)
	if err == nil {
		*p = Policy(n)
	}
	return err
}
