package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// table is rows in columns that line up on a terminal, where a Chinese character is
// two cells wide.
type table struct {
	numbers int // how many columns, from the left, hold numbers
	rows    [][]string
}

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = strings.Map(shown, fmt.Sprint(c))
	}
	t.rows = append(t.rows, row)
}

// shown keeps what a provider said from telling the terminal what to do.
func shown(r rune) rune {
	const joiner = '\u200d' // of emoji
	if unicode.IsGraphic(r) || r == joiner {
		return r
	}
	return unicode.ReplacementChar
}

func (t *table) text() string {
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
			if i < t.numbers {
				line.WriteString("  " + space + cell)
			} else {
				line.WriteString("  " + cell + space)
			}
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return text.String()
}
