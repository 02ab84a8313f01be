package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// pathsOf returns a page of each kind.
func pathsOf(ms []smsplus.Message) []string {
	open := sendingOf(ms)
	return []string{
		"/templates", "/templates?range=3m&channel=sms", "/templates?from=1999-01-01", "/records?range=3m", "/records?range=30d&open=" + open.ID.String(),
		"/records?template=none", "/records/" + open.ID.String() + "?reveal=1", "/why?last=week", "/providers?last=week", "/operations", "/meaning",
		"/meaning?channel=line_notify", "/actions", "/actions/cancel?message=" + open.ID.String(), "/actions/pause?channel=sms", "/actions/test?template=otp",
		"/nothing",
	}
}

// sendingOf returns the message that has not ended.
func sendingOf(ms []smsplus.Message) smsplus.Message {
	for _, m := range ms {
		if !m.DueAt.IsZero() {
			return m
		}
	}
	panic("none is sending")
}

func TestPages_AreAccessibleInBothLanguagesAndColors(t *testing.T) {
	t.Parallel()
	ms := days()
	s := serve(t, "/admin/sms", ms)
	require.NoError(t, s.d.Pause(t.Context(), smsplus.Pause{Channel: channel.WhatsApp, Note: "ann: 供應商維護"}))
	for _, language := range []string{"en", "zh-TW"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			b := openTab(t, language)
			for _, path := range pathsOf(ms) {
				b.open(s.url + path)
				for _, scheme := range []string{"light", "dark"} {
					b.setScheme(scheme)
					b.requireAccessible()
				}
				b.requireFits()
				b.resize(390, 844) // a telephone
				b.requireFits()
				b.resize(1280, 900)
			}
			b.ignore("404", "400") // of the pages that are errors
		})
	}
}

func TestPages_ShowHostileTextAsText(t *testing.T) {
	t.Parallel()
	ms := hostileMessages()
	s := serve(t, "", ms)
	b := openTab(t, "en")
	for _, path := range []string{"/templates", "/records", "/why", "/providers", "/records?open=" + ms[0].ID.String() + "&reveal=1"} {
		b.open(s.url + path)
		require.Equal(t, "undefined", b.eval("window.hacked"), path)
		b.requireFits()
	}
	for i, m := range ms {
		b.open(s.url + "/records/" + m.ID.String() + "?reveal=1")
		require.Equal(t, "undefined", b.eval("window.hacked"))
		seen := b.eval("document.querySelector('main').textContent")
		require.Contains(t, seen, hostile()[i])
		b.requireFits()
	}
}

func TestTemplates_FilterSortAndRange(t *testing.T) {
	t.Parallel()
	s := serve(t, "", days())
	b := openTab(t, "en")
	b.open(s.url)
	require.Equal(t, "/templates", b.path())
	require.Contains(t, b.text("main"), "Times are trigger times.")
	b.follow(`.presets a[href*="range=30d"]`)
	require.Equal(t, "30 days", b.text(`.presets [aria-current]`))
	require.Contains(t, b.text(".period-hint, #period-hint"), "At most 3 months back")
	require.Contains(t, b.text(".chart"), "Triggers and deliveries")
	b.follow(`thead a[href*="sort=template"]`)
	require.Equal(t, "ascending", b.eval(`document.querySelector("th[aria-sort]").getAttribute("aria-sort")`))
	require.Equal(t, "appointment", b.text("table.wide tbody th"))
	b.eval(`document.querySelector("#channel").value = "sms"`)
	b.follow(".filters form button")
	require.Contains(t, b.path(), "channel=sms")
	require.Contains(t, b.path(), "range=30d", "the range stays")
	b.open(s.url + "/templates?from=2001-01-01&to=2001-01-02")
	require.Contains(t, b.text(".problems"), "too long ago")
	b.ignore("400")
}

