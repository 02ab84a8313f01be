package status

import (
	"errors"
	"fmt"
	"slices"
)

//go:generate go run ../internal/statusdoc ../docs/status.md

// Edge is a legal transition of an attempt from one status to another.
type Edge struct{ From, To Status }

// Machine is the state machine of a channel's attempts: its legal transitions. Machines are
// immutable and safe for concurrent use.
type Machine struct {
	initial   Status
	edges     []Edge
	allowed   [Delivered + 1][Delivered + 1]bool
	reachable [Delivered + 1]bool
}

// The machines of the channels. Late evidence (Undeliverable or Failed → Delivered) is
// legal on every machine, so their edges do not list it.
var (
	// LINEPush is the machine of LINE push messages. The answer of the request is final.
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
	// WhatsApp is the machine of WhatsApp template messages. Its attempts begin Accepted.
	WhatsApp = mustMachine(Accepted,
		Edge{Accepted, Delivered},
		Edge{Accepted, Undeliverable},
		Edge{Accepted, Failed},
	)
	// Default is the machine of a channel that has none of its own. It allows every
	// transition up the ladder from Preparing and Accepted.
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

// lateEdges are the transitions that every machine allows in addition to its own edges.
var lateEdges = [...]Edge{{Undeliverable, Delivered}, {Failed, Delivered}}

// NewMachine returns a machine that starts at initial and has the edges, and the late
// evidence that every machine allows. It refuses a final initial status, an edge that does
// not go up the ladder, and an edge from a status that no edge leads to. Its error names
// every mistake.
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

// Edges returns the machine's own edges as they were given, without late evidence.
func (m *Machine) Edges() []Edge { return slices.Clone(m.edges) }

// Can reports whether an attempt may move from one status to another, by one of the
// machine's edges or by late evidence.
func (m *Machine) Can(from, to Status) bool {
	return from.Valid() && to.Valid() && m.allowed[from][to]
}

// Reaches reports whether an attempt on this channel can ever have the status. The status
// is the initial one, or an edge or late evidence leads to it. A receipt with any other
// status is not evidence. Unlike [Machine.Can], the result does not depend on the attempt's
// current status. So receipts have the same effect in any order.
func (m *Machine) Reaches(to Status) bool {
	return to.Valid() && m.reachable[to] || to == Delivered && (m.reachable[Undeliverable] || m.reachable[Failed])
}

// Advance returns the status to if an attempt may move to it from the status from.
// Otherwise it returns from and a [*TransitionError].
func (m *Machine) Advance(from, to Status) (Status, error) {
	if !m.Can(from, to) {
		return from, &TransitionError{From: from, To: to}
	}
	return to, nil
}

// TransitionError reports a transition that the machine does not allow.
type TransitionError struct{ From, To Status }

func (e *TransitionError) Error() string {
	return fmt.Sprintf("status: no edge from %v to %v", e.From, e.To)
}
