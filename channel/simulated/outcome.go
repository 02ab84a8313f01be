package simulated

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

// Outcome is the outcome of a message on one channel: a pair of digits in the package
// comment's table.
type Outcome uint8

// The table of the package comment.
const (
	Delivered         Outcome = 0
	DeliveredLater    Outcome = 1
	ReadLater         Outcome = 2
	DeliveredLate     Outcome = 3
	ToldLate          Outcome = 4
	DeliveredAfterAll Outcome = 5

	NoContact        Outcome = 10
	Blocked          Outcome = 11
	QuotaExceeded    Outcome = 12
	NoMatch          Outcome = 13
	InvalidNumber    Outcome = 14
	TemplateMismatch Outcome = 15
	Permission       Outcome = 16
	Unauthorized     Outcome = 17
	ContentRejected  Outcome = 18
	CarrierError     Outcome = 19

	Silent             Outcome = 20
	UndeliverableLater Outcome = 21
	UnverifiedLater    Outcome = 22
	FailedLater        Outcome = 23

	TemplateConfig Outcome = 30
	SystemError    Outcome = 31

	FlakyTwice Outcome = 40
	Throttled  Outcome = 41
	Down       Outcome = 42

	InDoubtTaken Outcome = 50
	InDoubtLost  Outcome = 51

	ReceiptFirst Outcome = 60
	ReceiptTwice Outcome = 61
	OutOfOrder   Outcome = 62

	Slow   Outcome = 70
	Hangs  Outcome = 71
	Panics Outcome = 72
)

var outcomeNames = map[Outcome]string{
	Delivered: "Delivered", DeliveredLater: "DeliveredLater", ReadLater: "ReadLater",
	DeliveredLate: "DeliveredLate", ToldLate: "ToldLate", DeliveredAfterAll: "DeliveredAfterAll",
	NoContact: "NoContact", Blocked: "Blocked", QuotaExceeded: "QuotaExceeded", NoMatch: "NoMatch",
	InvalidNumber: "InvalidNumber", TemplateMismatch: "TemplateMismatch", Permission: "Permission",
	Unauthorized: "Unauthorized", ContentRejected: "ContentRejected", CarrierError: "CarrierError",
	Silent: "Silent", UndeliverableLater: "UndeliverableLater", UnverifiedLater: "UnverifiedLater",
	FailedLater: "FailedLater", TemplateConfig: "TemplateConfig", SystemError: "SystemError",
	FlakyTwice: "FlakyTwice", Throttled: "Throttled", Down: "Down",
	InDoubtTaken: "InDoubtTaken", InDoubtLost: "InDoubtLost",
	ReceiptFirst: "ReceiptFirst", ReceiptTwice: "ReceiptTwice", OutOfOrder: "OutOfOrder",
	Slow: "Slow", Hangs: "Hangs", Panics: "Panics",
}

// Outcomes returns every outcome, in the table's order.
func Outcomes() []Outcome {
	all := make([]Outcome, 0, len(outcomeNames))
	for o := range outcomeNames {
		all = append(all, o)
	}
	slices.Sort(all)
	return all
}

