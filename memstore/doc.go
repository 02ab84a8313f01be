// Package memstore keeps messages in memory: for tests, for development, and for
// speed where a restart may forget.
//
//	d, err := smsplus.New(smsplus.Config{
//		Store:     memstore.New(),
//		Channels:  channels,
//		Templates: templates,
//	})
//
// # What a restart loses
//
// Everything. When the process ends, however it ends, all records, idempotency
// keys, parked receipts and pending fallbacks end with it: a message that waited
// for its next step is never sent, and a trigger that is repeated with its key is
// sent again. Several processes cannot share a store. Where that matters, use a
// store that writes to disk.
//
// # What it costs
//
// A record takes about half a kilobyte. Nothing is ever dropped but by
// [Store.Purge], so a program that runs for long has to call it; the room is then
// used again, though not given back to the system. The names of templates,
// scenarios, channels and country codes, and the routes, are kept once each and for
// ever.
//
// Every filter has an index, so that a page costs its own records whatever the
// store holds, if the filter is a single one. Of several, the most selective one's
// index is gone through, and the others are checked on each record. Statistics cost
// the days and the hours of their range, and the records of the two hours that it
// cuts; only with a phone number or a country code do they cost the records that
// have it.
package memstore
