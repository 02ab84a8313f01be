// Package pgstore keeps messages in a PostgreSQL database, version 14 or later. Any
// number of dispatchers, in any number of processes, share the database and nothing
// else.
//
//	pool, err := pgxpool.New(ctx, "postgres://…")
//	err = pgstore.Migrate(ctx, pool, pgstore.Options{})  // when you deploy
//	store, err := pgstore.New(ctx, pool, pgstore.Options{})
//	defer store.Close()
//	d, err := smsplus.New(smsplus.Config{Store: store, …})
//
// [Store.InsertTx] puts a message into a transaction of the application's own: it is
// sent if, and only if, that commits.
//
// # What a crash loses
//
// Nothing, of a server that keeps what it has committed, as PostgreSQL does by
// default. With synchronous_commit off, a crash of the server may lose what was stored
// last: a person may then be sent a message again, or a message that Send has accepted
// may be gone.
//
// # How it works
//
// A message is two rows: what its trigger fixed, with the indexes that lists need, is
// written once, and what becomes of it is a smaller row with fewer indexes, which each
// claim and update replaces. Every call is one statement, and one round trip, for a
// whole batch, which goes as one array of a composite type; no call takes an advisory
// lock, and there are no triggers, enums or domains. Claims pass over rows that others
// hold (FOR UPDATE SKIP LOCKED), and updates lock rows in the order of their IDs.
//
// Statistics are counters beside the rows: each batch appends what it changed, in its
// own transaction, and a store that claims folds that into totals by hour, by day and
// by eight days, now and then. What is asked is always the totals, what is not folded
// yet, and a count of the hours that a range cuts: a recount, at any time, at the cost
// of the range's days.
//
// # What it costs
//
// A record with two attempts takes about 1.2 kB, indexes included. A page walks the
// index of one filter: the first there is of phone number, a tab other than sent,
// template or country code, channel, sent. The others are checked on each record. With
// a phone number or a country code statistics cost the records that have it. Nothing
// is dropped but by [Store.Purge] and [Store.DropMonths].
//
// # By months
//
// With Options.PartitionByMonth the tables of messages are partitioned by calendar months, so
// that a month is dropped at once. Updates know their messages' months; what does not,
// such as a claim, looks into each. A partitioned table can have no unique key but one
// with the trigger time: keys have a table of their own.
package pgstore
