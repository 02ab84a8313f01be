package memstore

import (
	"slices"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// selection is a filter with numbers for names.
type selection struct {
	microtime.Range
	template, channel, country uint32 // or anyNumber
	phone                      phone.Number
	key                        string
	recipientID                string // or ""
	group                      status.Group
}

// newSelection returns false if f names something that no record has.
func (v *internTables) newSelection(f smsplus.Filter) (selection, bool) {
	sel := selection{
		Range:    microtime.RangeOf(f.From, f.To),
		template: anyNumber, channel: anyNumber, country: anyNumber,
		phone: f.Phone, key: f.Key, recipientID: f.RecipientID, group: f.Group,
	}
	ok := true
	lookup := func(n *internTable, text string, number *uint32) {
		if text != "" && ok {
			*number, ok = n.lookup(text)
		}
	}
	lookup(&v.templates, f.Template, &sel.template)
	lookup(&v.channels, string(f.Channel), &sel.channel)
	lookup(&v.countries, f.CountryCode, &sel.country)
	return sel, ok
}

// shortestList returns the shortest of the lists that contain all selected records.
func (t *table) shortestList(sel *selection) *list {
	l := &t.all
	consider := func(o *list) {
		if o.length < l.length {
			l = o
		}
	}
	if sel.template != anyNumber {
		consider(listOf(t.byTemplate, sel.template))
	}
	if sel.channel != anyNumber {
		consider(listOf(t.byChannel, sel.channel))
	}
	if sel.country != anyNumber {
		consider(listOf(t.byCountry, sel.country))
	}
	if sel.group != status.All {
		consider(&t.byGroup[sel.group])
	}
	if !sel.phone.IsZero() {
		consider(t.byPhone.list(t.hashPhone(sel.phone), t.triggeredAtOf))
	}
	if sel.key != "" {
		consider(t.byKey.list(t.hashKey(sel.key), t.triggeredAtOf))
	}
	if sel.recipientID != "" {
		consider(t.byRecipientID.list(t.hashRecipientID(sel.recipientID), t.triggeredAtOf))
	}
	return l
}

// walkBatchSize is the number of records that a walk visits before it releases the
// lock.
const walkBatchSize = 1024

// walkBatch calls f with the selected records, newest first, until f returns false. It
// begins after the record with the ID after, whose trigger time is sel.To. It returns
// true if it stopped after walkBatchSize records: sel and after are then the position
// to continue from.
func (t *table) walkBatch(sel *selection, after *uuid.UUID, f func(*record) bool) (more bool) {
	steps := 0
	for e := range t.shortestList(sel).descend(sel.To, t.idOrder(after)) {
		if e.at < sel.From {
			return false
		}
		r := t.slab.get(e.handle)
		if sel.matches(r) && !f(r) {
			return false
		}
		if steps++; steps == walkBatchSize {
			sel.To, *after = e.at, r.id
			return true
		}
	}
	return false
}

// matches reports whether the selection contains a record that is in its range.
func (sel *selection) matches(r *record) bool {
	return (sel.template == anyNumber || r.template == sel.template) &&
		(sel.country == anyNumber || r.country == sel.country && !r.phone.IsZero()) &&
		(sel.phone.IsZero() || r.phone == sel.phone) &&
		(sel.key == "" || r.key() == sel.key) &&
		(sel.recipientID == "" || r.isToID(sel.recipientID)) &&
		sel.group.Has(r.status()) &&
		(sel.channel == anyNumber || r.triedOn(sel.channel))
}

// isToID reports whether the recipient has the ID on any channel.
func (rec *record) isToID(id string) bool {
	var buf [4]string
	return slices.Contains(rec.appendIDs(buf[:0]), id)
}

// triedOn reports whether the message has an attempt on the channel.
func (rec *record) triedOn(channel uint32) bool {
	var buf [4]attemptSummary
	return hasChannel(rec.appendAttempts(buf[:0]), channel)
}
