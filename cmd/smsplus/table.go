package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// table aligns rows in columns for a terminal, where a Chinese character is two cells wide.
type table struct {
	numericColumns int // the first columns, which hold numbers and are aligned to the right
	rows           [][]string
}

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = strings.Map(printable, fmt.Sprint(c))
	}
	t.rows = append(t.rows, row)
}

// printable replaces control characters, because a provider's text must not control the
// terminal.
func printable(r rune) rune {
	const joiner = '\u200d' // joins emoji
	if unicode.IsGraphic(r) || r == joiner {
		return r
	}
	return unicode.ReplacementChar
}

func (t *table) render() string {
	var widths []int
	for _, row := range t.rows {
		widths = append(widths, make([]int, max(0, len(row)-len(widths)))...)
		for i, cell := range row {
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	var text strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell))
			if i < t.numericColumns {
				line.WriteString("  " + space + cell)
			} else {
				line.WriteString("  " + cell + space)
			}
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return text.String()
}
