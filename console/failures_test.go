package console_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func TestWhy_CountsByReasonChannelAndTemplate(t *testing.T) {
	t.Parallel()
	ms := append(day(),
		sent(2*time.Hour, "shipped", lost(channel.LINEPush, status.Undeliverable, status.Blocked, "", time.Hour), delivered(channel.SMS, time.Hour)))
	s := open(t, ms)
	html := s.page("/why?last=day")
	all := rows(html)
	require.Equal(t, "Reason Channel All Of all attempts otp shipped", all[0])
	require.True(t, strings.HasPrefix(all[1], "Blocked ✕ Undeliverable What it means, and what to do The person has blocked the LINE account. What to do: Respect it."), all[1])
	require.True(t, strings.HasSuffix(all[1], "LINE Push 2 50.0% 1 1"), all[1])
	require.Len(t, all, 4, "what is older than a day is left out")
	require.Contains(t, html, `href="/records?channel=line_push&amp;from=2026-11-28T18%3A40&amp;reason=blocked&amp;template=otp">1</a>`)
	require.Len(t, rows(s.page("/why?last=week")), 5)
	require.Empty(t, rows(s.page("/why?last=hour")))
	require.Contains(t, s.page("/why?last=nonsense"), `last=day" aria-current="true"`)
}

func TestWhy_HasTheProvidersWords(t *testing.T) {
	t.Parallel()
	var ms []smsplus.Message
	for i := range 5 {
		words := "30003: Unreachable"
		if i == 0 {
			words = `30008: <b onclick="x">`
		}
		ms = append(ms, sent(time.Minute, "otp", lost(channel.SMS, status.Undeliverable, status.CarrierError, words, 0)))
	}
	html := open(t, ms).page("/why")
	require.Contains(t, rows(html)[1], "What to do: Nothing for one person. If there are many, ask the provider, with the provider's IDs. "+
		`The provider's words: 30003: Unreachable (4) 30008: <b onclick="x"> (1)`)
}

func TestWhy_LinksLeadToTheRecordsThatAreCounted(t *testing.T) {
	t.Parallel()
	s := open(t, day())
	link := strings.ReplaceAll(linkOf(t, s.page("/why"), "/records?channel=sms"), "&amp;", "&")
	require.Equal(t, []string{"+886******678 otp scenario otp ✕ Undeliverable SMS: Invalid number. 2026-11-29 15:40:00"}, listed(s.page(link)))
}

// linkOf returns the first link of a page that begins so.
func linkOf(t *testing.T, html, begins string) string {
	t.Helper()
	_, rest, found := strings.Cut(html, `href="`+begins)
	require.True(t, found, begins)
	rest, _, _ = strings.Cut(rest, `"`)
	return begins + rest
}

func TestWhy_SaysWhatTheFallbackDid(t *testing.T) {
	t.Parallel()
	s := open(t, []smsplus.Message{
		sent(time.Hour, "otp", delivered(channel.LINENotify, time.Hour)),
		sent(time.Hour, "otp", lost(channel.LINENotify, status.Undeliverable, status.NoMatch, "", time.Hour), delivered(channel.SMS, 0)),
		sent(time.Hour, "otp", delivered(channel.LINENotify, time.Minute), delivered(channel.SMS, 30*time.Minute)),
		sent(time.Hour, "rescued", lost(channel.WhatsApp, status.Undeliverable, status.NoContact, "", time.Hour), delivered(channel.SMS, 0)),
		sent(time.Hour, "single", delivered(channel.SMS, 0)),
	})
	_, table, _ := strings.Cut(s.page("/why"), `class="fallbacks"`)
	table = text(strings.ReplaceAll(table, "</tr>", "|"))
	require.Contains(t, table, "| otp LINE Notification Message 3 1 (33.3%) 1 (33.3%) |")
	require.Contains(t, table, "| rescued WhatsApp 1 1 (100%) 0 (0%) |", "as many tries of both channels: a record says which is first")
	require.NotContains(t, table, "single")
}

