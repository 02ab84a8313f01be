package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The records are spread over three months and 50 templates. Each has two attempts and a
// variable. Each has its own phone number, except 200 records of one person.

const (
	quarter   = 92 * 24 * time.Hour
	templates = 50
)

var (
	opened = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	plan   = []smsplus.PlannedStep{
		{Channel: channel.LINEPush, Wait: time.Hour}, {Channel: channel.LINENotify, Wait: 2 * time.Hour}, {Channel: channel.SMS},
	}
	vars    = map[string]string{"code": "123456"}
	regular = mustParseNumber("+886900000000")
)

func mustParseNumber(e164 string) phone.Number {
	n, err := phone.Parse(e164)
	if err != nil {
		panic(err) // the program makes only valid ones
	}
	return n
}

func phoneOf(i, n int) phone.Number {
	switch {
	case i%max(1, n/200) == 0:
		return regular
	case i%10 == 1:
		return mustParseNumber(fmt.Sprintf("+8190%08d", i))
	default:
		return mustParseNumber(fmt.Sprintf("+8869%08d", i))
	}
}

// idOf returns an ID that is spread like a random one and is the same in every run.
func idOf(i int) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(i)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[8:], uint64(i))
	return id
}

// sampleMessage returns the ith of n messages after two attempts. Of a hundred messages,
// four failed, six are undeliverable, ten are open, and the others are delivered.
func sampleMessage(i, n int) smsplus.Message {
	triggered := opened.Add(time.Duration(int64(quarter) / int64(n) * int64(i)))
	at := triggered.Add
	m := smsplus.Message{
		ID: idOf(i), Template: fmt.Sprintf("template-%02d", i%templates), Scenario: "order shipped",
		To: channel.Recipient{Phone: phoneOf(i, n)}, Vars: vars, Plan: plan, Channel: channel.SMS,
		TriggeredAt: triggered, ExpiresAt: at(24 * time.Hour), Version: 1,
	}
	m.Attempts = []smsplus.Attempt{{
		ID: smsplus.AttemptID(m.ID, 0), Channel: channel.LINEPush, Status: status.Undeliverable, Reason: status.NoContact,
		ProviderID: fmt.Sprintf("line-%016x", i), Tries: 1, StartedAt: at(time.Second), EndedAt: at(2 * time.Second),
	}, {
		ID: smsplus.AttemptID(m.ID, 2), Step: 2, Channel: channel.SMS, Status: status.Delivered,
		ProviderID: fmt.Sprintf("SM%032x", i), Tries: 1, StartedAt: at(3 * time.Hour),
		AcceptedAt: at(3*time.Hour + time.Second), DeliveredAt: at(4 * time.Hour), EndedAt: at(4 * time.Hour),
	}}
	last := &m.Attempts[1]
	switch r := i / templates % 100; {
	case r < 4:
		last.Status, last.Reason = status.Failed, status.SystemError
	case r < 10:
		last.Status, last.Reason = status.Undeliverable, status.CarrierError
	case r < 20:
		last.Status, last.EndedAt = status.Accepted, time.Time{}
		m.DueAt = at(72 * time.Hour)
	}
	if last.Status != status.Delivered {
		last.DeliveredAt = time.Time{}
	}
	m.Status, m.DeliveredAt = last.Status, last.DeliveredAt
	return m
}

// fill inserts n messages into a store, oldest first.
func fill(ctx context.Context, s smsplus.Store, n int) error {
	const batch = 1000
	ms := make([]smsplus.Message, 0, batch)
	for i := range n {
		if ms = append(ms, sampleMessage(i, n)); len(ms) == batch || i == n-1 {
			if _, err := s.Insert(ctx, ms); err != nil {
				return err
			}
			ms = ms[:0]
		}
	}
	return nil
}
