package main

import "testing"

// A rule whose old text is no longer in the code, or is there twice, breaks nothing.
func TestRules_MatchTheCode(t *testing.T) {
	ms, err := namedMutants("rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(ms) == 0 {
		t.Fatal("there are no rules")
	}
}
