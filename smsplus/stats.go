package smsplus

import (
	"iter"

	"github.com/smsplus/smsplus-go/status"
)

// TemplateStats counts one template's messages or, with a channel filter, the attempts
// on that channel.
type TemplateStats struct {
	Template string
	// Triggered is the number of all. The five statuses add up to it.
	Triggered                                             int
	Preparing, Accepted, Failed, Undeliverable, Delivered int
	// Read is the number of messages that were read, as far as the channels report it.
	Read int
	// DeliveredTwice is the number of messages that reached the person on more than one
	// channel: a late receipt arrived after the message had moved on.
	DeliveredTwice int
}

// Count is one message, or one attempt, as the statistics count it. A store whose
// counters are not of Messages takes it from [CountMessage] or [CountStatuses], so that
// all stores count by one definition.
type Count struct {
	// Status is one of the five that add up to Triggered.
	Status status.Status
	// Read is whether it was read.
	Read bool
	// DeliveredTwice is, of a message, whether several attempts are Delivered, and, of an
	// attempt, whether it is one of them.
	DeliveredTwice bool
}

// CountMessage returns the count of m itself.
func CountMessage(m *Message) Count {
	return CountStatuses(m.Status, !m.ReadAt.IsZero(), func(yield func(status.Status) bool) {
		for i := range m.Attempts {
			if !yield(m.Attempts[i].Status) {
				return
			}
		}
	})
}

// CountStatuses returns the count of a message from its own status, whether it was
// read, and the statuses of its attempts.
func CountStatuses(st status.Status, read bool, attempts iter.Seq[status.Status]) Count {
	delivered := 0
	for a := range attempts {
		if a == status.Delivered {
			delivered++
		}
	}
	return Count{Status: st, Read: read, DeliveredTwice: delivered > 1}
}

// Attempt returns the count of an attempt of the message that c is the count of.
func (c Count) Attempt(st status.Status, read bool) Count {
	return Count{Status: st, Read: read, DeliveredTwice: c.DeliveredTwice && st == status.Delivered}
}

// Add counts m, which f matches: the message itself or, if f has a Channel, the attempts
// that f matches. It is the definition that every store follows. Template is left to the
// caller.
func (s *TemplateStats) Add(m Message, f Filter) { s.AddMultiple(&m, f, 1) }

// AddMultiple counts n messages like m, as [TemplateStats.Add] does.
func (s *TemplateStats) AddMultiple(m *Message, f Filter, n int) {
	message := CountMessage(m)
	if f.Channel == "" {
		s.AddCount(message, n)
		return
	}
	for i := range m.Attempts {
		if a := &m.Attempts[i]; f.MatchAttempt(*a) {
			s.AddCount(message.Attempt(a.Status, !a.ReadAt.IsZero()), n)
		}
	}
}

// AddCount adds n times c.
func (s *TemplateStats) AddCount(c Count, n int) {
	s.Triggered += n
	switch c.Status {
	case status.Preparing:
		s.Preparing += n
	case status.Accepted:
		s.Accepted += n
	case status.Failed:
		s.Failed += n
	case status.Undeliverable:
		s.Undeliverable += n
	case status.Delivered:
		s.Delivered += n
	}
	if c.Read {
		s.Read += n
	}
	if c.DeliveredTwice {
		s.DeliveredTwice += n
	}
}

// Plus returns the sum of the counts, with the Template of s.
func (s TemplateStats) Plus(o TemplateStats) TemplateStats {
	s.Triggered += o.Triggered
	s.Preparing += o.Preparing
	s.Accepted += o.Accepted
	s.Failed += o.Failed
	s.Undeliverable += o.Undeliverable
	s.Delivered += o.Delivered
	s.Read += o.Read
	s.DeliveredTwice += o.DeliveredTwice
	return s
}
