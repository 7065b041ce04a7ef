package web

import (
	"bufio"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
)

// following reads a stream's events.
type following struct {
	t     *testing.T
	res   *http.Response
	lines *bufio.Scanner
	stop  context.CancelFunc
}

func followed(t *testing.T, url, last string) *following {
	t.Helper()
	return followedBy(t, http.DefaultClient, url, last)
}

func followedBy(t *testing.T, client *http.Client, url, last string) *following {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return &following{t, res, bufio.NewScanner(res.Body), stop}
}

// id waits for the next event.
func (f *following) id() string {
	f.t.Helper()
	id := ""
	for f.lines.Scan() {
		if of, is := strings.CutPrefix(f.lines.Text(), "id: "); is {
			id = of
		}
		if strings.HasPrefix(f.lines.Text(), "data: ") {
			return id
		}
	}
	f.t.Fatal("the stream ended", f.lines.Err())
	return ""
}

// counted counts what a store is asked.
type counted struct {
	applier.Store
	lists atomic.Int64
}

func (c *counted) List(ctx context.Context, prefix string) ([]string, error) {
	if prefix == "open/" {
		c.lists.Add(1)
	}
	return c.Store.List(ctx, prefix)
}

// TestEvents tells a page that has something older, once, and whoever comes back what
// they missed; however many follow, the store is asked once a second, and not at all
// when nobody does. The server is the one of the controller, whose answers must end
// within seconds otherwise.
func TestEvents(t *testing.T) {
	r := newRig(t)
	store := &counted{Store: r.machine.Store}
	s := r.site()
	s.Deployments[0].Records = stored(store)
	at := served(t, s.Handler())
	page := at + "/events?deployment=sim-modern&version=older"
	first := followed(t, page, "")
	if got := first.res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatal(got, first.res.Status)
	}
	was := first.id()
	for range 20 {
		if got := followed(t, page, "").id(); got != was {
			t.Errorf("%s, and %s to another", was, got)
		}
	}
	r.head(gitops.Head{Commit: commit, Stage: gitops.Refused, Why: "DC201"})
	is := first.id()
	if is == was {
		t.Error("nothing new")
	}
	back := followed(t, page, was)
	if got := back.id(); got != is {
		t.Errorf("who comes back is told %s, not %s", got, is)
	}
	began, asked := time.Now(), store.lists.Load()
	time.Sleep(3 * time.Second)
	if n, most := store.lists.Load()-asked, int64(time.Since(began)/time.Second)+1; n > most {
		t.Errorf("the store was asked %d times for 22 streams, more than %d", n, most)
	}
}

// TestAStreamOutlivesTheServersPatience, which ends answers that take longer.
func TestAStreamOutlivesTheServersPatience(t *testing.T) {
	for name, start := range map[string]func(*httptest.Server){"in the clear": (*httptest.Server).Start, "over TLS": (*httptest.Server).StartTLS,
		"over HTTP/2": func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			server := httptest.NewUnstartedServer(r.site().Handler())
			server.Config.ReadTimeout, server.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
			start(server)
			t.Cleanup(server.Close)
			f := followedBy(t, server.Client(), server.URL+"/events?deployment=sim-modern&version=older", "")
			if two := name == "over HTTP/2"; (f.res.ProtoMajor == 2) != two {
				t.Fatal(f.res.Proto)
			}
			f.id()
			time.Sleep(time.Second)
			r.head(gitops.Head{Commit: commit, Stage: gitops.Done, Why: "later"})
			f.id()
		})
	}
}

// TestStreamsEndWithTheController, at once, with the answer they were: what it waits for
// longer is cut off.
func TestStreamsEndWithTheController(t *testing.T) {
	r := newRig(t)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var all sync.WaitGroup
	said := &lines{}
	l := gitops.Listening{Log: slog.New(slog.NewTextHandler(said, nil)), Failed: func(err error) { t.Error(err) }, All: &all}
	if err := l.Listen(ctx, "page", "127.0.0.1:0", r.site().Handler()); err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`at=(\S+)`).FindStringSubmatch(said.String())
	f := followed(t, "http://"+at[1]+"/events?deployment=sim-modern&version=older", "")
	f.id()
	began := time.Now()
	end()
	for f.lines.Scan() {
	}
	if err := f.lines.Err(); err != nil {
		t.Errorf("the stream was cut off: %v", err)
	}
	if all.Wait(); time.Since(began) > 2*time.Second {
		t.Errorf("it took %s", time.Since(began))
	}
}

// lines is a log that is read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestStreamsAreBounded, and a place is free again once somebody leaves.
func TestStreamsAreBounded(t *testing.T) {
	r := newRig(t)
	d := r.site().desk()
	var leave []func()
	for range mostStreams {
		_, bye, full := d.watched.follow("sim-modern", "")
		if full {
			t.Fatal("full")
		}
		leave = append(leave, bye)
	}
	if page := get(t, http.HandlerFunc(d.events), "/events?deployment=sim-modern"); page.status != http.StatusServiceUnavailable {
		t.Error(page.status)
	}
	leave[0]()
	if _, bye, full := d.watched.follow("", ""); full {
		t.Error("full though one left")
	} else {
		bye()
	}
	for _, bye := range leave[1:] {
		bye()
	}
	for n := range mostOfOne + 1 {
		_, bye, full := d.watched.follow("sim-modern", "ada")
		if full != (n == mostOfOne) {
			t.Fatalf("%d of one person: full is %v", n, full)
		}
		if !full {
			defer bye()
		}
	}
	if _, bye, full := d.watched.follow("sim-modern", "grace"); full {
		t.Error("one takes the place of all")
	} else {
		bye()
	}
}

// TestNobodyLooksNothingIsAsked once the last one left.
func TestNobodyLooksNothingIsAsked(t *testing.T) {
	d := newRig(t).site().desk()
	var leave []func()
	for _, name := range []string{"", "sim-modern", "sim-modern"} {
		_, bye, _ := d.watched.follow(name, "ada")
		leave = append(leave, bye)
	}
	if len(d.watched.of) != 2 {
		t.Errorf("%d are watched", len(d.watched.of))
	}
	for _, bye := range leave {
		bye()
	}
	if len(d.watched.of)+len(d.watched.by)+d.watched.open > 0 {
		t.Error("somebody is still watched")
	}
}

// TestAStreamEndsWithTheRightToIt.
func TestAStreamEndsWithTheRightToIt(t *testing.T) {
	r := newRig(t)
	s := r.site()
	var none atomic.Bool
	s.Can = func(context.Context, string, Right) bool { return !none.Load() }
	f := followed(t, served(t, s.Handler())+"/events?deployment=sim-modern&version=older", "")
	f.id()
	none.Store(true)
	r.head(gitops.Head{Commit: commit, Stage: gitops.Done, Why: "not for all"})
	for f.lines.Scan() {
		if strings.HasPrefix(f.lines.Text(), "data") {
			t.Errorf("it is told %q", f.lines.Text())
		}
	}
}

// served is the page as the controller serves it.
func served(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = gitops.Server(h)
	server.Start()
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(func() { _ = server.Config.Close() })
	return server.URL
}
