package page_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// chromium is a real browser on a world. Whatever it complains about fails the test.
type chromium struct {
	*world
	ctx context.Context

	mu         sync.Mutex
	complaints []string
}

// newChromium starts the browser that TIDEWAITER_CHROMIUM names.
func newChromium(t *testing.T, w *world) *chromium {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browserPath(t)), chromedp.NoSandbox, chromedp.WindowSize(1280, 900))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	c := &chromium{world: w, ctx: ctx}
	if err := chromedp.Listen(ctx, c.listen); err != nil {
		t.Fatal(err)
	}
	c.run(call(log.Enable, cdp.Empty{}), chromedp.EmulateViewport(1280, 900))
	t.Cleanup(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, complaint := range c.complaints {
			t.Errorf("the browser complains: %s", complaint)
		}
	})
	return c
}

func browserPath(t *testing.T) string {
	t.Helper()
	path := os.Getenv("TIDEWAITER_CHROMIUM")
	if path == "" {
		t.Skip("TIDEWAITER_CHROMIUM does not name a Chromium: .ci/run does")
	}
	return path
}

// listen notes down errors of scripts, breaches of the policy, and files that are not there.
func (c *chromium) listen(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		c.complaints = append(c.complaints, fmt.Sprintf("%+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		c.complaints = append(c.complaints, fmt.Sprintf("console %s: %s", e.Type, e.Args[0].Value))
	case *log.EventEntryAdded:
		c.complaints = append(c.complaints, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
	case *page.EventJavascriptDialogOpening:
		c.complaints = append(c.complaints, "a dialog: "+e.Message)
	}
}

// call is a command of the browser's protocol.
func call[P, R any](command cdp.Command[P, R], parameters P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, parameters)
		return err
	})
}

// scheme is what the system says of colours.
func scheme(name string) chromedp.Action[chromedp.Void] {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

// script runs a script in the page.
func script(source string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](source)
}

func (c *chromium) run(actions ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chromium) open(path string) {
	c.t.Helper()
	c.run(chromedp.Navigate(c.server.URL+path), chromedp.WaitVisible("main"))
}

// value is what an expression of the page is.
func value[T any](c *chromium, expression string) T {
	c.t.Helper()
	v, err := chromedp.Run(c.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		c.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits for an expression to become true, on whatever page the browser is by then.
func (c *chromium) until(expression string) {
	c.t.Helper()
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var done bool
		if done, err = chromedp.Run(c.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")")); err == nil && done {
			return
		}
	}
	c.t.Fatalf("%s does not come true: %v\n%s", expression, err, value[string](c, "document.body.innerText"))
}

// login logs in by typing the token, with the keyboard alone.
func (c *chromium) login() {
	c.t.Helper()
	c.open("/login")
	c.run(chromedp.Focus("#token"), chromedp.KeyEvent(token+kb.Enter))
	c.until("location.pathname === '/' && document.readyState === 'complete'")
}

// shoot writes a picture of the whole page to the folder that TIDEWAITER_SHOTS names, for people to look at.
func (c *chromium) shoot(name string) {
	c.t.Helper()
	dir := os.Getenv("TIDEWAITER_SHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(c.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		c.t.Error(err)
	}
}

// fill puts in the store what pages are looked at with.
func (w *world) fill() {
	for day := 25; day > 0; day -= 3 {
		w.ago(time.Duration(day) * 24 * time.Hour)
		for i := range 1 + day%4 {
			w.judged("shop/allowed", fmt.Sprintf("1.%d.%d", 30-day, i))
		}
		w.judged("platform/denied", fmt.Sprintf("0.%d.0", 30-day))
	}
	w.ago(0)
	w.judged("data/broken", "4.1")
	w.judged("shop/hostile", "latest")
	w.judged("tools/denied", "2.0")
}

func TestBrowserLogsInByProvider(t *testing.T) {
	browserPath(t)
	provider := newIdentityProvider(t)
	c := newChromium(t, newWorld(t, provider.with))
	c.open("/queue")
	c.shoot("login-both")
	c.run(chromedp.Click(".main-button"))
	c.until("location.pathname === '/queue' && document.querySelector('.who').textContent.includes('ada@shop.example')")
	c.run(chromedp.Click("form[action='/logout'] button"))
	c.until("location.pathname === '/login'")
}

func TestBrowserFiltersAndOpensAnImage(t *testing.T) {
	browserPath(t)
	c := newChromium(t, newWorld(t, nil))
	c.fill()
	c.login()
	c.run(chromedp.SetValue("#f-tag", "2.0"), chromedp.SetValue("#f-verdict", "deny"), chromedp.Click(".filter .main-button"))
	c.until("location.search.includes('tag=2.0') && document.querySelectorAll('.pushes tbody tr').length === 1")
	c.run(chromedp.Click(".pushes tbody a.name"))
	c.until("document.querySelector('h1').innerText.includes('tools/denied') && document.querySelectorAll('.finding').length > 3")
	c.run(chromedp.SetValue("#package", "lodash"), chromedp.Submit("#package"))
	c.until("document.querySelectorAll('#packages tbody tr').length === 1")
}

