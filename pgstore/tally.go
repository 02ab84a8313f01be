package pgstore

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// A tally is all that the statistics count of a message, as a text: its status, and
// for each attempt a word of its channel and status, each with an r if it was read.
//
//	4r line_push:3 sms:4r
//
// Few tallies are common, so that counters of whole tallies need no more rows than
// counters of what is in them, and to count a message anew is to count its new tally
// and no longer its old one. PostgreSQL knows of a tally only where the words are.

// encodeTally returns m's tally.
func encodeTally(m *smsplus.Message) string {
	var b []byte
	add := func(st status.Status, read time.Time) {
		b = strconv.AppendUint(b, uint64(st), 10)
		if !read.IsZero() {
			b = append(b, 'r')
		}
	}
	add(m.Status, m.ReadAt)
	for i := range m.Attempts {
		b = append(b, ' ')
		b = append(b, attemptChannel(m, i)...)
		b = append(b, ':')
		add(m.Attempts[i].Status, m.Attempts[i].ReadAt)
	}
	return string(b)
}

// attemptChannel returns what the table of attempts has as an attempt's channel: the
// name, escaped, and for a second attempt on one channel a number after it, so that
// the channel finds a message once.
func attemptChannel(m *smsplus.Message, i int) string {
	n := 1
	for _, before := range m.Attempts[:i] {
		if before.Channel == m.Attempts[i].Channel {
			n++
		}
	}
	name := escapeChannel(m.Attempts[i].Channel)
	if n > 1 {
		name += "#" + strconv.Itoa(n)
	}
	return name
}

// escapeChannel returns a channel's name without what divides a tally.
func escapeChannel(c channel.Name) string { return url.QueryEscape(string(c)) }

// decodeTally returns a message that [smsplus.TemplateStats.Add] counts as it does those
// with the tally.
func decodeTally(tally string) (smsplus.Message, error) {
	var m smsplus.Message
	words := strings.Split(tally, " ")
	var err error
	if m.Status, m.ReadAt, err = decodeStatus(words[0]); err != nil {
		return m, err
	}
	for _, word := range words[1:] {
		name, rest, _ := strings.Cut(word, ":")
		name, _, _ = strings.Cut(name, "#")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return m, fmt.Errorf("a tally's channel: %w", err)
		}
		a := smsplus.Attempt{Channel: channel.Name(name)}
		if a.Status, a.ReadAt, err = decodeStatus(rest); err != nil {
			return m, err
		}
		m.Attempts = append(m.Attempts, a)
	}
	return m, nil
}

func decodeStatus(s string) (st status.Status, read time.Time, err error) {
	digits, isRead := strings.CutSuffix(s, "r")
	n, err := strconv.ParseUint(digits, 10, 8)
	if err != nil || !status.Status(n).Valid() {
		return 0, time.Time{}, fmt.Errorf("a tally's status is none (%d characters)", len(s))
	}
	if isRead {
		read = time.Unix(0, 0)
	}
	return status.Status(n), read, nil
}

// templateStats returns the counts of n messages that count as m does, of themselves or, if
// c is not "", of their attempts on that channel.
func templateStats(m smsplus.Message, c channel.Name, n int) smsplus.TemplateStats {
	var s smsplus.TemplateStats
	s.Add(m, c)
	for _, count := range countFields(&s) {
		*count *= n
	}
	return s
}

// countFields returns where the counts of s are, in the order of the columns of the table
// of totals, and Triggered after them.
func countFields(s *smsplus.TemplateStats) []*int {
	return []*int{
		&s.Preparing, &s.Accepted, &s.Failed, &s.Undeliverable, &s.Delivered, &s.Read, &s.DeliveredTwice, &s.Triggered,
	}
}
