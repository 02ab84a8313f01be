package pgstore

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// A tally is a text that contains all that statistics count of a message. Its first word is
// the message's status. Each attempt has a further word, of its channel and its status. An r
// after a status means read.
//
//	4r line_push:3 sms:4r
//
// Deltas count whole tallies. There are few different ones, so that this needs no more rows
// than counting each part. An update counts the new tally once more and the old one once
// less. The statements only split a tally into words and take a word's channel.

// encodeTally returns the tally of m.
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

// attemptChannel returns the channel of attempt i in smsplus_attempt and in the tally: the
// escaped name. From the second attempt on one channel on, a number follows, so that a
// search for the channel finds each message once.
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

// escapeChannel returns a channel's name without the characters that separate the parts of a
// tally.
func escapeChannel(c channel.Name) string { return url.QueryEscape(string(c)) }

// unescapeChannel is the inverse of escapeChannel. A number that attemptChannel added is
// ignored.
func unescapeChannel(escaped string) channel.Name {
	escaped, _, _ = strings.Cut(escaped, "#")
	name, err := url.QueryUnescape(escaped)
	if err != nil {
		return channel.Name(escaped) // no release writes it
	}
	return channel.Name(name)
}

// decodeTally returns a message that [smsplus.TemplateStats.AddMultiple] counts like all messages
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

// setReasons sets the reasons of the attempts of a tally, which stand apart from it.
func setReasons(m *smsplus.Message, reasons string) {
	for i, reason := range rowcodec.DecodeReasons(reasons) {
		if i < len(m.Attempts) {
			m.Attempts[i].Reason = reason
		}
	}
}

// decodeStatus decodes a status and its r. The tally lacks the time at which a message was
// read: any nonzero time stands for it.
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

// countFields returns pointers to the counts of s, in the order of the columns of
// smsplus_total. Triggered, which the table lacks, is the last.
func countFields(s *smsplus.TemplateStats) []*int {
	return []*int{
		&s.Preparing, &s.Accepted, &s.Failed, &s.Undeliverable, &s.Delivered, &s.Read, &s.DeliveredTwice, &s.Triggered,
	}
}
