// Package smsplus is the root of a library that sends one message to one person over
// several channels in order. Examples are LINE Push, then LINE Notification Messages,
// then SMS; or WhatsApp, then SMS. Channels may be your own. It moves on by itself when
// a channel cannot deliver or stays silent past its wait. It survives crashes, and keeps
// records that people can search and count by template.
//
// This package holds no code. Its example is a service with real providers. The
// packages, from the ground up:
//
//   - phone: a number that does not leak. secret: a password or a key that does not.
//   - status: the five statuses, the reasons, and each channel's legal moves.
//   - channel: what an adapter is. channel/channeltest tests one, and
//     channel/simulated is a provider whose outcomes the recipient's number chooses.
//   - channel/line, channel/whatsapp, channel/rcs, channel/sms/smpp,
//     channel/sms/twilio, channel/sms/mitake and channel/sms/every8d: the adapters.
//     channel/failover puts several providers behind one channel. channel/httpapi and
//     channel/sms are what they share.
//   - smsplus: the Dispatcher, templates, messages, and the Store interface.
//   - memstore, sqlitestore, pgstore: the stores, in memory, in a file and in
//     PostgreSQL. seal encrypts the data of the durable ones. storetest tests any store.
//   - query: statistics, records, tabs and exports for admin pages.
//   - webhook: one handler for the receipts of all providers. callback calls the webhook of
//     the application.
//   - console: pages for people. api: the same over HTTP, for programs in other languages.
//   - cmd/smsplus: an operator's commands for a store, in the shell.
//
// Each imports only packages above it in this list.
//
// # Three promises
//
// Nothing is lost. Once Send has returned without an error, the message ends in a final
// status, whatever crashes, restarts or reorders in between, provided that the store is
// durable.
//
// No person is messaged twice without need: not by a retry, a crash or two dispatchers, and not
// by a late or repeated receipt. No fallback fires after the delivery was known.
//
// Every outcome is explained: status, reason, channel and times of each attempt, per
// message and per template.
//
// # Where to begin
//
// examples/hello is a first program, examples/quickstart a whole one. README.md has the
// guarantees with their limits, docs/operations.md leads from a symptom to its remedy,
// and docs/decisions gives the reasons.
package smsplus