func TestRecords_ARecipientIsFoundAndStaysOutOfTheURL(t *testing.T) {
	t.Parallel()
	s := serve(t, "", days())
	b := openTab(t, "en")
	b.open(s.url + "/records?range=3m")
	b.write("#number", "0912-345-678")
	b.follow(`.filters form button`)
	require.NotContains(t, b.path(), "912")
	require.Contains(t, b.text(".chips"), "+886******678")
	require.Contains(t, b.text("table.records"), "+886******678")
	require.NotContains(t, b.text("body"), "912345678")
	require.Empty(t, s.actions())

	b.follow(`a[href*="reveal=1"]`)
	require.Contains(t, b.text("table.records"), number)
	require.Equal(t, console.Reveal, s.actions()[0])

	b.open(s.url + "/records")
	b.write("#number", "12")
	b.follow(`.filters form button`)
	require.Equal(t, "true", b.eval(`document.querySelector("#number").getAttribute("aria-invalid")`))
	require.Contains(t, b.text(".problems"), "This is no number of the country.")
	b.ignore("400")
}

func TestRecords_ARowExpandsInPlace(t *testing.T) {
	t.Parallel()
	ms := days()
	m := sendingOf(ms)
	s := serve(t, "", ms)
	b := openTab(t, "en")
	b.open(s.url + "/records?range=3m")
	b.eval("window.isOld = true")
	b.click("#t-" + m.ID.String())
	b.wait(`document.querySelector("#r-` + m.ID.String() + ` .story") !== null`)
	require.Equal(t, "true", b.eval("window.isOld"), "the page stayed")
	require.Equal(t, "true", b.eval(`document.querySelector("#t-`+m.ID.String()+`").getAttribute("aria-expanded")`))
	story := b.text("#r-" + m.ID.String())
	require.Contains(t, story, "LINE Notification Message")
	require.Contains(t, story, "SMS follows")
	require.Contains(t, story, m.ID.String())
	b.requireAccessible()

	b.click("#t-" + m.ID.String()) // and closes
	b.wait(`document.querySelector("#r-` + m.ID.String() + ` .story") === null`)

	b.eval(`document.querySelector("#t-` + m.ID.String() + `").focus()`)
	require.NoError(t, chromedp.Do(b.ctx, chromedp.KeyEvent(kb.Enter)))
	b.wait(`document.querySelector("#r-` + m.ID.String() + ` .story") !== null`)
}

func TestRecords_TabsAndPages(t *testing.T) {
	t.Parallel()
	s := serve(t, "", days())
	b := openTab(t, "zh-TW")
	b.open(s.url + "/records?range=3m")
	require.Contains(t, b.text(".tabs"), "全部 123")
	require.Contains(t, b.text(".tabs"), "發送中 1")
	b.follow(`.tabs a[href*="tab=failed"]`)
	require.Equal(t, "1", b.eval(`document.querySelectorAll("tbody[id^=r-]").length`))
	b.open(s.url + "/records?range=3m")
	require.Equal(t, "50", b.eval(`document.querySelectorAll("tbody[id^=r-]").length`))
	first := b.eval(`document.querySelector("tbody").id`)
	b.follow(`a[rel=next]`)
	require.NotEqual(t, first, b.eval(`document.querySelector("tbody").id`))
	require.Equal(t, "50", b.eval(`document.querySelectorAll("tbody[id^=r-]").length`))
}

func TestRecords_AnIDIsCopied(t *testing.T) {
	t.Parallel()
	ms := days()
	s := serve(t, "", ms)
	b := openTab(t, "en")
	b.open(s.url + "/records/" + ms[0].ID.String())
	b.eval(`navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve() }`)
	b.click(`[data-copy="` + ms[0].ID.String() + `"]`)
	b.waitText("#said", "Copied")
	require.Equal(t, ms[0].ID.String(), b.eval("window.copied"))
}

func TestRecords_AnExportShowsItsProgress(t *testing.T) {
	t.Parallel()
	s := serve(t, "", days())
	b := openTab(t, "en")
	b.open(s.url + "/records?range=3m")
	b.saveDownloads(t.TempDir())
	b.click(`.export[href*="records.ndjson"]`)
	b.waitText("#progress", "The file is complete.")
	require.Contains(t, b.text("#progress"), "123 of 123")
}

