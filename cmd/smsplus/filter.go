package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// recordQuery is the filter and the time zone that the flags of a list set.
type recordQuery struct {
	smsplus.Filter
	zone *time.Location
}

// flagNames rewrites the errors of a filter and of a store to name the flags.
var flagNames = strings.NewReplacer(smsplus.ErrInvalidFilter.Error()+": ", "",
	"Filter.From", "-from", "Filter.To", "-to", "Filter.Limit", "-limit",
	"Filter.CountryCode", "-country", "Filter.RecipientID", "-recipient", "Filter.After", "-after", "Grouping.By: ", "",
	"Filter.Scenario", "-scenario", "Filter.Reason", "-reason", "Filter.ProviderID", "-provider", "Filter.Reference", "-reference",
	"Options.Unsealed is not set", "-unsealed is not given")

// declareQuery declares the flags that every list has.
func (f *flags) declareQuery() *recordQuery {
	q := &recordQuery{}
	var from, to string
	f.declareZone(&q.zone)
	f.declareText(&from, "from", "triggered at or after this `time`, RFC 3339 or a date (default: three months ago)")
	f.declareText(&to, "to", "triggered before this `time`, RFC 3339 or a date")
	f.declareText(&q.Template, "template", "of the template with this `ID`")
	f.declareText(&q.Scenario, "scenario", "for this `scenario`")
	f.declareText((*string)(&q.Channel), "channel", "tried on the channel of this `name`")
	f.declareText((*string)(&q.Reason), "reason", "with an attempt that failed for this `reason`, on -channel if that is given")
	f.checks = append(f.checks, func() error {
		var errs [2]error
		q.From, errs[0] = parseTime("-from", from, q.zone)
		q.To, errs[1] = parseTime("-to", to, q.zone)
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
		if err := q.Check(); err != nil {
			return errors.New(flagNames.Replace(err.Error()))
		}
		return nil
	})
	return q
}

// declareRecordFilter declares the flags that only lists of records have.
func (f *flags) declareRecordFilter(q *recordQuery, stdin io.Reader) {
	f.declarePhone(&q.Phone, "to this `number` in E.164 (+886912345678); - reads it from standard input", stdin)
	f.declareSecret(&q.RecipientID, "recipient", "to the person with this `ID` on any channel; - reads it from standard input", stdin)
	f.declareSecret(&q.Reference, "reference", "with this `reference`; - reads it from standard input", stdin)
	f.declareSecret(&q.ProviderID, "provider", "with an attempt that the provider calls by this `ID`, on -channel if that is given; - reads it from standard input", stdin)
	f.declareText(&q.CountryCode, "country", "to numbers of this country `code` (886)")
	f.declareValue("tab", "in the `tab` all, sending, sent, undeliverable or failed", func(text string) (err error) {
		q.Group, err = status.ParseGroup(text)
		return err
	})
}

// declareSecret declares a flag whose value may identify a person. A dash reads it from stdin.
func (f *flags) declareSecret(into *string, name, usage string, stdin io.Reader) {
	f.declareValue(name, usage, func(text string) error {
		if *into = f.valueOrLine(text, stdin); *into == "" {
			return errors.New("it is empty")
		}
		return nil
	})
}

// declarePersonID declares the flag for an ID of a person on a channel, which may be given
// for several channels.
func (f *flags) declarePersonID(into *map[channel.Name]string, stdin io.Reader) {
	const usage = "the person's ID on a channel, as `channel=ID`; channel=- reads it from standard input. May be repeated"
	f.declareValue("id", usage, func(text string) error {
		name, id, ok := strings.Cut(text, "=")
		if id = f.valueOrLine(id, stdin); !ok || name == "" || id == "" {
			return errors.New("it is not a channel and an ID, as channel=ID")
		}
		if *into == nil {
			*into = make(map[channel.Name]string)
		}
		if _, twice := (*into)[channel.Name(name)]; twice {
			return errors.New("a channel is there twice")
		}
		(*into)[channel.Name(name)] = id
		return nil
	})
}

// declarePhone declares the flag for a phone number. A dash reads the number from stdin.
func (f *flags) declarePhone(into *phone.Number, usage string, stdin io.Reader) {
	f.declareValue("phone", usage, func(text string) (err error) {
		*into, err = phone.Parse(f.valueOrLine(text, stdin))
		return err
	})
}

// declareZone declares the flag for the time zone of input and output.
func (f *flags) declareZone(into **time.Location) {
	*into = time.UTC
	f.declareValue("tz", "the time `zone`, as Asia/Taipei or Local (default: UTC)", func(text string) error {
		zone, err := time.LoadLocation(text)
		if err != nil {
			return errors.New("there is no such time zone")
		}
		*into = zone
		return nil
	})
}

// declarePage declares the flags that select one page.
func (f *flags) declarePage(q *recordQuery) {
	const most = 1000
	f.declareValue("limit", "show this `number` of records, 1 to 1000 (default: 100)", func(text string) (err error) {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > most {
			return fmt.Errorf("it is no number from 1 to %d", most)
		}
		return nil
	})
	f.declareText((*string)(&q.After), "after", "go on from the `cursor` that the page before, of the same flags, ended with")
}

// parseTime parses the value of the flag called name. A date is the first instant of its
// day.
func parseTime(name, text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: it is neither a date (2006-01-02) nor RFC 3339 (2006-01-02T15:04:05Z)", name)
	}
	if t.Format(time.DateOnly) != text { // clocks skipped midnight, and t is on the day before
		_, t = t.ZoneBounds()
	}
	return t, nil
}

// everMonths is how far back a range may begin, in months: a century.
const everMonths = 12 * 100

// withReader calls do with a reader for the query. Without -from, the range begins at
// query's default. With -from it may begin up to a century ago, because an operator may
// look at everything that has not been purged.
func (p *program) withReader(ctx context.Context, q *recordQuery, do func(*query.Reader) error) error {
	o := query.Options{Location: q.zone}
	if !q.From.IsZero() {
		o.Months = everMonths
	}
	return p.withStore(ctx, func(s smsplus.Store) error {
		return do(query.New(s, o))
	})
}

// seqOf returns the messages as a sequence for package query.
func seqOf(ms ...smsplus.Message) iter.Seq2[smsplus.Message, error] {
	return func(yield func(smsplus.Message, error) bool) {
		for _, m := range ms {
			if !yield(m, nil) {
				return
			}
		}
	}
}
