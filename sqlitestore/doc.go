// Package sqlitestore keeps messages in one SQLite file: durable, without a server and
// without cgo. It is the store to begin with.
//
//	if err := sqlitestore.Migrate(ctx, "messages.db"); err != nil {
//		return err
//	}
//	store, err := sqlitestore.Open(ctx, "messages.db", sqlitestore.Options{})
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	d, err := smsplus.New(smsplus.Config{Store: store, Channels: channels, Templates: templates})
//
// # One writer
//
// SQLite allows one writer, so the store writes in one goroutine with a connection of its
// own. Changes that are pending at the same time share a transaction: a slow disk makes
// transactions larger, not callers slower in proportion. A call returns after its
// transaction is committed. The failure of one change undoes no other. Readers have their
// own connections and do not wait for the writer.
//
// Several processes on one machine may open the same file, though never over a network
// file system. They take turns in writing.
//
// # What a crash loses
//
// A killed process loses no change for which a call returned. Whether a power cut does
// depends on [Options.Synchronous].
//
// # What it costs
//
// A record takes about 430 bytes with its indexes (BenchmarkRead/Size). A page of a single
// filter costs the records of the page, whatever the size of the file. Of several filters,
// the store looks up the first of phone number, template, channel, country code and group
// in an index, and checks the others on each record. Messages with one trigger time, such
// as those of one SendMany, are sorted by ID for each page that begins among them.
//
// Statistics cost the days and hours of their range, and the records of the two hours that it
// cuts. With a phone number or a country code they cost all records that have it. Grouped
// statistics cost the days of their range, and the records of the hours that changed since they
// were grouped last, and of the last hour. What a query counted is stored in the file as a
// cache (docs/decisions/027), about 10 bytes a record. The first query over a range reads all
// of its records, a million in some seconds. [Store.Purge] deletes old records, and later
// records reuse their space in the file.
package sqlitestore
