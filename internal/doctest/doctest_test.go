package doctest

import (
	"go/format"
	"io/fs"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// firstBlockFiles maps a document to the file that its first block of Go equals.
var firstBlockFiles = map[string]string{
	"README.md":                          "examples/hello/main.go",
	"docs/channels/whatsapp.md":          "channel/whatsapp/example_test.go",
	"docs/writing-a-channel.md":          "internal/doctest/gateway/gateway.go",
	"docs/channels/twilio.md":            "channel/sms/twilio/example_test.go",
	"docs/channels/line-notification.md": "channel/line/example_notification_test.go",
	"docs/channels/line-push.md":         "channel/line/example_push_test.go",
	"docs/channels/every8d.md":           "channel/sms/every8d/example_test.go",
	"docs/channels/mitake.md":            "channel/sms/mitake/example_test.go",
	"docs/channels/rcs.md":               "channel/rcs/example_test.go",
	"docs/channels/smpp.md":              "channel/sms/smpp/example_test.go",
	"docs/console.md":                    "console/example_roles_test.go",
	"docs/api.md":                        "api/example_test.go",
}

var moduleFS = os.DirFS("../..")

func TestDocuments_FirstGoBlockIsAFile(t *testing.T) {
	t.Parallel()
	for document, file := range firstBlockFiles {
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			want, err := fs.ReadFile(moduleFS, file)
			require.NoError(t, err)
			blocks := goBlocks(readDocument(t, document))
			require.NotEmpty(t, blocks, "%s has no block of Go", document)
			require.Equal(t, string(want), blocks[0], "%s does not show %s unchanged", document, file)
		})
	}
}

func TestDocuments_GoBlocksAreFormatted(t *testing.T) {
	t.Parallel()
	for _, document := range documentNames(t) {
		for _, block := range goBlocks(readDocument(t, document)) {
			formatted, err := format.Source([]byte(block))
			require.NoError(t, err, "%s:\n%s", document, block)
			require.Equal(t, string(formatted), block, document)
		}
	}
}

func TestDocuments_LinksExist(t *testing.T) {
	t.Parallel()
	for _, document := range documentNames(t) {
		for _, target := range relativeLinks(readDocument(t, document)) {
			_, err := fs.Stat(moduleFS, path.Join(path.Dir(document), target))
			require.NoError(t, err, "%s links to %s", document, target)
		}
	}
}

func TestMarkdown_FindsBlocksAndLinks(t *testing.T) {
	t.Parallel()
	const document = "See [one](one.md), [two](<../a b.md#here> \"title\"), ![a picture](p%20q.png),\n" +
		"[mail](mailto:a@b.c), [web](https://go.dev/x.md), [here](#heading) and [three][3].\n" +
		"\n" +
		"[3]: three/\n" +
		"```go\nm[\"k\"](no.md)\n```\n" +
		"  ```sh\n  go run .\n  ```\n" +
		"`[code](no.md)`\n" +
		"````md\n```go\nhidden()\n```\n````\n" +
		"```go\nlast()\n```\n"
	require.Equal(t, []string{"m[\"k\"](no.md)\n", "last()\n"}, goBlocks(document))
	require.Equal(t, []string{"one.md", "../a b.md", "p q.png", "three"}, relativeLinks(document))
}

// documentNames returns the paths of all Markdown files of the module, except those in
// testdata, node_modules and hidden folders.
func documentNames(t *testing.T) []string {
	t.Helper()
	var names []string
	require.NoError(t, fs.WalkDir(moduleFS, ".", func(name string, entry fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (base[0] == '.' || base == "testdata" || base == "node_modules"):
			return fs.SkipDir
		case path.Ext(name) == ".md":
			names = append(names, name)
		}
		return nil
	}))
	require.Contains(t, names, "docs/status.md", "the module's documents were not found")
	return names
}

func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := fs.ReadFile(moduleFS, name)
	require.NoError(t, err)
	return string(text)
}

// fenceLine matches a line that opens or closes a block of code.
var fenceLine = regexp.MustCompile("^ {0,3}(```+)([^`]*)$")

// splitBlocks splits a document into its blocks of Go, and its prose.
func splitBlocks(document string) (code []string, prose string) {
	var open, language string // the fence and the language of the block that the line is in
	var block, rest strings.Builder
	for line := range strings.Lines(document) {
		found := fenceLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		switch {
		case open == "" && found != nil:
			open, language = found[1], strings.TrimSpace(found[2])
			block.Reset()
		case open == "":
			rest.WriteString(line)
		case found != nil && len(found[1]) >= len(open) && strings.TrimSpace(found[2]) == "":
			if language == "go" {
				code = append(code, block.String())
			}
			open = ""
		default:
			block.WriteString(line)
		}
	}
	return code, rest.String()
}

func goBlocks(document string) []string {
	code, _ := splitBlocks(document)
	return code
}

var (
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	inlineLink = regexp.MustCompile(`\]\(\s*(<[^>\n]*>|[^)\s]*)`)
	linkTarget = regexp.MustCompile(`(?m)^ {0,3}\[[^\]\n]+\]:\s*(<[^>\n]*>|\S+)`)
)

// relativeLinks returns the targets of a document's relative links, without fragments.
func relativeLinks(document string) []string {
	_, prose := splitBlocks(document)
	prose = inlineCode.ReplaceAllString(prose, "")
	var targets []string
	for _, pattern := range []*regexp.Regexp{inlineLink, linkTarget} {
		for _, found := range pattern.FindAllStringSubmatch(prose, -1) {
			u, err := url.Parse(strings.ReplaceAll(strings.Trim(found[1], "<>"), " ", "%20"))
			if err != nil || u.IsAbs() || u.Host != "" || u.Path == "" {
				continue
			}
			targets = append(targets, strings.TrimSuffix(u.Path, "/"))
		}
	}
	return targets
}
