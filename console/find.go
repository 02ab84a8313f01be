package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/phone/national"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

// wanted is what the search box was used for: a text, and what it was taken for. Message IDs
// and numbers are none, because they have pages and filters of their own.
type wanted struct {
	kind query.TextKind
	text string
}

// wantedKinds are the kinds of a [wanted].
var wantedKinds = []query.TextKind{query.Key, query.ProviderID, query.Reference, query.RecipientID}

// sealWanted returns the token of what was searched for.
func (k tokenKey) sealWanted(w wanted) string {
	return k.sealText(wantedPurpose, w.kind.String()+" "+w.text)
}

// openWanted returns what a token holds.
func (k tokenKey) openWanted(token string) (wanted, error) {
	sealed, err := k.openText(wantedPurpose, token)
	if err != nil {
		return wanted{}, err
	}
	word, text, _ := strings.Cut(sealed, " ")
	for _, kind := range wantedKinds {
		if kind.String() == word {
			return wanted{kind, text}, nil
		}
	}
	return wanted{}, errToken
}

// applyTo makes a filter select what was searched for.
func (w wanted) applyTo(f smsplus.Filter) smsplus.Filter {
	switch w.kind {
	case query.Key:
		f.Key = w.text
	case query.ProviderID:
		f.ProviderID = w.text
	case query.Reference:
		f.Reference = w.text
	case query.RecipientID:
		f.RecipientID = w.text
	case query.MessageID, query.PhoneNumber:
	}
	return f
}

// wantedLabel returns what was searched for as pages show it. The ID of a person is only
// shown as numbers are.
func (v *visit) wantedLabel(w wanted) string {
	label := v.text("find." + w.kind.String())
	if w.kind == query.RecipientID && !v.reveal {
		return label
	}
	return label + " " + w.text
}

// searchRecords takes the form, and answers with a redirect to the page of what was asked for.
// A number is never in a URL that way: the redirect has a token of it.
func (v *visit) searchRecords(w http.ResponseWriter) error {
	if err := v.r.ParseForm(); err != nil {
		return failure{http.StatusBadRequest, "error.form"}
	}
	form := v.r.PostForm
	s := v.parseSelection(form)
	if text := strings.TrimSpace(form.Get("wanted")); text != "" {
		return v.find(w, s, text)
	}
	var typed searchForm
	if number := strings.TrimSpace(form.Get("number")); number != "" {
		n, err := national.Parse(number, form.Get("region"))
		if err != nil {
			typed.Number, typed.NumberError = number, v.text("records.wrongNumber")
			typed.Countries = v.countries(form.Get("region"))
		} else {
			s.person, s.number = v.tokens.sealText(personPurpose, n.E164()), n
		}
	}
	if typed.NumberError != "" || len(s.Period.Wrong) > 0 {
		return v.answerRecords(w, s, typed)
	}
	http.Redirect(w, v.r, v.url("/records", v.keepReveal(s.query())), http.StatusSeeOther)
	return nil
}

// foundPage is the content of "found.html".
type foundPage struct {
	Layout  layout
	Matches []foundMatch
}

// foundMatch are the newest messages that a text finds as one kind.
type foundMatch struct {
	Label string
	Rows  []recordRow
	// URL leads to all of them.
	URL string
}

// find answers with what the text in the search box finds. Where that is one message, or
// messages by one kind of text, it redirects there.
func (v *visit) find(w http.ResponseWriter, s selection, text string) error {
	found, err := v.reader.Find(v.ctx, text)
	if err != nil {
		return err
	}
	if len(found.Matches) == 0 {
		return v.answerRecords(w, s, searchForm{WantedText: text, WantedError: v.text("find.nothing")})
	}
	if m, ok := found.Message(); ok {
		q := v.keepReveal(url.Values{"found": {found.Matches[0].Kind.String()}})
		http.Redirect(w, v.r, v.url("/records/"+m.ID.String(), q), http.StatusSeeOther)
		return nil
	}
	if first := found.Matches[0]; len(found.Matches) == 1 && first.Kind != query.MessageID {
		http.Redirect(w, v.r, v.url("/records", v.keepReveal(v.selectionOf(first, text).query())), http.StatusSeeOther)
		return nil
	}
	page := foundPage{Layout: v.layout("find.title", "records.title")}
	pauses, err := v.reader.Pauses(v.ctx)
	if err != nil {
		return err
	}
	shown := map[uuid.UUID]bool{}
	for _, m := range found.Matches {
		if err := v.audit(AuditEntry{Filter: m.Filter.String()}); err != nil {
			return err
		}
		page.Matches = append(page.Matches, v.foundMatch(m, text, pauses, shown))
	}
	return v.render(w, http.StatusOK, "found", page)
}

// selectionOf returns the selection of all messages of a match, as far back as is allowed.
func (v *visit) selectionOf(m query.Match, text string) selection {
	s := v.parseSelection(url.Values{"range": {"3m"}})
	if m.Kind == query.PhoneNumber {
		s.number = m.Filter.Phone
		s.person = v.tokens.sealText(personPurpose, s.number.E164())
		return s
	}
	s.wanted = wanted{m.Kind, text}
	s.wantedToken = v.tokens.sealWanted(s.wanted)
	return s
}

// foundMatch returns the rows of a match that are not shown yet.
func (v *visit) foundMatch(m query.Match, text string, pauses []smsplus.Pause, shown map[uuid.UUID]bool) foundMatch {
	match := foundMatch{Label: v.text("find." + m.Kind.String())}
	s := v.parseSelection(url.Values{})
	if m.Kind != query.MessageID {
		s = v.selectionOf(m, text)
		match.URL = v.url("/records", v.keepReveal(s.query()))
	}
	page := m.Page
	page.Messages, page.Unreadable = nil, nil
	for _, one := range m.Page.Messages {
		if !shown[one.ID] {
			shown[one.ID] = true
			page.Messages = append(page.Messages, one)
		}
	}
	for _, one := range m.Page.Unreadable {
		if !shown[one.ID] {
			shown[one.ID] = true
			page.Unreadable = append(page.Unreadable, one)
		}
	}
	match.Rows = v.recordRows(s, page, pauses)
	return match
}

// foundNotice says what the text in the search box was taken for, if it led to a page.
func (v *visit) foundNotice() string {
	key := "find." + v.r.URL.Query().Get("found")
	if v.r.URL.Query().Get("found") == "" || !v.has(key) {
		return ""
	}
	return v.text("find.took", v.text(key))
}
