package console

import (
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// selection is what the URL of the records page selects. All of it stands in the URL, so
// that a page can be bookmarked and passed on. What names a person stands there as a token.
type selection struct {
	period             period
	template, scenario string
	channel            channel.Name
	reason             status.Reason
	group              status.Group
	// person is a token of the recipient's number, and number what it holds.
	person string
	number phone.Number
	// wantedToken is a token of what was searched for.
	wantedToken string
	wanted      wanted
	// stale says that a token cannot be opened: it was made with another Config.Secret.
	stale bool
	after smsplus.Cursor
	size  int
	// open is the message whose row is expanded.
	open uuid.UUID
}

// The purposes of the tokens.
const (
	personPurpose = "person"
	wantedPurpose = "find"
)

// pageSizes are the numbers of rows that a page may have. The first is the default. Longer
// pages would be larger than 100 KB.
var pageSizes = []int{50, 20}

// parseSelection returns the selection of a URL. It takes any URL: fields that make no sense
// select nothing, and a filter that the store refuses is reported when it is used.
func (v *visit) parseSelection(q url.Values) selection {
	s := selection{
		period: v.parsePeriod(q), template: q.Get("template"), scenario: q.Get("scenario"), channel: channel.Name(q.Get("channel")),
		reason: status.Reason(q.Get("reason")), after: smsplus.Cursor(q.Get("after")), size: pageSizes[0],
	}
	if group, err := status.ParseGroup(q.Get("tab")); err == nil {
		s.group = group
	}
	if open, err := uuid.Parse(q.Get("open")); err == nil {
		s.open = open
	}
	for _, size := range pageSizes {
		if q.Get("size") == strconv.Itoa(size) {
			s.size = size
		}
	}
	if token := q.Get("person"); token != "" {
		text, err := v.tokens.openText(personPurpose, token)
		number, wrong := phone.Parse(text)
		if err != nil || wrong != nil {
			s.stale = true
		} else {
			s.person, s.number = token, number
		}
	}
	if token := q.Get("find"); token != "" {
		w, err := v.tokens.openWanted(token)
		if err != nil {
			s.stale = true
		} else {
			s.wantedToken, s.wanted = token, w
		}
	}
	return s
}

// query returns the URL's query of the selection, without the position in the list and the
// row that is expanded.
func (s selection) query() url.Values {
	q := url.Values{}
	s.period.setQuery(q)
	setUnlessEmpty(q, "template", s.template)
	setUnlessEmpty(q, "scenario", s.scenario)
	setUnlessEmpty(q, "channel", string(s.channel))
	setUnlessEmpty(q, "reason", string(s.reason))
	setUnlessEmpty(q, "person", s.person)
	setUnlessEmpty(q, "find", s.wantedToken)
	if s.group != status.All {
		q.Set("tab", s.group.String())
	}
	if s.size != pageSizes[0] {
		q.Set("size", strconv.Itoa(s.size))
	}
	return q
}

// filter returns the filter of the selection.
func (s selection) filter() smsplus.Filter {
	return s.period.applyTo(s.wanted.applyTo(smsplus.Filter{
		Template: s.template, Scenario: s.scenario, Channel: s.channel, Reason: s.reason, Phone: s.number, Group: s.group,
		Limit: s.size, After: s.after,
	}))
}

// isNarrowed reports whether anything but the period is selected.
func (s selection) isNarrowed() bool {
	return s.template != "" || s.scenario != "" || s.channel != "" || s.reason != "" || s.person != "" || s.wantedToken != ""
}
