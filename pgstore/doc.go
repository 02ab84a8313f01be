// Package pgstore keeps messages in a PostgreSQL database, version 14 or later. Any number
// of dispatchers, in any number of processes, may share the database. They need nothing
// else in common.
//
//	pool, err := pgxpool.New(ctx, "postgres://…")
//	err = pgstore.Migrate(ctx, pool, pgstore.Options{})  // when you deploy
//	store, err := pgstore.New(ctx, pool, pgstore.Options{})
//	defer store.Close()
//	d, err := smsplus.New(smsplus.Config{Store: store, …})
//
// [Store.InsertTx] inserts a message in a transaction of the application: the message is
// sent if, and only if, the transaction commits.
//
// # What a crash loses
//
// A crash loses nothing if the server keeps what it has committed, as PostgreSQL does by
// default. With synchronous_commit off, a crash of the server may lose the last commits. A
// person may then receive a message twice, or a message that Send has accepted may be lost.
//
// # How it works
//
// A message is two rows. One holds what its trigger fixed, and the indexes that lists need.
// It is written once. The other, its state, is smaller and has fewer indexes. Each claim
// and each update replaces it.
//
// Each call is one statement and one round trip for a whole batch, which is sent as an
// array of a composite type. Claims skip rows that are locked (FOR UPDATE SKIP LOCKED).
// Updates lock rows in the order of their IDs. No call takes an advisory lock, and the
// schema has no triggers, enums or domains. The statements are in the folder sql, with the
// reasons for their form.
//
// Statistics are counters in tables of their own. Each batch appends its changes (deltas)
// in its own transaction. A store that claims folds them from time to time into totals by
// hour, by day and by eight days. An answer adds up the totals and the deltas that are not
// folded yet. At the ends of the range it counts the messages in the parts of hours.
// So it always equals a recount, and its cost grows with the days of the range.
//
// # What it costs
//
// A record with two attempts takes about 1.2 kB, indexes included (BenchmarkRead/Size). A
// page follows the index of one filter, the first that is given of: phone number, a group
// other than sent, template or country code, channel, sent. The other filters are checked
// for each record. The cost of statistics with a phone number or a country code grows with
// the records that have it. Only [Store.Purge] and [Store.DropMonths] delete records.
//
// # Partitions
//
// With Options.PartitionByMonth the tables of messages are partitioned by calendar month,
// so that a month can be dropped at once. Updates know the months of their messages.
// Statements that do not, such as a claim, look into each partition. A unique index on a
// partitioned table must include the trigger time, so keys have a table of their own.
package pgstore
