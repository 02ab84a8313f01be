package console

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

var verb = regexp.MustCompile(`%(\[\d\])?[.0-9]*[a-z]`)

func TestCatalogues_HaveTheSameKeysAndVerbs(t *testing.T) {
	t.Parallel()
	for _, c := range catalogues[1:] {
		require.Equal(t, slices.Sorted(maps.Keys(english)), slices.Sorted(maps.Keys(c.messages)), c.code)
		for key, message := range english {
			require.Equal(t, verb.FindAllString(message, -1), verb.FindAllString(c.messages[key], -1), "%s: %s", c.code, key)
			require.NotEmpty(t, c.messages[key], "%s: %s", c.code, key)
		}
	}
}

// TestCatalogues_HaveNoMore holds the texts against the sources that name them.
func TestCatalogues_HaveNoMore(t *testing.T) {
	t.Parallel()
	var sources strings.Builder
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range names {
			if !strings.HasPrefix(name, "text_") && !strings.HasSuffix(name, "_test.go") {
				content, err := os.ReadFile(name)
				require.NoError(t, err)
				sources.Write(content)
			}
		}
	}
	made := []string{"channel.", "status.", "tab.", "reason.", "period.", "stats.", "window.", "provider.", "find.", "class.", "recall."} // of keys that are put together
	for key := range english {
		if !slices.ContainsFunc(made, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			if !strings.Contains(sources.String(), `"`+key+`"`) {
				t.Errorf("no page has this text: %s", key)
			}
		}
	}
}

var chineseLetters = regexp.MustCompile(`\p{Han}`)

func TestMeanings_ExplainEveryStatusOnEveryChannel(t *testing.T) {
	t.Parallel()
	for _, c := range catalogues {
		for name, machine := range channelsAndAny() {
			for _, st := range status.Statuses() {
				if machine == nil || machine.Reaches(st) {
					requireMeaning(t, c, c.statusMeaning(name, st), string(name)+" "+st.String())
				}
			}
		}
	}
}

func TestMeanings_ExplainEveryReasonOnEveryChannel(t *testing.T) {
	t.Parallel()
	for _, c := range catalogues {
		for name := range channelsAndAny() {
			for _, r := range knownReasons {
				require.Contains(t, c.meanings.reasons, r)
				requireMeaning(t, c, c.reasonMeaning(name, statusOf(r), r), string(name)+" "+string(r))
				require.NotEqual(t, string(r), c.reasonLabel(r), "%s: %s has no label", c.code, r)
			}
			requireMeaning(t, c, c.reasonMeaning(name, status.Failed, "fax_jammed"), "a reason of an adapter's own")
		}
	}
	require.Equal(t, "fax_jammed", catalogues[0].reasonLabel("fax_jammed"))
}

// TestMeanings_KnowEveryReason holds the list against the document of all reasons.
func TestMeanings_KnowEveryReason(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../docs/status.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(document), "## Reasons\n")
	require.True(t, found)
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(table, -1) {
		documented = append(documented, row[1])
	}
	var known []string
	for _, r := range knownReasons {
		known = append(known, string(r))
	}
	require.ElementsMatch(t, documented, known)
}

// TestMeanings_AreTheSameInAllLanguages holds what is said of a channel in one language
// against the others.
func TestMeanings_AreTheSameInAllLanguages(t *testing.T) {
	t.Parallel()
	for _, c := range catalogues[1:] {
		for r, byChannel := range englishMeanings.reasons {
			require.ElementsMatch(t, slices.Collect(maps.Keys(byChannel)), slices.Collect(maps.Keys(c.meanings.reasons[r])), r)
		}
		for st, byChannel := range englishMeanings.statuses {
			require.ElementsMatch(t, slices.Collect(maps.Keys(byChannel)), slices.Collect(maps.Keys(c.meanings.statuses[st])), st)
		}
	}
}

// channelsAndAny are the machines of the channels that are known, and none for any other.
func channelsAndAny() map[channel.Name]*status.Machine {
	all := maps.Clone(machines)
	all[""] = nil
	all["fax"] = nil
	return all
}

func requireMeaning(t *testing.T, c *catalogue, m meaning, of string) {
	t.Helper()
	for _, part := range []string{m.Happened, m.Next, m.Do} {
		require.NotEmpty(t, part, "%s: %s", c.code, of)
		if c.code == "zh-Hant" {
			require.Regexp(t, chineseLetters, part, of)
			require.True(t, strings.HasSuffix(part, "。"), "%s: %s", of, part)
		} else {
			require.NotRegexp(t, chineseLetters, part, of)
			require.True(t, strings.HasSuffix(part, "."), "%s: %s", of, part)
		}
	}
}
