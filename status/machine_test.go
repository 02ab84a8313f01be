package status_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/status"
)

// machineTable is the expected edges of each machine. Late evidence is legal on all of them
// and in no row.
const machineTable = `
	channel   | starts    | edges
	LINEPush  | preparing | preparing → delivered, undeliverable, failed
	LINENotify| preparing | preparing → accepted, undeliverable, failed, delivered; accepted → delivered, undeliverable, failed
	SMS       | preparing | preparing → accepted, undeliverable, failed, delivered; accepted → delivered, undeliverable, failed
	WhatsApp  | accepted  | accepted → delivered, undeliverable, failed
	Default   | preparing | preparing → accepted, undeliverable, failed, delivered; accepted → delivered, undeliverable, failed
`

var machinesByName = map[string]*status.Machine{
	"LINEPush": status.LINEPush, "LINENotify": status.LINENotify, "SMS": status.SMS,
	"WhatsApp": status.WhatsApp, "Default": status.Default,
}

func mustParse(t *testing.T, name string) status.Status {
	t.Helper()
	s, err := status.Parse(strings.TrimSpace(name))
	require.NoError(t, err)
	return s
}

func TestMachines_MatchTable(t *testing.T) {
	t.Parallel()
	rows := strings.Split(strings.TrimSpace(machineTable), "\n")[1:]
	require.Len(t, rows, len(machinesByName))
	for _, row := range rows {
		cells := strings.Split(row, "|")
		m := machinesByName[strings.TrimSpace(cells[0])]
		require.NotNil(t, m, row)
		require.Equal(t, mustParse(t, cells[1]), m.Initial(), row)

		var edges []status.Edge
		for from := range strings.SplitSeq(cells[2], ";") {
			left, right, found := strings.Cut(from, "→")
			require.True(t, found, row)
			for to := range strings.SplitSeq(right, ",") {
				edges = append(edges, status.Edge{From: mustParse(t, left), To: mustParse(t, to)})
			}
		}
		require.Equal(t, edges, m.Edges(), row)

		late := []status.Edge{{From: status.Undeliverable, To: status.Delivered}, {From: status.Failed, To: status.Delivered}}
		reached := map[status.Status]bool{m.Initial(): true}
		for _, e := range edges {
			reached[e.To] = true
		}
		edges = append(edges, late...)
		for _, from := range status.Statuses() {
			for _, to := range status.Statuses() {
				want := slices.Contains(edges, status.Edge{From: from, To: to})
				require.Equal(t, want, m.Can(from, to), "%v to %v: %s", from, to, row)
			}
			require.Equal(t, reached[from], m.Reaches(from), "%v: %s", from, row)
		}
	}
}

func TestAdvance_MovesAlongEdges(t *testing.T) {
	t.Parallel()
	s, err := status.SMS.Advance(status.Accepted, status.Delivered)
	require.NoError(t, err)
	require.Equal(t, status.Delivered, s)

	s, err = status.LINEPush.Advance(status.Preparing, status.Accepted)
	require.Equal(t, status.Preparing, s, "the status stays the same")
	e, ok := errors.AsType[*status.TransitionError](err)
	require.True(t, ok)
	require.Equal(t, status.TransitionError{From: status.Preparing, To: status.Accepted}, *e)
	require.EqualError(t, err, "status: no edge from preparing to accepted")

	_, err = status.SMS.Advance(status.Accepted, status.Delivered+1)
	require.Error(t, err)
	_, err = status.SMS.Advance(status.Delivered+1, status.Delivered)
	require.Error(t, err)
}

func TestCan_AllowsLateEvidence(t *testing.T) {
	t.Parallel()
	bare, err := status.NewMachine(status.Preparing)
	require.NoError(t, err)
	for _, m := range []*status.Machine{
		bare, status.LINEPush, status.LINENotify, status.SMS, status.WhatsApp, status.Default,
	} {
		require.True(t, m.Can(status.Undeliverable, status.Delivered))
		require.True(t, m.Can(status.Failed, status.Delivered))
	}
}

