// Package e2e tests the console in Chromium. It is a module of its own, so that what drives
// the browser reaches no application. `make peers` installs Chromium and axe-core.
package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/interop"
)

// chromium is the browser of all tests. Each test has a profile of its own in it.
var chromium struct {
	once sync.Once
	ctx  context.Context
	stop []context.CancelFunc
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, stop := range chromium.stop {
		stop()
	}
	os.Exit(code)
}

func startChromium() {
	path, err := exec.LookPath("chromium")
	if err != nil {
		chromium.err = err
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("font-render-hinting", "none"))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	chromium.stop = append(chromium.stop, stop)
	chromium.ctx, stop = chromedp.NewContext(ctx)
	chromium.stop = append([]context.CancelFunc{stop}, chromium.stop...)
	chromium.err = chromedp.Do(chromium.ctx)
}

// tab is a browser's tab with a profile of its own.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string // what the browser reported: exceptions, and violations of the policy
}

// patience is how long a page may take to become what a test waits for.
const patience = 20 * time.Second

// openTab opens a tab of a viewer with a language.
func openTab(t *testing.T, language string) *tab {
	t.Helper()
	chromium.once.Do(startChromium)
	if chromium.err != nil {
		if os.Getenv(interop.Required) != "" {
			t.Fatal("make peers installs chromium:", chromium.err)
		}
		t.Skip("make peers installs chromium:", chromium.err)
	}
	ctx, stop := chromedp.NewContext(chromium.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	b := &tab{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.problems = append(b.problems, "exception: "+e.ExceptionDetails.Text)
		case *cdplog.EventEntryAdded:
			if e.Entry.Level == cdplog.EntryLevelError {
				b.problems = append(b.problems, e.Entry.Text+" "+e.Entry.URL)
			}
		}
	}))
	_, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}})
	require.NoError(t, err)
	b.resize(1280, 900)
	t.Cleanup(func() {
		if !t.Failed() {
			require.Empty(t, b.problems, "the browser reported problems")
		}
	})
	return b
}

// resize sets the size of the window.
func (b *tab) resize(width, height int64) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1,
	})
	require.NoError(b.t, err)
}

// setScheme chooses the colors: "light" or "dark".
func (b *tab) setScheme(scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(b.t, err)
}

// setZone chooses the time zone of the machine.
func (b *tab) setZone(zone string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone})
	require.NoError(b.t, err)
}

// disableScripts turns JavaScript off.
func (b *tab) disableScripts() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(b.t, err)
}

// saveDownloads lets the tab download files.
func (b *tab) saveDownloads(folder string) {
	b.t.Helper()
	_, err := chromedp.CallBrowser(b.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: folder, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
	})
	require.NoError(b.t, err)
}

// open opens a page.
func (b *tab) open(url string) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Navigate(url)), url)
}

// click clicks an element, by its CSS selector. An element that goes away between the search
// and the click, because its page is replaced, is searched for again.
func (b *tab) click(selector string) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector)))
	for err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "node with given id") {
		err = chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector)))
	}
	require.NoError(b.t, err, selector)
}

// follow clicks an element that leads to another page, and waits for that page.
func (b *tab) follow(selector string) {
	b.t.Helper()
	b.eval("window.isOld = true")
	b.click(selector)
	b.wait("!window.isOld && document.readyState === 'complete'")
}

// write types text into a field.
func (b *tab) write(selector, text string) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	require.NoError(b.t, chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS(selector), text)), selector)
}

// eval returns the value of an expression as text.
func (b *tab) eval(expression string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	require.NoError(b.t, err, expression)
	return text
}

// wait waits until an expression is true.
func (b *tab) wait(expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience); ; {
		text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")"))
		if err == nil && text == "true" {
			return
		}
		require.True(b.t, time.Now().Before(end), "never true: %s (%v)\n%s", expression, err, b.text("body"))
		select {
		case <-b.ctx.Done():
			b.t.Fatal(b.ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// text returns the text that a viewer sees of an element.
func (b *tab) text(selector string) string {
	b.t.Helper()
	text := b.eval("(document.querySelector(" + strconv.Quote(selector) + ")||{}).innerText")
	return strings.Join(strings.Fields(text), " ")
}

// waitText waits until an element shows a text.
func (b *tab) waitText(selector, text string) {
	b.t.Helper()
	b.wait(fmt.Sprintf("(document.querySelector(%q)||{innerText:''}).innerText.includes(%s)", selector, quoteJS(text)))
}

func quoteJS(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// path returns the path and the query of the page.
func (b *tab) path() string { return b.eval("location.pathname + location.search") }

// requireFits fails if the page is wider than the window: then it scrolls sideways.
func (b *tab) requireFits() {
	b.t.Helper()
	wide := b.eval(`document.documentElement.scrollWidth <= document.documentElement.clientWidth ? "" :
		[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll")).map(e => e.outerHTML.slice(0, 120)).join("\n")`)
	require.Empty(b.t, wide, "wider than the window, on %s", b.path())
}

// axeScript returns axe-core, once it is read.
var axeScript = sync.OnceValues(func() (string, error) {
	content, err := os.ReadFile("../test/peers/node_modules/axe-core/axe.min.js")
	return string(content), err
})

// axeRun checks a page with the rules of WCAG 2.2 AA, and the practices that axe recommends.
const axeRun = `axe.run(document, {
	runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
	rules: {"target-size": {enabled: true}}, resultTypes: ["violations"]
}).then(r => r.violations.map(v => v.id + ": " + v.help + "\n" + v.nodes.map(n => "  " + n.html.slice(0, 200) + "  " + (n.any[0] || n.all[0] || n.none[0] || {}).message).join("\n")).join("\n"))`

// requireAccessible fails with what axe finds on the page.
func (b *tab) requireAccessible() {
	b.t.Helper()
	script, err := axeScript()
	if err != nil && os.Getenv(interop.Required) == "" {
		b.t.Skip("make peers installs axe-core:", err)
	}
	require.NoError(b.t, err)
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void](script+";0")))
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](axeRun, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err)
	require.Empty(b.t, found, "on %s", b.path())
}

// ignore drops the reports of pages that the test expects to be errors, by their codes.
func (b *tab) ignore(codes ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var left []string
	for _, p := range b.problems {
		expected := false
		for _, code := range codes {
			expected = expected || strings.Contains(p, "status of "+code)
		}
		if !expected {
			left = append(left, p)
		}
	}
	b.problems = left
}
