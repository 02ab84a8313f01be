package seal

// Sealer encrypts and hashes values. A store calls it for each message within its own
// calls, so a Sealer must hold its keys in memory: it fetches them when it is made. It must
// be safe for concurrent use. No error may hold a plaintext or a key.
type Sealer interface {
	// Seal returns the plaintext encrypted and bound to the associated data. [Sealer.Open]
	// must fail with other associated data. Sealing twice must give two different results.
	Seal(plaintext, associatedData []byte) ([]byte, error)

	// Open returns the plaintext of sealed bytes. It accepts every key that was used and is
	// not withdrawn.
	Open(sealed, associatedData []byte) ([]byte, error)

	// Lookup returns keyed hashes of a value: at least one, of at least 16 bytes each, and
	// always the same for the same value. The store keeps the first one with a new record.
	// The others are the hashes that older records may have.
	Lookup(value []byte) ([][]byte, error)
}
