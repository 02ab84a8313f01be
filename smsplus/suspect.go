package smsplus

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// minSensibleTime is the shortest wait or time to live that a person can have meant. A
// number without its unit is one of nanoseconds.
const minSensibleTime = time.Millisecond

// singleBraces matches a variable in single braces. A text has it as it is.
var singleBraces = regexp.MustCompile(`(?:^|[^{])\{ *([A-Za-z_][A-Za-z0-9_]*) *\}(?:[^}]|$)`)

// warnSuspects reports what cannot work in a template as it is meant.
func (d *Dispatcher) warnSuspects(t Template) {
	report := func(name channel.Name, why string) {
		d.cfg.Logger.Warn("smsplus: a template cannot work as it is meant", "template", t.ID, "channel", name, "why", why)
		d.reportEvent(context.Background(), TemplateSuspect{t.ID, name, why})
	}
	if 0 < t.TTL && t.TTL < minSensibleTime {
		report("", fmt.Sprintf("TTL is %v: a unit may be missing", t.TTL))
	}
	var begins time.Duration // of the step, if the steps before it stay silent
	for i, s := range t.Route {
		if 0 < s.Wait && s.Wait < minSensibleTime {
			report(s.Channel, fmt.Sprintf("Wait is %v: a unit may be missing", s.Wait))
		}
		if i > 0 && t.TTL > 0 && begins >= t.TTL {
			report(s.Channel, fmt.Sprintf("the step never starts if the steps before it stay silent: their waits are %v, and the TTL is %v", begins, t.TTL))
		}
		if text, ok := s.Content.(channel.Text); ok {
			if found := singleBraces.FindStringSubmatch(string(text)); found != nil {
				report(s.Channel, fmt.Sprintf("the text has {%s}, which is no variable: want {{%s}}", found[1], found[1]))
			}
		}
		// A channel that cannot only accept a message is never silent.
		if tr := d.traits[s.Channel]; s.Until == UntilRead || s.Until != UntilAccepted && tr.Machine.Reaches(status.Accepted) {
			begins += min(d.wait(PlannedStep{Channel: s.Channel, Wait: s.Wait}), maxWait-begins)
		}
	}
}

// maxWait is the longest sum of waits.
const maxWait = math.MaxInt64
