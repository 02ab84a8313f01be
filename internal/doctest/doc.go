// Package doctest keeps the Markdown honest. A document's first block of Go is a
// file of this module, to the last byte, so that what a reader copies is what is
// compiled and tested; every other block of Go is formatted; and a link within the
// module leads to something that is there.
//
// It holds no code but the adapter in package gateway, which
// docs/writing-a-channel.md shows: an adapter with a webhook needs a package of its
// own for the suite in package channeltest to prove it, and as an internal one it
// is nobody's to import.
package doctest
