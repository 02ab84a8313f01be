// Package seal keeps what a stored record says of a person from whoever gets hold
// of the database, its backups or its disk.
//
// A store that is given a [Sealer] encrypts the phone number, the LINE user ID, the
// variables, the metadata and what providers said, and finds a person's records
// again by a keyed hash. [Ring] is the Sealer made of keys that the application
// holds:
//
//	ring, err := seal.NewRing(seal.Config{
//		Keys:    []seal.Key{{ID: 2, Secret: this}, {ID: 1, Secret: last}}, // 2 seals, both open
//		Lookups: []seal.Secret{lookup},
//	})
//	store, err := sqlitestore.Open(ctx, "messages.db", sqlitestore.Options{Sealer: ring})
//
// What the application searches, counts or is told by stays in the open: message ID,
// idempotency key, template, scenario, country code, status, reason, channel and
// times. Keys and template names are therefore no place for personal data.
//
// # Rotation
//
// A new key goes to the front of [Config.Keys], on every process before any of them
// seals with it: first add it at the end everywhere, then move it to the front. An
// old key may go once no record is left that it sealed, which is when retention has
// purged them; until then a record whose key is missing is an error and never a
// record with holes in it.
//
// Look-up secrets rotate in the same way. New records are found under the first one,
// and a search tries them all, so a person's older records are found for as long as
// the secret that they were stored with is there. A secret that is taken away leaves
// its records to be read, listed and counted, but no longer to be found by number, nor
// forgotten by it. So take one away only when retention has purged its records.
package seal

// Sealer encrypts and hides values. A store calls it for each message inside its own
// calls, so it must answer from memory: whatever keys it needs from elsewhere it
// fetches when it is made. It must be safe for concurrent use. No error may hold a
// plaintext or a key.
type Sealer interface {
	// Seal returns the plaintext encrypted and bound to about: [Sealer.Open] must
	// fail with any other. Sealing the same twice gives two results.
	Seal(plaintext, about []byte) ([]byte, error)

	// Open returns the plaintext of what Seal returned, under any key that was ever
	// in use and is not withdrawn.
	Open(sealed, about []byte) ([]byte, error)

	// Lookup returns keyed hashes of a value, at least 16 bytes each and at least
	// one, always the same for the same value: the first is what a record is stored
	// under, and the others are those that it may have been stored under before.
	Lookup(value []byte) ([][]byte, error)
}
