package gitops

import (
	"errors"
	"io"
	"net/http"
	"time"

	"domctl.dev/internal/port"
)

// MostHook is how large a delivery may be, bytes. What is larger, as a push of
// thousands of commits, is refused: the next look finds what it was about.
const MostHook = 1 << 20

// Hooks takes what forges deliver, at /hooks/NAME of a repository of the
// configuration, and passes hints on. Nothing that is delivered decides anything.
type Hooks struct {
	// Takes says whether a repository takes deliveries; the body of one for another is
	// not read.
	Takes func(repository string) bool
	// Parse reads a signed delivery of a repository.
	Parse func(repository string, h map[string][]string, body []byte) ([]port.Hook, error)
	// Named says whether a hook speaks of the repository at whose address it came.
	Named func(repository string, h port.Hook) bool
	// Look is told where to look; without a branch it is at pull requests alone.
	Look func(repository, branch string)
	// Observer hears of deliveries; may be nil.
	Observer Observer
}

// Handler serves deliveries and nothing else.
func (h Hooks) Handler() http.Handler {
	mux := http.NewServeMux()
	bodies := make(chan struct{}, mostBodies)
	mux.HandleFunc("POST /hooks/{repository}", func(w http.ResponseWriter, r *http.Request) {
		_, heard := observe(r.Context(), h.Observer, Work{Kind: HookWork})
		if !h.Takes(r.PathValue("repository")) {
			heard("unknown")
			unread(w, http.StatusNotFound)
			return
		}
		select {
		case bodies <- struct{}{}:
			defer func() { <-bodies }()
			heard(h.take(w, r))
		default: // a forge delivers it again, and the next look needs no delivery
			heard("busy")
			unread(w, http.StatusServiceUnavailable)
		}
	})
	return mux
}

// unread answers without waiting for the body.
func unread(w http.ResponseWriter, status int) {
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
}

// mostBodies is how many deliveries are read at once: who sends one has shown no
// signature yet.
const mostBodies = 16

// take answers a delivery, and says how in a word.
func (h Hooks) take(w http.ResponseWriter, r *http.Request) (outcome string) {
	name := r.PathValue("repository")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MostHook))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return "large"
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return "broken"
	}
	hooks, err := h.Parse(name, r.Header, body)
	if err != nil { // who sent it is told no more
		w.WriteHeader(http.StatusUnauthorized)
		return "refused"
	}
	for _, one := range hooks {
		if h.Named(name, one) {
			h.Look(name, one.Branch)
		}
	}
	w.WriteHeader(http.StatusAccepted)
	return "accepted"
}

// Health serves /healthz, which answers as long as the process does, /readyz, and
// /metrics where there are some.
func Health(ready func() bool, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	if metrics != nil {
		mux.Handle("GET /metrics", metrics)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "not every deployment was looked at yet, or the controller ends\n")
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	return mux
}

// Server is one that no client can hold: neither by slow headers or bodies, nor by
// large ones.
func Server(h http.Handler) *http.Server {
	const patience = 10 * time.Second
	return &http.Server{Handler: h, ReadHeaderTimeout: patience, ReadTimeout: patience, WriteTimeout: 2 * patience, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10}
}
