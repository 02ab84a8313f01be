package console

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// story tells what happened to a message, and what happens next.
type story struct {
	Fields []storyField
	// Happened, Next and Do are sentences about the whole message.
	Happened, Next, Do string
	Steps              []storyStep
	// Personal holds the recipient's IDs, the variables and the metadata, if they are shown.
	Personal []storyField
	// Actions lead to what the viewer may do about the message.
	Actions []navItem
}

// storyField is a property of a message.
type storyField struct {
	Label, Value, URL string
	At                moment
	IsID              bool // it can be copied
}

// storyStep is one step of the route, sent or not.
type storyStep struct {
	Number  int
	Channel string
	// Badge is the status of the attempt. Its Label is "" on a step without one.
	Badge badge
	// Note says why a step was not sent, or when it will be.
	Note   string
	Events []storyEvent
	// Reason, Code and Meaning explain an attempt that did not arrive.
	Reason, Code string
	Meaning      meaning
	// Detail is in the provider's words, and ProviderID the provider's name of the attempt.
	Detail, ProviderID string
	Facts              []storyField
}

// storyEvent is something that happened, with its time.
type storyEvent struct {
	At     moment
	Text   string
	IsLate bool
}

// story returns the story of a message.
func (v *visit) story(m *smsplus.Message, pauses []smsplus.Pause) story {
	s := story{Fields: v.storyFields(m), Next: v.outlook(m, pauses), Actions: v.messageActions(m)}
	explained := v.statusMeaning(m.Channel, m.Status)
	if a := explaining(m); a != nil {
		explained = v.reasonMeaning(a.Channel, a.Status, a.Reason)
	}
	s.Happened, s.Do = explained.Happened, explained.Do
	for i := range m.Plan {
		s.Steps = append(s.Steps, v.storyStep(m, i))
	}
	if v.reveal {
		s.Personal = v.personalFields(m)
	}
	return s
}

// explaining returns the attempt whose reason explains the status of a message, or nil.
func explaining(m *smsplus.Message) *smsplus.Attempt {
	a := currentAttempt(m)
	if a == nil || m.Status == status.Delivered || a.Reason == "" {
		return nil
	}
	return a
}

// currentAttempt returns the attempt at the latest step, or nil.
func currentAttempt(m *smsplus.Message) *smsplus.Attempt {
	if len(m.Attempts) == 0 {
		return nil
	}
	return &m.Attempts[len(m.Attempts)-1]
}

// attemptAt returns the attempt at a step, or nil.
func attemptAt(m *smsplus.Message, step int) *smsplus.Attempt {
	for i := range m.Attempts {
		if m.Attempts[i].Step == step {
			return &m.Attempts[i]
		}
	}
	return nil
}

// summary says in a sentence or two how a message stands, for its row. It is "" if the status
// says it all.
func (v *visit) summary(m *smsplus.Message, pauses []smsplus.Pause) string {
	var parts []string
	if a := explaining(m); a != nil {
		parts = append(parts, v.text("story.reasonOn", v.channelLabel(a.Channel), v.reasonLabel(a.Reason)))
	}
	if next := v.outlook(m, pauses); next != "" && (!m.HasEnded() || deliveries(m) > 1) {
		parts = append(parts, next)
	}
	return strings.Join(parts, " ")
}

// deliveries returns on how many channels a message was delivered.
func deliveries(m *smsplus.Message) int {
	n := 0
	for i := range m.Attempts {
		if m.Attempts[i].Status == status.Delivered {
			n++
		}
	}
	return n
}

// outlook says what happens next to a message, and when.
func (v *visit) outlook(m *smsplus.Message, pauses []smsplus.Pause) string {
	if m.HasEnded() {
		return v.ending(m)
	}
	a, at := currentAttempt(m), v.clockTime(m.DueAt)
	isDue := !m.DueAt.After(v.now)
	if p, ok := m.PausedBy(pauses); ok {
		if p.Template != "" {
			return v.text("next.pausedTemplate", v.clockTime(p.Since))
		}
		return v.text("next.pausedChannel", v.channelLabel(p.Channel), v.clockTime(p.Since))
	}
	onto, _ := smsplus.ChannelOfLane(m.Lane)
	next := v.channelLabel(onto)
	switch {
	case m.Claims > 0 && isDue:
		return v.text("next.orphaned")
	case m.Claims > 0:
		return v.text("next.held")
	case !m.CanceledAt.IsZero():
		return v.text("next.canceled", at)
	case recallOf(m) != nil:
		return v.text("next.recalls", v.channelLabel(recallOf(m).Channel), at)
	case a == nil && m.Lane == "", a != nil && a.Status.Final() && m.Lane == "":
		return v.text("next.ends", at)
	case a == nil && isDue, a != nil && a.Status == status.Preparing && a.Tries == 0 && isDue:
		return v.text("next.waits", next)
	case a == nil, a.Status == status.Preparing && a.Tries == 0:
		return v.text("next.sends", next, at)
	case a.Status == status.Preparing && a.Reason == status.InDoubt:
		return v.text("next.doubt", v.channelLabel(a.Channel), at)
	case a.Status == status.Preparing && m.Lane == "":
		return v.text("next.ends", at)
	case a.Status == status.Preparing:
		return v.text("next.retries", a.Tries, at)
	case a.Status == status.Delivered:
		return v.text("next.unread", at, next)
	case isPolled(m, a):
		return v.text("next.asks", v.channelLabel(a.Channel), at)
	case a.Status == status.Accepted && m.Lane == "":
		return v.text("next.closes", at)
	case a.Status == status.Accepted:
		return v.text("next.falls", at, next)
	}
	return v.text("next.follows", next, at)
}

