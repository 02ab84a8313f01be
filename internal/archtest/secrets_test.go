package archtest

import (
	"go/ast"
	"go/types"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// secretNames matches the names of fields that hold secrets.
var secretNames = regexp.MustCompile(`(Token|Secret|Password|Lookup)s?$`)

// An exported field with a secret is a secret.Text or a function, so that no program prints
// it. The tests' suites, and the codec of SMPP, have no config of an application.
func TestFields_HoldNoSecretInPlainText(t *testing.T) {
	t.Parallel()
	sources, err := load(os.DirFS("../.."))
	require.NoError(t, err)
	found := 0
	for _, s := range sources {
		if s.dir == "channel/channeltest" || s.dir == "channel/sms/smpp/pdu" || strings.HasPrefix(s.dir, "internal/") {
			continue
		}
		for _, file := range s.files {
			ast.Inspect(file, func(n ast.Node) bool {
				field, ok := n.(*ast.Field)
				if !ok {
					return true
				}
				for _, name := range field.Names {
					if !name.IsExported() || !secretNames.MatchString(name.Name) {
						continue
					}
					found++
					text := types.ExprString(field.Type)
					require.True(t, strings.HasSuffix(text, "secret.Text") || strings.HasPrefix(text, "func("),
						"%v: %s is a %s; want secret.Text", s.fset.Position(field.Pos()), name.Name, text)
				}
				return true
			})
		}
	}
	require.GreaterOrEqual(t, found, 10, "the fields were not found")
}