// A scan's progress and its verdict arrive while the page is open, and are said aloud.
func TestBrowserFollowsAScan(t *testing.T) {
	browserPath(t)
	c := newChromium(t, newWorld(t, nil))
	c.judged("shop/allowed", "1.0")
	c.login()
	c.until("document.getElementById('pulse').dataset.state === 'live'")
	c.run(chromedp.Focus("a[href*='shop/allowed']"))
	c.push("shop/slow", "9.0")
	c.until("document.querySelector('[data-scan] progress')?.value === 12345678")
	c.until("document.querySelector('[data-scan]').innerText.includes('12.3 MB of 40.0 MB') && document.querySelector('[data-scan]').innerText.includes('1 layer read')")
	c.until("document.querySelector('.pushes tbody tr').innerText.includes('Waiting')")
	c.shoot("live-light")
	close(c.gate)
	c.until("document.querySelector('.pushes tbody tr').innerText.includes('Denied')")
	c.until("document.getElementById('news').textContent.includes('shop/slow: Denied')")
	c.until("document.querySelectorAll('[data-scan]').length === 0")
	if !value[bool](c, "document.activeElement.href?.includes('shop/allowed') === true") {
		t.Error("the focus was lost when the list changed")
	}
}

// The page of an image that is being judged becomes that of its verdict.
func TestBrowserSeesTheVerdictOfAnOpenImage(t *testing.T) {
	browserPath(t)
	c := newChromium(t, newWorld(t, nil))
	c.push("shop/slow", "9.0")
	c.login()
	c.until("document.querySelector('[data-scan] a.name')")
	c.run(chromedp.Click("[data-scan] a.name"))
	c.until("document.querySelector('h1')?.innerText.includes('shop/slow') && document.querySelector('.ruling').innerText.includes('Waiting')")
	c.until("document.getElementById('pulse').dataset.state === 'live' && !document.getElementById('findings').checkVisibility()")
	close(c.gate)
	c.until("document.querySelector('.ruling').innerText.includes('Denied') && document.querySelectorAll('.finding').length > 3 && document.querySelectorAll('#packages tbody tr').length === 50")
}

func TestBrowserTakesChoiceOfColours(t *testing.T) {
	browserPath(t)
	c := newChromium(t, newWorld(t, nil))
	c.login()
	ground := func() string { return value[string](c, "getComputedStyle(document.body).backgroundColor") }
	light, dark := "rgb(244, 246, 245)", "rgb(14, 20, 21)"
	if got := ground(); got != light {
		t.Errorf("the ground is %s, want %s", got, light)
	}
	c.run(scheme("dark"))
	if got := ground(); got != dark {
		t.Errorf("where the system is dark the ground is %s, want %s", got, dark)
	}
	c.run(chromedp.Focus("#theme"), chromedp.KeyEvent("Light"))
	c.until("getComputedStyle(document.body).backgroundColor === '" + light + "'")
	c.until("!performance.getEntriesByType('resource').some((r) => r.name.endsWith('/theme') && r.responseEnd === 0)")
	c.open("/queue")
	if got := ground(); got != light {
		t.Errorf("a choice of light gives %s on the next page, want %s", got, light)
	}
}

// Every page in each of its looks: no complaint, nothing wider than the screen, no violation that axe knows, and
// hostile texts stay texts.
func TestBrowserShowsEveryPage(t *testing.T) {
	browserPath(t)
	c := newChromium(t, newWorld(t, nil))
	c.fill()
	c.push("shop/slow", "9.0")
	c.login()
	addresses := map[string]string{
		"pushes": "/", "filtered": "/?verdict=deny&rule=image/miner", "nothing": "/?q=nothing-matches", "queue": "/queue", "missing": "/nothing",
		"denied":  imagePathOf("tools/denied", "2.0"),
		"allowed": imagePathOf("shop/allowed", "1.5.0"),
		"broken":  imagePathOf("data/broken", "4.1"),
		"hostile": imagePathOf("shop/hostile", "latest"),
		"slow":    imagePathOf("shop/slow", "9.0"),
	}
	for name, address := range addresses {
		for _, look := range []struct {
			name, scheme string
			width        int64
		}{{"light", "light", 1280}, {"dark", "dark", 1280}, {"narrow", "light", 390}} {
			c.run(scheme(look.scheme), chromedp.EmulateViewport(look.width, 900))
			c.open(address)
			c.shoot(name + "-" + look.name)
			if wide := value[int64](c, "document.documentElement.scrollWidth"); wide > look.width {
				t.Errorf("%s is %d pixels wide on a screen of %d", name, wide, look.width)
			}
			if title := value[string](c, "document.title"); strings.Contains(title, "pwned") {
				t.Errorf("%s ran what an image is called", name)
			}
			c.axe(name + " " + look.name)
		}
	}
	c.complaintsBut("404") // of the page that is missing
	close(c.gate)
}

