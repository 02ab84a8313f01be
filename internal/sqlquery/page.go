package sqlquery

import "github.com/smsplus/smsplus-go/smsplus"

// MatchingPage returns a page of f from a store whose conditions select too much: messages
// of which no attempt matches. Fetch returns a page of what the store selects. The result
// has none of these messages, and says rightly whether another page follows.
func MatchingPage(f smsplus.Filter, fetch func(smsplus.Filter) (smsplus.Page, error)) (smsplus.Page, error) {
	var ms []smsplus.Message
	var unreadable []smsplus.Unreadable
	for g := f; ; {
		g.Limit = f.PageSize() + 1 - len(ms) - len(unreadable)
		page, err := fetch(g)
		if err != nil {
			return smsplus.Page{}, err
		}
		for _, m := range page.Messages {
			if f.MatchAttempts(m.Attempts) {
				ms = append(ms, m)
			}
		}
		unreadable = append(unreadable, page.Unreadable...)
		if page.Next == "" || len(ms)+len(unreadable) > f.PageSize() {
			return f.Page(ms, unreadable...), nil
		}
		g.After = page.Next
	}
}
