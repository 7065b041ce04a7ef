package forge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"domctl.dev/internal/forge"
	"domctl.dev/internal/forge/forgetest"
	"domctl.dev/internal/port"
)

const secret = "s3cret-t0ken-0123456789"

// rig is a forge of a kind whose waits take no time.
type rig struct {
	port.Forge
	tea    *forgetest.Tea
	waited []time.Duration
	now    time.Time
}

func newRig(t *testing.T, kind forge.Kind, over http.RoundTripper) *rig {
	r := &rig{tea: forgetest.NewTea("acme/domino"), now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	r.tea.Users = map[string]string{secret: "domctl-bot"}
	s := httptest.NewServer(served()[kind](r.tea))
	t.Cleanup(s.Close)
	f, err := forge.Open(forge.Config{Kind: kind, URL: s.URL, Token: func() (string, error) { return secret, nil }, Transport: over,
		Wait: func(_ context.Context, d time.Duration) error { r.waited = append(r.waited, d); return nil }, Now: func() time.Time { return r.now }})
	if err != nil {
		t.Fatal(err)
	}
	r.Forge = f
	return r
}

// fault answers the first n requests.
func (r *rig) fault(n int, answer func(w http.ResponseWriter, r *http.Request)) {
	r.tea.Fault = func(w http.ResponseWriter, q *http.Request) bool {
		if n == 0 {
			return false
		}
		n--
		answer(w, q)
		return true
	}
}

func each(t *testing.T, f func(t *testing.T, kind forge.Kind)) {
	for _, kind := range forge.Kinds() {
		t.Run(string(kind), func(t *testing.T) { f(t, kind) })
	}
}

// TestRates: what is refused for its rate is asked again after the time that the forge
// states, also a comment, which was not written; what asks for too long is told.
func TestRates(t *testing.T) {
	each(t, func(t *testing.T, kind forge.Kind) {
		r := newRig(t, kind, nil)
		r.fault(2, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			http.Error(w, "{}", http.StatusTooManyRequests)
		})
		if _, err := r.Comment(t.Context(), "acme/domino", 3, "text"); err != nil || len(r.tea.Comments(3)) != 1 || r.tea.Comments(3)[0].Body != "text" {
			t.Errorf("%v, comments %+v", err, r.tea.Comments(3))
		}
		if fmt.Sprint(r.waited) != "[7s 7s]" {
			t.Errorf("it waited %v", r.waited)
		}
		r.waited = nil
		r.fault(9, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-RateLimit-Remaining", "0")
			w.Header().Set("X-RateLimit-Reset", fmt.Sprint(r.now.Add(time.Hour).Unix()))
			http.Error(w, "{}", http.StatusForbidden)
		})
		if _, err := r.Pulls(t.Context(), "acme/domino"); !errors.Is(err, port.ErrThrottled) || len(r.waited) != 0 || !strings.Contains(err.Error(), "run again in 1h0m0s") {
			t.Errorf("%v after %v", err, r.waited)
		}
		r.fault(9, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "{}", http.StatusTooManyRequests)
		})
		if err := r.SetStatus(t.Context(), "acme/domino", strings.Repeat("b", 40), port.CommitStatus{Name: "x", State: port.CommitSuccess}); !errors.Is(err, port.ErrThrottled) || len(r.waited) != 3 {
			t.Errorf("%v after %v", err, r.waited)
		}
	})
}