func imagePathOf(repository, tag string) string {
	return fmt.Sprintf("/image/%s/%s@%s", host, repository, digest(repository, tag))
}

// complaintsBut forgets the complaints that have a text in them.
func (c *chromium) complaintsBut(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.complaints = slices.DeleteFunc(c.complaints, func(s string) bool { return strings.Contains(s, text) })
}

// axe lets axe-core, which TIDEWAITER_AXE names, judge the page.
func (c *chromium) axe(name string) {
	c.t.Helper()
	path := os.Getenv("TIDEWAITER_AXE")
	if path == "" {
		return
	}
	source, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	c.run(script(string(source) + "; undefined"))
	found, err := chromedp.Run(c.ctx, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.map((v) =>
		v.id + ": " + v.help + ": " + v.nodes.map((n) => n.html + " " + n.failureSummary).slice(0, 3).join(" | "))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		c.t.Fatal(err)
	}
	var violations []string
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		c.t.Fatal(err)
	}
	for _, v := range violations {
		c.t.Errorf("%s: %s", name, v)
	}
}

// With the tab key alone everything is reached that can be used, in the order in which it stands, and it can be seen
// where one is.
func TestBrowserIsUsedByKeyboard(t *testing.T) {
	browserPath(t)
	c := newChromium(t, newWorld(t, nil))
	c.fill()
	c.login()
	for _, address := range []string{"/", imagePathOf("tools/denied", "2.0"), "/queue"} {
		c.open(address)
		want := value[int](c, `window.usable = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary, [tabindex='0']")].filter((e) => e.checkVisibility()), usable.length`)
		c.run(script("document.activeElement.blur(), window.reached = new Set(), undefined"))
		var unseen []string
		for range want * 4 { // a date has three parts and a button
			c.run(tab())
			at := value[string](c, `(() => { const e = document.activeElement, s = getComputedStyle(e); if (e === document.body) return "end";
				reached.add(e); return s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 1 ? e.outerHTML : "" })()`)
			if at == "end" {
				break
			}
			if at != "" {
				unseen = append(unseen, at)
			}
		}
		if missed := value[[]string](c, "usable.filter((e) => !reached.has(e)).map((e) => e.outerHTML)"); len(missed) > 0 {
			t.Errorf("%s: %d of %d are not reached: %q", address, len(missed), want, missed[:min(5, len(missed))])
		}
		if len(unseen) > 0 {
			t.Errorf("%s: it is not seen where one is: %q", address, unseen[:min(5, len(unseen))])
		}
	}
	c.open("/")
	c.run(script("document.activeElement.blur()"), tab())
	if !value[bool](c, "document.activeElement.className === 'skip' && document.activeElement.getBoundingClientRect().top >= 0") {
		t.Error("the first stop is not the link that skips to the content")
	}
	c.run(chromedp.KeyEvent(kb.Enter))
	c.until("document.activeElement.id === 'main'")
}

func tab() chromedp.Action[chromedp.Void] { return chromedp.KeyEvent(kb.Tab) }

// What can be done, can be done without the script: logging in, choosing colours, filtering, logging out.
func TestBrowserWithoutScript(t *testing.T) {
	browserPath(t)
	c := newChromium(t, newWorld(t, nil))
	c.judged("tools/denied", "2.0")
	c.judged("tools/allowed", "2.0")
	c.run(call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}), chromedp.Navigate(c.server.URL+"/login"),
		chromedp.SendKeys("#token", token+kb.Enter), chromedp.WaitVisible(".pushes"),
		chromedp.SetValue("#theme", "dark"), chromedp.Click("#theme-set"), chromedp.WaitVisible("[data-theme=dark] .pushes"),
		chromedp.SetValue("#f-verdict", "deny"), chromedp.Click(".filter .main-button"), chromedp.WaitVisible(".filter a.plain"))
	list, err := chromedp.Run(c.ctx, chromedp.Text(".pushes"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(list, "tools/denied") || strings.Contains(list, "tools/allowed") {
		t.Errorf("without script the filter shows %q", list)
	}
	c.run(chromedp.Click("form[action='/logout'] button"), chromedp.WaitVisible("#token"))
}
