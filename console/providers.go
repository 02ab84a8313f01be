package console

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// providersPage is the content of "providers.html".
type providersPage struct {
	Layout  layout
	Windows []navItem
	Rows    []providerRow
}

// providerRow is a channel.
type providerRow struct {
	Channel, URL   string
	Attempts       int
	Rate, P50, P95 string
	// Waiting counts attempts that were accepted and have no receipt yet, and Missing the ones
	// whose receipt never came.
	Waiting, Missing       int
	WaitingURL, MissingURL string
	// Throttled counts attempts that were not sent because the channel was full.
	Throttled    int
	ThrottledURL string
	// Due is how many messages wait for the channel, and Behind for how long.
	Due    int
	Behind string
	// LastReceipt is when the last receipt happened. IsSilent says that receipts have stopped:
	// the latest attempts, Unanswered of them, have none.
	LastReceipt moment
	IsSilent    bool
	Unanswered  int
	// Parked counts receipts that found no message.
	Parked    int
	ParkedAge string
	// PausedAt is when the channel was paused.
	PausedAt moment
	Note     string
	// PauseURL pauses the channel, or resumes it. It is "" if the viewer may not.
	PauseURL string
	// IsServed says that a running dispatcher has the channel.
	IsServed bool
	// Troubles are reasons that stop all messages on the channel.
	Troubles  []trouble
	Providers []providerState
}

// trouble is a reason that concerns the account, and not a person.
type trouble struct {
	Reason, URL string
	Count       int
	Do          string
}

// providerState is one of several providers behind a channel.
type providerState struct {
	Name, State  string
	Sent, Failed uint64
	Masked       moment
}

// accountReasons are the reasons that stop all messages on a channel.
var accountReasons = []status.Reason{
	status.Authorization, status.QuotaExceeded, status.Permission, status.SystemError, status.TemplateConfig, status.TemplateMismatch,
}

// showProviders answers with how each channel does.
func (v *visit) showProviders(w http.ResponseWriter) error {
	last := v.window()
	page, err := v.providersPage(last)
	if err != nil {
		return err
	}
	page.Layout = v.withLive(v.layout("providers.title", "providers.title"))
	page.Windows = v.windowLinks("/providers", last)
	return v.render(w, http.StatusOK, "providers", page)
}

// liveProviders returns the page as one element.
func (v *visit) liveProviders() ([]livePart, error) {
	page, err := v.providersPage(v.window())
	if err != nil {
		return nil, err
	}
	part, err := v.part("providers", "providers#providers", page)
	return []livePart{part}, err
}

// providersPage returns how each channel does, without the layout.
func (v *visit) providersPage(last window) (page providersPage, err error) {
	f := last.boundFilter(smsplus.Filter{})
	stats, err := v.reader.StatsBy(v.ctx, f, smsplus.Grouping{By: smsplus.ByChannel, Times: true})
	if err != nil {
		return page, err
	}
	// Times by reason would be read from the counters of every template, so reasons come without.
	reasons, err := v.reader.StatsBy(v.ctx, f, smsplus.Grouping{By: smsplus.ByChannel | smsplus.ByReason})
	if err != nil {
		return page, err
	}
	o, err := v.reader.Overview(v.ctx)
	if err != nil {
		return page, err
	}
	parked, err := v.parked()
	if err != nil {
		return page, err
	}
	receipts, err := v.reader.Receipts(v.ctx)
	if err != nil {
		return page, err
	}
	rows := map[channel.Name]*providerRow{}
	row := func(name channel.Name) *providerRow {
		if rows[name] == nil {
			rows[name] = &providerRow{
				Channel: v.channelLabel(name), URL: v.recordsURL(last, "channel", string(name)), Rate: formatShare(0, 0), P50: "–", P95: "–",
			}
		}
		return rows[name]
	}
	for _, s := range stats {
		v.setCounts(row(s.Channel), s, last)
	}
	for _, s := range reasons {
		v.addReason(row(s.Channel), s, last)
	}
	for _, r := range parked.Rows {
		row(r.name).Parked, row(r.name).ParkedAge = r.Count, r.Age
	}
	for _, c := range receipts {
		r := row(c.Channel)
		r.LastReceipt, r.IsSilent, r.Unanswered = v.moment(c.LastAt), c.Silent, c.Unanswered
	}
	v.setStates(row, o)
	for _, name := range slices.SortedFunc(maps.Keys(rows), compareChannels) {
		a := Pause
		if rows[name].PausedAt.ISO != "" {
			a = Resume
		}
		if v.may(a) {
			rows[name].PauseURL = v.pauseURL(a, smsplus.Pause{Channel: name})
		}
		page.Rows = append(page.Rows, *rows[name])
	}
	return page, nil
}

// setCounts sets the counts and times of a channel.
func (v *visit) setCounts(r *providerRow, s smsplus.GroupStats, last window) {
	r.Attempts, r.Waiting = s.Triggered, s.Accepted
	r.Rate = formatShare(s.Delivered, s.Triggered)
	if s.Times.Count() > 0 {
		r.P50, r.P95 = v.duration(s.Times.Quantile(0.5)), v.duration(s.Times.Quantile(0.95))
	}
	r.WaitingURL = v.recordsURL(last, "channel", string(s.Channel), "tab", status.Sending.String())
}

// addReason adds the attempts that ended with a reason.
func (v *visit) addReason(r *providerRow, s smsplus.GroupStats, last window) {
	url := v.recordsURL(last, "channel", string(s.Channel), "reason", string(s.Reason))
	switch {
	case s.Reason == status.NoReceipt:
		r.Missing, r.MissingURL = s.Triggered, url
	case s.Reason == status.Congested:
		r.Throttled, r.ThrottledURL = s.Triggered, url
	case slices.Contains(accountReasons, s.Reason):
		r.Troubles = append(r.Troubles, trouble{
			Reason: v.reasonLabel(s.Reason), URL: url, Count: s.Triggered, Do: v.reasonMeaning(s.Channel, statusOf(s.Reason), s.Reason).Do,
		})
	}
}

// setStates sets which channels are paused, served and behind, and the providers behind them.
func (v *visit) setStates(row func(channel.Name) *providerRow, o query.Overview) {
	for _, h := range o.Dispatchers {
		for _, name := range h.Channels {
			row(name).IsServed = true
		}
	}
	behind := make(map[channel.Name]time.Duration)
	for _, l := range o.Lanes { // one for each class
		if l.Channel != "" && l.Due > 0 {
			behind[l.Channel] = max(behind[l.Channel], l.Behind)
			row(l.Channel).Due += l.Due
			row(l.Channel).Behind = v.duration(behind[l.Channel])
		}
	}
	for _, p := range o.Pauses {
		if p.Channel != "" {
			row(p.Channel).PausedAt, row(p.Channel).Note = v.moment(p.Since), p.Note
		}
	}
	if v.config.Dispatcher == nil {
		return
	}
	for c := range v.config.Dispatcher.Channels() {
		r := row(c.Name())
		if c.Traits().PollEvery > 0 { // its answers come with the polls
			r.IsSilent = false
		}
		several, ok := c.(interface {
			Providers() []failover.ProviderState
		})
		if !ok {
			continue
		}
		for _, p := range several.Providers() {
			r.Providers = append(r.Providers, providerState{
				Name: string(p.Name), State: v.text("provider." + string(p.State)), Sent: p.Sent, Failed: p.Failed, Masked: v.moment(p.MaskedSince),
			})
		}
	}
}
