package memstore

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// record is a stored message. The fields that indexes and claims need are plain, and
// all others are encoded in two texts. So a thousand messages are a few objects for the
// garbage collector, not many thousand. Every decoded message is the caller's own.
//
// The indexes contain a record by its id, phone, triggeredAt, template, country, status, key,
// reference, recipient's IDs, and the summaries of its attempts. The index table.dueByLane
// contains it by its lane and dueAt. So these fields change only together with the indexes: see
// table.replace and table.claimRecords.
type record struct {
	id    uuid.UUID
	phone phone.Number
	// Times are microseconds since 1970. A dueAt of microtime.Never is never.
	triggeredAt, dueAt int64
	version, holder    int64
	// fixed has the encoded fields that the trigger fixes, state has the fields that
	// an update replaces.
	fixed, state string
	claims       int32
	// These are numbers of names. A route is a scenario and a plan.
	template, route, channel, lane, country uint32
	facts                                   uint32        // the number of the units that statistics count
	count                                   smsplus.Count // has the status
	sending                                 int16
}

// attemptSummary has the fields of an attempt that filters, indexes and counters use.
type attemptSummary struct {
	channel            uint32
	status             status.Status
	wasRead            bool
	providerID, reason string
}

// didNotArrive reports whether the attempt's reason says why it did not arrive.
func (a attemptSummary) didNotArrive() bool {
	return a.status == status.Failed || a.status == status.Undeliverable
}

// internTables are the texts that records refer to by number.
type internTables struct {
	templates, channels, countries internTable
	routes                         routeTable
	facts                          factTable
}

// internSnapshot has the texts and routes by number, as of one moment. It contains every
// number of a record that was stored before it was taken.
type internSnapshot struct {
	templates, channels []string
	routes              []decodedRoute
}

func (v *internTables) takeSnapshot() internSnapshot {
	return internSnapshot{v.templates.allTexts(), v.channels.allTexts(), v.routes.allRoutes()}
}

// encodeRecord returns the record of a new message. It reuses the buffer buf.
func (v *internTables) encodeRecord(buf *[]byte, m *smsplus.Message) record {
	r := v.encodeState(buf, m)
	r.id = m.ID
	r.phone = m.To.Phone
	r.triggeredAt = microtime.Of(m.TriggeredAt)
	r.version = m.Version
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

// encodeState returns a record with the fields that an update replaces. Its other
// fields are zero.
func (v *internTables) encodeState(buf *[]byte, m *smsplus.Message) record {
	facts, count := v.facts.internUnits(buf, m)
	*buf = v.appendState((*buf)[:0], m)
	return record{
		facts:   facts,
		dueAt:   microtime.Of(m.DueAt),
		state:   string(*buf),
		channel: v.channels.intern(string(m.Channel)),
		lane:    v.channels.intern(string(m.Lane)),
		count:   count,
		claims:  int32(m.Claims),
		sending: int16(m.Sending),
		holder:  m.Holder,
	}
}

// status returns Message.Status.
func (rec *record) status() status.Status { return rec.count.Status }

// update replaces the state of rec by the result of encodeState.
func (rec *record) update(state record) {
	rec.dueAt, rec.state = state.dueAt, state.state
	rec.channel, rec.lane, rec.count, rec.facts = state.channel, state.lane, state.count, state.facts
	rec.claims, rec.sending, rec.holder = state.claims, state.sending, state.holder
	rec.version++
}

// checkStatuses rejects statuses that do not exist, because the counters have no place
// for them.
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
