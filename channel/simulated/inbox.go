package simulated

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/mask"
)

// Copy is one copy of a message that reached the person.
type Copy struct {
	// AttemptID is the ID in the envelope.
	AttemptID uuid.UUID
	// To is the recipient.
	To channel.Recipient
	// Content is the rendered content.
	Content channel.Content
	// Text is the content as a text: what the person reads of a [channel.Text], and the JSON
	// of LINE's messages. It is "" for content that is no text, such as WhatsApp's templates.
	Text string
	// At is when the copy reached the person.
	At time.Time
}

// String returns the attempt's ID, the masked recipient and the time, without the content.
func (c Copy) String() string {
	return fmt.Sprintf("simulated.Copy(%v for %v at %s)", c.AttemptID, c.To, c.At.Format(time.RFC3339))
}

// Format writes the copy's String, whatever the verb.
func (c Copy) Format(f fmt.State, _ rune) { mask.Write(f, c.String()) }

// MarshalText returns the copy's String, for logs.
func (c Copy) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// GobEncode returns an error. Encode the copy's fields.
func (Copy) GobEncode() ([]byte, error) {
	return nil, mask.ErrPersonal
}

// attempt is the provider's record of one attempt ID.
type attempt struct {
	answer channel.Result
	copies []Copy
}

// textOf returns content that is a text.
func textOf(c channel.Content) string {
	if v := reflect.ValueOf(c); v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}

// Inbox returns every copy that has reached its person by now, by time.
func (c *Channel) Inbox() []Copy {
	now := c.config.Clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	var inbox []Copy
	for _, id := range c.attemptOrder {
		for _, copied := range c.attempts[id].copies {
			if !copied.At.After(now) {
				inbox = append(inbox, copied)
			}
		}
	}
	slices.SortStableFunc(inbox, func(a, b Copy) int { return a.At.Compare(b.At) })
	return inbox
}

// Duplicates returns how many copies in the Inbox were needless: all but the first of each
// attempt.
func (c *Channel) Duplicates() int {
	seen := make(map[uuid.UUID]bool)
	n := 0
	for _, copied := range c.Inbox() {
		if seen[copied.AttemptID] {
			n++
		}
		seen[copied.AttemptID] = true
	}
	return n
}

// Reset forgets every attempt, the receipts that are not yet delivered, and the script.
func (c *Channel) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.attempts)
	clear(c.scripted)
	c.attemptOrder, c.pending, c.script = nil, nil, nil
}

// recordAttempt records an envelope with its answer and its copy, and forgets the oldest
// attempt if there are more than Config.Memory. On an idempotent channel that has seen the
// attempt it changes nothing and returns the first answer.
func (c *Channel) recordAttempt(e channel.Envelope, answer channel.Result, events []event) (first channel.Result, seen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.attempts[e.AttemptID]
	if ok && c.config.Traits.Idempotent {
		return a.answer, true
	}
	if !ok {
		a = &attempt{answer: answer}
		c.attempts[e.AttemptID] = a
		c.attemptOrder = append(c.attemptOrder, e.AttemptID)
	}
	if at := arrivalTime(events); !at.IsZero() {
		a.copies = append(a.copies, Copy{AttemptID: e.AttemptID, To: e.To, Content: e.Content, Text: textOf(e.Content), At: at})
	}
	if len(c.attemptOrder) > c.config.Memory {
		delete(c.attempts, c.attemptOrder[0])
		c.attemptOrder = c.attemptOrder[1:]
	}
	return channel.Result{}, false
}
