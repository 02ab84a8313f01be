package archtest

import (
	"maps"
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestModule_KeepsRules(t *testing.T) {
	t.Parallel()
	sources, err := load(os.DirFS("../.."))
	require.NoError(t, err)
	require.Contains(t, dirs(sources), "smsplus", "the module's source was not found")

	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for _, s := range sources {
				for _, line := range r.check(s) {
					t.Error(line)
				}
			}
		})
	}
}

func TestRules_AcceptSoundModule(t *testing.T) {
	t.Parallel()
	require.Empty(t, violations(t, nil))
}

func TestRules_ReportViolations(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	for _, tt := range slices.Concat(layerViolations, nameViolations, commentViolations, machineViolations) {
		tested[tt.rule] = true
		t.Run(tt.rule+"/"+tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, map[string][]string{tt.rule: {tt.want}}, violations(t, tt.files))
		})
	}
	for _, r := range rules {
		require.True(t, tested[r.name], "no example breaks the rule: %s", r.name)
	}
}

func TestModule_CompilesNoDriverWithMemstore(t *testing.T) {
	t.Parallel()
	sources, err := load(os.DirFS("../.."))
	require.NoError(t, err)
	require.Subset(t, []string{uuid, "golang.org/x/sync", "golang.org/x/time", "github.com/sony/gobreaker", mockClock}, compiledBy(sources, "smsplus", "memstore"))
	require.Contains(t, compiledBy(sources, "sqlitestore"), "modernc.org/sqlite", "what a package imports was not found")
}

func TestCompiledBy_FollowsImports(t *testing.T) {
	t.Parallel()
	files := maps.Clone(soundFiles)
	files["internal/rowcodec/x.go"] = "// Package rowcodec is one.\npackage rowcodec\nimport _ \"modernc.org/sqlite/lib\""
	files["memstore/x.go"] = "package memstore\nimport _ \"" + module + "/internal/rowcodec\""
	sources, err := load(mapFS(files))
	require.NoError(t, err)
	require.Equal(t, []string{mockClock, "golang.org/x/sync", "golang.org/x/time", "modernc.org/sqlite"}, compiledBy(sources, "memstore"))
}

func TestExceptions_AreNeeded(t *testing.T) {
	t.Parallel()
	sources, err := load(os.DirFS("../.."))
	require.NoError(t, err)
	needed := map[string]bool{}
	for _, s := range sources {
		for name := range s.homonyms() {
			needed[s.dir+"."+name] = true
		}
	}
	for name := range homonyms {
		require.True(t, needed[name], "%s has one meaning: delete it from homonyms", name)
	}
}

func TestMachine_HasFiles(t *testing.T) {
	t.Parallel()
	sources, err := load(os.DirFS("../.."))
	require.NoError(t, err)
	var found []string
	for _, s := range sources {
		for _, file := range s.files {
			if s.dir == machine.dir && s.inMachine(file) {
				found = append(found, s.base(file))
			}
		}
	}
	require.Contains(t, found, "route.go")
}

// violations adds files to the sound module and returns the lines of each rule that it
// then breaks.
func violations(t *testing.T, added map[string]string) map[string][]string {
	t.Helper()
	files := maps.Clone(soundFiles)
	maps.Copy(files, added)
	sources, err := load(mapFS(files))
	require.NoError(t, err)
	lines := map[string][]string{}
	for _, s := range sources {
		for _, r := range rules {
			if b := r.check(s); len(b) > 0 {
				lines[r.name] = append(lines[r.name], b...)
			}
		}
	}
	return lines
}

func mapFS(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func dirs(sources []*source) []string {
	var all []string
	for _, s := range sources {
		all = append(all, s.dir)
	}
	return all
}
