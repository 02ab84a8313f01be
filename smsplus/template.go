package smsplus

import (
	"time"

	"github.com/smsplus/smsplus-go/channel"
)

// Template is what to say on each channel and the route that tries them. A
// Dispatcher holds its templates from [New] on; a message keeps the route it was
// triggered with, while the content is always the registered template's.
type Template struct {
	// ID is what triggers call it. Required.
	ID string
	// Name is what people call it. It is the application's: smsplus does not read it.
	Name string
	// Scenario is what the message is for ("OTP", "order shipped"); every record
	// shows it.
	Scenario string
	// Route is the steps in order, each on a channel of its own. Required.
	Route []Step
	// TTL is how long after its trigger time, or its SendAt, the message may still
	// be started on a channel. Zero means no limit.
	TTL time.Duration
}

// Step is one channel of a route.
type Step struct {
	// Channel is the name of a registered channel. Required.
	Channel channel.Name
	// Content is what to say. Required.
	Content channel.Content
	// Wait is the fallback time: how long after its start an attempt may stay
	// without delivery before the message moves on to the next step, or, on the
	// last one, ends as Undeliverable with the reason no_receipt. Zero means as
	// long as the provider goes on trying: the channel's Traits.Validity, or
	// [DefaultWait] where that is not known.
	Wait time.Duration
	// OnFailed says what happens when the attempt fails: Stop (the default), for
	// someone must look, or Forward, for messages that must arrive anyway.
	OnFailed Policy
	// InDoubt says what happens when nobody knows whether the provider took the
	// message, on a channel that is not idempotent: Resend (the default), at least
	// once, or Forward, at most once on this step.
	InDoubt Policy
}

// Policy is what to do at a fork of the route.
type Policy uint8

const (
	// Stop ends the message; the zero Policy of Step.OnFailed.
	Stop Policy = 0
	// Resend sends the attempt again; the zero Policy of Step.InDoubt.
	Resend Policy = 0
	// Forward goes on with the next step.
	Forward Policy = 1
)

// DefaultWait is the wait of a step that sets none, on a channel that does not
// say how long its provider goes on trying.
const DefaultWait = 72 * time.Hour

// Trigger asks for a message.
type Trigger struct {
	// Template is the ID of a registered template. Required.
	Template string
	// To is who is to get it. Required.
	To channel.Recipient
	// Vars are the values of the variables of the template's contents: all of
	// them, and no others.
	Vars map[string]string
	// Key makes the trigger idempotent: a second trigger with the same key and the
	// same template, recipient and variables is the first one's message. Keys are
	// remembered as long as the store keeps the message. Empty means no key.
	Key string
	// SendAt is when to start. Zero, or a time past, means now.
	SendAt time.Time
	// TTL overrides the template's, if it is not zero.
	TTL time.Duration
	// Metadata is kept with the record and given back; smsplus does not read it.
	Metadata map[string]string
}
