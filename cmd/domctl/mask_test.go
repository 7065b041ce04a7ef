package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// masker writes what differs between two runs as what it stands for. Ids are
// numbered in the order in which they first appear.
type masker struct {
	work string   // a folder, written as <work>
	ids  []string // seen so far
}

func (m *masker) mask(text string) string {
	if m.work != "" {
		text = strings.ReplaceAll(text, m.work, "<work>")
	}
	text = regexp.MustCompile(`\b\d{8}-\d{6}-[a-z2-7]{12}\b`).ReplaceAllStringFunc(text, m.number)
	text = regexp.MustCompile(`[0-9a-f]{24,}`).ReplaceAllStringFunc(text, ofDay)
	for _, r := range []struct{ pattern, with string }{
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "<time>"},
		{`127\.0\.0\.1:\d+`, "127.0.0.1:<port>"},
		{`\b\d+ days old\b`, "<age> old"},
		{`\bAGE +`, "AGE  "},
		{`\b\d+[dh] {2,}`, "<age>  "},
		{`(?m)^(Review of \S+ on )\S+\.$`, "$1<day>."},
		{`\b[0-9a-f]{48}\b`, "<token>"},
		{`\b[0-9a-f]{32}\b`, "<digest>"},
		{`(\(|\bcommit )[0-9a-f]{12}\b`, "$1<commit>"},
		{`\b[0-9a-f]{40}\b`, "<commit>"},
		{`\S+@\S+ pid \d+`, "<who>"},
		{`(?m)^domctl: waiting: .* so far.*\n`, ""}, // how slow a machine is
		{`\((\d+(\.\d+)?(ms|s|m))+\)`, "(<elapsed>)"},
		{`(<who>|BY) {2,}`, "$1  "},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return ordered(text)
}

func (m *masker) number(id string) string {
	i := slices.Index(m.ids, id)
	if i < 0 {
		i, m.ids = len(m.ids), append(m.ids, id)
	}
	return fmt.Sprintf("<apply-%d>", i+1)
}

// ofDay leaves the day out of an id that the sandbox gave: its first four bytes are one.
func ofDay(id string) string {
	if at, err := strconv.ParseInt(id[:8], 16, 64); err == nil && len(id) == 24 && at%(24*60*60) == 0 {
		return "<day>" + id[8:]
	}
	return id
}

// ordered sorts neighbouring lines of progress: steps run side by side.
func ordered(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); {
		j := i
		for j < len(lines) && isProgress(lines[j]) {
			j++
		}
		slices.Sort(lines[i:j])
		i = max(j, i+1)
	}
	return strings.Join(lines, "")
}

func isProgress(line string) bool {
	return strings.HasPrefix(line, "  … ") || strings.HasPrefix(line, "  ✓ ")
}
