//go:build wire

package web

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"domctl.dev/internal/gitops"
)

// tab is a page of a real browser, with what it complained of.
type tab struct {
	t   *testing.T
	ctx context.Context
	axe string
	mu  sync.Mutex
	bad []string
}

// newTab starts a Chromium of the test's own.
func newTab(t *testing.T, more ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "../../hack/web/install.sh", "path").Output()
	if err != nil {
		t.Fatal(err)
	}
	axe, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "axe.min.js"))
	if err != nil {
		t.Fatalf("%v; make test-web installs it", err)
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(more, chromedp.ExecPath("chromium"), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, axe: string(axe)}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	call(b, log.Enable, cdp.Empty{})
	return b
}

func (b *tab) hear(e any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := e.(type) {
	case *runtime.EventExceptionThrown:
		b.bad = append(b.bad, fmt.Sprintf("%+v", e.ExceptionDetails))
	case *log.EventEntryAdded: // what violates the policy stands here too
		b.bad = append(b.bad, fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL))
	case *runtime.EventConsoleAPICalled:
		b.bad = append(b.bad, fmt.Sprintf("console.%s", e.Type))
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// call sends one command of the browser's protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

// eval runs a script that no policy of the page holds for.
func eval[T any](b *tab, js string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%.200s: %v", js, err)
	}
	return v
}

// quiet says that nothing was complained of.
func (b *tab) quiet(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.bad {
		if strings.Contains(text, "status of 404") { // of the page for what is not there
			continue
		}
		b.t.Errorf("%s: %s", where, text)
	}
	b.bad = nil
}

// until waits for a condition in the page.
func (b *tab) until(js string) {
	b.t.Helper()
	end := time.Now().Add(30 * time.Second)
	for ; !eval[bool](b, js); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("it never came that %s", js)
		}
	}
}

// accessible runs axe-core, and tells each violation.
func (b *tab) accessible(where string) {
	b.t.Helper()
	text := eval[string](b, b.axe+`;axe.run(document).then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html + " " + n.failureSummary).join("; "))))`)
	var all []string
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range all {
		b.t.Errorf("%s: %s", where, v)
	}
}

