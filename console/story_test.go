package console_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// route is a message whose route has more steps than were tried.
func route(m smsplus.Message, rest ...channel.Name) smsplus.Message {
	for _, c := range rest {
		m.Plan = append(m.Plan, smsplus.PlannedStep{Channel: c})
	}
	if len(m.Attempts) == 0 {
		m.Status, m.Channel = status.Preparing, m.Plan[0].Channel
	}
	return m
}

// due makes a message due for a channel in some time, and Preparing unless an attempt is open.
func due(m smsplus.Message, lane channel.Name, in time.Duration) smsplus.Message {
	m.DueAt, m.Lane = now.Add(in), lane
	if m.Status.Final() {
		m.Status = status.Preparing
	}
	return m
}

// under returns an attempt that has not ended.
func under(c channel.Name, st status.Status, why status.Reason, tries int) smsplus.Attempt {
	return smsplus.Attempt{Channel: c, Status: st, Reason: why, Tries: tries}
}

// unread makes a due message one that was delivered and waits to be read.
func unread(m smsplus.Message) smsplus.Message {
	m.Status, m.Plan[0].Until = status.Delivered, smsplus.UntilRead
	return m
}

// recalled returns a message whose first copy is to be taken back, after a number of tries.
func recalled(in time.Duration, tries int) smsplus.Message {
	first := under(channel.WhatsApp, status.Accepted, "", 1)
	first.RecallTries = tries
	m := sent(time.Minute, "otp", first, delivered(channel.SMS, 0))
	if tries > 0 {
		m = sent(time.Minute, "otp", first, under(channel.SMS, status.Accepted, "", 1))
	}
	m.DueAt, m.Lane = now.Add(in), ""
	return m
}

func TestStory_ShowsARecall(t *testing.T) {
	t.Parallel()
	m := recalled(0, 0)
	m.DueAt = time.Time{}
	m.Attempts[0].Status, m.Attempts[0].Reason, m.Attempts[0].Recall = status.Undeliverable, status.Recalled, channel.Recalled
	html := open(t, []smsplus.Message{m}).page("/records/" + m.ID.String())
	require.Contains(t, html, "Taken back")
	require.Contains(t, html, "another one was on its way or had arrived")
}

