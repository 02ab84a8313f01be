package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var screenshots = flag.Bool("screenshots", false, "take the screenshots of the documents again")

// maxScreenshot is the size of the largest screenshot.
const maxScreenshot = 150 << 10

// TestScreenshots_OfTheDocuments takes them of examples/console, after some traffic.
func TestScreenshots_OfTheDocuments(t *testing.T) {
	if !*screenshots {
		t.Skip("-screenshots takes them")
	}
	url := startExample(t)
	select {
	case <-time.After(40 * time.Second): // so that fallbacks happen
	case <-t.Context().Done():
	}
	require.NoError(t, os.MkdirAll("../docs/console", 0o755))
	for _, shot := range []struct{ name, path, language, scheme string }{
		{"templates", "/templates?range=30d", "en", "light"},
		{"records", "/records?range=30d", "en", "light"},
		{"record", "OPEN", "en", "light"},
		{"why", "/why?last=week", "en", "light"},
		{"providers", "/providers?last=week", "en", "light"},
		{"operations", "/operations", "en", "light"},
		{"actions", "/actions", "en", "light"},
		{"meaning", "/meaning?channel=line_notify", "en", "light"},
		{"templates-zh", "/templates?range=30d", "zh-TW", "dark"},
		{"records-zh", "OPEN", "zh-TW", "dark"},
	} {
		b := openTab(t, shot.language)
		b.setZone("Asia/Taipei")
		b.setScheme(shot.scheme)
		b.resize(1280, 860)
		path := shot.path
		if path == "OPEN" { // the newest message that has left its first channel
			b.open(url + "/records?tab=sending")
			path = b.eval(`([...document.querySelectorAll("tbody[id^=r-]")].find(r => r.innerText.match(/follows|之前/)) || document.querySelector("tbody[id^=r-]")).querySelector("a").getAttribute("href")`)
			path, _, _ = strings.Cut(path, "#")
		}
		b.open(url + path)
		b.wait(`document.readyState === "complete" && document.querySelector("#now time").title.includes("Asia/Taipei")`)
		if shot.path == "OPEN" {
			b.eval(`scrollTo(0, document.querySelector(".story").getBoundingClientRect().top - 260)`)
		}
		content, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		require.NoError(t, err)
		content = shrink(t, content)
		require.LessOrEqual(t, len(content), maxScreenshot, shot.name)
		require.NoError(t, os.WriteFile(filepath.Join("../docs/console", shot.name+".png"), content, 0o644))
	}
}

// startExample runs examples/console, and returns the address of its pages.
func startExample(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "console")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./examples/console")
	build.Dir = ".."
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	ctx, stop := context.WithCancel(context.Background()) // t.Context ends before the tabs are closed
	run := exec.CommandContext(ctx, program, "-rate", "5")
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
	stdout, err := run.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	t.Cleanup(func() {
		stop()
		_ = run.Wait() // it was interrupted
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	url := regexp.MustCompile(`http://\S+`).FindString(line)
	return strings.TrimSuffix(url, "/")
}

// shrink writes a PNG with its 256 most frequent colors.
func shrink(t *testing.T, content []byte) []byte {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(content))
	require.NoError(t, err)
	counts := map[color.RGBA]int{}
	for y := full.Bounds().Min.Y; y < full.Bounds().Max.Y; y++ {
		for x := full.Bounds().Min.X; x < full.Bounds().Max.X; x++ {
			r, g, b, _ := full.At(x, y).RGBA()
			counts[color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}]++
		}
	}
	var palette color.Palette
	for _, c := range slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int { return cmp.Compare(counts[b], counts[a]) }) {
		if len(palette) < 256 {
			palette = append(palette, c)
		}
	}
	small := image.NewPaletted(full.Bounds(), palette)
	draw.Draw(small, small.Bounds(), full, full.Bounds().Min, draw.Src)
	var b bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, small))
	return b.Bytes()
}
