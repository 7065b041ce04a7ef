//go:build wire

package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestBrowserRollback: from an apply to the form that shows what would be done, and back,
// where what becomes of it appears by itself; a form that is sent twice counts once.
func TestBrowserRollback(t *testing.T) {
	r := newRig(t)
	res := r.apply()
	page := "/deployments/sim-modern/applies/" + res.ID
	at := served(t, taking(r).Handler())
	b := newTab(t)
	b.do(chromedp.Navigate(at+page), chromedp.Click(chromedp.CSS("#back .button")), chromedp.WaitVisible(`//h1[text()="Take back this apply?"]`))
	b.accessible("the form")
	b.do(chromedp.Click(chromedp.CSS("section.danger button")))
	b.until(fmt.Sprintf(`location.pathname === %q && document.querySelector(".note.busy").textContent.includes("as ada asked")`, page))
	w := r.wish()
	if w.Target != res.ID || w.User != "ada" || w.Done {
		t.Fatalf("%+v", w)
	}
	eval[bool](b, `window.stayed = true; true`)
	w.Plan, w.Done, w.Said, w.Nonce = "20260301-110000-k3v9w2m4q7x1", true, "Apply X was taken back by Y, as ada asked.", "2"
	r.put("gitops/wish", w)
	b.until(`window.stayed && !!document.querySelector(".note.good") && document.querySelector(".note.good").textContent.includes("was taken back by Y")`)
	if say := eval[string](b, `document.getElementById("say").textContent`); say != w.Said {
		t.Errorf("a screen reader is told %q", say)
	}
	b.accessible("what became of it")
	b.quiet("a rollback")
}

// TestBrowserTimes: the script tells times by the rule of the pages, whatever its own
// clock says.
func TestBrowserTimes(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	html, want := `<!doctype html><html lang="en"><title>x</title><body data-now="`+stamp(now)+`"><p id="say"></p><p id="offline"></p>`, []string{}
	for _, d := range []time.Duration{20 * time.Second, 80 * time.Second, 30*time.Minute + 30*time.Second, 90 * time.Minute, 46*time.Hour + 30*time.Minute, 50 * time.Hour, 29*24*time.Hour - time.Hour, 31 * 24 * time.Hour, 400 * 24 * time.Hour} {
		for _, t := range []time.Time{now.Add(-d), now.Add(d)} { // none so close to another word that seconds matter
			html, want = html+`<time data-ago datetime="`+stamp(t)+`">?</time>`, append(want, ago(now, t))
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /static/{file}", static())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(html + `<script src="/static/script.js"></script>`))
	})
	at := httptest.NewServer(mux)
	t.Cleanup(at.Close)
	b := newTab(t)
	b.do(chromedp.Navigate(at.URL))
	b.until(`document.querySelector("time").textContent !== "?"`)
	for i, text := range want {
		if is := eval[string](b, fmt.Sprintf(`document.querySelectorAll("time")[%d].textContent`, i)); is != text {
			t.Errorf("%d: %q, not %q", i, is, text)
		}
	}
}
