package gitops

import (
	"regexp"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// Verb is what a comment asks for.
type Verb string

// The verbs.
const (
	PlanVerb     Verb = "plan"
	ApplyVerb    Verb = "apply" // approves an effect
	UnlockVerb   Verb = "unlock"
	RollbackVerb Verb = "rollback"
	HelpVerb     Verb = "help"
)

// Command is what a comment says to domctl.
type Command struct {
	Verb Verb
	// Arg is the effect of ApplyVerb, or the beginning of one; of others a
	// deployment's name. Both may be empty.
	Arg string
}

// mostCommand is how long a comment with a command may be, in bytes.
const mostCommand = 64 << 10

// ReadCommands finds the commands of a comment's text: lines that hold one and
// nothing else, where every forge shows them as plain text. What is quoted, in a list
// or in code, and what may be hidden, is none; of what cannot be told for sure, as
// behind HTML, nothing is read.
func ReadCommands(text string) (all []Command) {
	if len(text) > mostCommand {
		return nil
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	fence, plain := "", true // plain: nothing of the paragraph reaches into this line
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case fence != "":
			if closes(line, fence) {
				fence, plain = "", true
			}
		case strings.Trim(line, " \t") == "":
			plain = true
		case obscure(line):
			return all
		default:
			if fence = opened(line); fence != "" {
				continue
			}
			if c, ok := command(line); ok && plain {
				all = append(all, c)
			}
			plain = plain && !reaches.MatchString(line)
		}
	}
	return all
}

var (
	fenceForm = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})([^`]*)$")
	// reaches are the marks of what may go on in the next line: a quote, a list, code, a
	// link, a table, a formula, HTML.
	reaches = regexp.MustCompile("^[ \t]|^[-*+#=]|^[0-9]+[.)]|[`<>\\[\\]$|~\\\\]")
	words   = []Verb{PlanVerb, ApplyVerb, UnlockVerb, RollbackVerb, HelpVerb}
	argForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$`)
)

// obscure says that what follows a line may be hidden, or be code, by more rules than
// are known here: HTML, GitLab's quote over several paragraphs, a fence within a quote
// or a list.
func obscure(line string) bool {
	text := strings.TrimLeft(line, " \t")
	if strings.HasPrefix(text, "<") || strings.HasPrefix(text, ">>>") || strings.Contains(line, "<!--") {
		return true
	}
	inner := strings.TrimLeft(text, " \t>-*+0123456789.)")
	return (strings.HasPrefix(inner, "```") || strings.HasPrefix(inner, "~~~")) && opened(line) == ""
}

// opened is the fence that a line opens.
func opened(line string) string {
	m := fenceForm.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	return m[1]
}

// closes says whether a line ends a fence: one of the same marks, at least as long.
func closes(line, fence string) bool {
	m := fenceForm.FindStringSubmatch(line)
	return m != nil && strings.HasPrefix(m[1], fence) && strings.Trim(m[2], " \t") == ""
}

// command reads a line that is one; a sentence that begins as one is none.
func command(line string) (Command, bool) {
	said := strings.Split(strings.TrimRight(line, " \t"), " ")
	if len(said) < 2 || len(said) > 3 || said[0] != "domctl" {
		return Command{}, false
	}
	c := Command{Verb: Verb(said[1])}
	if !slices.Contains(words, c.Verb) {
		misspelt := len(said[1]) > 3 && schema.Nearest(said[1], []string{string(PlanVerb), string(ApplyVerb), string(UnlockVerb), string(RollbackVerb), string(HelpVerb)}) != ""
		return Command{Verb: HelpVerb}, misspelt // which is told, and does nothing
	}
	if len(said) == 3 {
		c.Arg = said[2]
		if c.Verb == HelpVerb || !argForm.MatchString(c.Arg) {
			return Command{}, false
		}
	}
	return c, true
}