// isPolled reports whether the provider of an accepted attempt is asked when the message falls
// due. Without a poll the attempt ends then: with its wait if it is the last, or with the
// message's time to live.
func isPolled(m *smsplus.Message, a *smsplus.Attempt) bool {
	if a.Status != status.Accepted || m.Lane != "" || m.DueAt.Equal(m.ExpiresAt) {
		return false
	}
	plan := m.Plan[a.Step]
	return a.Step+1 < len(m.Plan) || plan.Wait > 0 && m.DueAt.Before(a.StartedAt.Add(plan.Wait))
}

// recallOf returns the attempt that is to be taken back when the message falls due, or nil. A
// message that was delivered, on a step that wants no more, is due for that alone.
func recallOf(m *smsplus.Message) *smsplus.Attempt {
	if m.Lane != "" {
		return nil
	}
	isOver := !m.ConfirmedAt.IsZero() && len(m.Attempts) > 1 || slices.ContainsFunc(m.Attempts, func(a smsplus.Attempt) bool {
		wantsRead := m.Plan[a.Step].Until == smsplus.UntilRead && a.ReadAt.IsZero()
		return a.Status == status.Delivered && !wantsRead
	})
	for i := range m.Attempts {
		a := &m.Attempts[i]
		mayArrive := a.Status == status.Accepted || a.Reason == status.InDoubt
		if mayArrive && a.Recall == 0 && (isOver || a.RecallTries > 0) {
			return a
		}
	}
	return nil
}

// ending says how a message ended.
func (v *visit) ending(m *smsplus.Message) string {
	a := currentAttempt(m)
	switch {
	case deliveries(m) > 1:
		return v.text("end.twice")
	case !m.ConfirmedAt.IsZero() && deliveries(m) == 0:
		return v.text("end.confirmed")
	case m.Status == status.Delivered && m.Channel != firstChannel(m):
		return v.text("end.fallback", v.channelLabel(m.Channel))
	case m.Status == status.Delivered:
		return v.text("end.delivered")
	case m.ResentAs != uuid.UUID{}:
		return v.text("end.resent")
	case !m.CanceledAt.IsZero():
		return v.text("end.canceled")
	case m.Status == status.Accepted:
		return v.text("end.accepted")
	case a != nil && a.Status == status.Failed && a.Step+1 < len(m.Plan):
		return v.text("end.stopped")
	}
	return v.text("end.last")
}

func firstChannel(m *smsplus.Message) channel.Name {
	if len(m.Plan) == 0 {
		return m.Channel
	}
	return m.Plan[0].Channel
}

// storyStep tells what happened on one step of the route.
func (v *visit) storyStep(m *smsplus.Message, step int) storyStep {
	plan := m.Plan[step]
	s := storyStep{Number: step + 1, Channel: v.channelLabel(plan.Channel)}
	if plan.Wait > 0 {
		s.Facts = append(s.Facts, storyField{Label: v.text("story.wait"), Value: v.duration(plan.Wait)})
	}
	a := attemptAt(m, step)
	if a == nil {
		s.Note = v.unsentNote(m, step)
		return s
	}
	s.Badge, s.Detail, s.ProviderID = v.badge(a.Status), a.Detail, a.ProviderID
	if a.Reason != "" {
		s.Reason, s.Code, s.Meaning = v.reasonLabel(a.Reason), string(a.Reason), v.reasonMeaning(a.Channel, a.Status, a.Reason)
	}
	if a.Tries > 0 {
		s.Facts = append(s.Facts, storyField{Label: v.text("story.tries"), Value: formatCount(a.Tries)})
	}
	if a.Doubts > 0 {
		s.Facts = append(s.Facts, storyField{Label: v.text("story.doubts"), Value: formatCount(a.Doubts)})
	}
	if a.Recall.Valid() {
		s.Facts = append(s.Facts, storyField{Label: v.text("story.recall"), Value: v.text("recall." + a.Recall.String())})
	}
	s.Events = v.attemptEvents(m, a)
	return s
}

