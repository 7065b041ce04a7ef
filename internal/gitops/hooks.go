package gitops

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
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
	// Parse reads a signed delivery of a repository. Its error is for the log: who sent it is
	// told no more than that it is refused.
	Parse func(repository string, h map[string][]string, body []byte) ([]port.Hook, error)
	// Named is how the forge names the repository at whose address a hook came. Of another
	// one it is ignored.
	Named func(repository string) string
	// Look is told where to look; without a branch it is at pull requests alone.
	Look func(repository, branch string)
	// Observer hears of deliveries; may be nil.
	Observer Observer
	// Log says why nothing comes of deliveries: of those that are refused once a minute of a
	// repository, since anybody may send.
	Log *slog.Logger
	Now func() time.Time
}

// Handler serves deliveries and nothing else.
func (h Hooks) Handler() http.Handler {
	mux := http.NewServeMux()
	bodies, log := make(chan struct{}, mostBodies), hookLog{Hooks: h, refused: map[string]time.Time{}, others: map[string]map[string]bool{}}
	mux.HandleFunc("POST /hooks/{repository}", func(w http.ResponseWriter, r *http.Request) {
		_, end := observe(r.Context(), h.Observer, Work{Kind: HookWork})
		if !h.Takes(r.PathValue("repository")) {
			end("unknown")
			unread(w, http.StatusNotFound)
			return
		}
		select {
		case bodies <- struct{}{}:
			defer func() { <-bodies }()
			end(log.take(w, r))
		default: // a forge delivers it again, and the next look needs no delivery
			end("busy")
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
func (h *hookLog) take(w http.ResponseWriter, r *http.Request) (outcome string) {
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
	if err != nil {
		h.refuses(name, err)
		w.WriteHeader(http.StatusUnauthorized)
		return "refused"
	}
	for _, one := range hooks {
		if strings.EqualFold(one.Repo, h.Named(name)) {
			h.Look(name, one.Branch)
		} else {
			h.ignores(name, one.Repo)
		}
	}
	w.WriteHeader(http.StatusAccepted)
	return "accepted"
}

// hookLog is Hooks with what was logged.
type hookLog struct {
	Hooks
	mu      sync.Mutex
	refused map[string]time.Time       // by repository, when that was said last
	others  map[string]map[string]bool // by repository, of which others it was said
}

// mostOthers is of how many other repositories it is said, that deliveries of one speak
// of: a webhook may be of all that somebody has.
const mostOthers = 20

// refuses says why a delivery is refused.
func (h *hookLog) refuses(repository string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.Now(); now.Sub(h.refused[repository]) >= time.Minute {
		h.refused[repository] = now
		h.Log.Warn("a webhook is refused", "repository", repository, "error", planner.Printable(err.Error()))
	}
}

// ignores says, once, that signed deliveries speak of another repository, as one that was
// renamed.
func (h *hookLog) ignores(repository, other string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.others[repository] == nil {
		h.others[repository] = map[string]bool{}
	}
	if said := h.others[repository]; !said[other] && len(said) < mostOthers {
		said[other] = true
		h.Log.Warn("a webhook is of another repository, and ignored", "repository", repository, "of", planner.Printable(other),
			"do", "if it is the same, state its name as "+schema.JoinPath("repositories", repository, "name")+", which is "+h.Named(repository)+"; else correct the webhook's address")
	}
}