// String returns the outcome's name in the table.
func (o Outcome) String() string {
	if name, ok := outcomeNames[o]; ok {
		return name
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// Number returns the number that has these outcomes on LINE Push, on LINE
// Notification or WhatsApp, and on SMS: "+886900" and the three pairs.
func Number(push, notify, sms Outcome) phone.Number {
	n, err := phone.Parse(fmt.Sprintf("+886900%02d%02d%02d", push%100, notify%100, sms%100))
	if err != nil {
		panic(err) // six digits after a valid prefix always parse
	}
	return n
}

// Place is the position of the pair of digits that a channel reads, among a number's last
// six digits.
type Place uint8

// The three pairs, from the left.
const (
	First Place = iota + 1
	Second
	Third
)

// outcomeAt reads the pair at p in the last six digits of s. A pair that is not in the
// table counts as Delivered.
func outcomeAt(s string, p Place) Outcome {
	if len(s) < 6 {
		return Delivered
	}
	pair := s[len(s)-6+2*int(p-First):][:2]
	if strings.Trim(pair, "0123456789") != "" {
		return Delivered
	}
	o := Outcome(pair[0]-'0')*10 + Outcome(pair[1]-'0')
	if _, ok := outcomeNames[o]; !ok {
		return Delivered
	}
	return o
}

// refusals are the outcomes that are an error at every try. The message is never taken.
var refusals = map[Outcome]*channel.Error{
	NoContact:        channel.Undeliverable(status.NoContact, "simulated 10"),
	Blocked:          channel.Undeliverable(status.Blocked, "simulated 11"),
	QuotaExceeded:    channel.Undeliverable(status.QuotaExceeded, "simulated 12"),
	NoMatch:          channel.Undeliverable(status.NoMatch, "simulated 13"),
	InvalidNumber:    channel.Undeliverable(status.InvalidNumber, "simulated 14"),
	TemplateMismatch: channel.Undeliverable(status.TemplateMismatch, "simulated 15"),
	Permission:       channel.Undeliverable(status.Permission, "simulated 16"),
	Unauthorized:     channel.Undeliverable(status.Authorization, "simulated 17"),
	ContentRejected:  channel.Undeliverable(status.ContentRejected, "simulated 18"),
	CarrierError:     channel.Undeliverable(status.CarrierError, "simulated 19"),
	TemplateConfig:   channel.Failed(status.TemplateConfig, "simulated 30"),
	SystemError:      channel.Failed(status.SystemError, "simulated 31"),
}

// event is one thing that happens to a message, at happenedAt. Its receipt comes at
// reportedAt.
type event struct {
	status                 status.Status
	reason                 status.Reason
	read                   bool
	happenedAt, reportedAt time.Time
}

// eventsFor returns the events of a message that is taken now, in the order of the
// receipts.
func (c *Channel) eventsFor(o Outcome, now time.Time) []event {
	soon, later, late := now.Add(c.config.Delay), now.Add(2*c.config.Delay), now.Add(c.config.Late)
	switch o {
	case Delivered, ReceiptFirst:
		return []event{{status: status.Delivered, happenedAt: now, reportedAt: now}}
	case ReadLater:
		return []event{
			{status: status.Delivered, happenedAt: soon, reportedAt: soon},
			{status: status.Delivered, read: true, happenedAt: later, reportedAt: later},
		}
	case DeliveredLate:
		return []event{{status: status.Delivered, happenedAt: late, reportedAt: late}}
	case ToldLate:
		return []event{{status: status.Delivered, happenedAt: soon, reportedAt: late}}
	case DeliveredAfterAll:
		return []event{
			{status: status.Undeliverable, reason: status.CarrierError, happenedAt: soon, reportedAt: soon},
			{status: status.Delivered, happenedAt: late, reportedAt: late},
		}
	case Silent:
		return nil
	case UndeliverableLater:
		return []event{{status: status.Undeliverable, reason: status.CarrierError, happenedAt: soon, reportedAt: soon}}
	case UnverifiedLater:
		return []event{{status: status.Undeliverable, reason: status.Unverified, happenedAt: soon, reportedAt: soon}}
	case FailedLater:
		return []event{{status: status.Failed, reason: status.SystemError, happenedAt: soon, reportedAt: soon}}
	case ReceiptTwice:
		return []event{
			{status: status.Delivered, happenedAt: soon, reportedAt: soon},
			{status: status.Delivered, happenedAt: soon, reportedAt: later},
		}
	case OutOfOrder:
		return []event{
			{status: status.Delivered, read: true, happenedAt: later, reportedAt: later},
			{status: status.Delivered, happenedAt: soon, reportedAt: later.Add(c.config.Delay)},
			{status: status.Accepted, happenedAt: now, reportedAt: later.Add(2 * c.config.Delay)},
		}
	default:
		return []event{{status: status.Delivered, happenedAt: soon, reportedAt: soon}}
	}
}