func TestPages_WorkWithoutScripts(t *testing.T) {
	t.Parallel()
	ms := days()
	m := sendingOf(ms)
	s := serve(t, "/admin/sms", ms)
	b := openTab(t, "en")
	b.disableScripts()
	follow := func(selector string) {
		t.Helper()
		before := b.path()
		b.click(selector)
		b.wait("document.readyState === 'complete' && location.pathname + location.search !== " + quoteJS(before))
	}
	b.open(s.url + "/")
	follow(`.presets a[href*="range=30d"]`)
	follow(`nav a[href$="/records"]`)
	follow(`.presets a[href*="range=3m"]`)
	follow(`.tabs a[href*="tab=sending"]`)
	require.Equal(t, "none", b.eval(`getComputedStyle(document.querySelector("#live")).display`), "a button that does nothing")
	follow("#t-" + m.ID.String())
	require.Contains(t, b.text("#r-"+m.ID.String()), "SMS follows")
	follow(`a[href*="/actions/cancel"]`)
	require.Contains(t, b.text("main"), "cannot be called back")
	follow(`main form button`)
	require.Contains(t, b.text(".good-news"), "The message is canceled.")
	require.Equal(t, []console.Action{console.Cancel}, s.actions())
	b.write("#zone", "") // the form of the footer
	b.click(`footer [value="zh-Hant"]`)
	b.wait(`document.documentElement.lang === "zh-Hant"`)
}

func TestLive_RowsAndCountersUpdateUntilPaused(t *testing.T) {
	t.Parallel()
	first, second, third := sending(), sending(), sending()
	s := serve(t, "", []smsplus.Message{first, second, third})
	b := openTab(t, "en")
	b.open(s.url + "/records")
	row := func(id uuid.UUID) string { return "#r-" + id.String() }
	b.wait(`document.querySelector("#live span").innerText === "Live"`)
	require.Equal(t, "3", b.text("#count-sending"))
	b.click("#t-" + second.ID.String()) // an expanded row stays so, and its story is told on
	b.wait(`document.querySelector("` + row(second.ID) + ` .story") !== null`)

	s.update(arrived(first))
	b.waitText(row(first.ID), "Delivered")
	b.waitText("#count-sent", "1")
	require.Equal(t, "2", b.text("#count-sending"))
	s.update(arrived(second))
	b.waitText(row(second.ID)+" .story", "Nothing more is sent.")
	require.Equal(t, "true", b.eval(`document.querySelector("#t-`+second.ID.String()+`").getAttribute("aria-expanded")`))
	b.click("#t-" + second.ID.String()) // a row that was replaced still folds
	b.wait(`document.querySelector("` + row(second.ID) + ` .story") === null`)
	b.requireAccessible()

	b.click("#live button")
	require.Contains(t, b.text("#live"), "Paused")
	require.Equal(t, "true", b.eval(`document.querySelector("#live button").getAttribute("aria-pressed")`))
	paused := b.text("#now")
	s.update(arrived(third))
	select {
	case <-time.After(5 * time.Second): // two updates would have come
	case <-t.Context().Done():
	}
	require.NotContains(t, b.text(row(third.ID)), "Delivered")
	require.Equal(t, paused, b.text("#now"))

	b.open(s.url + "/templates") // the pause holds on the next page too
	require.Contains(t, b.text("#live"), "Paused")
	b.open(s.url + "/records")
	b.click("#live button")
	b.waitText("#live", "Live")
	b.wait(quoteJS(paused) + ` !== document.querySelector("#now").innerText`)
}

func TestLive_FailuresUpdateAroundAnOpenBox(t *testing.T) {
	t.Parallel()
	failed := func() smsplus.Message {
		return message(time.Minute, "otp", lost(channel.SMS, status.Failed, status.SystemError, "the gateway is down"))
	}
	s := serve(t, "", []smsplus.Message{failed()})
	b := openTab(t, "en")
	b.open(s.url + "/why")
	b.wait(`document.querySelector("#live span").innerText === "Live"`)
	require.Equal(t, "1", b.text("#failures tbody td.n"))
	b.click("#failures summary")

	_, err := s.store.Insert(t.Context(), []smsplus.Message{failed()})
	require.NoError(t, err)
	b.waitText("#failures tbody td.n", "2")
	require.Contains(t, b.text("#failures details[open]"), "the gateway is down", "the box stays open, and keeps the provider's words")
	require.Equal(t, b.eval(`document.querySelector("#failures summary").id`), b.eval(`document.activeElement.id`), "the box keeps the focus")
	b.requireAccessible()
}