func TestStory_SaysWhatHappensNext(t *testing.T) {
	t.Parallel()
	held := due(route(sent(time.Second, "otp"), channel.SMS), channel.SMS, time.Minute)
	held.Claims = 1
	orphaned := held
	orphaned.ID, orphaned.DueAt = uuid.New(), now.Add(-time.Second)
	canceled := due(sent(time.Minute, "otp", under(channel.SMS, status.Accepted, "", 1)), "", time.Hour)
	canceled.CanceledAt = now
	resent := sent(time.Hour, "otp", lost(channel.SMS, status.Failed, status.SystemError, "", time.Hour))
	resent.ResentAs = uuid.New()
	twice := sent(time.Hour, "otp", delivered(channel.LINENotify, 0), delivered(channel.SMS, time.Minute))

	for name, tt := range map[string]struct {
		message smsplus.Message
		want    string
	}{
		"a uniform wait": {
			due(route(sent(time.Minute, "otp", lost(channel.LINENotify, status.Undeliverable, status.NoMatch, "", time.Minute)), channel.SMS), channel.SMS, 25*time.Minute),
			"SMS follows at 19:05.",
		},
		"a wait until tomorrow": {
			due(route(sent(time.Minute, "otp", lost(channel.LINENotify, status.Undeliverable, status.NoMatch, "", time.Minute)), channel.SMS), channel.SMS, 24*time.Hour),
			"SMS follows at 2026-11-30 18:40.",
		},
		"accepted, and a step follows": {
			due(route(sent(time.Minute, "otp", under(channel.WhatsApp, status.Accepted, "", 1)), channel.SMS), channel.SMS, 5*time.Minute),
			"If no delivery is reported by 18:45, SMS follows.",
		},
		"delivered, and another copy is taken back": {
			recalled(time.Second, 0),
			"The provider of WhatsApp is to take its copy back, at 18:40.",
		},
		"accepted, and a recall is tried again": {
			recalled(time.Minute, 2),
			"The provider of WhatsApp is to take its copy back, at 18:41.",
		},
		"accepted on the last step": {
			due(sent(time.Minute, "otp", under(channel.SMS, status.Accepted, "", 1)), "", time.Hour),
			"If no delivery is reported by 19:40, it ends as undeliverable.",
		},
		"accepted, and its provider is asked": {
			due(route(sent(time.Minute, "otp", under(channel.WhatsApp, status.Accepted, "", 1)), channel.SMS), "", 5*time.Minute),
			"The provider of WhatsApp is asked for the outcome at 18:45.",
		},
		"accepted, which is enough": {
			route(sent(time.Minute, "otp", under(channel.WhatsApp, status.Accepted, "", 1)), channel.SMS),
			"Its template wants no more than that the provider accepts it.",
		},
		"not read yet": {
			unread(due(route(sent(time.Minute, "otp", delivered(channel.WhatsApp, 0)), channel.SMS), channel.SMS, 5*time.Minute)),
			"If it is not read by 18:45, SMS follows.",
		},
		"a retry": {
			due(sent(time.Minute, "otp", under(channel.SMS, status.Preparing, status.SystemError, 3)), channel.SMS, time.Minute),
			"Try 3 did not succeed. It is tried again at 18:41.",
		},
		"in doubt": {
			due(sent(time.Minute, "otp", under(channel.SMS, status.Preparing, status.InDoubt, 1)), channel.SMS, time.Minute),
			"The answer of SMS was lost. It is looked at again at 18:41.",
		},
		"later":    {due(route(sent(time.Minute, "otp"), channel.SMS), channel.SMS, time.Hour), "It is sent on SMS at 19:40."},
		"due":      {due(route(sent(time.Minute, "otp"), channel.SMS), channel.SMS, -time.Second), "It waits for its turn on SMS."},
		"bulk":     {due(route(sent(time.Minute, "otp"), channel.SMS), "bulk lane:sms", -time.Second), "It waits for its turn on SMS."},
		"put back": {due(sent(time.Minute, "otp", under(channel.SMS, status.Preparing, "", 0)), channel.SMS, -time.Second), "It waits for its turn on SMS."},
		"held":     {held, "It is being sent now."},
		"orphaned": {orphaned, "The process that sent it is gone. Another one takes it over within a minute."},
		"to end":   {due(route(sent(time.Minute, "otp"), channel.SMS), "", time.Minute), "It ends at 18:41."},
		"canceled": {canceled, "It was canceled, and nothing more is sent. A delivery may still be reported until 19:40."},
		"stopped":  {route(sent(time.Hour, "otp", lost(channel.LINEPush, status.Failed, status.SystemError, "", time.Hour)), channel.SMS), "The message stopped here, because its template does not go on after a fault."},
		"resent":   {resent, "A new message was sent in its place."},
		"twice":    {twice, "It reached the person on more than one channel."},
		"fallback": {sent(time.Hour, "otp", lost(channel.LINEPush, status.Undeliverable, status.Blocked, "", time.Hour), delivered(channel.SMS, 0)), "SMS reached the person as a fallback."},
		"lost":     {sent(time.Hour, "otp", lost(channel.SMS, status.Undeliverable, status.Blocked, "", time.Hour)), "No other channel is left."},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, []smsplus.Message{tt.message})
			html := s.page("/records/" + tt.message.ID.String())
			require.Contains(t, html, "<strong>"+tt.want+"</strong>")
			if !tt.message.DueAt.IsZero() && !tt.message.Status.Final() {
				require.Contains(t, s.page("/records?tab=sending"), tt.want, "the row says it too")
			}
			s.page("/records/"+tt.message.ID.String(), "Accept-Language: zh-TW")
		})
	}
}

func TestStory_HasEndedWhileItsOutcomesArePublished(t *testing.T) {
	t.Parallel()
	m := due(route(sent(time.Minute, "otp", lost(channel.LINEPush, status.Failed, status.SystemError, "", 0)), channel.SMS), smsplus.OutcomeLane, time.Minute)
	m.Status = status.Failed
	s := open(t, []smsplus.Message{m})
	require.Contains(t, s.page("/records/"+m.ID.String()), "Not sent: the message stopped at the fault.")
}

