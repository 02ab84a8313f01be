package memstore

import (
	"slices"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
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
	group                      status.Group

	// These are "" or, of routes, nil if they are not asked for.
	key, reference, recipientID string
	reason, providerID          string
	routes                      []bool // by number, whether a route has the scenario

	// byRef has the records with the provider's ID, if that is asked for. walkBatch sets it.
	byRef list

	channelName channel.Name
	facts       *factTable
	units       [][]smsplus.Unit // of the facts, perhaps without the latest ones
}

// unitsOf returns what statistics count of a record, without decoding it.
func (sel *selection) unitsOf(r *record) []smsplus.Unit {
	if int(r.facts) >= len(sel.units) {
		sel.units = sel.facts.allUnits()
	}
	return sel.units[r.facts]
}

// needsDecoding reports whether a record's units do not tell which of its attempts the
// selection contains.
func (sel *selection) needsDecoding() bool { return sel.reason != "" || sel.providerID != "" }

// newSelection returns false if f names something that no record has.
func (v *internTables) newSelection(f smsplus.Filter) (selection, bool) {
	sel := selection{
		Range:    microtime.RangeOf(f.From, f.To),
		template: anyNumber, channel: anyNumber, country: anyNumber,
		phone: f.Phone, group: f.Group,
		key: f.Key, reference: f.Reference, recipientID: f.RecipientID,
		reason: string(f.Reason), providerID: f.ProviderID,
		channelName: f.Channel, facts: &v.facts,
	}
	if f.Scenario != "" {
		routes := v.routes.allRoutes()
		sel.routes = make([]bool, len(routes))
		for i := range routes {
			sel.routes[i] = routes[i].scenario == f.Scenario
		}
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
	if sel.reference != "" {
		consider(t.byReference.list(t.hashReference(sel.reference), t.triggeredAtOf))
	}
	if sel.providerID != "" {
		t.setByRef(sel)
		consider(&sel.byRef)
	}
	if sel.recipientID != "" {
		consider(t.byRecipientID.list(t.hashRecipientID(sel.recipientID), t.triggeredAtOf))
	}
	return l
}

// setByRef sets sel.byRef. A provider's ID is indexed together with each channel.
func (t *table) setByRef(sel *selection) {
	var hs []handle
	if sel.channel != anyNumber {
		hs = t.appendHandlesByRef(hs, sel.channel, sel.providerID)
	} else {
		for channel := range t.byChannel {
			hs = t.appendHandlesByRef(hs, uint32(channel), sel.providerID)
		}
		slices.Sort(hs)
		hs = slices.Compact(hs)
	}
	sel.byRef = list{}
	for _, h := range hs {
		r := t.slab.get(h)
		sel.byRef.add(entry{r.triggeredAt, h}, t.idOrder(&r.id))
	}
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
		(sel.reference == "" || r.reference() == sel.reference) &&
		(sel.routes == nil || int(r.route) < len(sel.routes) && sel.routes[r.route]) &&
		(sel.recipientID == "" || r.isToID(sel.recipientID)) &&
		sel.group.Has(r.status()) &&
		(sel.channel == anyNumber && !sel.needsDecoding() || sel.matchesAttemptOf(r))
}

// matchesAttemptOf reports whether the selection contains one of the record's attempts.
func (sel *selection) matchesAttemptOf(r *record) bool {
	if !sel.needsDecoding() {
		attempts := sel.unitsOf(r)[1:]
		for i := range attempts {
			if attempts[i].Channel == sel.channelName {
				return true
			}
		}
		return false
	}
	var buf [4]attemptSummary
	return slices.ContainsFunc(r.appendAttempts(buf[:0]), sel.matchesAttempt)
}

// matchesAttempt is [smsplus.Filter.MatchAttempt].
func (sel *selection) matchesAttempt(a attemptSummary) bool {
	return (sel.channel == anyNumber || a.channel == sel.channel) &&
		(sel.reason == "" || a.reason == sel.reason && a.didNotArrive()) &&
		(sel.providerID == "" || a.providerID == sel.providerID)
}

// isToID reports whether the recipient has the ID on any channel.
func (rec *record) isToID(id string) bool {
	var buf [4]string
	return slices.Contains(rec.appendIDs(buf[:0]), id)
}
