// Package status is the vocabulary of outcomes: the five statuses of a message
// and of its attempts, the reasons why one was not delivered, and each channel's
// legal moves as a [Machine].
//
//	s, err := status.SMS.Advance(status.Accepted, status.Delivered)
//	fmt.Println(s, err) // delivered <nil>
package status

import (
	"fmt"
	"strings"
)

// Status says how far an attempt, or a message, has come. The order of the
// constants is the ladder that evidence moves an attempt up, never down.
type Status uint8

const (
	// Preparing: being processed, no result yet. Every attempt begins here,
	// except on a channel whose machine begins elsewhere; any result ends it.
	Preparing Status = iota
	// Accepted: the provider has the message; whether the person does is not
	// known yet. The provider's answer moves an attempt in, its receipt out.
	Accepted
	// Failed: a template configuration error or a system anomaly; someone must
	// look. Only evidence of delivery, or a provider's word that the person
	// cannot be reached, moves an attempt out.
	Failed
	// Undeliverable: the channel cannot reach this person, or the data is wrong.
	// Only evidence of delivery moves an attempt out.
	Undeliverable
	// Delivered: it reached the person. Nothing moves an attempt out.
	Delivered
)

var statusNames = [...]string{"preparing", "accepted", "failed", "undeliverable", "delivered"}

// Statuses returns the five statuses in the ladder's order.
func Statuses() []Status { return []Status{Preparing, Accepted, Failed, Undeliverable, Delivered} }

// Parse reads a status by its name, in any case.
func Parse(s string) (Status, error) {
	for i, name := range statusNames {
		if strings.EqualFold(s, name) {
			return Status(i), nil
		}
	}
	return 0, fmt.Errorf("status: no status of that name (%d bytes)", len(s))
}

// Final reports whether s ends an attempt: Failed, Undeliverable and Delivered
// do. Late evidence may still turn a Failed or Undeliverable into a Delivered.
func (s Status) Final() bool { return s >= Failed }

// Valid reports whether s is one of the five.
func (s Status) Valid() bool { return s <= Delivered }

// String returns the status's name, in lower case.
func (s Status) String() string {
	if !s.Valid() {
		return fmt.Sprintf("status(%d)", uint8(s))
	}
	return statusNames[s]
}

// MarshalText returns the status's name.
func (s Status) MarshalText() ([]byte, error) {
	if !s.Valid() {
		return nil, fmt.Errorf("status: %d is no status", uint8(s))
	}
	return []byte(statusNames[s]), nil
}

// UnmarshalText is [Parse].
func (s *Status) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// Group is a set of statuses that people look at together: a tab of the records
// page.
type Group uint8

const (
	// All is every status.
	All Group = iota
	// Sending is Preparing and Accepted.
	Sending
	// Sent is Delivered.
	Sent
	// UndeliverableGroup is Undeliverable.
	UndeliverableGroup
	// FailedGroup is Failed.
	FailedGroup
)

var groupNames = [...]string{"all", "sending", "sent", "undeliverable", "failed"}

// Groups returns the five groups in the order of the tabs.
func Groups() []Group { return []Group{All, Sending, Sent, UndeliverableGroup, FailedGroup} }

// Group returns the group, other than All, that s belongs to.
func (s Status) Group() Group {
	switch s {
	case Delivered:
		return Sent
	case Undeliverable:
		return UndeliverableGroup
	case Failed:
		return FailedGroup
	default:
		return Sending
	}
}

// Has reports whether s belongs to g.
func (g Group) Has(s Status) bool { return g == All || g == s.Group() }

// Valid reports whether g is one of the five.
func (g Group) Valid() bool { return g <= FailedGroup }

// ParseGroup reads a group by its name, in any case.
func ParseGroup(s string) (Group, error) {
	for i, name := range groupNames {
		if strings.EqualFold(s, name) {
			return Group(i), nil
		}
	}
	return 0, fmt.Errorf("status: no group of that name (%d bytes)", len(s))
}

// String returns the group's name, in lower case.
func (g Group) String() string {
	if !g.Valid() {
		return fmt.Sprintf("group(%d)", uint8(g))
	}
	return groupNames[g]
}

// MarshalText returns the group's name.
func (g Group) MarshalText() ([]byte, error) {
	if !g.Valid() {
		return nil, fmt.Errorf("status: %d is no group", uint8(g))
	}
	return []byte(groupNames[g]), nil
}

// UnmarshalText is [ParseGroup].
func (g *Group) UnmarshalText(text []byte) error {
	parsed, err := ParseGroup(string(text))
	if err != nil {
		return err
	}
	*g = parsed
	return nil
}