// TestTroubles: a read is repeated when the forge is in trouble, a write is not, as it
// may have happened; and no error tells the token, whatever the forge says.
func TestTroubles(t *testing.T) {
	each(t, func(t *testing.T, kind forge.Kind) {
		r := newRig(t, kind, nil)
		trouble := func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprintf(w, `{"message": "upstream %s\u001b[31m\nis\u202e away"}`, secret)
		}
		r.fault(2, trouble)
		if _, err := r.Comments(t.Context(), "acme/domino", 3); err != nil || len(r.waited) != 2 {
			t.Errorf("%v after %v", err, r.waited)
		}
		r.fault(1, trouble)
		_, err := r.Comment(t.Context(), "acme/domino", 3, "text")
		if err == nil || len(r.waited) != 2 {
			t.Fatalf("%v after %v", err, r.waited)
		}
		if strings.Contains(err.Error(), secret) || strings.ContainsAny(err.Error(), "\x1b\u202e\n") || !strings.Contains(err.Error(), "502: upstream ***") {
			t.Errorf("it says %q", err)
		}
		r.fault(9, trouble)
		if _, err := r.Me(t.Context()); err == nil || strings.Contains(err.Error(), secret) || errors.Is(err, port.ErrNotFound) {
			t.Errorf("it says %v", err)
		}
		for text, body := range map[string]string{"no JSON": "<html>", "cut short": `[{"id": 1, "body": "x`, "another shape": `"x"`} {
			r.fault(9, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
			if all, err := r.Comments(t.Context(), "acme/domino", 3); err == nil {
				t.Errorf("%s reads as %v", text, all)
			}
		}
	})
}

// TestPages: a forge that sends a page again, or never ends, is an error; never a part
// of a list.
func TestPages(t *testing.T) {
	each(t, func(t *testing.T, kind forge.Kind) {
		r := newRig(t, kind, nil)
		for i := range 60 {
			r.tea.Say(3, "eve", fmt.Sprint(i))
		}
		again := func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?page=2>; rel="next"`, q.Host, q.URL.Path))
			w.Header().Set("X-Next-Page", "2")
			if kind == forge.Bitbucket {
				fmt.Fprintf(w, `{"values": [], "next": "http://%s%s?page=2"}`, q.Host, q.URL.Path)
				return
			}
			fmt.Fprint(w, `[]`)
		}
		r.fault(-1, again)
		if all, err := r.Comments(t.Context(), "acme/domino", 3); err == nil || !strings.Contains(err.Error(), "sent before") {
			t.Errorf("%d comments, %v", len(all), err)
		}
		n := 0
		r.fault(-1, func(w http.ResponseWriter, q *http.Request) { // the same under another number
			n++
			w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?page=%d>; rel="next"`, q.Host, q.URL.Path, n+1))
			w.Header().Set("X-Next-Page", fmt.Sprint(n+1))
			if n == 3 {
				w.Header().Del("Link")
				w.Header().Set("X-Next-Page", "")
			}
			next := fmt.Sprintf(`, "next": "http://%s%s?page=%d"`, q.Host, q.URL.Path, n+1)
			if n == 3 {
				next = ""
			}
			page := `[{"id": 5}]`
			if kind == forge.Bitbucket {
				page = `{"values": [{"id": 5}]` + next + `}`
			}
			fmt.Fprint(w, page)
		})
		if all, err := r.Comments(t.Context(), "acme/domino", 3); err == nil || !strings.Contains(err.Error(), "same page twice") {
			t.Errorf("%d comments, %v", len(all), err)
		}
	})
}

// bare takes the headers off that say that there are more pages.
type bare struct{}

func (bare) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		res.Header = http.Header{"Content-Type": res.Header["Content-Type"]}
	}
	return res, err
}

// TestBare: behind a proxy that leaves headers out, a list is whole or an error.
func TestBare(t *testing.T) {
	each(t, func(t *testing.T, kind forge.Kind) {
		r := newRig(t, kind, bare{})
		r.tea.Whole = true
		for i := range 250 {
			r.tea.Say(3, "eve", fmt.Sprint(i))
		}
		if all, err := r.Comments(t.Context(), "acme/domino", 3); err == nil && len(all) != 250 {
			t.Errorf("%d of 250 comments, and no error", len(all))
		}
	})
}