// attemptEvents returns what happened to an attempt, in the order of the times.
func (v *visit) attemptEvents(m *smsplus.Message, a *smsplus.Attempt) []storyEvent {
	type event struct {
		at   time.Time
		text string
		late bool
	}
	next := attemptAt(m, a.Step+1)
	isLate := func(t time.Time) bool { return next != nil && !next.StartedAt.IsZero() && t.After(next.StartedAt) }
	var all []event
	add := func(t time.Time, text string) {
		if !t.IsZero() {
			all = append(all, event{t, text, isLate(t)})
		}
	}
	add(a.StartedAt, v.text("event.started"))
	add(a.AcceptedAt, v.text("event.accepted"))
	if a.Status != status.Delivered {
		add(a.EndedAt, v.text("event.ended", v.text("status."+a.Status.String())))
	}
	add(a.DeliveredAt, v.text("event.delivered"))
	add(a.ReadAt, v.text("event.read"))
	if a == currentAttempt(m) {
		add(m.ConfirmedAt, v.text("event.confirmed"))
	}
	if next != nil && !next.StartedAt.IsZero() {
		key := "event.movedSilent"
		if a.Reason != "" {
			key = "event.moved"
		}
		all = append(all, event{next.StartedAt, v.text(key, v.channelLabel(next.Channel)), false})
	}
	slices.SortStableFunc(all, func(x, y event) int { return x.at.Compare(y.at) })
	events := make([]storyEvent, 0, len(all))
	for _, e := range all {
		events = append(events, storyEvent{v.moment(e.at), e.text, e.late})
	}
	return events
}

// unsentNote says why a step was not sent, or when it will be.
func (v *visit) unsentNote(m *smsplus.Message, step int) string {
	a := currentAttempt(m)
	isNext := a == nil && step == 0 || a != nil && step == a.Step+1
	onto, _ := smsplus.ChannelOfLane(m.Lane)
	switch {
	case a != nil && step < a.Step:
		return v.text("unsent.passed")
	case !m.ConfirmedAt.IsZero() && deliveries(m) == 0:
		return v.text("unsent.confirmed")
	case m.Status == status.Delivered && m.HasEnded():
		return v.text("unsent.delivered", v.channelLabel(m.Channel))
	case m.Status == status.Accepted && m.HasEnded():
		return v.text("unsent.accepted", v.channelLabel(m.Channel))
	case !m.CanceledAt.IsZero():
		return v.text("unsent.canceled")
	case m.HasEnded() && m.Status == status.Failed:
		return v.text("unsent.stopped")
	case m.HasEnded():
		return v.text("unsent.expired")
	case isNext && onto == m.Plan[step].Channel && m.DueAt.After(v.now) && m.Claims == 0:
		return v.text("unsent.next", v.clockTime(m.DueAt))
	}
	return v.text("unsent.waits")
}

// storyFields returns the properties of a message that name no person.
func (v *visit) storyFields(m *smsplus.Message) []storyField {
	fields := []storyField{{Label: v.text("record.id"), Value: m.ID.String(), IsID: true}}
	add := func(key, value, url string) {
		if value != "" {
			fields = append(fields, storyField{Label: v.text(key), Value: value, URL: url})
		}
	}
	at := func(key string, t time.Time) {
		if !t.IsZero() {
			fields = append(fields, storyField{Label: v.text(key), At: v.moment(t)})
		}
	}
	other := func(key string, id uuid.UUID) {
		if id != (uuid.UUID{}) {
			add(key, id.String(), v.path("/records/"+id.String()))
		}
	}
	add("record.to", v.recipientLabel(m), "")
	add("stats.template", m.Template, "")
	add("record.scenario", m.Scenario, "")
	if m.Class != smsplus.Normal {
		add("record.class", v.text("class."+m.Class.String()), "")
	}
	add("record.reference", m.Reference, "")
	add("record.key", m.Key, "")
	at("record.triggered", m.TriggeredAt)
	at("record.delivered", m.DeliveredAt)
	at("record.read", m.ReadAt)
	at("record.expires", m.ExpiresAt)
	at("record.canceled", m.CanceledAt)
	at("record.confirmed", m.ConfirmedAt)
	other("record.resendOf", m.ResendOf)
	other("record.resentAs", m.ResentAs)
	return fields
}

// personalFields returns the properties of a message that name a person or hold its text.
func (v *visit) personalFields(m *smsplus.Message) []storyField {
	var fields []storyField
	for _, name := range slices.Sorted(maps.Keys(m.To.IDs)) {
		fields = append(fields, storyField{Label: v.text("record.idOn", v.channelLabel(name)), Value: m.To.IDs[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Vars)) {
		fields = append(fields, storyField{Label: v.text("record.variable", name), Value: m.Vars[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Metadata)) {
		fields = append(fields, storyField{Label: v.text("record.metadata", name), Value: m.Metadata[name]})
	}
	return fields
}
