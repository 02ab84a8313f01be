// Package memstore keeps messages in memory. It is for tests, for development, and for
// speed where a restart may lose them.
//
//	d, err := smsplus.New(smsplus.Config{
//		Store:     memstore.New(),
//		Channels:  channels,
//		Templates: templates,
//	})
//
// # What a restart loses
//
// A restart loses everything: records, idempotency keys, parked receipts and pending
// fallbacks. A message that waits for its next step is never sent, and a trigger that is
// repeated with its key is sent again. Several processes cannot share a store. Where that
// matters, use a store that writes to disk.
//
// # What it costs
//
// A record takes about half a kilobyte (BenchmarkHeapPerRecord). Only [Store.Purge] drops
// records, so a program that runs for long must call it. Later records reuse the memory,
// which is not returned to the system. The names of templates, scenarios, channels and
// country codes, and the routes, are stored once each and never dropped.
//
// Every field of a filter has an index. A page of a filter with one field costs the
// records of the page, whatever the size of the store. With several fields, the store
// walks the shortest index and checks the other fields on each record. Statistics cost the
// days and hours of their range, and the records of the two hours that it cuts. Grouped ones
// cost the days of their range, what was counted on them, and the records of the quarters of
// an hour that it cuts. With a
// phone number or a country code they cost all records that have it.
package memstore
