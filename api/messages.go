package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

// messagePage is a page of the list of messages.
type messagePage struct {
	// Messages are as [query.WriteNDJSON] writes them.
	Messages []json.RawMessage `json:"messages"`
	// Unreadable are messages that the store cannot read.
	Unreadable []unreadable `json:"unreadable,omitempty"`
	// Next is the parameter after of the next page. It is empty on the last page.
	Next string `json:"next,omitempty"`
}

// unreadable is a message of which the ID and the trigger time are known.
type unreadable struct {
	ID          uuid.UUID `json:"id"`
	TriggeredAt string    `json:"triggered_at,omitempty"`
}

// timeLayout is the one of [query.WriteNDJSON].
const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

// listMessages answers with the messages that the URL selects.
func (c *call) listMessages(http.ResponseWriter) (answer, error) {
	s, err := c.parseSelection(c.parameters, false, smsplus.Filter{})
	if err != nil {
		return answer{}, err
	}
	return c.answerPage(s)
}

// searchMessages answers with the messages that the body selects.
func (c *call) searchMessages(w http.ResponseWriter) (answer, error) {
	o, release, err := c.readObject(w)
	if err != nil {
		return answer{}, err
	}
	defer release()
	s, err := c.readSelection(o, listFields())
	if err != nil {
		return answer{}, err
	}
	return c.answerPage(s)
}

// answerPage answers with a page of what is selected.
func (c *call) answerPage(s selection) (answer, error) {
	if err := c.reportReveal(AuditEntry{Filter: s.filter.String()}); err != nil {
		return answer{}, err
	}
	page, err := s.reader.Records(c.ctx, s.filter)
	if err != nil {
		return answer{}, err
	}
	body, err := c.newPage(page)
	if err != nil {
		return answer{}, err
	}
	if body.Next, err = s.nextCursor(page.Next); err != nil {
		return answer{}, err
	}
	return newAnswer(http.StatusOK, body), nil
}

// newPage returns a page of the store as callers get it, without the cursor.
func (c *call) newPage(page smsplus.Page) (messagePage, error) {
	p := messagePage{Messages: []json.RawMessage{}}
	for i := range page.Messages {
		m, err := c.encodeMessage(page.Messages[i])
		if err != nil {
			return messagePage{}, err
		}
		p.Messages = append(p.Messages, m)
	}
	for _, u := range page.Unreadable {
		one := unreadable{ID: u.ID}
		if !u.TriggeredAt.IsZero() {
			one.TriggeredAt = u.TriggeredAt.UTC().Format(timeLayout)
		}
		p.Unreadable = append(p.Unreadable, one)
	}
	return p, nil
}

// encodeMessage returns a message as JSON.
func (c *call) encodeMessage(m smsplus.Message) (json.RawMessage, error) {
	var b bytes.Buffer
	one := func(yield func(smsplus.Message, error) bool) { yield(m, nil) }
	err := query.WriteNDJSON(&b, one, query.Export{Reveal: c.reveal})
	return bytes.TrimSpace(b.Bytes()), err
}

// getMessage answers with one message.
func (c *call) getMessage(http.ResponseWriter) (answer, error) {
	if err := c.reportReveal(AuditEntry{Message: c.id}); err != nil {
		return answer{}, err
	}
	m, err := c.newReader(c.config.Location).Record(c.ctx, c.id)
	if err != nil {
		return answer{}, err
	}
	body, err := c.encodeMessage(m)
	if err != nil {
		return answer{}, err
	}
	return newAnswer(http.StatusOK, body), nil
}

// cancelMessage stops a message.
func (c *call) cancelMessage(http.ResponseWriter) (answer, error) {
	if err := c.beginAction(Cancel); err != nil {
		return answer{}, err
	}
	return answer{code: http.StatusNoContent}, c.config.Dispatcher.Cancel(c.ctx, c.id)
}

// confirmMessage ends a message that the person has.
func (c *call) confirmMessage(http.ResponseWriter) (answer, error) {
	if err := c.beginAction(Confirm); err != nil {
		return answer{}, err
	}
	return answer{code: http.StatusNoContent}, c.config.Dispatcher.Confirm(c.ctx, c.id)
}

// resendMessage sends a message once more that did not arrive.
func (c *call) resendMessage(http.ResponseWriter) (answer, error) {
	if err := c.beginAction(Resend); err != nil {
		return answer{}, err
	}
	id, err := c.config.Dispatcher.Resend(c.ctx, c.id)
	if err != nil {
		return answer{}, problemOfResend(err)
	}
	a := newAnswer(http.StatusAccepted, triggered{id})
	a.header.Set("Location", "../"+id.String())
	return a, nil
}

// problemOfResend returns the error of a Resend. A message that cannot be triggered any more is
// in conflict with the templates of now: the request is sound.
func problemOfResend(err error) error {
	if errors.Is(err, smsplus.ErrInvalidTrigger) {
		return newProblem(codeNotResendable, "its data was erased, or its template has other variables or is gone")
	}
	for _, refusal := range []error{smsplus.ErrNotFound, smsplus.ErrUnreadable, smsplus.ErrDelivered, smsplus.ErrNotFinal} {
		if errors.Is(err, refusal) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", smsplus.ErrMaybeStored, err) // a later call failed, maybe
}

// foundMessages is the answer to a search for a text.
type foundMessages struct {
	Matches []match `json:"matches"`
}

// match are the newest messages that a text finds as one kind.
type match struct {
	Kind query.TextKind `json:"kind"`
	messagePage
	// More says that there are others.
	More bool `json:"more"`
}

// findMessages answers with what a text finds.
func (c *call) findMessages(w http.ResponseWriter) (answer, error) {
	o, release, err := c.readObject(w)
	if err != nil {
		return answer{}, err
	}
	defer release()
	text := o.requiredText("text")
	if err := o.check(codeInvalidRequest); err != nil {
		return answer{}, err
	}
	found, err := c.newReader(c.config.Location).Find(c.ctx, text)
	if err != nil {
		return answer{}, err
	}
	body := foundMessages{Matches: []match{}}
	for _, m := range found.Matches {
		if err := c.reportReveal(AuditEntry{Filter: m.Filter.String()}); err != nil {
			return answer{}, err
		}
		page, err := c.newPage(m.Page)
		if err != nil {
			return answer{}, err
		}
		body.Matches = append(body.Matches, match{Kind: m.Kind, messagePage: page, More: m.Page.Next != ""})
	}
	return newAnswer(http.StatusOK, body), nil
}
