package mask_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/mask"
)

type person struct{ name string }

func (person) Format(f fmt.State, _ rune) { mask.Write(f, "person{…}") }

type people struct{ list []person }

func (p people) Format(f fmt.State, _ rune) { mask.Writef(f, "people(%d)", len(p.list)) }

func TestWrite_WritesTheTextForEveryVerb(t *testing.T) {
	t.Parallel()
	p := person{"Ann"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%10.3v"} {
		require.Equal(t, "person{…}", fmt.Sprintf(verb, p), verb)
		require.Equal(t, "people(2)", fmt.Sprintf(verb, people{[]person{p, p}}), verb)
	}
}
