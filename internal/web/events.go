package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"domctl.dev/applier"
)

// Streams: how many there may be, how long each lasts before the browser opens a new
// one (which is asked again who it is), and how often one is shown to be alive.
const (
	mostStreams = 256
	mostOfOne   = 64 // of one person, so that nobody takes all
	streamLasts = 5 * time.Minute
	heartbeat   = 15 * time.Second
	slowest     = 10 * time.Second // a client that takes no bytes for so long is gone
)

// watches look at deployments while somebody follows them: each once a second for all
// who look at it, each in the list of all more seldom.
type watches struct {
	desk *desk
	mu   sync.Mutex
	of   map[string]*watch // by deployment; "" is all of them
	open int
	by   map[string]int // open ones of each person
}

type watch struct {
	subs map[chan struct{}]bool
	stop context.CancelFunc
}

func newWatches(d *desk) *watches {
	return &watches{desk: d, of: map[string]*watch{}, by: map[string]int{}}
}

// follow is told after each look; full says that there is no room for another stream.
func (w *watches) follow(name, who string) (told chan struct{}, leave func(), full bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open >= mostStreams || who != "" && w.by[who] >= mostOfOne {
		return nil, nil, true
	}
	w.open++
	w.by[who]++
	at := w.of[name]
	if at == nil {
		ctx, cancel := context.WithCancel(context.Background())
		at = &watch{map[chan struct{}]bool{}, cancel}
		w.of[name] = at
		go w.look(ctx, name, at)
	}
	told = make(chan struct{}, 1)
	at.subs[told] = true
	return told, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.open--
		if w.by[who]--; w.by[who] == 0 {
			delete(w.by, who)
		}
		if delete(at.subs, told); len(at.subs) == 0 {
			at.stop()
			delete(w.of, name)
		}
	}, false
}

func (w *watches) look(ctx context.Context, name string, at *watch) {
	every := fresh
	if name == "" {
		every = listed
	}
	for {
		timer := time.NewTimer(every)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if name != "" {
			w.desk.named[name].standing(ctx, fresh/2)
		} else {
			w.all(ctx)
		}
		w.mu.Lock()
		for told := range at.subs {
			select {
			case told <- struct{}{}:
			default: // it looks anyway
			}
		}
		w.mu.Unlock()
	}
}

func (w *watches) all(ctx context.Context) {
	slots := make(chan struct{}, sideBySide)
	var wait sync.WaitGroup
	for _, of := range w.desk.all {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			of.standing(ctx, listed/2)
		})
	}
	wait.Wait()
}

// events streams the versions of what a page shows: one event whenever it is another
// than the page has. What is to be shown the page fetches, as who it is.
func (d *desk) events(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	name, apply, has := q.Get("deployment"), q.Get("apply"), q.Get("version")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		has = last
	}
	version := func() (string, bool) { return d.overviewVersion(r.Context()) }
	if name != "" {
		if _, there := d.of(r.Context(), name); !there || apply != "" && !isID(apply) {
			d.missing(w, r)
			return
		}
		version = func() (string, bool) { return d.version(r.Context(), name, apply) }
	}
	told, leave, full := d.watched.follow(name, d.who(r.Context()))
	if full {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "too many pages are followed; this one shows what is new when it is loaded again", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	out := stream{w, http.NewResponseController(w)}
	_ = out.control.SetReadDeadline(time.Time{}) // the request was read
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // proxies hold nothing back
	if !out.send("retry: 3000\n\n") {
		return
	}
	d.pump(r.Context(), out, told, has, version)
}

// pump sends until the client goes, may look no longer, or the stream's time is over.
func (d *desk) pump(ctx context.Context, out stream, told <-chan struct{}, has string, version func() (string, bool)) {
	end, beat := time.NewTimer(streamLasts), time.NewTicker(heartbeat)
	defer end.Stop()
	defer beat.Stop()
	for {
		v, may := version()
		if !may {
			return
		}
		if v != has && v != "" {
			if has = v; !out.send(fmt.Sprintf("id: %s\nevent: changed\ndata: %s\n\n", v, v)) {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-told:
		case <-beat.C:
			if !out.send(":\n\n") {
				return
			}
		}
	}
}

// version is that of one deployment's page, or of an apply's, and whether who looks
// still may.
func (d *desk) version(ctx context.Context, name, apply string) (string, bool) {
	of, may := d.of(ctx, name)
	if !may {
		return "", false
	}
	if apply == "" {
		return of.standing(ctx, time.Hour).Version, true
	}
	s, err := of.summary(ctx, apply)
	if err != nil {
		return "", true // it is told once it can be read
	}
	return applyVersion(s, of.standing(ctx, time.Hour)), true
}

// applyVersion is another one whenever there is more of an apply, or of what was asked
// about it.
func applyVersion(s applier.Summary, is standing) string {
	v := strconv.Itoa(len(s.Records))
	if is.Wish.Target == s.ID {
		v += "-" + digest(is.Wish.Nonce)
	}
	return v
}

// overviewVersion covers the deployments that who looks may see.
func (d *desk) overviewVersion(ctx context.Context) (string, bool) {
	var versions []string
	for _, of := range d.all {
		if d.can(ctx, of.Name, Look) {
			versions = append(versions, of.standing(ctx, time.Hour).Version)
		}
	}
	return digest(versions...), true
}

// stream is an answer that goes on.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s stream) send(text string) bool {
	_ = s.control.SetWriteDeadline(time.Now().Add(slowest))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	if s.control.Flush() != nil {
		return false
	}
	// Over HTTP/2 a deadline ends the stream when it comes, though nothing is being written.
	_ = s.control.SetWriteDeadline(time.Time{})
	return true
}
