package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/phone/national"
	"github.com/smsplus/smsplus-go/smsplus"
)

// TextKind is what [Reader.Find] takes a text for.
type TextKind uint8

// The kinds, in the order of [Found.Matches].
const (
	MessageID   TextKind = iota + 1 // the ID of a message
	PhoneNumber                     // a recipient's number, as people type it
	Key                             // the [smsplus.Trigger.Key] of a message
	ProviderID                      // what a provider calls an attempt
	Reference                       // the [smsplus.Trigger.Reference] of messages
	RecipientID                     // a recipient's ID on a channel
)

var kindWords = [...]string{
	MessageID: "message_id", PhoneNumber: "phone_number", Key: "key", ProviderID: "provider_id",
	Reference: "reference", RecipientID: "recipient_id",
}

// String returns the kind in lower case, "phone_number".
func (k TextKind) String() string {
	if int(k) < len(kindWords) && kindWords[k] != "" {
		return kindWords[k]
	}
	return fmt.Sprintf("TextKind(%d)", uint8(k))
}

// MarshalText returns the kind's String.
func (k TextKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Match are the messages that a text finds as one kind.
type Match struct {
	Kind TextKind
	// Filter selects these messages: it is for [Reader.Records], which has the rest if there
	// are more than on the Page. It is zero for a MessageID.
	Filter smsplus.Filter
	// Page has the newest of them, at least one, and at most [MatchLimit].
	Page smsplus.Page
}

// Format writes the kind and how many messages there are, whatever the verb.
func (m Match) Format(f fmt.State, _ rune) { mask.Writef(f, "query.Match(%v: %v)", m.Kind, m.Page) }

// MatchLimit is the number of messages that a [Match] has at most.
const MatchLimit = 20

// Found is the result of [Reader.Find].
type Found struct {
	// Matches has what the text finds, in the order of the kinds. A text may be of several:
	// the key of one message and the reference of others. It is empty if nothing was found.
	Matches []Match
}

// Message returns the only message that was found, by whatever kinds, for a page to go to
// it at once. It returns false if none or several were found, or one that cannot be read.
func (f Found) Message() (only smsplus.Message, ok bool) {
	for _, match := range f.Matches {
		if len(match.Page.Unreadable) > 0 || match.Page.Next != "" {
			return smsplus.Message{}, false
		}
		for _, m := range match.Page.Messages {
			if ok && m.ID != only.ID {
				return smsplus.Message{}, false
			}
			only, ok = m, true
		}
	}
	return only, ok
}

// Format writes the matches, whatever the verb.
func (f Found) Format(s fmt.State, _ rune) { mask.Writef(s, "query.Found%v", f.Matches) }

// Find finds messages by a text that people have at hand, which may be of any [TextKind].
// The Found says of which it was. A number may be written in any way that [national.Parse]
// takes in Options.Region. It may have its country code after a plus, after 00, or alone.
// Spaces around the text do not count; everything else has to be exact.
//
// Messages of a number, a reference or a recipient's ID begin at [Reader.Earliest]. The
// others may be older, because they are few. A text that nothing can have, such as one that
// is too long, finds nothing. No error repeats the text.
func (r *Reader) Find(ctx context.Context, text string) (Found, error) {
	candidates, err := candidatesOf(text, r.region)
	if err != nil {
		return Found{}, fmt.Errorf("query: find: Options.Region: %w", err)
	}
	var found Found
	for _, c := range candidates {
		c.filter.Limit = MatchLimit
		page, err := r.findCandidate(ctx, c)
		if err != nil {
			return Found{}, fmt.Errorf("query: find by %v: %w", c.kind, err)
		}
		if len(page.Messages)+len(page.Unreadable) > 0 {
			c.filter.Limit = 0
			found.Matches = append(found.Matches, Match{Kind: c.kind, Filter: c.filter, Page: page})
		}
	}
	return found, nil
}

// candidate is what a text may be.
type candidate struct {
	kind   TextKind
	id     uuid.UUID      // of a MessageID
	filter smsplus.Filter // of the others
}

// maxTextBytes is the length of the longest text that can be found: a recipient's ID.
const maxTextBytes = 1024

// candidatesOf returns what the text may be, in the order of the kinds. The error is about
// the region.
func candidatesOf(text, region string) ([]candidate, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxTextBytes || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, nil
	}
	var all []candidate
	if id, err := uuid.Parse(text); err == nil {
		all = append(all, candidate{kind: MessageID, id: id})
	}
	numbers, err := numbersOf(text, region)
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		all = append(all, candidate{kind: PhoneNumber, filter: smsplus.Filter{Phone: n}})
	}
	return append(all,
		candidate{kind: Key, filter: smsplus.Filter{Key: text}},
		candidate{kind: ProviderID, filter: smsplus.Filter{ProviderID: text}},
		candidate{kind: Reference, filter: smsplus.Filter{Reference: text}},
		candidate{kind: RecipientID, filter: smsplus.Filter{RecipientID: text}},
	), nil
}

// numbersOf returns the phone numbers that a text may be: mostly none, rarely several. The error
// is about the region.
func numbersOf(text, region string) ([]phone.Number, error) {
	var all []phone.Number
	add := func(n phone.Number, err error) {
		if err == nil && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	n, err := national.Parse(text, region)
	if errors.Is(err, national.ErrRegion) {
		return nil, err
	}
	add(n, err)
	if first, _ := utf8.DecodeRuneInString(text); unicode.IsDigit(first) {
		text = "+" + text // it may have its country code, and no plus
		add(national.Parse(text, ""))
	}
	add(phone.Parse(text)) // a number that is in no numbering plan, such as one of a test
	return all, nil
}

// findCandidate returns the newest messages that a candidate finds.
func (r *Reader) findCandidate(ctx context.Context, c candidate) (smsplus.Page, error) {
	switch c.kind {
	case MessageID:
		m, err := r.store.Message(ctx, c.id)
		switch {
		case errors.Is(err, smsplus.ErrNotFound):
			return smsplus.Page{}, nil
		case errors.Is(err, smsplus.ErrUnreadable):
			return smsplus.Page{Unreadable: []smsplus.Unreadable{{ID: c.id, Err: err}}}, nil
		case err != nil:
			return smsplus.Page{}, err
		}
		return smsplus.Page{Messages: []smsplus.Message{m}}, nil
	case Key, ProviderID:
		return r.store.Records(ctx, c.filter)
	case PhoneNumber, Reference, RecipientID:
	}
	return r.Records(ctx, c.filter)
}