// fits says that nothing stands beside the window.
func (b *tab) fits(where string) {
	b.t.Helper()
	wide := eval[string](b, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 0.5 && !e.closest(".unseen, thead")).map(e => e.outerHTML.slice(0, 120)).slice(0, 3).join("\n")`)
	if over := eval[bool](b, `document.documentElement.scrollWidth > innerWidth`); over || wide != "" {
		b.t.Errorf("%s is wider than the window: %s", where, wide)
	}
}

// shot keeps a picture where DOMCTL_SHOTS names a folder, for people.
func (b *tab) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("DOMCTL_SHOTS")
	if dir == "" {
		return
	}
	for kind, picture := range map[string]chromedp.Action[[]byte]{"top": chromedp.CaptureScreenshot(), "whole": chromedp.FullScreenshot(100)} {
		png, err := chromedp.Run(b.ctx, picture)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+"-"+kind+".png"), png, 0o600)
		}
		if err != nil {
			b.t.Error(err)
		}
	}
}

// look is a window and its owner's taste.
type look struct {
	name          string
	width, height int64
	scheme        string
}

var looks = []look{{"desktop-light", 1280, 900, "light"}, {"desktop-dark", 1280, 900, "dark"}, {"phone-light", 375, 812, "light"}, {"phone-dark", 375, 812, "dark"}}

func (l look) set(b *tab) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.width, Height: l.height, DeviceScaleFactor: 1, Mobile: l.width < 600})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}})
}

// TestBrowserPages: every page, in a window and on a phone, light and dark, fits, has
// nothing to complain of, and passes axe-core.
func TestBrowserPages(t *testing.T) {
	r, pages := furnished(t)
	s := r.site()
	s.Deployments = append(s.Deployments, hostile(t))
	s.Token = func(*http.Request) string { return "token" }
	s.Who = func(context.Context) string { return "Ada Lovelace" }
	s.SignOut = "/signout"
	s.Rollback, s.Random = func(context.Context, string, gitops.Click) error { return nil }, rand.Text
	pages["rollback"] = pages["apply"] + "/rollback"
	at := served(t, s.Handler())
	b := newTab(t)
	for _, l := range looks {
		l.set(b)
		for name, target := range pages {
			where := name + " " + l.name
			b.do(chromedp.Navigate(at + target))
			eval[bool](b, `document.querySelectorAll("details").forEach(d => d.open = true); true`)
			b.fits(where)
			b.accessible(where)
			b.shot(name + "-" + l.name)
			b.quiet(where)
		}
	}
}

// TestBrowserFollows: what happens appears without the page being loaded again, and what
// its reader opened stays open.
func TestBrowserFollows(t *testing.T) {
	r := newRig(t)
	step := make(chan struct{})
	p := r.plan()
	done := make(chan error, 1)
	go func() {
		_, err := r.engine(slowly(step)).Apply(t.Context(), p)
		done <- err
	}()
	fast := make(chan struct{})
	go func() {
		for {
			select {
			case <-fast:
			case <-time.After(300 * time.Millisecond):
			}
			select {
			case step <- struct{}{}:
			case <-t.Context().Done():
				return
			}
		}
	}()
	at := served(t, r.site().Handler())
	b := newTab(t)
	page := "/deployments/sim-modern/applies/" + p.ID
	for end := time.Now().Add(30 * time.Second); get(t, r.site().Handler(), page).status != http.StatusOK; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the apply does not begin")
		}
	}
	b.do(chromedp.Navigate(at + page))
	eval[bool](b, `window.stayed = true; window.heard = []; new MutationObserver(() => window.heard.push(document.getElementById("say").textContent)).observe(document.getElementById("say"), {childList: true}); true`)
	count := `document.querySelectorAll("#steps .badge.good").length`
	b.until(`document.querySelectorAll("#steps tr").length > 1`)
	b.until(count + ` > 1`)
	if eval[bool](b, `document.querySelector("#state .badge").textContent.includes("ended")`) {
		t.Error("it was at its end before a step of it was shown")
	}
	close(fast)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.until(`document.querySelector("#state .badge").textContent.includes("ended")`)
	b.until(`window.stayed === true && window.heard.some(s => s.includes("ended"))`)
	b.quiet("following")
}

// TestBrowserWithoutScripts: pages say the same, and diffs open.
func TestBrowserWithoutScripts(t *testing.T) {
	r, pages := furnished(t)
	at := served(t, r.site().Handler())
	b := newTab(t)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	for name, target := range pages {
		b.do(chromedp.Navigate(at + target))
		if text, err := chromedp.Run(b.ctx, chromedp.OuterHTML(chromedp.CSS("h1"))); err != nil || text == "" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		b.quiet(name)
	}
	b.do(chromedp.Navigate(at + pages["plan"]))
	open := func() bool {
		of, err := chromedp.Run(b.ctx, chromedp.Attributes(chromedp.CSS(".change")))
		if err != nil {
			t.Fatal(err)
		}
		_, is := of["open"]
		return is
	}
	was := open()
	b.do(chromedp.ScrollIntoView(chromedp.CSS(".change > summary")))
	summary, err := chromedp.Run(b.ctx, chromedp.Dimensions(chromedp.CSS(".change > summary")))
	if err != nil {
		t.Fatal(err)
	}
	corner := summary.Content
	b.do(chromedp.MouseClickXY(corner[0]+5, corner[1]+5))
	for end := time.Now().Add(30 * time.Second); open() == was; time.Sleep(20 * time.Millisecond) { // the browser toggles it after the click
		if time.Now().After(end) {
			t.Fatal("a diff neither opens nor closes")
		}
	}
}

// TestBrowserByKeyboard: the tab key reaches all that can be used, in order, with a
// mark that shows where it is.
func TestBrowserByKeyboard(t *testing.T) {
	r, pages := furnished(t)
	s := r.site()
	s.Token = func(*http.Request) string { return "token" }
	s.Who = func(context.Context) string { return "ada" }
	s.Rollback, s.Random = func(context.Context, string, gitops.Click) error { return nil }, rand.Text
	pages["rollback"] = pages["apply"] + "/rollback"
	at := served(t, s.Handler())
	b := newTab(t)
	for name, target := range pages {
		b.do(chromedp.Navigate(at + target))
		want := eval[int](b, `window.usable = [...document.querySelectorAll("a[href], button, summary")].filter(e => e.checkVisibility()); window.usable.length`)
		for i := range want {
			b.do(chromedp.KeyEvent("\t"))
			is := eval[string](b, fmt.Sprintf(`(() => { const e = document.activeElement, s = getComputedStyle(e); return e !== window.usable[%d] ? "not " + window.usable[%d].outerHTML + " but " + e.outerHTML.slice(0, 200) : s.outlineStyle === "none" ? "no mark on " + e.outerHTML : "" })()`, i, i))
			if is != "" {
				t.Fatalf("%s: tab %d: %s", name, i+1, is)
			}
		}
	}
	b.do(chromedp.Navigate(at+pages["plan"]), chromedp.Focus(chromedp.CSS(".change summary")))
	was := eval[bool](b, `document.querySelector(".change").open`)
	b.do(chromedp.KeyEvent("\r"))
	b.until(fmt.Sprintf(`document.querySelector(".change").open !== %v`, was))
	b.do(chromedp.Navigate(at+pages["plan"]), chromedp.KeyEvent("\t"), chromedp.KeyEvent("\r"))
	b.until(`document.activeElement.id === "main" || location.hash === "#main"`)
}

// TestBrowserLocal: the address that plan --web prints opens the page once; the button
// there ends it.
func TestBrowserLocal(t *testing.T) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Local{Plan: newRig(t).plan(), Host: at.Addr().String(), Token: "token-1", Cookie: "cookie-1", Form: "form-1"}
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(t.Context(), at) }()
	b := newTab(t)
	b.do(chromedp.Navigate(l.Address()))
	b.until(`location.search === "" && document.querySelector("h1")?.textContent.includes("sim-modern")`)
	b.accessible("plan --web")
	b.fits("plan --web")
	b.shot("local")
	b.quiet("plan --web")
	b.do(chromedp.Click(chromedp.CSS("button.quiet")), chromedp.WaitVisible(`//h1[text()="Done"]`))
	b.quiet("the end of plan --web")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
