package console

import (
	"net/url"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/internal/recordfilter"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
)

// selection is what the URL of the records page selects. All of it stands in the URL, so
// that a page can be bookmarked and passed on. What names a person stands there as a token.
type selection struct {
	recordfilter.Filter

	// person is a token of the recipient's number, and number what it holds.
	person string
	number phone.Number
	// wantedToken is a token of what was searched for.
	wantedToken string
	wanted      wanted
	// stale says that a token cannot be opened: it was made with another Config.Secret.
	stale bool
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
	var s selection
	s.Filter, _ = v.scope().ParseFilter(q)
	if open, err := uuid.Parse(q.Get("open")); err == nil {
		s.open = open
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

// query returns the URL's query of the selection, without the position in the list and
// the row that is expanded.
func (s selection) query() url.Values {
	q := recordfilter.Scope{Sizes: pageSizes}.Query(s.Filter)
	setUnlessEmpty(q, "person", s.person)
	setUnlessEmpty(q, "find", s.wantedToken)
	return q
}

// filter returns the filter of the selection.
func (s selection) filter() smsplus.Filter {
	f := s.wanted.applyTo(s.StoreFilter())
	f.Phone = s.number
	return f
}

// isNarrowed reports whether anything but the period is selected.
func (s selection) isNarrowed() bool {
	return s.Template != "" || s.Scenario != "" || s.Channel != "" || s.Reason != "" || s.person != "" || s.wantedToken != ""
}