func TestProviders_SayHowEachChannelDoes(t *testing.T) {
	t.Parallel()
	var ms []smsplus.Message
	for i := range 20 {
		m := sent(time.Hour, "otp", delivered(channel.SMS, time.Hour-2*time.Second))
		if i >= 18 {
			m.Attempts[0].DeliveredAt = now.Add(-50 * time.Minute)
		}
		ms = append(ms, m)
	}
	ms = append(ms,
		sent(time.Hour, "otp", under(channel.SMS, status.Accepted, "", 1)),
		sent(time.Hour, "otp", lost(channel.SMS, status.Undeliverable, status.NoReceipt, "", 0)),
		sent(time.Hour, "otp", lost(channel.SMS, status.Undeliverable, status.Congested, "", 0)),
		sent(time.Hour, "otp", lost(channel.SMS, status.Undeliverable, status.Authorization, "20003", 0)),
		due(route(sent(time.Hour, "otp"), channel.SMS), channel.SMS, -time.Minute),
	)
	s := open(t, ms)
	require.NoError(t, s.store.SetPause(t.Context(), smsplus.Pause{Channel: channel.WhatsApp, Since: now.Add(-time.Hour), Note: "carrier <outage>"}))
	require.NoError(t, s.store.Beat(t.Context(), beat()))
	require.NoError(t, s.store.Park(t.Context(), []channel.Receipt{{Channel: channel.SMS, ProviderID: "x", Status: status.Delivered, At: now.Add(-2 * time.Hour)}}))
	html := s.page("/providers")
	all := rows(html)
	require.Equal(t, "LINE Push ✓ Running 0 – – – 0 0 0 0 0", all[1])
	require.Equal(t, "WhatsApp ‖ Paused 2026-11-29 17:40:00 carrier <outage> 0 – – – 0 0 0 0 0", all[2])
	require.Regexp(t, `^SMS ✓ Running 24 83\.3% (1\.\d|2\.\d) s (9|10) min( \d+ s)? 1 1 1 1 1 min 1 2 h$`, all[3])
	require.Contains(t, text(html), "SMS Credentials refused: 1 Tell the technical team at once: renew the token or the password.")
	require.Contains(t, html, `reason=no_receipt">1</a>`)
}

// beat is the heartbeat of a dispatcher that runs.
func beat() smsplus.Heartbeat {
	return smsplus.Heartbeat{
		ID: uuid.New(), Name: "worker-1 (4711)", StartedAt: now.Add(-time.Hour), At: now.Add(-time.Second), Until: now.Add(time.Minute),
		Channels: []channel.Name{channel.LINEPush, channel.SMS}, Templates: []string{"otp", "shipped"},
	}
}

// downChannel is a provider that is down.
type downChannel struct{ channel.Channel }

func (downChannel) Send(context.Context, channel.Envelope) (channel.Result, error) {
	return channel.Result{}, channel.Temporary(errors.New("down"), 0)
}

func TestProviders_ShowMaskedPrimaries(t *testing.T) {
	t.Parallel()
	primary := downChannel{simulated.New(simulated.Config{Name: "twilio"})}
	backup := simulated.New(simulated.Config{Name: "mitake"})
	several, err := failover.New(channel.SMS, primary, backup)
	require.NoError(t, err)
	for i := range 6 {
		_, err := several.Send(t.Context(), channel.Envelope{
			AttemptID: uuid.New(), Content: channel.Text("hello"), Try: 1, To: channel.Recipient{Phone: simulated.Number(simulated.Delivered, simulated.Delivered, simulated.Delivered)},
		})
		require.NoError(t, err, i)
	}
	s := open(t, nil, func(c *console.Config) {
		d, err := smsplus.New(smsplus.Config{Store: c.Store, Channels: []channel.Channel{several}})
		require.NoError(t, err)
		c.Dispatcher = d
	})
	seen := text(s.page("/providers"))
	require.Contains(t, seen, "twilio Left alone 0 5 since 20")
	require.Contains(t, seen, "mitake Up 6 0")
}

