package planner

import (
	"bufio"
	"io"
	"iter"
	"strconv"

	"domctl.dev/schema"
)

// WriteFindings prints findings as every domctl message: what, where, what to do.
// What many objects have alike is said once, see alike.
func WriteFindings(w io.Writer, findings []schema.Finding, style Style) error {
	b := bufio.NewWriter(w)
	colours := map[schema.Severity]string{schema.Error: "31", schema.Warning: "33", schema.Info: "36"}
	shown := alike(findings)
	for i, f := range shown {
		where := ""
		if f.Address != (schema.Address{}) {
			where = f.Address.String() + ": "
		}
		head := []string{"domctl: ", style.paint(colours[f.Severity], string(f.Severity)), " ", f.Code, ": "}
		write(b, head...)
		write(b, Printable(where+f.Message), "\n")
		for _, at := range f.Positions {
			write(b, "    ", Printable(at.String()), "\n")
		}
		if len(f.others) > 0 {
			write(b, head...)
			write(b, "and the same of ", strconv.Itoa(len(f.others)), " more:\n")
			for line := range inLines(f.others) {
				write(b, "    ", Printable(line), "\n")
			}
		}
		if f.Hint == "" || i+1 < len(shown) && shown[i+1].Code == f.Code && shown[i+1].Hint == f.Hint {
			continue // once for all that follow each other
		}
		write(b, "domctl: hint: ", Printable(f.Hint), "\n")
	}
	return b.Flush()
}

// told is a finding with those that say the same of other objects.
type told struct {
	schema.Finding
	others []schema.Finding
}

// alike gathers findings that say the same of ten objects or more into the first
// of them: eight hundred equal warnings hide the one that matters. The others are
// named, each with its first place. Errors stand each for itself.
func alike(findings []schema.Finding) []told {
	type says struct{ code, message, hint string }
	said := func(f schema.Finding) says { return says{f.Code, f.Message, f.Hint} }
	count := map[says]int{}
	for _, f := range findings {
		count[said(f)]++
	}
	first := map[says]int{}
	shown := make([]told, 0, len(count))
	for _, f := range findings {
		at, gathered := first[said(f)]
		switch {
		case f.Severity == schema.Error || count[said(f)] < 10:
			shown = append(shown, told{Finding: f})
		case gathered:
			shown[at].others = append(shown[at].others, f)
		default:
			first[said(f)] = len(shown)
			shown = append(shown, told{Finding: f})
		}
	}
	return shown
}

// inLines names findings' objects with their first places, as many a line as fit.
func inLines(all []schema.Finding) iter.Seq[string] {
	const width = 100
	return func(yield func(string) bool) {
		line := ""
		for i, f := range all {
			name := f.Address.String()
			if len(f.Positions) > 0 {
				name += " " + f.Positions[0].String()
			}
			if i < len(all)-1 {
				name += ","
			}
			switch {
			case line == "":
				line = name
			case len(line)+len(name) < width:
				line += " " + name
			default:
				if !yield(line) {
					return
				}
				line = name
			}
		}
		yield(line)
	}
}
