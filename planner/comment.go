package planner

import (
	"bytes"
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// MinComment is how many bytes a comment may always have: less cannot hold what
// surrounds a plan.
const MinComment = 4096

// Comment renders a plan for a pull request: the headline, the changes as a diff, then
// the findings, in at most limit bytes of valid UTF-8 (a limit below MinComment counts
// as that). What a reviewer must see is cut last: findings, what is deleted, and
// changes of references and of scripts, which stand in full. Of what is left out the
// comment says how much; it links to whole, an address that shows all; "" is none.
func (p Plan) Comment(limit int, whole string) string {
	limit = max(limit, MinComment)
	blocks := p.blocks()
	around := fence(blocks)
	var b bytes.Buffer
	link := linkTo(whole)
	head, foot := p.commentHead(), p.commentFoot(link)
	frame := len(head) + len(foot)
	for _, s := range blocks {
		if len(s.pieces) > 0 {
			frame += s.frame(around)
		}
	}
	note := fit(blocks, limit-frame, link)
	b.WriteString(head)
	for _, s := range blocks {
		s.write(&b, around)
	}
	write(&b, note, foot)
	return b.String()
}

func (p Plan) commentHead() string {
	head := "### domctl plan: " + code(p.Deployment, 200) + "\n\n" + p.Amount() + "\n\n"
	if p.Base != nil {
		head += p.closing(named(p.Base.Of())) + "\n\n"
	}
	return head
}

func (p Plan) commentFoot(link string) string {
	foot := "plan " + code(p.ID, 100)
	if p.Effect != "" {
		foot += ", effect " + code(p.Effect, 100)
	}
	if p.ID == "" && p.Effect == "" {
		foot = "no plan"
	}
	if p.Source.Commit != "" {
		foot += ", commit " + code(p.Source.Commit, 64)
	}
	if p.Source.Dirty {
		foot += " and files that are not in it"
	}
	if link != "" {
		foot = link + ": " + foot
	}
	return foot + "\n"
}

// linkTo is a link to an address where the whole plan can be read, if it is one that
// forges take as it stands.
func linkTo(whole string) string {
	u, err := url.Parse(whole)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(u.String()) > 1000 || strings.ContainsAny(u.String(), " <>()") {
		return ""
	}
	return "[The whole plan](<" + u.String() + ">)"
}

// blocks are a comment's, with all pieces in full.
func (p Plan) blocks() []block {
	changes := func(heading string, all []Change) block {
		s := block{heading: heading, language: "diff"}
		for _, c := range all {
			s.pieces = append(s.pieces, changePiece(c))
		}
		return s
	}
	forecast, findings := block{}, block{}
	if text := p.kept() + p.foretold(); text != "" {
		forecast.pieces = append(forecast.pieces, &piece{full: fenced(text), rank: lastRank})
	}
	for _, f := range alike(p.Findings) {
		findings.pieces = append(findings.pieces, findingPiece(f))
	}
	if p.Base != nil {
		return append(p.baseBlocks(), forecast, findings)
	}
	return []block{changes("", p.Changes), changes("Changed outside of domctl since the last apply:\n\n", p.Drift), forecast, findings}
}

// piece is one change, finding or forecast of a comment.
type piece struct {
	// full is all of it, least what must be seen of it or, where nothing must, what
	// says that it is there. "": there is no shorter form.
	full, least string
	rank        rank
	shown       degree
}

// rank is in which order pieces get their room; those before otherRank must be seen.
type rank int

const (
	errorRank rank = iota
	deletionRank
	referenceRank
	findingRank
	scriptRank
	otherRank
	lastRank
)

// degree is how much of a piece the comment holds.
type degree int

const (
	nothing degree = iota
	least
	full
)

func (p *piece) text() string {
	switch p.shown {
	case full:
		return p.full
	case least:
		return p.least
	}
	return ""
}

// changePiece renders a change in full, and as little of it as must be seen.
func changePiece(c Change) *piece {
	p := &piece{full: rendered(c), rank: otherRank}
	short := c
	short.Fields, short.Positions = nil, nil
	for _, f := range c.Fields {
		if f.mustSee(c) {
			short.Fields = append(short.Fields, f)
			p.rank = min(p.rank, f.rank())
		}
	}
	if c.Deletes() {
		p.rank = deletionRank
	}
	if len(short.Fields) < len(c.Fields) {
		short.Impact = nil
		p.least = strings.TrimSuffix(rendered(short), "\n") + fmt.Sprintf("    … %s\n\n", Plural(len(c.Fields)-len(short.Fields), "more field"))
	}
	if len(p.least) >= len(p.full) {
		p.least = ""
	}
	return p
}

func rendered(c Change) string {
	var b bytes.Buffer
	writeChange(&b, c, Style{review: true})
	return fenced(b.String())
}

// Deletes says that something that is there goes.
func (c Change) Deletes() bool {
	switch c.Action {
	case ActionArchive, ActionUnset, ActionRelease:
		return true
	case ActionRestore:
		return slices.ContainsFunc(c.Fields, func(d Diff) bool { return d.After.Is == schema.Absent && strings.HasSuffix(d.Path, " ") })
	}
	return false
}

// mustSee says that a reviewer must see the field's change: a reference, a script, or
// a value that goes.
func (d Diff) mustSee(c Change) bool {
	return c.Action != ActionDrift && (d.Gone() || d.refers(c.Address.Kind) || d.script())
}

// Gone says that a value that is there goes, and none takes its place.
func (d Diff) Gone() bool {
	return d.Before.Is != schema.Absent && (d.After.Is == schema.Absent || d.After.Is == schema.Unset)
}

// refers says that the field names another object, or an image.
func (d Diff) refers(kind string) bool {
	k, _ := schema.KindOf(kind)
	f, _ := k.Field(d.Path)
	linked := func(v schema.Value) bool { return v.Is == schema.Ref || v.Is == schema.Out }
	return f.To != "" || linked(d.Before) || linked(d.After) || d.Path == "image" || d.Path == "base.uri"
}

// script says that the field is run somewhere, or is text of several lines, which may
// be.
func (d Diff) script() bool {
	root, _, _ := strings.Cut(d.Path, ".")
	return root == "dockerfile" || root == "scripts" || root == "dockerArguments" || len(breaks(d.Before))+len(breaks(d.After)) > 0
}

func (d Diff) rank() rank {
	if d.script() {
		return scriptRank
	}
	return referenceRank
}

// findingPiece renders a finding with those that say the same.
func findingPiece(f told) *piece {
	var b strings.Builder
	_ = WriteFindings(&b, append([]schema.Finding{f.Finding}, f.others...), Style{}) // a builder never fails
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	p := &piece{full: fenced("  "+strings.Join(lines, "\n  ")) + "\n", rank: findingRank}
	if f.Severity == schema.Error {
		p.rank = errorRank
	}
	return p
}

// fit chooses how much of each piece is shown in so many bytes, and answers the note
// that says what is not.
func fit(blocks []block, room int, link string) string {
	var all []*piece
	for _, s := range blocks {
		all = append(all, s.pieces...)
	}
	sum := 0
	for _, p := range all {
		p.shown, sum = full, sum+len(p.full)
	}
	if sum <= room {
		return ""
	}
	room -= len(leftOut(len(all), len(all), len(all), link))
	ordered := slices.SortedStableFunc(slices.Values(all), func(a, b *piece) int { return int(a.rank - b.rank) })
	for _, p := range ordered { // what must be seen, or a line for what need not
		p.shown = nothing
		if size := len(p.min()); size <= room {
			p.shown, room = p.minShown(), room-size
		}
	}
	for _, p := range ordered { // the rest, as far as there is room
		if more := len(p.full) - len(p.least); p.shown == least && more <= room {
			p.shown, room = full, room-more
		}
	}
	must, changes, short := 0, 0, 0
	for _, p := range all {
		switch {
		case p.shown == nothing && p.rank < otherRank:
			must++
		case p.shown == nothing:
			changes++
		case p.shown == least:
			short++
		}
	}
	return leftOut(must, changes, short, link)
}

// min is the shortest form.
func (p *piece) min() string {
	if p.least != "" {
		return p.least
	}
	return p.full
}

func (p *piece) minShown() degree {
	if p.least != "" {
		return least
	}
	return full
}

// leftOut says what a comment does not hold.
func leftOut(must, others, short int, link string) string {
	if must+others+short == 0 {
		return ""
	}
	var left []string
	if must > 0 {
		left = append(left, fmt.Sprintf("**%d of the findings, deletions, references and scripts that must be seen**", must))
	}
	if others > 0 {
		left = append(left, fmt.Sprintf("%d of the other changes", others))
	}
	if short > 0 {
		left = append(left, fmt.Sprintf("fields of %d that are shown", short))
	}
	at := cmp.Or(link, "`domctl plan`") + " shows all."
	return "Left out here, as a comment holds no more: " + schema.Listed(left, "and") + ". " + at + "\n\n"
}
