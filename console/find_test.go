package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// findable are messages that each kind of text finds.
func findable() []smsplus.Message {
	alone := sent(time.Hour, "otp", lost(channel.SMS, status.Undeliverable, status.CarrierError, "", time.Hour))
	alone.Key, alone.Reference, alone.Attempts[0].ProviderID = "login 17", "order-9", "SM00af"
	alone.To.IDs = map[channel.Name]string{channel.LINEPush: "U4af4980629"}
	ms := []smsplus.Message{alone}
	for range 3 {
		m := sent(2*time.Hour, "shipped", delivered(channel.SMS, 0))
		m.Reference = "order-17"
		ms = append(ms, m)
	}
	return ms
}

func TestSearch_GoesToTheMessageThatWasFound(t *testing.T) {
	t.Parallel()
	ms := findable()
	s := open(t, ms)
	for typed, took := range map[string]string{
		ms[0].ID.String():                  "Message ID",
		"  " + ms[0].ID.String() + " ":     "Message ID",
		"login 17":                         "Key",
		"SM00af":                           "Provider's ID",
		"order-9":                          "Reference",
		"U4af4980629":                      "Recipient's ID",
		strings.ToUpper(ms[0].ID.String()): "Message ID",
	} {
		w := s.post("/records/search", "range=today&template=other&wanted="+url.QueryEscape(typed))
		require.Equal(t, http.StatusSeeOther, w.Code, typed)
		location := w.Header().Get("Location")
		require.True(t, strings.HasPrefix(location, "/records/"+ms[0].ID.String()+"?found="), location)
		require.Contains(t, text(s.page(location)), "Found by: "+took+".")
	}
}

func TestSearch_ListsWhatWasFound(t *testing.T) {
	t.Parallel()
	ms := findable()
	s := open(t, ms)
	location := s.post("/records/search", "wanted=order-17").Header().Get("Location")
	require.Contains(t, location, "find=")
	require.NotContains(t, location, "order-17", "what people search for may name a person")
	html := s.page(location)
	require.Len(t, listed(html), 3)
	require.Contains(t, html, `aria-label="Remove Reference order-17"`)
	require.Contains(t, html, `name="find" value="`)
	require.Empty(t, listed(s.page(location+"&tab=failed")))

	location = s.post("/records/search", "wanted=0912-345-678").Header().Get("Location")
	require.Contains(t, location, "person=")
	require.Len(t, listed(s.page(location)), 4)
	require.Contains(t, s.get(strings.Replace(location, "/records", "/records.ndjson", 1)).Body.String(), "login 17")
}

func TestSearch_SaysWhenATextIsSeveralThings(t *testing.T) {
	t.Parallel()
	ms := findable()
	ms[1].Key = "order-9"
	s := open(t, ms)
	w := s.post("/records/search", "wanted=order-9")
	require.Equal(t, http.StatusOK, w.Code)
	html := w.Body.String()
	requireSound(t, html)
	require.Equal(t, idsOf(ms[1], ms[0]), ids(html), "that of the key first")
	require.Contains(t, text(html), "The text is several things. Key")
	link := strings.ReplaceAll(linkOf(t, html, "/records?find="), "&amp;", "&")
	require.Equal(t, idsOf(ms[1]), ids(s.page(link)))
}

func TestSearch_SaysThatNothingWasFound(t *testing.T) {
	t.Parallel()
	s := open(t, findable())
	for _, typed := range append([]string{"order-1", strings.Repeat("9", 3000)}, hostile...) {
		w := s.post("/records/search", "range=30d&wanted="+url.QueryEscape(typed))
		if strings.TrimSpace(typed) == "" {
			continue
		}
		require.Equal(t, http.StatusBadRequest, w.Code, typed)
		requireSound(t, w.Body.String())
		require.Contains(t, w.Body.String(), `<a href="#wanted">Nothing was found.`)
		require.Contains(t, w.Body.String(), `range=30d" aria-current="true"`)
	}
}

func TestSearch_HidesWhoWasSearchedFor(t *testing.T) {
	t.Parallel()
	ms := findable()
	ms[1].To.IDs = ms[0].To.IDs
	s := open(t, ms, revealing)
	location := s.post("/records/search", "wanted=U4af4980629").Header().Get("Location")
	html := s.page(location)
	require.Len(t, listed(html), 2)
	require.NotContains(t, html, "U4af4980629")
	require.Contains(t, text(s.page(location+"&reveal=1")), "Recipient's ID U4af4980629")
	require.NotContains(t, s.audit[0].Filter, "U4af4980629")
}
