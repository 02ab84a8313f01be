package storetest

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/smsplus"
)

// noteChange makes the change of a message the last one.
func (s *Model) noteChange(id uuid.UUID) {
	s.changes++
	s.changed[id] = s.changes
}

// Changes implements [smsplus.ChangeLister]. A position is the number of a change.
func (s *Model) Changes(ctx context.Context, after string, limit int) (smsplus.ChangePage, error) {
	if err := ctx.Err(); err != nil {
		return smsplus.ChangePage{}, err
	}
	number, err := strconv.Atoi(cmp.Or(after, "0"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || number < 0 || number > s.changes {
		return smsplus.ChangePage{}, smsplus.ErrChangesLost
	}
	ms := s.messagesWhere(func(m smsplus.Message) bool { return s.changed[m.ID] > number })
	slices.SortFunc(ms, func(a, b smsplus.Message) int { return cmp.Compare(s.changed[a.ID], s.changed[b.ID]) })
	p := smsplus.ChangePage{More: len(ms) > limit}
	for _, m := range ms[:min(limit, len(ms))] {
		number = s.changed[m.ID]
		if s.damaged[m.ID] {
			p.Unreadable = append(p.Unreadable, unreadable(m))
		} else {
			p.Messages = append(p.Messages, clone(m))
		}
	}
	p.Next = strconv.Itoa(number)
	return p, nil
}
