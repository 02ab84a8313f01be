package main

import (
	"math/rand/v2"
	"slices"
	"testing"
)

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

func TestDraw_RepeatsWithItsSeed(t *testing.T) {
	draw := func() []mutant {
		ms, err := drawMutants([]string{"main.go"}, 40, rand.New(rand.NewPCG(7, 0)))
		if err != nil {
			t.Fatal(err)
		}
		return ms
	}
	first := draw()
	for range 20 {
		if again := draw(); !slices.Equal(first, again) {
			t.Fatalf("another draw: %v and %v", first, again)
		}
	}
}