// TestElsewhere: no other host is asked, and none sees the token.
func TestElsewhere(t *testing.T) {
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer other.Close()
	each(t, func(t *testing.T, kind forge.Kind) {
		r := newRig(t, kind, nil)
		r.fault(-1, func(w http.ResponseWriter, q *http.Request) {
			if kind == forge.Bitbucket {
				fmt.Fprintf(w, `{"values": [], "next": "%s/x"}`, other.URL)
				return
			}
			http.Redirect(w, q, other.URL, http.StatusFound)
		})
		if all, err := r.Comments(t.Context(), "acme/domino", 3); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%d comments, %v", len(all), err)
		}
		r.fault(-1, func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, other.URL, http.StatusPermanentRedirect)
		})
		if _, err := r.Comment(t.Context(), "acme/domino", 3, "x"); err == nil {
			t.Error("a comment was sent on")
		}
	})
	if n := asked.Load(); n > 0 {
		t.Errorf("another host was asked %d times", n)
	}
}

// endless answers more than anybody reads, or nothing at all.
type endless struct{ body bool }

func (e endless) RoundTrip(r *http.Request) (*http.Response, error) {
	if !e.body {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: zeros{}}, nil
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
func (zeros) Close() error               { return nil }

// TestBounds: an answer without end is given up, and the caller's deadline counts.
func TestBounds(t *testing.T) {
	r := newRig(t, forge.GitHub, endless{body: true})
	if _, err := r.Comment(t.Context(), "acme/domino", 3, "x"); err == nil || !strings.Contains(err.Error(), "larger than 128 MiB") {
		t.Errorf("it says %v", err)
	}
	each(t, func(t *testing.T, kind forge.Kind) {
		r := newRig(t, kind, endless{})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := r.Me(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it says %v", err)
		}
	})
}

// TestOpen: what cannot be an address is refused before a token goes there.
func TestOpen(t *testing.T) {
	token := func() (string, error) { return secret, nil }
	for _, c := range []forge.Config{
		{Kind: "gerrit"}, {Kind: forge.Gitea}, {Kind: forge.GitHub, URL: "ftp://x"}, {Kind: forge.GitHub, URL: "https://me:" + secret + "@x"},
		{Kind: forge.GitHub, URL: "https://x/?token=" + secret}, {Kind: forge.GitHub, URL: "://" + secret},
	} {
		c.Token = token
		if _, err := forge.Open(c); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s %s: %v", c.Kind, c.URL, err)
		}
	}
	for _, bad := range []string{"x", "/x", "x/", "a/../b", "a//b", "a/b?c", "a/b#c", "a/b c", "", "a/%2e%2e"} {
		r := newRig(t, forge.GitLab, nil)
		if _, err := r.Pulls(t.Context(), bad); err == nil || r.tea.Requests() > 0 {
			t.Errorf("%q is asked for: %v", bad, err)
		}
	}
	f, err := forge.Open(forge.Config{Kind: forge.Gitea, URL: "http://127.0.0.1:1", Token: func() (string, error) { return "", errors.New("no token is there") }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Me(t.Context()); err == nil || !strings.Contains(err.Error(), "no token is there") {
		t.Errorf("it says %v", err)
	}
}

// down sends on to the same host without TLS.
type down struct{ clear int }

func (d *down) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		d.clear++
	}
	h := http.Header{"Location": {"http://" + r.URL.Host + r.URL.Path}}
	return &http.Response{StatusCode: http.StatusMovedPermanently, Header: h, Body: http.NoBody, Request: r}, nil
}

// TestNoTokenInTheClear: a forge that sends on from https to http is not followed.
func TestNoTokenInTheClear(t *testing.T) {
	for _, kind := range forge.Kinds() {
		d := &down{}
		f, err := forge.Open(forge.Config{Kind: kind, URL: "https://git.acme.example", Token: func() (string, error) { return "t", nil }, Transport: d})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = f.Me(t.Context()); err == nil || d.clear > 0 {
			t.Errorf("%s: %v, %d in the clear", kind, err, d.clear)
		}
	}
}
