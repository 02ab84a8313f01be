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
// SQLite has one writer at a time, and so has the store: a goroutine with a connection
// of its own. The changes that wait for it at one time share a transaction, so a disk
// that is slow makes transactions larger and not callers many times slower; none
// returns before the transaction is committed, and the failure of one undoes no other.
// Readers have connections beside it and wait for nobody.
//
// Several processes may open one file, on one machine and never over a network's file
// system. They take turns at writing.
//
// # What a crash loses
//
// A process that is killed loses nothing that a call returned for. Whether a power cut
// does is for [Options.Synchronous] to say.
//
// # What it costs
//
// A record takes about 430 bytes with its indexes. A page of one filter costs its own
// records, whatever the file holds; of several filters the first of phone number,
// template, channel, country code and tab is looked up, and the others are checked on
// each record. Messages of one trigger time, as SendMany makes, are sorted by ID for
// each page that begins among them. Statistics cost the days and the hours of their
// range, and the records of the two hours that it cuts; only with a phone number or a
// country code do they cost the records that have it. [Store.Purge] drops old records,
// and their room in the file is used again.
package sqlitestore
