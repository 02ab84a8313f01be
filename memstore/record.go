package memstore

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// record is a message as it is kept: what indexes and claims look at in the open,
// the rest encoded. A thousand messages are then a few objects for the garbage
// collector instead of many thousand, and what a caller gets is always its own.
type record struct {
	id    uuid.UUID
	phone phone.Number
	// Times are microseconds since 1970.
	triggeredAt, dueAt int64
	version            int64
	// What the trigger fixes, and what updates replace.
	fixed, state string
	claims       int32
	// Numbers of names. The route is the scenario and the plan.
	template, route, channel, lane, country uint32
	count                                   smsplus.Count // with Message.Status
}

// attemptSummary is what indexes and counters need to know of an attempt.
type attemptSummary struct {
	channel    uint32
	status     status.Status
	read       bool
	providerID string
}

// internTables is the names that records are encoded with.
type internTables struct {
	templates, channels, countries, routes internTable
}

// internSnapshot is a vocabulary as it stood at one time, to decode with.
type internSnapshot struct {
	templates, channels, routes []string
}

func (v *internTables) takeSnapshot() internSnapshot {
	return internSnapshot{v.templates.allTexts(), v.channels.allTexts(), v.routes.allTexts()}
}

// encodeRecord makes the record of a new message.
func (v *internTables) encodeRecord(buf *[]byte, m *smsplus.Message) record {
	r := v.encodeState(buf, m)
	r.id = m.ID
	r.phone = m.To.Phone
	r.triggeredAt = microtime.Of(m.TriggeredAt)
	r.version = m.Version
	r.claims = int32(m.Claims)
	r.template = v.templates.intern(m.Template)
	if !m.To.Phone.IsZero() {
		r.country = v.countries.intern(m.To.Phone.CountryCode())
	}
	*buf = appendRoute((*buf)[:0], m)
	r.route = v.routes.internBytes(*buf)
	*buf = appendFixed((*buf)[:0], m)
	r.fixed = string(*buf)
	return r
}

// encodeState makes a record of what updates replace; its other fields are zero.
func (v *internTables) encodeState(buf *[]byte, m *smsplus.Message) record {
	*buf = v.appendState((*buf)[:0], m)
	return record{
		dueAt:   microtime.Of(m.DueAt),
		state:   string(*buf),
		channel: v.channels.intern(string(m.Channel)),
		lane:    v.channels.intern(string(m.Lane)),
		count:   smsplus.CountMessage(m),
	}
}

// status returns the message's status.
func (rec *record) status() status.Status { return rec.count.Status }

// update takes over what encodeState made.
func (rec *record) update(state record) {
	rec.dueAt, rec.state = state.dueAt, state.state
	rec.channel, rec.lane, rec.count = state.channel, state.lane, state.count
	rec.version++
	rec.claims = 0
}

// checkStatuses refuses what the counters have no place for.
func checkStatuses(m *smsplus.Message) error {
	if !m.Status.Valid() {
		return fmt.Errorf("memstore: Message.Status %d does not exist", m.Status)
	}
	for i := range m.Attempts {
		if s := m.Attempts[i].Status; !s.Valid() {
			return fmt.Errorf("memstore: Message.Attempts[%d].Status %d does not exist", i, s)
		}
	}
	return nil
}