func TestStory_SaysWhyItWaitsForAPause(t *testing.T) {
	t.Parallel()
	m := due(route(sent(time.Minute, "otp"), channel.SMS), channel.SMS, -time.Second)
	s := open(t, []smsplus.Message{m})
	require.NoError(t, s.store.SetPause(t.Context(), smsplus.Pause{Channel: channel.SMS, Since: now.Add(-time.Hour)}))
	require.Contains(t, s.page("/records"), "It waits, because SMS is paused since 17:40.")
	require.NoError(t, s.store.ClearPause(t.Context(), smsplus.Pause{Channel: channel.SMS}))
	require.NoError(t, s.store.SetPause(t.Context(), smsplus.Pause{Template: "otp", Since: now.Add(-time.Hour)}))
	require.Contains(t, s.page("/records/"+m.ID.String()), "It waits, because its template is paused since 17:40.")
}

// steps returns the texts of the steps of a story.
func steps(html string) []string {
	_, list, _ := strings.Cut(html, `<ol class="steps">`)
	list, _, _ = strings.Cut(list, "</ol>")
	var all []string
	for _, part := range strings.Split(list, "<h2>")[1:] {
		all = append(all, strings.ReplaceAll(text(part), "2026-11-29 ", ""))
	}
	return all
}

func TestStory_TellsEveryStep(t *testing.T) {
	t.Parallel()
	m := sent(time.Hour, "otp",
		lost(channel.LINEPush, status.Undeliverable, status.NoContact, "", time.Hour-time.Second),
		smsplus.Attempt{
			Channel: channel.LINENotify, Status: status.Delivered, Tries: 2, ProviderID: "a1b2",
			StartedAt: now.Add(-59 * time.Minute), AcceptedAt: now.Add(-58 * time.Minute), DeliveredAt: now.Add(-10 * time.Minute), EndedAt: now.Add(-10 * time.Minute),
		},
		smsplus.Attempt{
			Channel: channel.WhatsApp, Status: status.Delivered, Tries: 1,
			StartedAt: now.Add(-29 * time.Minute), AcceptedAt: now.Add(-29 * time.Minute), DeliveredAt: now.Add(-20 * time.Minute), ReadAt: now.Add(-5 * time.Minute),
		})
	m.Plan[1].Wait = 30 * time.Minute
	m = route(m, channel.SMS)
	s := open(t, []smsplus.Message{m})
	html := s.page("/records/" + m.ID.String())
	require.Equal(t, []string{
		"Step 1: LINE Push ✕ Undeliverable 17:40:00 Its turn came 17:40:01 Ended: Undeliverable 17:41:00 Moved on to LINE Notification Message " +
			"No single contact no_contact No single LINE friend belongs to the number: the person is no friend of the account, or the number is linked to several. Tries 1",
		"Step 2: LINE Notification Message ✓ Delivered 17:41:00 Its turn came 17:42:00 The provider accepted it " +
			"18:11:00 No delivery was reported in time: moved on to WhatsApp 18:30:00 Delivered late Provider's ID a1b2 Copy Waiting time 30 min Tries 2",
		"Step 3: WhatsApp ✓ Delivered 18:11:00 Its turn came 18:11:00 The provider accepted it 18:20:00 Delivered 18:35:00 Read Tries 1",
		"Step 4: SMS Not needed: LINE Notification Message delivered the message.",
	}, steps(html))
	require.Contains(t, html, `data-copy="a1b2"`)
}

