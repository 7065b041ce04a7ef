package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/planner"
)

// theVerb is the key of what the verb as a whole is at; it is over once the verb
// prints anything.
const theVerb = ""

const (
	quietFor  = 2 * time.Second        // what is faster than that is not spoken of
	lineEvery = 10 * time.Second       // where lines cannot be taken back; each time twice that while they say the same
	lineMost  = 5 * time.Minute        // CI services take what is silent for ten for dead
	redraw    = 250 * time.Millisecond // where they can
)

// waits says on standard error what takes long: on a terminal in one line that
// is updated in place, elsewhere in a line after ten seconds, and ever more rarely while
// nothing changes. All that a verb
// prints goes through over, so that the line never stands in the middle of it.
type waits struct {
	mu    sync.Mutex
	out   io.Writer
	width func() int // of the terminal in columns; 0: out is none
	now   func() time.Time
	all   []wait        // in the order in which they began
	shown bool          // the line stands on the terminal
	last  string        // elsewhere: what the last line said, without the time
	at    time.Time     // when
	every time.Duration // until it is said again
	end   chan struct{}
}

// wait is one thing that is waited for.
type wait struct {
	key, what string
	since     time.Time
	until     time.Time // zero: not known
}

// begin notes what is waited for under a key, for how much longer at most; 0 is
// not known. A key that waits already goes on doing so under the new words.
func (w *waits) begin(key, what string, most time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	i := slices.IndexFunc(w.all, func(x wait) bool { return x.key == key })
	if i < 0 {
		i, w.all = len(w.all), append(w.all, wait{key: key, since: now})
	}
	w.all[i].what, w.all[i].until = what, time.Time{}
	if most > 0 {
		w.all[i].until = now.Add(most)
	}
	if w.end == nil {
		w.end = make(chan struct{})
		go w.watch(w.end)
	}
}

func (w *waits) over(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = slices.DeleteFunc(w.all, func(x wait) bool { return x.key == key })
}

// close ends all waiting and takes the line away.
func (w *waits) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all = nil; w.end != nil {
		close(w.end)
		w.end = nil
	}
	w.erase()
}

func (w *waits) watch(end chan struct{}) {
	t := time.NewTicker(redraw)
	defer t.Stop()
	for {
		select {
		case <-end:
			return
		case <-t.C:
			w.tick()
		}
	}
}

// tick shows what has been waited for longest, once that is long.
func (w *waits) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if len(w.all) == 0 || now.Sub(w.all[0].since) < quietFor {
		w.erase()
		return
	}
	line, more := "domctl: waiting: "+w.all[0].text(now), ""
	if n := len(w.all) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more", n)
	}
	line += more
	switch width := w.width(); {
	case width > 0:
		fmt.Fprint(w.out, "\r\x1b[K"+clip(line, width-1))
		w.shown = true
	default:
		w.line(line, w.all[0].what+more, now)
	}
}

// line prints a line where none can be taken back, if it is time for it.
func (w *waits) line(line, says string, now time.Time) {
	every := w.every
	if says != w.last {
		every = lineEvery
	}
	if now.Sub(w.at) < every {
		return
	}
	fmt.Fprintln(w.out, line)
	if w.at, w.every = now, lineEvery; says == w.last {
		w.every = min(2*every, lineMost)
	}
	w.last = says
}

func (x wait) text(now time.Time) string {
	took := fmt.Sprintf("%s so far", now.Sub(x.since).Truncate(time.Second))
	if left := x.until.Sub(now).Round(time.Second); left > 0 {
		took += fmt.Sprintf(", at most %s more", left)
	}
	return planner.Printable(strings.ReplaceAll(x.what, "\n", "; ")) + " (" + took + ")"
}

// clip keeps a line's beginning and its end, where the time stands.
func clip(line string, width int) string {
	r := []rune(line)
	if len(r) <= width || width < 8 {
		return string(r[:min(len(r), max(width, 0))])
	}
	tail := width / 2
	return string(r[:width-tail-1]) + "…" + string(r[len(r)-tail:])
}

func (w *waits) erase() {
	if w.shown {
		fmt.Fprint(w.out, "\r\x1b[K")
		w.shown = false
	}
}

// before is a stream that takes the line away before anything is printed.
func (w *waits) before(out io.Writer) io.Writer { return yielding{w, out} }

type yielding struct {
	*waits
	io.Writer
}

func (y yielding) Write(b []byte) (int, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.erase()
	y.all = slices.DeleteFunc(y.all, func(x wait) bool { return x.key == theVerb })
	return y.Writer.Write(b)
}
