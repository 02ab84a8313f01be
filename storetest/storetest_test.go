package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/smsplus"
)

func TestModel_PassesRun(t *testing.T) {
	t.Parallel()
	Run(t, func(*testing.T) smsplus.Store { return NewModel() })
}

func TestFaulty_WithoutFaultsPassesRun(t *testing.T) {
	t.Parallel()
	Run(t, func(*testing.T) smsplus.Store { return &Faulty{Store: NewModel()} })
}

// mutantsEnv is the environment variable that makes the test binary run the rules on the
// mutants. They run in a process of their own, because a rule that fails fails its test.
const mutantsEnv = "STORETEST_MUTANTS"

// TestRules_CatchBrokenStores proves that each rule catches a store that breaks it
// (mutation testing).

func TestRules_CatchBrokenStores(t *testing.T) {
	t.Parallel()
	if os.Getenv(mutantsEnv) != "" {
		for _, m := range mutants {
			for _, r := range rules() {
				if slices.Contains(m.caughtBy, r.name) {
					t.Run(m.name+": "+r.name, func(t *testing.T) {
						t.Parallel()
						t.Cleanup(func() {
							if t.Failed() {
								fmt.Println(caughtLine(m.name, r.name))
							}
						})
						r.test(t, newBrokenStore(m.mutate))
					})
				}
			}
		}
		return
	}

	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.timeout=60s",
		"-rapid.nofailfile", "-rapid.shrinktime=0s")
	cmd.Env = append(os.Environ(), mutantsEnv+"=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "the rules fail for the mutants")
	lines := strings.Split(string(out), "\n")
	require.NotContains(t, string(out), "\npanic: ", "a mutant makes a rule fail, and never panic")

	uncaught := map[string]bool{}
	for _, r := range rules() {
		require.False(t, uncaught[r.name], "two rules have the name %q", r.name)
		uncaught[r.name] = true
	}
	for _, m := range mutants {
		require.NotEmpty(t, m.caughtBy, "no rule is listed for a store that %s", m.name)
		for _, name := range m.caughtBy {
			known := slices.ContainsFunc(rules(), func(r rule) bool { return r.name == name })
			require.True(t, known, "no rule has the name %q", name)
			require.True(t, slices.Contains(lines, caughtLine(m.name, name)), "the output does not say that %s", caughtLine(m.name, name))
			delete(uncaught, name)
		}
	}
	require.Empty(t, uncaught, "each rule catches a mutant")
}

// caughtLine is the line that the mutants' process prints when a rule caught a mutant.
func caughtLine(mutant, rule string) string {
	return fmt.Sprintf("a store that %s is caught by: %s", mutant, rule)
}

func TestFullMessage_SetsEveryField(t *testing.T) {
	t.Parallel()
	m := fullMessage(1)
	requireSet(t, reflect.ValueOf(m))
	for _, list := range []reflect.Value{reflect.ValueOf(m.Plan), reflect.ValueOf(m.Attempts)} {
		all := reflect.New(list.Type().Elem()).Elem()
		for i := range list.Len() {
			for j := range all.NumField() {
				if field := list.Index(i).Field(j); !field.IsZero() {
					all.Field(j).Set(field)
				}
			}
		}
		requireSet(t, all)
	}
}

func requireSet(t *testing.T, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		require.False(t, v.Field(i).IsZero(), "%s.%s is not set", v.Type(), v.Type().Field(i).Name)
	}
}
