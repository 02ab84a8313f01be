package callback

import (
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// event is the body of a call: the specification, "Payload structure".
type event struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
}

// Data is what a call says of a message. It has neither the recipient nor the text. It also lacks
// what the application chose for one message, such as Key, Reference and Metadata. A Config.Data
// may embed it and add these.
type Data struct {
	MessageID   uuid.UUID     `json:"message_id"`
	Template    string        `json:"template"`
	Scenario    string        `json:"scenario,omitempty"`
	Status      status.Status `json:"status"`
	Channel     channel.Name  `json:"channel"`
	Reason      status.Reason `json:"reason,omitempty"`
	TriggeredAt time.Time     `json:"triggered_at"`
	DeliveredAt time.Time     `json:"delivered_at,omitzero"`
	ReadAt      time.Time     `json:"read_at,omitzero"`
	ConfirmedAt time.Time     `json:"confirmed_at,omitzero"`
	CanceledAt  time.Time     `json:"canceled_at,omitzero"`
	Attempts    []DataAttempt `json:"attempts"`
}

// DataAttempt is what a call says of an attempt.
type DataAttempt struct {
	ID      uuid.UUID     `json:"id"`
	Channel channel.Name  `json:"channel"`
	Status  status.Status `json:"status"`
	Reason  status.Reason `json:"reason,omitempty"`
}

// NewData returns the data of an outcome.
func NewData(o smsplus.Outcome) Data {
	m := &o.Message
	d := Data{
		MessageID: m.ID, Template: m.Template, Scenario: m.Scenario, Status: m.Status, Channel: m.Channel,
		TriggeredAt: m.TriggeredAt, DeliveredAt: m.DeliveredAt, ReadAt: m.ReadAt,
		ConfirmedAt: m.ConfirmedAt, CanceledAt: m.CanceledAt, Attempts: make([]DataAttempt, 0, len(m.Attempts)),
	}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		d.Attempts = append(d.Attempts, DataAttempt{ID: a.ID, Channel: a.Channel, Status: a.Status, Reason: a.Reason})
		if m.Status != status.Delivered {
			d.Reason = a.Reason
		}
	}
	return d
}
