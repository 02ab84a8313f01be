package csvcell_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/csvcell"
)

func TestEscape_KeepsWhatIsNoFormula(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{"", "text", "a=b", "00123", "2026-11-28", "1E5", "true"} {
		require.Equal(t, cell, csvcell.Escape(cell, false))
	}
}

func TestEscape_MakesFormulasText(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{"=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠a", " =1", "'=1"} {
		require.Equal(t, "'"+cell, csvcell.Escape(cell, false))
		require.Equal(t, "'"+cell, csvcell.Escape(cell, true))
	}
}

func TestEscape_KeepsFreeTextAsItIs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"00123", "2026-11-28", "1E5", "true", "12:30", "3 Nov", "123456789012"} {
		require.Equal(t, "'"+text, csvcell.Escape(text, true))
	}
	for _, text := range []string{"", "otp", "123", "order shipped", "'"} {
		require.Equal(t, text, csvcell.Escape(text, true))
	}
}
