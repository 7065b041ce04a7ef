package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// usualLook is how often watched nodes are looked at; leastLook bounds what a cluster, AWS
// and Domino are asked.
const (
	usualLook = "5s"
	leastLook = time.Second
)

// watchEvery is what --interval says.
func watchEvery(watch bool, interval string, stated bool) (time.Duration, error) {
	every, err := schema.ParseDuration(interval)
	switch {
	case err != nil:
		return 0, fmt.Errorf("--interval: %w", err)
	case stated && !watch:
		return 0, errors.New("--interval is of --watch; give both, or leave it out")
	case every < leastLook:
		return 0, fmt.Errorf("--interval is %s, and %s at least", every, leastLook)
	}
	return every, nil
}

// watching looks at nodes again and again, and shows what became of them.
type watching struct {
	every time.Duration
	look  func(context.Context) (world.NodeCensus, error)
	sleep func(context.Context, time.Duration) error
	// shows tells of a look, of the changes to the one before, and why the one that was
	// just tried failed; "" for none that did.
	shows func(c world.NodeCensus, changes []nodeChange, why string) error
}

// nodeChange is one machine that came, differs, or went.
type nodeChange struct {
	what string // "added", "changed", "removed"
	node world.CensusNode
}

// run ends with ctx, which is no error, or where nothing can be shown any more. Only the
// first look may not fail: who watches wants to know what becomes of it.
func (w watching) run(ctx context.Context) error {
	var last world.NodeCensus
	for n := 0; ; n++ {
		found, err := w.look(ctx)
		why := ""
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && n == 0:
			return err
		case err != nil:
			found, why = last, strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		changes := changesOf(last, &found)
		if err := w.shows(found, changes, why); err != nil {
			return err
		}
		last = found
		if err := w.sleep(ctx, w.every); err != nil {
			return nil
		}
	}
}

// changesOf are what differs. While a source that was asked does not tell all, a machine
// that nobody tells of has not gone: it is kept as it was.
func changesOf(last world.NodeCensus, now *world.NodeCensus) (changes []nodeChange) {
	untold := false
	for _, u := range now.Unread {
		untold = untold || u.Asked
	}
	before, there := map[string]world.CensusNode{}, map[string]bool{}
	for _, n := range last.Nodes {
		before[machine(n)] = n
	}
	for _, n := range now.Nodes {
		is, known := before[machine(n)]
		there[machine(n)] = true
		if !known {
			changes = append(changes, nodeChange{"added", n})
		} else if schema.JSON(is) != schema.JSON(n) {
			changes = append(changes, nodeChange{"changed", n})
		}
	}
	for _, n := range last.Nodes {
		switch {
		case there[machine(n)]:
		case untold:
			now.Nodes = append(now.Nodes, n)
		default:
			changes = append(changes, nodeChange{"removed", n})
		}
	}
	return changes
}

// machine is what a row is known by from look to look: an instance becomes a node.
func machine(n world.CensusNode) string { return cmp.Or(n.Instance, n.Node) }

// watchNodes shows nodes until Ctrl-C: on a terminal the table in place, in a pipe a line
// for each that changed, and as JSON an object.
func (a *app) watchNodes(ctx context.Context, title string, every time.Duration, asJSON bool, look func(context.Context) (world.NodeCensus, error), now func() time.Time) error {
	w := watching{every: every, look: look, sleep: port.Sleep}
	switch out := a.plainStdout(); {
	case asJSON:
		w.shows = (&nodeLines{out: a.stdout, now: now}).shows
	case columns(out) > 0:
		title := fmt.Sprintf("%s, every %s; Ctrl-C ends it", title, every)
		w.shows = (&nodeScreen{out: a.stdout, title: title, now: now, size: func() (int, int) { return sizeOf(out) }}).shows
	default:
		w.shows = (&nodeRows{out: a.stdout, tell: a.tell, now: now}).shows
	}
	return w.run(ctx)
}

func sizeOf(out any) (width, height int) {
	if f, is := out.(interface{ Fd() uintptr }); is {
		_, height, _ = term.GetSize(int(f.Fd()))
	}
	return columns(out), height
}

// nodeScreen draws the table anew where it stood.
type nodeScreen struct {
	out   io.Writer
	title string
	now   func() time.Time
	size  func() (width, height int)
	at    time.Time // of the look that is shown
	drawn bool
}

