// Package smsplus gets one message to one person over several channels. A [Dispatcher] tries
// the steps of a template's route in order. It moves on when a channel cannot deliver, or
// stays silent past its fallback time. It survives crashes, and keeps a record of every
// attempt.
//
//	d, err := smsplus.New(smsplus.Config{
//		Store:    memstore.New(),
//		Channels: []channel.Channel{push, notification, sms},
//		Templates: []smsplus.Template{{
//			ID: "otp", Scenario: "OTP", TTL: 10 * time.Minute,
//			Route: []smsplus.Step{
//				{Channel: channel.LINEPush, Content: channel.Text("Your code is {{code}}"), OnFailed: smsplus.Forward},
//				{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
//			},
//		}},
//	})
//	go d.Run(ctx)
//	id, err := d.Send(ctx, smsplus.Trigger{Template: "otp", To: to, Vars: map[string]string{"code": "1234"}})
//
// # How it works
//
// A message is a row that is its own timer: [Message].DueAt is when a dispatcher must look
// at it next. [Store.Claim] leases due rows to a holder. [Store.Update] stores the outcome
// and ends the lease. The rows of a dispatcher that dies fall due again when their leases
// end. Many dispatchers may share a store. They share nothing else.
//
// A send is an intent that is written down first. No step is sent unless the stored row,
// under the sender's [Message].Holder, names it in Sending. A row that waits for a step
// which may be sent again names that step already, so that the claim itself is the intent.
// A step to be sent at most once, and a step in doubt, need an update of their own. A
// holder that finds such an intent of a holder before it knows that this step may have been
// sent, and that no other was. Only that step is in doubt.
//
// Receipts are evidence that only moves an attempt up the ladder of package status. They may
// come in any order and any number of times. A receipt whose message is not known yet is
// parked, and applied when the message is. Once a delivery is stored, no further step is
// sent.
//
// # Who goes first
//
// Where a channel cannot send all at once, [Urgent] messages go before [Normal] ones, and those
// before [Bulk]. Each class has a tenth of the channel at least. In memory, the templates of a
// class take turns. In the store each class of a channel has a lane of its own. There the
// messages of all templates are in the order of their due times.
//
// # The files
//
//   - template.go, policy.go, until.go, class.go, message.go and store.go define triggers, rows
//     and the contract of stores. enum.go turns their choices into texts. filter.go and stats.go
//     define what a store finds and counts, and grouping.go and durations.go by what it groups
//     the counts. changes.go defines how it lists what has changed, and erase.go what it removes.
//     print.go masks what is printed of them.
//   - config.go checks the options, clock.go names the clock, and dispatcher.go makes the
//     Dispatcher. register.go keeps its templates, suspect.go warns of odd ones, and
//     contenthash.go tells versions of a content apart.
//   - route.go is the state machine of a message: pure transitions, with a drawing of a
//     row's life. successor.go decides what is to be taken back. evidence.go merges evidence
//     and outcomes into attempts. indoubt.go counts sends whose outcome is unknown.
//   - send.go inserts messages, claim.go claims them, and lane.go bounds how many wait in memory.
//     queue.go orders them for the workers that run.go starts. share.go divides a rate between
//     dispatchers. breaker.go leaves a channel alone that hangs or fails.
//   - job.go decides what a claimed message needs and writes the intent. ask.go asks a provider
//     for the outcome before a message continues, and recall.go has it take an attempt back, both
//     from inbox.go. attempt.go sends, retry.go spaces the tries, deadline.go bounds each call,
//     leave.go leaves a call behind that ignores its deadline, and scrub.go takes personal data
//     out of details. completion.go stores the outcome.
//   - receipt.go takes receipts, parked.go parks them, sweep.go applies parked ones that were
//     missed, cancel.go cancels, and confirm.go takes the application's word that a message
//     arrived. resend.go sends a new message in place of one that did not arrive.
//   - outcomes.go defines what the application is to know for certain, and publish.go publishes
//     it.
//   - silence.go notices a channel whose receipts have stopped.
//   - operations.go defines what operators see. pause.go pauses channels and templates, and
//     heartbeat.go says that a dispatcher runs.
//   - batch.go groups calls to the store, with the group commit of internal/groupcommit.
//   - observer.go reports events, and log.go what an operator has to read.
package smsplus
