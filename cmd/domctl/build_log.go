package main

import (
	"fmt"
	"strings"
	"sync"

	"domctl.dev/internal/build"
	"domctl.dev/planner"
)

// What is shown of the log of one build as it comes; all of it is in its file.
const (
	linesInPipe     = 200
	linesOnTerminal = 2000
)

// builtLines counts the lines that were shown, by step.
type builtLines struct {
	mu sync.Mutex
	n  map[string]int
}

// buildWrites shows what a build writes below its step, each line with whose it is.
func (a *app) buildWrites(step string, lines []string) {
	most := a.mostLines()
	address, _, _ := strings.Cut(step, "/")
	var b strings.Builder
	for _, line := range a.built.take(step, lines, most) {
		fmt.Fprintf(&b, "    %s: %s\n", planner.Printable(address), line)
	}
	fmt.Fprint(a.stdout, b.String())
}

func (a *app) mostLines() int {
	if isTerminal(a.plainStdout()) {
		return linesOnTerminal
	}
	return linesInPipe
}

// take is what may still be shown of a step's lines; once no more may, it says so.
func (b *builtLines) take(step string, lines []string, most int) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n == nil {
		b.n = map[string]int{}
	}
	before := b.n[step]
	b.n[step] += len(lines)
	if b.n[step] <= most {
		return lines
	}
	if before > most {
		return nil
	}
	return append(lines[:most-before:most-before], fmt.Sprintf("… %d lines were shown; the rest is in its log below %s", most, logsDir))
}

// whole says that all lines of a step were shown.
func (b *builtLines) whole(step string, most int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n[step] > 0 && b.n[step] <= most
}

// plainStdout is standard output without what yields to it.
func (a *app) plainStdout() any {
	if y, ok := a.stdout.(yielding); ok {
		return y.Writer
	}
	return a.stdout
}

// tellLog says something of a step that may hold the end of a log, and shows that below:
// the message's own, unless all of it was shown as it came, else the given one.
func (a *app) tellLog(severity, message, step string, log []string) {
	message, own := cutLog(message)
	a.tell(severity, message)
	if len(own) > 0 {
		log = own
		if a.built.whole(step, a.mostLines()) {
			return
		}
	}
	a.quote(log)
}

// cutLog parts a message from the end of the log that it holds.
func cutLog(message string) (string, []string) {
	lines := strings.Split(message, build.Bar)
	for i := range lines[1:] {
		lines[i+1] = planner.Printable(lines[i+1])
	}
	return lines[0], lines[1:]
}