func (s *nodeScreen) shows(c world.NodeCensus, _ []nodeChange, why string) error {
	now := s.now()
	head := now.Format("15:04:05") + "  " + s.title
	if why != "" {
		head = now.Format("15:04:05") + "  it could not be looked, as it was at " + s.at.Format("15:04:05") + ": " + why
	} else {
		s.at = now
	}
	var table bytes.Buffer
	if err := writeNodes(&table, c, now); err != nil {
		return err
	}
	lines := append([]string{planner.Printable(head), ""}, strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n")...)
	width, height := s.size()
	if height > 3 && len(lines) >= height {
		hidden := len(lines) - height + 2
		lines = append(lines[:height-2], fmt.Sprintf("… and %d more lines", hidden))
	}
	text := "\x1b[H"
	if !s.drawn {
		text = "\x1b[2J\x1b[H"
	}
	s.drawn = true
	for _, line := range lines {
		text += cut(line, width) + "\x1b[K\n"
	}
	_, err := io.WriteString(s.out, text+"\x1b[J")
	return err
}

// cut ends a line at a terminal's width.
func cut(line string, width int) string {
	if r := []rune(line); width > 1 && len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return line
}

// nodeRows appends a row for each machine that changed, below the columns of the first.
type nodeRows struct {
	out    io.Writer
	tell   func(severity, message string)
	now    func() time.Time
	widths []int
	told   map[string]string // what is wrong, while it is
}

func (r *nodeRows) shows(c world.NodeCensus, changes []nodeChange, why string) error {
	rows := [][]string{}
	if r.told == nil {
		r.told = map[string]string{}
		rows = append(rows, nodeColumns)
	}
	now := r.now()
	for _, ch := range changes {
		cells := nodeCells(ch.node, now)
		if ch.what == "removed" {
			cells[stateColumn] = "gone"
		}
		rows = append(rows, cells)
	}
	for _, row := range rows {
		for i, cell := range row {
			if len(r.widths) <= i {
				r.widths = append(r.widths, 0)
			}
			r.widths[i] = max(r.widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		if _, err := fmt.Fprintln(r.out, r.padded(row)); err != nil {
			return err
		}
	}
	r.wrong(c, why)
	return nil
}

// wrong tells what is not known, once while it is so, and when that is over.
func (r *nodeRows) wrong(c world.NodeCensus, why string) {
	wrong := map[string]string{} // severity by text
	for _, u := range c.Unread {
		wrong[u.String()] = "info"
		if u.Asked {
			wrong[u.String()] = "warning"
		}
	}
	if why != "" {
		wrong = map[string]string{why + "; watching goes on": "warning"}
	}
	for _, text := range schema.Sorted(wrong) {
		if r.told[text] == "" {
			r.tell(wrong[text], text)
		}
	}
	for _, text := range schema.Sorted(r.told) {
		if wrong[text] == "" {
			r.tell("info", "over: "+text)
		}
	}
	r.told = wrong
}

func (r *nodeRows) padded(row []string) string {
	var b strings.Builder
	for i, cell := range row {
		b.WriteString(cell)
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", r.widths[i]-utf8.RuneCountInString(cell)+2))
		}
	}
	return b.String()
}

// nodeChangeShape is one line of nodes --watch as JSON: a change of a node, a change of the
// sources that do not tell all, or why all of it could not be looked at.
type nodeChangeShape struct {
	Format int               `json:"format"`
	At     time.Time         `json:"at"`
	Change string            `json:"change"` // "added", "changed", "removed"; "unread"; "failed"
	Node   *world.CensusNode `json:"node,omitempty"`
	Unread *[]world.Unread   `json:"unread,omitempty"`
	Why    string            `json:"why,omitempty"`
}

// nodeLines writes an object a line.
type nodeLines struct {
	out    io.Writer
	now    func() time.Time
	unread string
	why    string
}

func (l *nodeLines) shows(c world.NodeCensus, changes []nodeChange, why string) error {
	enc := json.NewEncoder(l.out)
	enc.SetEscapeHTML(false)
	at := l.now().UTC()
	var failed []error
	for _, ch := range changes {
		failed = append(failed, enc.Encode(nodeChangeShape{Format: shapes, At: at, Change: ch.what, Node: &ch.node}))
	}
	all := append([]world.Unread{}, c.Unread...)
	if unread := schema.JSON(all).Text; unread != cmp.Or(l.unread, "[]") {
		l.unread = unread
		failed = append(failed, enc.Encode(nodeChangeShape{Format: shapes, At: at, Change: "unread", Unread: &all}))
	}
	if why != "" && why != l.why {
		failed = append(failed, enc.Encode(nodeChangeShape{Format: shapes, At: at, Change: "failed", Why: why}))
	}
	l.why = why
	return errors.Join(failed...)
}
