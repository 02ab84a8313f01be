// Package rowcodec encodes messages as the durable stores write them. Each store chooses
// which fields are columns, because its database searches them. The other fields are
// encoded here into three values:
//
//   - fixed: the fields that a trigger fixes: the recipient's IDs, variables, metadata. An
//     update never writes them again.
//   - state: the fields that an update replaces: the attempts, and the times except
//     TriggeredAt and DueAt.
//   - route: scenario and plan. They are equal for all messages of a template, so a store
//     may store them once.
//
// The phone number is a column, because it is searched: [Codec.PhoneKeys] returns the
// possible values of the column. Recipients' IDs and references are found by a hash: see
// [Codec.IDKeys] and [Codec.ReferenceKeys]. Provider IDs and parked receipts are found by a
// number: see [Codec.Refs]. The reasons of attempts are a text that can be searched: see
// [EncodeReasons].
//
// With a [seal.Sealer], fixed, state and receipts are sealed. The phone number is then part
// of fixed, and its column and the numbers are keyed hashes. Rows that were written
// without a Sealer are read and found only by a codec that expects them.
//
// Values outlive the process. So each begins with its version, and bytes that are not valid
// return an error and never panic. The encoding is binary, because JSON of the same fields
// takes several times the space (BenchmarkMessage). Times are whole microseconds in UTC. Nil
// and empty are not distinguished.
//
//	fixed, err := codec.EncodeFixed(&m)
//	state, err := codec.EncodeState(&m)
//	// and back, once the columns are in m:
//	err = codec.DecodeFixed(fixed, phoneColumn, &m)
//	err = codec.DecodeState(state, &m)
package rowcodec
