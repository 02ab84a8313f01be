// Package smsplus is the root of a library that gets one message to one person
// over several channels: LINE Push, then LINE Notification Messages, then SMS, or
// WhatsApp, then SMS, or channels of your own. It forwards by itself when a channel
// cannot deliver or stays silent past its fallback time, survives crashes, and keeps
// records that people can search and count by template.
//
// This package holds no code. From the ground up:
//
//   - phone: a number that does not leak.
//   - status: the five statuses, the reasons, and each channel's legal moves.
//   - channel: what an adapter is; channel/channeltest proves one, and
//     channel/simulated is a provider whose outcomes are chosen by the number.
//   - channel/line, channel/whatsapp, channel/sms/smpp, channel/sms/twilio and
//     channel/sms/mitake: the adapters; channel/failover puts several providers
//     behind one channel. channel/httpapi and channel/sms are what they are built from.
//   - smsplus: the Dispatcher, templates, messages, and the Store they live in.
//   - memstore, sqlitestore, pgstore: the stores, in memory, in a file and in
//     PostgreSQL; seal encrypts what the durable ones hold; storetest proves any store.
//   - query: statistics, records, tabs and exports, as admin pages ask for them.
//   - webhook: where providers call in with their receipts.
//   - cmd/smsplus: what an operator does with a store, from the shell.
//
// Each imports only what is under it.
//
// # Three promises
//
// Nothing is lost: once Send returned without an error, the message ends in a final
// status, whatever crashes, restarts or reorders in between, as long as its store
// keeps what it was given.
//
// No one is messaged twice without need: not by a retry, a crash, two dispatchers, a
// late or repeated receipt, or a fallback that fires after the delivery was known.
//
// Every outcome is explained: status, reason, channel and times of each attempt, per
// message and per template.
//
// # Where to begin
//
// examples/hello is a first program, examples/quickstart a whole one. The guarantees
// and their limits are in README.md, and why things are as they are in
// docs/decisions.
package smsplus
