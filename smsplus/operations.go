package smsplus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
)

// ErrInvalidPause is wrapped by every error about a [Pause]. The message names the field.
var ErrInvalidPause = errors.New("smsplus: bad pause")

// Operations is the part of a [Store] that its operators look at and change. None of it is
// needed to send a message, and none of it holds personal data.
type Operations interface {
	// SetPause stores a pause. A channel or template that is paused already keeps the pause
	// that it has. A pause that Check refuses is its error.
	SetPause(ctx context.Context, p Pause) error

	// ClearPause drops the pause of p's channel or template, whatever its Since and Note. A
	// channel or template that is not paused is no error.
	ClearPause(ctx context.Context, p Pause) error

	// Pauses returns all pauses, in order of Channel and of Template, by their bytes.
	Pauses(ctx context.Context) ([]Pause, error)

	// Beat stores a heartbeat in place of the one with its ID. Then it drops every heartbeat
	// whose Until is at or before h.At. That may be h itself: so a dispatcher leaves.
	Beat(ctx context.Context, h Heartbeat) error

	// Heartbeats returns the heartbeats whose Until is after now, in order of StartedAt, and
	// equal ones by ID.
	Heartbeats(ctx context.Context, now time.Time) ([]Heartbeat, error)

	// Backlog returns the lanes that hold messages which are due at or before now, or set
	// aside, in order of the lanes' bytes. Its cost depends on those messages alone, not on
	// messages that have ended.
	Backlog(ctx context.Context, now time.Time) ([]LaneBacklog, error)
}

// Pause says that no dispatcher sends on a channel, or messages of a template, until the
// pause is cleared. Its key is Channel and Template.
type Pause struct {
	// Channel or Template names what is paused. Exactly one of them is set. It need not be
	// registered with any dispatcher.
	Channel  channel.Name
	Template string
	// Since is when the pause began.
	Since time.Time
	// Note says why and by whom, for people. It is UTF-8 and 255 bytes at most.
	Note string
}

// Check returns an error that wraps [ErrInvalidPause] unless the pause names a channel or
// a template, and its texts can be stored.
func (p Pause) Check() error {
	var bad errorList
	if (p.Channel == "") == (p.Template == "") {
		bad.add("%w: Channel or Template, and not both, names what is paused", ErrInvalidPause)
	}
	for _, f := range []struct{ field, value string }{{"Channel", string(p.Channel)}, {"Template", p.Template}, {"Note", p.Note}} {
		if len(f.value) > maxID || !validText(f.value) {
			bad.add("%w: %s must be UTF-8 without NUL, and %d bytes at most (%d bytes)", ErrInvalidPause, f.field, maxID, len(f.value))
		}
	}
	return errors.Join(bad...)
}

// Compare orders pauses as [Operations.Pauses] returns them.
func (p Pause) Compare(q Pause) int {
	return cmp.Or(strings.Compare(string(p.Channel), string(q.Channel)), strings.Compare(p.Template, q.Template))
}

// String names what is paused.
func (p Pause) String() string {
	if p.Template != "" {
		return fmt.Sprintf("template %s", quoteName(p.Template))
	}
	return fmt.Sprintf("channel %s", quoteName(string(p.Channel)))
}

// Heartbeat says that a dispatcher runs, and what it serves.
type Heartbeat struct {
	// ID identifies one run of a dispatcher.
	ID uuid.UUID
	// Name is the dispatcher's Config.Name.
	Name string
	// StartedAt is when the run began. At is the time of the heartbeat. From Until on the
	// dispatcher counts as gone, unless a later heartbeat came.
	StartedAt, At, Until time.Time
	// Channels and Templates are what the dispatcher has registered, in order.
	Channels  []channel.Name
	Templates []string
	// Shares are the dispatcher's shares of the rates that all dispatchers keep together, in
	// sends a second: see [Limit.Shared]. They are valid until Until.
	Shares map[channel.Name]float64
}

// LaneBacklog counts the messages of a lane that a dispatcher should have taken, or could
// not read.
type LaneBacklog struct {
	// Lane is as [Message].Lane. [ChannelOfLane] and [TemplateOfLane] tell what it is.
	Lane channel.Name
	// Due counts the messages with a DueAt at or before the time that was asked for. Messages
	// under a lease are not among them.
	Due int
	// OldestDue is the earliest DueAt of those; zero if there are none.
	OldestDue time.Time
	// SetAside counts the messages that [Store.SetAside] gave back, and that have not
	// changed since.
	SetAside int
}

// pausedLanePrefix begins the names of the lanes in which messages of a paused template
// wait. No channel has such a name: New refuses one.
const pausedLanePrefix = "paused template:"

// TemplateOfLane returns the template whose messages wait in the lane while the template is
// paused. The lanes of channels have none.
func TemplateOfLane(lane channel.Name) (template string, ok bool) {
	return strings.CutPrefix(string(lane), pausedLanePrefix)
}

// PausedBy returns the pause, if any, that keeps the message from its next step. A message
// that has ended, or is only to end, has none.
func (m *Message) PausedBy(ps []Pause) (p Pause, ok bool) {
	if m.HasEnded() || m.Lane == "" {
		return Pause{}, false
	}
	name, _ := ChannelOfLane(m.Lane)
	for _, p := range ps {
		if p.Template == m.Template && p.Template != "" || p.Channel == name && p.Channel != "" {
			return p, true
		}
	}
	return Pause{}, false
}
