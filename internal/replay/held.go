package replay

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// HeldMessage is a message of a schema that did not say which step a holder may be sending.
// A migration derives the step from the attempts, in each store's own way.
type HeldMessage struct {
	Name            string
	smsplus.Message     // its Sending is -1
	WantSending     int // after the migration
}

// HeldMessages returns a message for each way in which one can be held, or not held.
func HeldMessages() []HeldMessage {
	var all []HeldMessage
	add := func(name string, lane channel.Name, claims, want int, attempts ...status.Status) {
		m := fixture()[0].Message
		m.ID = uuid.MustParse(fmt.Sprintf("01936000-0000-7000-8000-%012d", 1000+len(all)))
		m.Key, m.Lane, m.Claims, m.Holder, m.Attempts, m.Status = "", lane, claims, 0, nil, status.Preparing
		m.DueAt, m.Plan = m.TriggeredAt, make([]smsplus.PlannedStep, 3)
		for step, st := range attempts {
			c := channel.Name(fmt.Sprint("channel ", step))
			m.Plan[step].Channel = c
			m.Attempts = append(m.Attempts, smsplus.Attempt{ID: smsplus.AttemptID(m.ID, step), Step: step, Channel: c, Status: st})
			m.Status = st
		}
		all = append(all, HeldMessage{name, m, want})
	}
	add("not held", channel.SMS, 0, -1)
	add("first step", channel.SMS, 1, 0)
	add("first step again", channel.SMS, 3, 0, status.Preparing)
	add("second step", channel.SMS, 1, 1, status.Accepted)
	add("third step", channel.SMS, 1, 2, status.Undeliverable, status.Failed)
	add("third step again", channel.SMS, 1, 2, status.Undeliverable, status.Failed, status.Preparing)
	add("only to end", "", 1, -1, status.Accepted)
	return all
}
