package console

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// meaning explains a status or a reason in words for support staff.
type meaning struct {
	// Happened, Next and Do say what happened, what happens next, and what to do.
	Happened, Next, Do string
}

// meanings are the explanations of a language. Each is by channel, and the one without a
// channel holds for all of them. An empty part of a channel's own means the general one.
type meanings struct {
	statuses map[status.Status]map[channel.Name]meaning
	reasons  map[status.Reason]map[channel.Name]meaning
	// unknown explains a reason that an adapter added.
	unknown meaning
}

// or returns the meaning with its empty parts from a more general one.
func (m meaning) or(general meaning) meaning {
	return meaning{cmp.Or(m.Happened, general.Happened), cmp.Or(m.Next, general.Next), cmp.Or(m.Do, general.Do)}
}

// statusMeaning explains a status of an attempt on a channel.
func (c *catalogue) statusMeaning(name channel.Name, st status.Status) meaning {
	all := c.meanings.statuses[st]
	return all[name].or(all[""])
}

// reasonMeaning explains a reason on a channel. What happens next depends on the channel and
// not on the reason, unless the reason says so.
func (c *catalogue) reasonMeaning(name channel.Name, st status.Status, r status.Reason) meaning {
	all, ok := c.meanings.reasons[r]
	m := all[name].or(all[""])
	if !ok {
		m = c.meanings.unknown
	}
	return m.or(meaning{Next: c.statusMeaning(name, st).Next})
}

// reasonLabel returns the short name of a reason: its text, or its code if an adapter added it.
func (c *catalogue) reasonLabel(r status.Reason) string {
	if key := "reason." + string(r); c.has(key) {
		return c.text(key)
	}
	return string(r)
}

// knownReasons are the reasons of package status, those of Undeliverable first.
var knownReasons = []status.Reason{
	status.NoContact, status.Blocked, status.QuotaExceeded, status.Unverified, status.NoMatch, status.InvalidNumber,
	status.ContentRejected, status.CarrierError, status.TemplateMismatch, status.Permission, status.Authorization,
	status.Expired, status.Canceled, status.Recalled, status.NoReceipt, status.Congested, status.InDoubt,
	status.TemplateConfig, status.SystemError,
}

// statusOf returns the status that a reason comes with.
func statusOf(r status.Reason) status.Status {
	if r == status.TemplateConfig || r == status.SystemError {
		return status.Failed
	}
	return status.Undeliverable
}

// machines are those of the channels that package channel knows.
var machines = map[channel.Name]*status.Machine{
	channel.LINEPush: status.LINEPush, channel.LINENotify: status.LINENotify, channel.WhatsApp: status.WhatsApp, channel.SMS: status.SMS,
}

// reaches reports whether an attempt on a channel can have a status.
func reaches(name channel.Name, st status.Status) bool {
	m, ok := machines[name]
	return !ok || m.Reaches(st)
}

// badge is a status as pages show it: with a sign and a word, so that nothing depends on its
// color.
type badge struct {
	Status, Label, Sign string
}

// signs stand before the statuses.
var signs = map[status.Status]string{
	status.Preparing: "○", status.Accepted: "◔", status.Failed: "!", status.Undeliverable: "✕", status.Delivered: "✓",
}

func (c *catalogue) badge(st status.Status) badge {
	return badge{st.String(), c.text("status." + st.String()), signs[st]}
}

// legend explains the statuses, and on its own page the reasons too.
type legend struct {
	// Channel is the label of the channel that it is about, or "".
	Channel  string
	Statuses []legendRow
	Reasons  []legendRow
}

type legendRow struct {
	Badge   badge
	Label   string // of a reason
	Code    string
	Meaning meaning
}

// legend returns the statuses of a channel, or of all channels for "".
func (v *visit) legend(name channel.Name) legend {
	var l legend
	if name != "" {
		l.Channel = v.channelLabel(name)
	}
	for _, st := range status.Statuses() {
		if reaches(name, st) {
			l.Statuses = append(l.Statuses, legendRow{Badge: v.badge(st), Meaning: v.statusMeaning(name, st)})
		}
	}
	return l
}

// fullLegend returns the legend with the reasons.
func (v *visit) fullLegend(name channel.Name) legend {
	l := v.legend(name)
	for _, r := range knownReasons {
		st := statusOf(r)
		l.Reasons = append(l.Reasons, legendRow{
			Badge: v.badge(st), Label: v.reasonLabel(r), Code: string(r), Meaning: v.reasonMeaning(name, st, r),
		})
	}
	return l
}

// meaningPage is the content of "meaning.html".
type meaningPage struct {
	Layout   layout
	Channels []navItem
	Legend   legend
}

// showMeaning answers with what each status and reason means, on a channel or on any.
func (v *visit) showMeaning(w http.ResponseWriter) error {
	name := channel.Name(v.r.URL.Query().Get("channel"))
	page := meaningPage{Layout: v.layout("meaning.title", "meaning.title"), Legend: v.fullLegend(name)}
	page.Channels = []navItem{{Label: v.text("meaning.general"), URL: v.path("/meaning"), IsCurrent: name == ""}}
	for _, c := range slices.SortedFunc(maps.Keys(machines), compareChannels) {
		page.Channels = append(page.Channels, navItem{
			Label: v.channelLabel(c), URL: v.url("/meaning", url.Values{"channel": {string(c)}}), IsCurrent: c == name,
		})
	}
	return v.render(w, http.StatusOK, "meaning", page)
}

// tabLabel returns the name of a tab.
func (c *catalogue) tabLabel(g status.Group) string { return c.text("tab." + g.String()) }

// isKnownReason reports whether a reason is one of package status.
func isKnownReason(r status.Reason) bool { return slices.Contains(knownReasons, r) }
