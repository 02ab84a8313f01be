package smsplus

import (
	"strings"

	"github.com/smsplus/smsplus-go/channel"
)

// Class says which messages go first where a channel cannot send all at once: urgent ones
// before normal ones, and those before bulk. Each class has a tenth of the channel at least
// while it has messages. The zero Class is Normal. Stores keep the numbers, so they must not
// change.
type Class uint8

const (
	// Normal is the class of most messages, and of all messages of releases before classes.
	Normal Class = 0
	// Urgent is for messages that a person waits for, such as one-time codes.
	Urgent Class = 1
	// Bulk is for messages that may arrive hours later, such as campaigns.
	Bulk Class = 2
)

// numClasses is the number of classes.
const numClasses = 3

// byUrgency are the classes, the most urgent one first.
var byUrgency = [numClasses]Class{Urgent, Normal, Bulk}

var classNames = enum{"class", []string{Normal: "normal", Urgent: "urgent", Bulk: "bulk"}, "urgent, normal or bulk"}

// Valid reports whether there is such a class.
func (c Class) Valid() bool { return c < numClasses }

// String returns the class's name: "normal", "urgent" or "bulk".
func (c Class) String() string { return classNames.textOf(uint8(c)) }

// MarshalText returns the class's name.
func (c Class) MarshalText() ([]byte, error) { return classNames.marshalNumber(uint8(c)) }

// UnmarshalText parses a class's name. "" is Normal.
func (c *Class) UnmarshalText(text []byte) error {
	n, err := classNames.parseNumber(text)
	if err == nil {
		*c = Class(n)
	}
	return err
}

// lanePrefixes begin the names of the lanes of urgent and of bulk messages. A lane of normal
// messages has its channel's name alone, as in earlier releases.
var lanePrefixes = [numClasses]string{Urgent: "urgent lane:", Bulk: "bulk lane:"}

// laneName returns the lane of a channel's messages of the class.
func (c Class) laneName(name channel.Name) channel.Name {
	if c == Normal || !c.Valid() {
		return name
	}
	return channel.Name(lanePrefixes[c]) + name
}

// ChannelOfLane returns the channel on which the messages of a lane are to be sent, and their
// class. The lane of messages that only end has no channel, and neither have OutcomeLane and that
// of a paused template: see [TemplateOfLane].
func ChannelOfLane(lane channel.Name) (channel.Name, Class) {
	if _, isPaused := TemplateOfLane(lane); isPaused || lane == OutcomeLane {
		return "", Normal
	}
	for _, c := range [...]Class{Urgent, Bulk} {
		if name, ok := strings.CutPrefix(string(lane), lanePrefixes[c]); ok {
			return channel.Name(name), c
		}
	}
	return lane, Normal
}

// isLaneName reports whether a name is that of a lane, and no channel can have it.
func isLaneName(name channel.Name) (prefix string, ok bool) {
	for _, prefix := range [...]string{pausedLanePrefix, lanePrefixes[Urgent], lanePrefixes[Bulk], string(OutcomeLane)} {
		if strings.HasPrefix(string(name), prefix) {
			return prefix, true
		}
	}
	return "", false
}
