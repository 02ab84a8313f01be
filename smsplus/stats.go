package smsplus

import (
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// TemplateStats counts one template's messages or, with a channel filter, that
// channel's attempts.
type TemplateStats struct {
	Template string
	// Triggered is how many there are; the five statuses add up to it.
	Triggered                                             int
	Preparing, Accepted, Failed, Undeliverable, Delivered int
	// Read is how many were read, as far as the channels tell.
	Read int
	// DeliveredTwice is how many reached the person on more than one channel: a late
	// receipt after the message had moved on.
	DeliveredTwice int
}

// Add counts m: the message itself if c is "", else its attempts on the channel c.
// It is the definition that every store follows. Template is left to the caller.
func (s *TemplateStats) Add(m Message, c channel.Name) {
	delivered := 0
	for i := range m.Attempts {
		if m.Attempts[i].Status == status.Delivered {
			delivered++
		}
	}
	if c == "" {
		s.count(m.Status, !m.ReadAt.IsZero(), delivered > 1)
		return
	}
	for i := range m.Attempts {
		if a := &m.Attempts[i]; a.Channel == c {
			s.count(a.Status, !a.ReadAt.IsZero(), a.Status == status.Delivered && delivered > 1)
		}
	}
}

func (s *TemplateStats) count(st status.Status, read, twice bool) {
	s.Triggered++
	switch st {
	case status.Preparing:
		s.Preparing++
	case status.Accepted:
		s.Accepted++
	case status.Failed:
		s.Failed++
	case status.Undeliverable:
		s.Undeliverable++
	case status.Delivered:
		s.Delivered++
	}
	if read {
		s.Read++
	}
	if twice {
		s.DeliveredTwice++
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
