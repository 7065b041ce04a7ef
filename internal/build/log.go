package build

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/internal/secret"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Logs keeps what builds write, and shows it as it comes.
type Logs interface {
	// From is the time of the last line of a work that this process kept.
	From(work string) int64
	// Stream adds what comes next: lines, the last of them so much later.
	Stream(apply, step, work string, later int64, text string)
	// Place is where people find the log of a step; "" where none is kept.
	Place(apply, step string) string
	// Mask hides the secrets that are known.
	Mask(text string) string
}

const (
	endLines  = 10  // of a log, that a message tells
	lineRunes = 300 // of each
)

// Reader reads what builds write, and hides what may be a secret of it: every variable
// of the revision whose value the files do not state in the clear.
type Reader struct {
	Domino interface {
		port.BuildLogs
		GetDefinition(ctx context.Context, revision string) (port.Definition, error)
	}
	// Secret resolves a reference, and makes Mask know what it led to.
	Secret func(ctx context.Context, ref string) (schema.Value, error)
	Mask   func(text string) string

	known sync.Map // by revision: *secret.Known
	tails sync.Map // by revision: the last lines that were streamed, as []port.LogLine
}

// Read answers the lines of a revision's build after a moment, see port.BuildLogs.
// Stated are the variables as the files have them, by their path in a plan
// ("variables.TOKEN"). A log with something in it that cannot be hidden is not read.
func (r *Reader) Read(ctx context.Context, environment, revision string, since int64, stated map[string]schema.Value) ([]port.LogLine, error) {
	hidden, err := r.hides(ctx, revision, stated)
	if err != nil {
		return nil, err
	}
	lines, err := r.Domino.GetBuildLog(ctx, environment, revision, since)
	if len(lines) == 0 || err != nil {
		return nil, err
	}
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = strings.ReplaceAll(l.Text, "\n", "\r")
	}
	texts = strings.Split(r.mask(hidden.Mask(strings.Join(texts, "\n"))), "\n") // a secret may have several lines
	if len(texts) != len(lines) {
		texts = append(texts, make([]string, max(len(lines)-len(texts), 0))...)
	}
	for i := range lines {
		lines[i].Text = texts[i]
	}
	return lines, nil
}

func (r *Reader) mask(text string) string {
	if r.Mask == nil {
		return text
	}
	return r.Mask(text)
}

// hides is what is not shown of a revision.
func (r *Reader) hides(ctx context.Context, revision string, stated map[string]schema.Value) (*secret.Known, error) {
	if known, read := r.known.Load(revision); read {
		return known.(*secret.Known), nil
	}
	hidden := &secret.Known{}
	for _, p := range schema.Sorted(stated) {
		if v := stated[p]; v.Is == schema.Secret && strings.HasPrefix(p, "variables.") {
			v, err := r.Secret(ctx, v.Text)
			if err != nil {
				return nil, fmt.Errorf("it may hold the secret %s, which cannot be had to hide it: %w", p, err)
			}
			hidden.Add(v.Str())
		}
	}
	d, err := r.Domino.GetDefinition(ctx, revision)
	if err != nil {
		return nil, err
	}
	for name, value := range d.Variables {
		if stated["variables."+schema.JoinPath(name)] != schema.JSON(value) {
			hidden.Add(value)
		}
	}
	r.known.Store(revision, hidden)
	return hidden, nil
}

// stream keeps what the build wrote since the last look. What cannot be read keeps
// nobody from waiting for the build.
func (b Builder) stream(ctx context.Context, a applier.Attempt, environment string, own made) {
	if b.Logs == nil || b.Reader == nil {
		return
	}
	since := b.Logs.From(own.ID)
	lines, err := b.Reader.Read(ctx, environment, own.ID, since, a.Step.Writes)
	if err != nil || len(lines) == 0 {
		return
	}
	b.Reader.keep(own.ID, lines)
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(strings.ReplaceAll(l.Text, "\n", "\r") + "\n")
	}
	b.Logs.Stream(a.Apply, a.Step.ID, own.ID, lines[len(lines)-1].At-since, text.String())
}

// keep remembers the end of what was read of a revision's build, and tail tells it.
func (r *Reader) keep(revision string, lines []port.LogLine) {
	lines = append(r.tail(revision), lines...)
	r.tails.Store(revision, slices.Clone(lines[max(len(lines)-endLines, 0):]))
}

func (r *Reader) tail(revision string) []port.LogLine {
	kept, _ := r.tails.Load(revision)
	lines, _ := kept.([]port.LogLine)
	return slices.Clone(lines)
}

// end tells how a build's log ends, each line behind a Bar.
func (b Builder) end(ctx context.Context, a applier.Attempt, environment string, own made) (text string) {
	if b.Reader == nil {
		return ""
	}
	lines := b.Reader.tail(own.ID)
	since := int64(0)
	if len(lines) > 0 {
		since = lines[len(lines)-1].At
	}
	more, err := b.Reader.Read(ctx, environment, own.ID, since, a.Step.Writes)
	if lines = append(lines, more...); err != nil && len(lines) == 0 {
		return fmt.Sprintf("; its log cannot be shown: %v", err)
	}
	if at := b.place(a); at != "" {
		text = "; its log is " + at
	}
	for _, l := range lines[max(len(lines)-endLines, 0):] {
		text += Bar + shown(l.Text)
	}
	return text
}

// Bar stands before each line of a log in a message, which is of one line.
const Bar = " ⏎ "

func (b Builder) place(a applier.Attempt) string {
	if b.Logs == nil {
		return ""
	}
	return b.Logs.Place(a.Apply, a.Step.ID)
}

// shown is a line as a message holds it. A Bar of its own would begin another line.
func shown(line string) string {
	line = planner.LogLine(strings.ReplaceAll(line, "⏎", `\u23ce`))
	if utf8.RuneCountInString(line) > lineRunes {
		line = string([]rune(line)[:lineRunes]) + "…"
	}
	return line
}
