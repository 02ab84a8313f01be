// Package archtest keeps the module's architecture: its tests read the source of
// every package and check it against the tables in layers_test.go.
package archtest
