package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows the progress of the program. On a terminal it is a bar, and elsewhere a
// line for each hour of the clock.
type progress struct {
	w     io.Writer
	total int
	bar   *progressbar.ProgressBar // nil for lines
	hour  time.Time                // of the last line
}

func newProgress(w io.Writer, total int) *progress {
	p := &progress{w: w, total: total}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return p
	}
	theme := progressbar.ThemeASCII
	color := os.Getenv("NO_COLOR") == "" // no-color.org
	if color {
		theme.Saucer, theme.SaucerHead = "[green]"+theme.Saucer+"[reset]", "[green]"+theme.SaucerHead+"[reset]"
	}
	p.bar = progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionEnableColorCodes(color),
		progressbar.OptionSetTheme(theme),
		progressbar.OptionSetWidth(40),
		progressbar.OptionShowCount(),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetPredictTime(false),
	)
	return p
}

func (p *progress) show(ended int, now time.Time) {
	if p.bar != nil {
		p.bar.Describe(now.Format("15:04"))
		_ = p.bar.Set(ended) // a terminal that has gone needs no progress
		return
	}
	if hour := now.Truncate(time.Hour); hour.After(p.hour) {
		p.hour = hour
		fmt.Fprintf(p.w, "%s  %d of %d messages have ended\n", now.Format("15:04"), ended, p.total)
	}
}

// clear removes the bar from the terminal.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