func TestOperations_SayHowSendingStands(t *testing.T) {
	t.Parallel()
	var ms []smsplus.Message
	for i := range 3 {
		ms = append(ms, due(route(sent(time.Hour, "otp"), channel.SMS), channel.SMS, -time.Duration(i+1)*time.Minute))
	}
	ms = append(ms, due(route(sent(time.Hour, "otp"), channel.WhatsApp), channel.WhatsApp, -10*time.Minute))
	s := open(t, ms)
	require.Contains(t, text(s.page("/operations")), "No dispatcher runs: nothing is sent.")
	require.NoError(t, s.store.Beat(t.Context(), beat()))
	require.NoError(t, s.store.SetPause(t.Context(), smsplus.Pause{Template: "otp", Since: now.Add(-time.Hour), Note: "wrong text, Ann"}))
	var receipts []channel.Receipt
	for i := range 7 {
		receipts = append(receipts, channel.Receipt{Channel: channel.SMS, ProviderID: fmt.Sprint(i), Status: status.Delivered, At: now.Add(-time.Duration(i+1) * time.Hour)})
	}
	require.NoError(t, s.store.Park(t.Context(), receipts))
	html := s.page("/operations")
	seen := text(html)
	require.Contains(t, seen, "4 Messages due the first for 10 min 0 Messages set aside, because they cannot be read 7 Receipts that wait for their message 1 Dispatchers that run")
	require.Equal(t, []string{
		"Waits for State Due Since Set aside",
		"SMS 3 3 min 0",
		"WhatsApp ✕ No dispatcher has it 1 10 min 0",
	}, rows(html))
	require.Contains(t, seen, "Template otp 2026-11-29 17:40:00 wrong text, Ann")
	require.Contains(t, seen, "worker-1 (4711) 2026-11-29 17:40:00 2026-11-29 18:39:59 LINE Push , SMS otp , shipped")
	require.Contains(t, seen, "SMS 7 2026-11-29 11:40:00 (7 h)")
}

func TestPages_AreInBothLanguages(t *testing.T) {
	t.Parallel()
	ms := append(day(), due(route(sent(time.Hour, "otp", under(channel.LINENotify, status.Accepted, "", 1)), channel.SMS), channel.SMS, time.Hour))
	s := open(t, ms, revealing)
	require.NoError(t, s.store.Beat(t.Context(), beat()))
	require.NoError(t, s.store.SetPause(t.Context(), smsplus.Pause{Channel: channel.WhatsApp, Since: now}))
	require.NoError(t, s.store.Park(t.Context(), []channel.Receipt{{Channel: channel.SMS, ProviderID: "x", Status: status.Delivered, At: now}}))
	for _, path := range []string{
		"/templates?range=3m", "/records?range=3m", "/records?open=" + ms[1].ID.String(), "/records/" + ms[6].ID.String(), "/records?reveal=1",
		"/why?last=week", "/providers?last=week", "/operations", "/meaning", "/meaning?channel=line_notify", "/meaning?channel=fax",
	} {
		for language, code := range map[string]string{"en": "en", "zh-TW": "zh-Hant"} {
			w := s.get(path, "Accept-Language: "+language)
			require.Equal(t, http.StatusOK, w.Code, path)
			requireSound(t, w.Body.String())
			require.Equal(t, code, w.Header().Get("Content-Language"))
		}
	}
}

// fallsSilent returns messages on SMS of every minute: the earlier ones have a receipt, and the
// latest ones none.
func fallsSilent(answered, silent int) []smsplus.Message {
	var ms []smsplus.Message
	for i := range answered + silent {
		ago := time.Duration(i+5) * time.Minute
		if i >= silent {
			a := delivered(channel.SMS, ago-3*time.Second)
			a.AcceptedAt = now.Add(-ago)
			ms = append(ms, sent(ago, "otp", a))
			continue
		}
		a := under(channel.SMS, status.Accepted, "", 1)
		a.AcceptedAt = now.Add(-ago)
		ms = append(ms, sent(ago, "otp", a))
	}
	return ms
}

func TestProviders_ShowWhoFellSilent(t *testing.T) {
	t.Parallel()
	require.Contains(t, text(open(t, fallsSilent(40, 20)).page("/providers")), "Silent: none for 20 messages")
	seen := text(open(t, fallsSilent(40, 19)).page("/providers"))
	require.Contains(t, seen, "Last receipt")
	require.NotContains(t, seen, "Silent")
}
