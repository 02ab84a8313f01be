// Package smsplus gets one message to one person over several channels. A
// [Dispatcher] tries the steps of a template's route in order, moves on by itself
// when a channel cannot deliver or stays silent past its fallback time, survives
// crashes, and keeps a record of every attempt.
//
//	d, err := smsplus.New(smsplus.Config{
//		Store:    memstore.New(),
//		Channels: []channel.Channel{push, notification, sms},
//		Templates: []smsplus.Template{{
//			ID: "otp", Scenario: "OTP", TTL: 10 * time.Minute,
//			Route: []smsplus.Step{
//				{Channel: channel.LINEPush, Content: channel.Text("Your code is {{code}}")},
//				{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
//			},
//		}},
//	})
//	go d.Run(ctx)
//	id, err := d.Send(ctx, smsplus.Trigger{Template: "otp", To: to, Vars: map[string]string{"code": "1234"}})
//
// # How it works
//
// A message is a row that is its own timer: [Message].DueAt says when a dispatcher
// must look at it next. [Store.Claim] leases the rows that are due and is the
// write-ahead of the send that follows; [Store.Update] records what became of it. A
// dispatcher that dies leaves rows that fall due again when their leases end. Many
// dispatchers may share a store; they share nothing else.
//
// Receipts are evidence that only moves an attempt up the ladder of package status,
// so they may come in any order and any number of times. Once a delivery is stored
// no further step is started.
//
// The files follow the row: template.go and message.go say what it is, route.go
// decides where it goes, claim.go, lane.go and attempt.go take it there, doubt.go
// keeps account of what nobody knows, receipt.go takes in what comes back, and
// commit.go stores it, in the batches of batcher.go.
package smsplus
