package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"domctl.dev/planner"
)

// Logs keeps what bakes and builds write, a file each step of an apply, readable by
// its owner alone: secrets that are known are hidden in it, and control characters
// harmless. One process writes the log of a step; the next one begins it anew.
type Logs struct {
	Dir   string              // the folder that holds them
	Shown string              // how messages name it
	Hide  func(string) string // hides secrets; nil hides none
	// Show is told what builds write as it comes, by step; nil: nobody is.
	Show func(step string, lines []string)

	mu    sync.Mutex
	works map[string]*workLog
	ends  map[string][]string // by step
	fault map[string]error
}

// workLog is the log of one work so far.
type workLog struct {
	read    int64
	partial string // of a line that goes on
}

// shownLines are what a message shows of the end of a log.
const shownLines = 10

// From implements bake.Logs.
func (l *Logs) From(work string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.works[work]; w != nil {
		return w.read
	}
	return 0
}

// Mask implements bake.Logs.
func (l *Logs) Mask(text string) string {
	if l.Hide == nil {
		return text
	}
	return l.Hide(text)
}

// Place implements bake.Logs: where the log is, or why it is not.
func (l *Logs) Place(apply, step string) string {
	at := filepath.ToSlash(filepath.Join(l.Shown, apply, fileOf(step)))
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fault[step]; err != nil {
		return fmt.Sprintf("%s, which could not be written: %v", at, err)
	}
	if _, err := os.Stat(filepath.Join(l.Dir, apply, fileOf(step))); err != nil {
		return ""
	}
	return at
}

// End is the end of a step's log, as far as this process read it.
func (l *Logs) End(step string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ends[step]
}

// fileOf is a file's name for a step.
func fileOf(step string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r < ' ' || strings.ContainsRune(`\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, step) + ".log"
}

// Keep implements bake.Logs. Whole lines are written: a secret may stand across two
// pieces. A line without an end waits for it, or for the last call.
func (l *Logs) Keep(apply, step, work string, n int64, text string) {
	l.keep(apply, step, work, n, text)
}

// Stream implements build.Logs: it keeps, and shows.
func (l *Logs) Stream(apply, step, work string, later int64, text string) {
	if lines := l.keep(apply, step, work, later, text); l.Show != nil {
		l.Show(step, lines)
	}
}

func (l *Logs) keep(apply, step, work string, n int64, text string) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, flags := l.works[work], os.O_APPEND
	if w == nil {
		w, flags = &workLog{}, os.O_TRUNC
		if l.works == nil {
			l.works, l.ends, l.fault = map[string]*workLog{}, map[string][]string{}, map[string]error{}
		}
		l.works[work], l.ends[step] = w, nil
	}
	w.read += n
	text = w.partial + text
	end := strings.LastIndexByte(text, '\n') + 1
	w.partial = text[end:]
	for line := range strings.Lines(l.Mask(text[:end])) {
		for part := range strings.SplitSeq(strings.TrimRight(line, "\r\n"), "\r") { // of several that overwrote each other
			lines = append(lines, planner.LogLine(part))
		}
	}
	l.ends[step] = append(l.ends[step], lines...)
	l.ends[step] = l.ends[step][max(len(l.ends[step])-shownLines, 0):]
	if err := l.write(filepath.Join(l.Dir, apply), fileOf(step), flags, lines); err != nil {
		l.fault[step] = err
	}
	return lines
}

func (l *Logs) write(dir, name string, flags int, lines []string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|flags, 0o600)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	_, err = f.WriteString(b.String())
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
