// Package seal encrypts the personal data of stored records, so that a copy of the
// database, of a backup or of a disk does not reveal it.
//
// A store with a [Sealer] encrypts the phone number and the IDs of the recipient, the
// variables, the metadata and the texts of providers. It finds a person's records by a keyed
// hash of the number, or of an ID. [Ring] is a Sealer with keys that the application holds:
//
//	ring, err := seal.NewRing(seal.Config{
//		Keys:    []seal.Key{{ID: 2, Secret: current}, {ID: 1, Secret: old}}, // 2 seals, both open
//		Lookups: []secret.Text{lookup},
//	})
//	store, err := sqlitestore.Open(ctx, "messages.db", sqlitestore.Options{Sealer: ring})
//
// Such a store sends no number in a search, and refuses a record that is not sealed. A store
// that gets its Sealer later is opened with Options.Unsealed, as long as records from before
// exist.
//
// The fields that the application searches and counts by are not encrypted: message ID,
// idempotency key, template, scenario, country code, status, reason, channel and times.
// So idempotency keys and template names must hold no personal data.
//
// # Rotation
//
// Every process must be able to open with a new key before any process seals with it. So
// add the key at the end of [Config.Keys] everywhere, and then move it to the front. Remove
// an old key only when retention has purged all records that it sealed. A record whose key
// is missing is an error, and never a record without its sealed fields.
//
// Lookup secrets rotate in the same way. New records are hashed with the first one, and a
// search tries all of them. So a person's older records are found as long as their secret
// is there. Records whose secret was removed can still be read, listed and counted, but
// they can no longer be found or erased by number or ID. So remove a secret only when retention
// has purged its records.
package seal
