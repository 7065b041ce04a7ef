package bake

import (
	"fmt"
	"strconv"
	"strings"

	"domctl.dev/applier"
)

// Logs keeps what the work on instances writes, for people.
type Logs interface {
	// From is how many bytes of a work's log were kept by this process.
	From(work string) int64
	// Keep adds what comes next: n bytes as the instance counts them.
	Keep(apply, step, work string, n int64, text string)
	// Place is where people find the log of a step; "" where none is kept.
	Place(apply, step string) string
	// Mask hides the secrets that are known.
	Mask(text string) string
}

// A log is read in pieces that SSM does not cut, and up to a size that no person
// reads.
const (
	mostPiece = 16_000
	mostLog   = 4 << 20
	pieces    = 12 // of one look
)

// mask hides secrets in what a machine says, before it is recorded or shown.
func (m Maker) mask(text string) string {
	if m.Logs == nil {
		return text
	}
	return m.Logs.Mask(text)
}

// inLog says where the log of a step is.
func (m Maker) inLog(a applier.Attempt) string {
	if m.Logs == nil {
		return ""
	}
	if at := m.Logs.Place(a.Apply, a.Step.ID); at != "" {
		return "; its log is " + at
	}
	return ""
}

// lookText prints how work stands, none, restarted, running, done or failed, and at
// what; then how many bytes of its log follow, and those, from a place on. No place: none.
func lookText(id string, from int64) string {
	status := fmt.Sprintf("cat %s/status 2>/dev/null || if [ -e %s ]; then echo restarted; else echo none; fi\n", folder(id), kept(id))
	if from < 0 || from >= mostLog {
		return status
	}
	piece := fmt.Sprintf("tail -c +%d %s/log 2>/dev/null", from+1, folder(id))
	return status + fmt.Sprintf("n=$(%[1]s | head -c %[2]d | wc -c)\necho \"$n\"\nif [ \"$n\" -gt 0 ]; then %[1]s | head -c \"$n\"; fi\n", piece, mostPiece)
}

// from is where the next piece of a work's log begins; below 0 where none is kept.
func (m Maker) from(id string) int64 {
	if m.Logs == nil {
		return -1
	}
	return m.Logs.From(id)
}

// keep takes apart what lookText printed, and keeps the piece of the log; more says
// that another may follow.
func (m Maker) keep(a applier.Attempt, id, out string) (status string, more bool) {
	status, rest, _ := strings.Cut(out, "\n")
	count, text, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseInt(strings.TrimSpace(count), 10, 64)
	if err != nil || n <= 0 || n > mostPiece || m.Logs == nil {
		return status, false
	}
	m.Logs.Keep(a.Apply, a.Step.ID, id, n, text)
	return status, n == mostPiece
}

// stays says how to be rid of an instance that was left.
func stays(id string) string {
	return "instance " + id + " is kept for you to look at; domctl rollback terminates it"
}