func TestStory_SaysWhyStepsDidNotRun(t *testing.T) {
	t.Parallel()
	canceled := route(sent(time.Hour, "otp", lost(channel.LINEPush, status.Undeliverable, status.Canceled, "", 0)), channel.SMS)
	canceled.CanceledAt = now
	confirmed := route(sent(time.Hour, "otp", under(channel.LINEPush, status.Accepted, "", 1)), channel.SMS)
	confirmed.Status, confirmed.ConfirmedAt, confirmed.DeliveredAt = status.Delivered, now, now
	for want, m := range map[string]smsplus.Message{
		"Not sent: the message was canceled.":                                canceled,
		"Not sent: the application confirmed that the message arrived.":      confirmed,
		"18:40:00 The application confirmed that it arrived":                 confirmed,
		"Not sent: the message stopped at the fault.":                        route(sent(time.Hour, "otp", lost(channel.LINEPush, status.Failed, status.SystemError, "", 0)), channel.SMS),
		"Not sent: the time in which the message is useful had passed.":      route(sent(time.Hour, "otp", lost(channel.LINEPush, status.Undeliverable, status.Expired, "", 0)), channel.SMS),
		"Not needed: LINE Push delivered the message.":                       route(sent(time.Hour, "otp", delivered(channel.LINEPush, 0)), channel.SMS),
		"It follows at 18:50, unless the message reaches the person before.": due(route(sent(time.Hour, "otp", under(channel.LINENotify, status.Accepted, "", 1)), channel.SMS), channel.SMS, 10*time.Minute),
		"It follows if the step before does not reach the person.":           due(route(sent(time.Hour, "otp"), channel.LINENotify, channel.SMS), channel.LINENotify, 10*time.Minute),
		"It follows at 18:51, unless the message reaches the person before.": due(route(sent(time.Hour, "otp"), channel.SMS), channel.SMS, 11*time.Minute),
	} {
		html := open(t, []smsplus.Message{m}).page("/records/" + m.ID.String())
		all := steps(html)
		require.Contains(t, strings.Join(all, "\n"), want)
	}
}

func TestStory_HasTheProvidersWordsBesideOurs(t *testing.T) {
	t.Parallel()
	m := sent(time.Hour, "otp", lost(channel.SMS, status.Undeliverable, status.CarrierError, "30003: Unreachable <destination>", time.Hour))
	html := open(t, []smsplus.Message{m}).page("/records/" + m.ID.String())
	require.Contains(t, html, "30003: Unreachable &lt;destination&gt;")
	seen := text(html)
	require.Contains(t, seen, "Carrier gave up carrier_error The carrier gave up: no signal, the phone is off, or an unknown fault.")
	require.Contains(t, seen, "What to do: Nothing for one person. If there are many, ask the provider, with the provider's IDs.")
}

func TestStory_NamesTheClassOfUrgentMessagesAndBulk(t *testing.T) {
	t.Parallel()
	bulk, normal := sent(time.Hour, "otp", delivered(channel.SMS, 0)), sent(time.Hour, "otp", delivered(channel.SMS, 0))
	bulk.Class = smsplus.Bulk
	s := open(t, []smsplus.Message{bulk, normal})
	require.Regexp(t, `Class</dt>\s*<dd><bdi>bulk`, s.page("/records/"+bulk.ID.String()))
	require.NotContains(t, s.page("/records/"+normal.ID.String()), "Class</dt>")
}

func TestStory_LinksMessagesThatWereSentAgain(t *testing.T) {
	t.Parallel()
	first := sent(time.Hour, "otp", lost(channel.SMS, status.Failed, status.SystemError, "", time.Hour))
	second := sent(time.Minute, "otp", delivered(channel.SMS, 0))
	first.ResentAs, second.ResendOf = second.ID, first.ID
	s := open(t, []smsplus.Message{first, second})
	require.Contains(t, s.page("/records/"+first.ID.String()), `<a href="/records/`+second.ID.String()+`">`)
	require.Contains(t, s.page("/records/"+second.ID.String()), `<a href="/records/`+first.ID.String()+`">`)
}

func TestStory_NamesPeopleWithoutANumber(t *testing.T) {
	t.Parallel()
	byID := sent(time.Hour, "otp", delivered(channel.LINEPush, 0))
	byID.To = channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af"}}
	erased := sent(2*time.Hour, "otp", delivered(channel.LINEPush, 0))
	erased.To = channel.Recipient{}
	s := open(t, []smsplus.Message{byID, erased}, revealing)
	rows := listed(s.page("/records"))
	require.True(t, strings.HasPrefix(rows[0], "ID on LINE Push otp"), rows[0])
	require.True(t, strings.HasPrefix(rows[1], "erased otp"), rows[1])
	require.True(t, strings.HasPrefix(listed(s.page("/records?reveal=1"))[0], "LINE Push U4af otp"))
	require.Equal(t, console.Reveal, s.audit[0].Action)
}
