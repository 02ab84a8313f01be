// Package status defines the five statuses of messages and attempts, the reasons why they
// are not delivered, and the legal transitions of each channel as a [Machine].
//
//	s, err := status.SMS.Advance(status.Accepted, status.Delivered)
//	fmt.Println(s, err) // delivered <nil>
package status

import (
	"fmt"
	"strings"
)

// Status is the state of an attempt or a message. The order of the constants is the ladder:
// evidence moves an attempt up, and never down.
type Status uint8

const (
	// Preparing: there is no result yet. Every attempt begins here, except on a channel
	// whose machine begins elsewhere. Any result moves an attempt out.
	Preparing Status = iota
	// Accepted: the provider has the message. It is not known yet whether the person has
	// it. The provider's answer moves an attempt in, and its receipt moves it out.
	Accepted
	// Failed: a template configuration error or a system error. An operator must look at
	// it. Only evidence of delivery, or a provider's report that the person cannot be
	// reached, moves an attempt out.
	Failed
	// Undeliverable: the channel cannot reach this person, or the data is wrong. Only
	// evidence of delivery moves an attempt out.
	Undeliverable
	// Delivered: the message reached the person. Nothing moves an attempt out.
	Delivered
)

var statusNames = [...]string{"preparing", "accepted", "failed", "undeliverable", "delivered"}

// Statuses returns the five statuses in the ladder's order.
func Statuses() []Status { return []Status{Preparing, Accepted, Failed, Undeliverable, Delivered} }

// Parse returns the status of that name, in upper or lower case.
func Parse(s string) (Status, error) {
	for i, name := range statusNames {
		if strings.EqualFold(s, name) {
			return Status(i), nil
		}
	}
	return 0, fmt.Errorf("status: no status of that name (%d bytes)", len(s))
}

// Final reports whether s ends an attempt: it is Failed, Undeliverable or Delivered. Late
// evidence may still move an attempt from Failed or Undeliverable to Delivered.
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

// Group is a set of statuses that a page lists together: a tab of the records page.
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

// ParseGroup returns the group of that name, in upper or lower case.
func ParseGroup(s string) (Group, error) {
	for i, name := range groupNames {
		if strings.EqualFold(s, name) {
			return Group(i), nil
		}
	}
	return 0, fmt.Errorf("status: no group of that name (%d bytes): want %s", len(s), strings.Join(groupNames[:], ", "))
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