func TestNewMachine_ReportsAllErrors(t *testing.T) {
	t.Parallel()
	const none = status.Delivered + 1
	for _, tt := range []struct {
		name    string
		initial status.Status
		edges   []status.Edge
		want    []string
	}{
		{"a final initial status", status.Delivered, nil, []string{"initial status delivered"}},
		{"an unknown initial status", none, nil, []string{"initial status status(5)"}},
		{"down the ladder", status.Preparing, []status.Edge{{From: status.Delivered, To: status.Failed}}, []string{"edge 0 (delivered to failed)"}},
		{"to itself", status.Preparing, []status.Edge{{From: status.Preparing, To: status.Preparing}}, []string{"edge 0"}},
		{"to an unknown status", status.Preparing, []status.Edge{{From: status.Preparing, To: none}}, []string{"edge 0"}},
		{"from a status that no edge leads to", status.Preparing, []status.Edge{{From: status.Accepted, To: status.Delivered}}, []string{"edge 0 begins at accepted"}},
		{"from a status below the initial one", status.Accepted, []status.Edge{{From: status.Preparing, To: status.Delivered}}, []string{"edge 0 begins at preparing"}},
		{
			"several mistakes", status.Failed,
			[]status.Edge{{From: status.Delivered, To: status.Failed}, {From: status.Failed, To: status.Delivered}, {From: none, To: status.Delivered}},
			[]string{"initial status failed", "edge 0", "edge 2"},
		},
		{
			"two edges from unreachable statuses and one down the ladder", status.Preparing,
			[]status.Edge{{From: status.Accepted, To: status.Delivered}, {From: status.Failed, To: status.Undeliverable}, {From: status.Delivered, To: status.Failed}},
			[]string{"edge 2", "edge 0 begins at accepted", "edge 1 begins at failed"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := status.NewMachine(tt.initial, tt.edges...)
			require.Nil(t, m)
			require.Error(t, err)
			lines := strings.Split(err.Error(), "\n")
			require.Len(t, lines, len(tt.want), err)
			for i, want := range tt.want {
				require.Contains(t, lines[i], want)
			}
		})
	}
}

func TestNewMachine_AllowsEdgeFromFinalStatus(t *testing.T) {
	t.Parallel()
	m, err := status.NewMachine(status.Preparing,
		status.Edge{From: status.Preparing, To: status.Failed},
		status.Edge{From: status.Failed, To: status.Undeliverable})
	require.NoError(t, err)
	require.True(t, m.Can(status.Failed, status.Undeliverable))
	require.True(t, m.Reaches(status.Undeliverable), "an edge leads to it")
	require.True(t, m.Reaches(status.Delivered), "late evidence does")
}

func TestMachine_CopiesEdges(t *testing.T) {
	t.Parallel()
	given := []status.Edge{{From: status.Preparing, To: status.Delivered}}
	m, err := status.NewMachine(status.Preparing, given...)
	require.NoError(t, err)
	given[0].To = status.Failed
	m.Edges()[0].To = status.Failed
	require.Equal(t, []status.Edge{{From: status.Preparing, To: status.Delivered}}, m.Edges())
}

func TestMachine_NeverGoesDownTheLadder(t *testing.T) {
	t.Parallel()
	anyStatus := rapid.Map(rapid.Uint8Range(0, 6), func(n uint8) status.Status { return status.Status(n) })
	anyEdge := rapid.Custom(func(t *rapid.T) status.Edge {
		return status.Edge{From: anyStatus.Draw(t, "from"), To: anyStatus.Draw(t, "to")}
	})
	rapid.Check(t, func(t *rapid.T) {
		m, err := status.NewMachine(anyStatus.Draw(t, "initial"), rapid.SliceOfN(anyEdge, 0, 6).Draw(t, "edges")...)
		if err != nil {
			m = rapid.SampledFrom([]*status.Machine{
				status.LINEPush, status.LINENotify, status.SMS, status.WhatsApp, status.Default,
			}).Draw(t, "machine")
		}
		at := m.Initial()
		for _, to := range rapid.SliceOf(anyStatus).Draw(t, "evidence") {
			next, err := m.Advance(at, to)
			require.GreaterOrEqual(t, next, at)
			require.Equal(t, err == nil, next != at, "it moves up or returns an error")
			if err == nil && !at.Final() {
				require.True(t, m.Reaches(next))
			}
			at = next
		}
	})
}

func ExampleMachine_Advance() {
	s, err := status.SMS.Advance(status.Accepted, status.Delivered)
	fmt.Println(s, err)
	s, err = status.SMS.Advance(status.Delivered, status.Failed)
	fmt.Println(s, err)
	// Output:
	// delivered <nil>
	// delivered status: no edge from delivered to failed
}

func ExampleNewMachine() {
	fax, err := status.NewMachine(status.Preparing,
		status.Edge{From: status.Preparing, To: status.Accepted},
		status.Edge{From: status.Accepted, To: status.Delivered},
		status.Edge{From: status.Accepted, To: status.Undeliverable},
	)
	fmt.Println(fax.Can(status.Preparing, status.Delivered), err)

	_, err = status.NewMachine(status.Delivered, status.Edge{From: status.Failed, To: status.Accepted})
	fmt.Println(err)
	// Output:
	// false <nil>
	// status: initial status delivered: want preparing or accepted
	// status: edge 0 (failed to accepted) does not go up the ladder
}