func TestLive_StatisticsAndRecordUpdate(t *testing.T) {
	t.Parallel()
	m := sending()
	s := serve(t, "", []smsplus.Message{m})
	stats, record := openTab(t, "en"), openTab(t, "en")
	stats.open(s.url + "/templates")
	record.open(s.url + "/records/" + m.ID.String())
	require.Contains(t, stats.text("tfoot"), "0%")
	s.update(arrived(m))
	stats.waitText("tfoot", "100%")
	record.waitText("#message", "Nothing more is sent.")
}

func TestActions_AreConfirmedByClicks(t *testing.T) {
	t.Parallel()
	s := serve(t, "", days())
	b := openTab(t, "en")
	b.open(s.url + "/actions")
	b.follow(`a[href*="/actions/pause?channel=sms"]`)
	require.Contains(t, b.text("h1"), "Pause this?")
	b.write("#why", "carrier is down")
	b.follow("main form button")
	require.Contains(t, b.text(".good-news"), "It is paused.")
	require.Contains(t, b.text("main"), "loopback: carrier is down")
	b.follow(`nav a[href$="/operations"]`)
	b.follow(`a[href*="/actions/resume?channel=sms"]`)
	b.follow("main form button")
	require.Contains(t, b.text("main"), "Nothing is paused.")

	b.eval(`document.querySelector("#template").value = "otp"`)
	b.follow(`form[action$="/actions/test"] button`)
	b.write("#number", "0912 345 678")
	b.write("#var-0", "123456")
	b.follow("main form button")
	require.Contains(t, b.text("main"), "+886******678")
	require.NotContains(t, b.eval("document.documentElement.outerHTML"), "912345678")
	b.requireAccessible()
	b.follow("main form button")
	require.Contains(t, b.text(".good-news"), "The test is on its way.")

	b.follow(`nav a[href$="/actions"]`)
	b.write("#number", "0912345678")
	b.follow(`form[action$="/actions/erase"] button`)
	require.Contains(t, b.text("main"), "This cannot be undone.")
	b.requireAccessible()
	b.follow("main form button")
	require.Contains(t, b.text(".good-news"), "Erased from 122 messages.")
	require.Equal(t, []console.Action{console.Pause, console.Resume, console.SendTest, console.Erase}, s.actions())
}

func TestPages_SpeakTheViewersLanguageAndZone(t *testing.T) {
	t.Parallel()
	ms := days()
	s := serve(t, "", ms)
	b := openTab(t, "zh-TW,zh;q=0.9")
	b.setZone("America/New_York")
	b.open(s.url + "/records/" + ms[0].ID.String())
	b.wait(`document.querySelector("#now time").title.includes("America/New_York")`)
	zone, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	require.Contains(t, b.text("main"), ms[0].TriggeredAt.In(zone).Format("2006-01-02 15:04:05"))
	require.Equal(t, "zh-Hant", b.eval("document.documentElement.lang"))
	b.follow(`footer [value="en"]`)
	require.Equal(t, "en", b.eval("document.documentElement.lang"))
	require.Equal(t, "/records/"+ms[0].ID.String(), b.path(), "the page stays")
}

func TestPages_AreUsedByKeyboard(t *testing.T) {
	t.Parallel()
	s := serve(t, "", days())
	b := openTab(t, "en")
	b.open(s.url + "/templates")
	press := func(key string) { require.NoError(t, chromedp.Do(b.ctx, chromedp.KeyEvent(key))) }
	press(kb.Tab)
	require.Equal(t, "Skip to the content", b.eval("document.activeElement.innerText"))
	press(kb.Enter)
	require.Equal(t, "content", b.eval("document.activeElement.id"))
	outlined := `getComputedStyle(document.activeElement).outlineStyle !== "none"`
	for range 12 {
		press(kb.Tab)
		require.Equal(t, "true", b.eval(outlined), "the focus is seen on %s", b.eval("document.activeElement.outerHTML"))
		require.Equal(t, "true", b.eval(`document.activeElement.closest("main") !== null`))
	}
}
