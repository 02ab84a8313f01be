package status

import (
	"errors"
	"fmt"
	"slices"
)

//go:generate go run ../internal/statusdoc ../docs/status.md

// Edge is a legal move of an attempt from one status to another.
type Edge struct{ From, To Status }

// Machine is one channel's table of legal moves. Machines are immutable and safe
// for concurrent use.
type Machine struct {
	initial   Status
	edges     []Edge
	allowed   [Delivered + 1][Delivered + 1]bool
	reachable [Delivered + 1]bool
}

// The channels' machines: the design's table, row by row. Late evidence
// (Undeliverable or Failed → Delivered) is legal on every machine, so the tables
// do not repeat it.
var (
	// LINEPush is the machine of LINE push messages: the answer is the outcome.
	LINEPush = mustMachine(Preparing,
		Edge{Preparing, Delivered},
		Edge{Preparing, Undeliverable},
		Edge{Preparing, Failed},
	)
	// LINENotify is the machine of LINE Notification Messages.
	LINENotify = mustMachine(Preparing,
		Edge{Preparing, Accepted},
		Edge{Preparing, Undeliverable},
		Edge{Preparing, Failed},
		Edge{Preparing, Delivered},
		Edge{Accepted, Delivered},
		Edge{Accepted, Undeliverable},
		Edge{Accepted, Failed},
	)
	// SMS is the machine of text messages.
	SMS = mustMachine(Preparing,
		Edge{Preparing, Accepted},
		Edge{Preparing, Undeliverable},
		Edge{Preparing, Failed},
		Edge{Preparing, Delivered},
		Edge{Accepted, Delivered},
		Edge{Accepted, Undeliverable},
		Edge{Accepted, Failed},
	)
	// WhatsApp is the machine of WhatsApp template messages, which begin Accepted.
	WhatsApp = mustMachine(Accepted,
		Edge{Accepted, Delivered},
		Edge{Accepted, Undeliverable},
		Edge{Accepted, Failed},
	)
	// Default is the machine of a channel that names none: every move up from
	// Preparing and Accepted.
	Default = mustMachine(Preparing,
		Edge{Preparing, Accepted},
		Edge{Preparing, Undeliverable},
		Edge{Preparing, Failed},
		Edge{Preparing, Delivered},
		Edge{Accepted, Delivered},
		Edge{Accepted, Undeliverable},
		Edge{Accepted, Failed},
	)
)

// lateEdges are the moves that every machine allows besides its own.
var lateEdges = [...]Edge{{Undeliverable, Delivered}, {Failed, Delivered}}

// NewMachine makes a machine that starts at initial and moves along edges, plus
// the late evidence that every machine allows. It refuses an initial status that
// is final, an edge that does not go up the ladder, and one that no attempt could
// ever take because nothing leads to where it begins; all mistakes come at once.
func NewMachine(initial Status, edges ...Edge) (*Machine, error) {
	m := &Machine{initial: initial, edges: slices.Clone(edges)}
	var errs []error
	if !initial.Valid() || initial.Final() {
		errs = append(errs, fmt.Errorf("status: initial status %v: want preparing or accepted", initial))
	}
	if initial.Valid() {
		m.reachable[initial] = true
	}
	for i, e := range edges {
		if !e.From.Valid() || !e.To.Valid() || e.From >= e.To {
			errs = append(errs, fmt.Errorf("status: edge %d (%v to %v) does not go up the ladder", i, e.From, e.To))
			continue
		}
		m.allowed[e.From][e.To] = true
		m.reachable[e.To] = true
	}
	for _, e := range lateEdges {
		m.allowed[e.From][e.To] = true
	}
	for i, e := range edges {
		if m.Can(e.From, e.To) && initial.Valid() && !m.reachable[e.From] {
			errs = append(errs, fmt.Errorf("status: edge %d begins at %v, which nothing leads to", i, e.From))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return m, nil
}

func mustMachine(initial Status, edges ...Edge) *Machine {
	m, err := NewMachine(initial, edges...)
	if err != nil {
		panic(err)
	}
	return m
}

// Initial returns the status that an attempt starts with.
func (m *Machine) Initial() Status { return m.initial }

// Edges returns the machine's own edges, as they were given: without the late
// evidence that every machine allows.
func (m *Machine) Edges() []Edge { return slices.Clone(m.edges) }

// Can reports whether an attempt may move from one status to another: along one
// of the machine's edges, or by late evidence.
func (m *Machine) Can(from, to Status) bool {
	return from.Valid() && to.Valid() && m.allowed[from][to]
}

// Reaches reports whether an attempt on this channel can ever have the status:
// it is the initial one, an edge leads to it, or late evidence does. A receipt that
// claims any other is no evidence. Unlike [Machine.Can] the answer does not depend
// on where the attempt stands, which is what makes receipts commute.
func (m *Machine) Reaches(to Status) bool {
	return to.Valid() && m.reachable[to] || to == Delivered && (m.reachable[Undeliverable] || m.reachable[Failed])
}

// Advance returns to if an attempt may move there from from, and otherwise from
// with a [*TransitionError].
func (m *Machine) Advance(from, to Status) (Status, error) {
	if !m.Can(from, to) {
		return from, &TransitionError{From: from, To: to}
	}
	return to, nil
}

// TransitionError says that a move is none of the machine's edges.
type TransitionError struct{ From, To Status }

func (e *TransitionError) Error() string {
	return fmt.Sprintf("status: no edge from %v to %v", e.From, e.To)
}
