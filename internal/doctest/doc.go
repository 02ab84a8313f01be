// Package doctest tests the module's Markdown documents. In each document of a list, the
// first block of Go equals a file of this module, byte by byte. So readers copy code that is
// compiled and tested. Every block of Go is formatted. Every link within the module
// leads to a file. Every HTTP server in documents and Go files has a ReadHeaderTimeout.
//
// Its only code is the adapter in package gateway, which docs/writing-a-channel.md shows.
// The adapter has a package of its own so that the suite in package channeltest can test
// it. The package is internal because programs must not import it.
package doctest
