// Package archtest keeps the module's architecture: its tests read the source of
// every package and hold it against the house, the tables in house_test.go.
package archtest
