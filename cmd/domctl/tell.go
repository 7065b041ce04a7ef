package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// tell says something on standard error, a line each, hints apart. All that is
// said there goes through it or through tellFindings, and so begins alike.
func (a *app) tell(severity, message string) {
	for line := range strings.Lines(message) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if !strings.HasPrefix(line, "hint: ") {
			line = coded(severity, line)
		}
		fmt.Fprintln(a.stderr, "domctl:", a.here(planner.Printable(line)))
	}
}

// quote shows lines that something else said, below what was told.
func (a *app) quote(lines []string) {
	for _, line := range lines {
		fmt.Fprintln(a.stderr, "    "+line)
	}
}

// tellFindings says findings on standard error.
func (a *app) tellFindings(findings []schema.Finding) error {
	found, done := slices.Clone(findings), map[string]string{}
	here := func(text string) string { // many findings say the same
		if _, known := done[text]; !known {
			done[text] = a.here(text)
		}
		return done[text]
	}
	for i, f := range found {
		found[i].Message, found[i].Hint = here(f.Message), here(f.Hint)
	}
	return planner.WriteFindings(a.stderr, found, a.errorMark)
}

// coded puts a code where findings have it, wherever the layers that an error
// came through left it: "error DC304: hardwareTiers.large: …".
func coded(severity, line string) string {
	at := regexp.MustCompile(`\bDC\d{3}: `).FindStringIndex(line)
	if at == nil {
		return severity + ": " + line
	}
	return severity + " " + line[at[0]:at[1]] + line[:at[0]] + line[at[1]:]
}

// oneLine keeps a message with what belongs to it on one line.
func oneLine(message string) string { return strings.ReplaceAll(message, "\n", "; ") }

// at notes the folder that was named, for the commands that messages speak of.
func (a *app) at(dir string) string {
	a.folder = dir
	return dir
}

// dir is the deployment's folder: the only argument of most verbs.
func (a *app) dir(args []string) string {
	if len(args) == 0 {
		return a.at(".")
	}
	return a.at(args[0])
}

// here completes the commands and the logs that a text speaks of by the folder that
// was named.
// Only this layer knows it: what plans and records hold must not depend on where
// somebody stood.
func (a *app) here(text string) string {
	if a.folder == "" || a.folder == "." {
		return text
	}
	text = strings.ReplaceAll(text, " "+logsDir+"/", " "+filepath.ToSlash(filepath.Join(a.folder, logsDir))+"/")
	if !strings.Contains(text, "domctl ") {
		return text
	}
	folder := schema.ShellWord(a.folder)
	var b strings.Builder
	for {
		at := a.commands.FindStringIndex(text)
		if at == nil {
			return b.String() + text
		}
		b.WriteString(text[:at[1]])
		text = text[at[1]:]
		if named := strings.HasPrefix(text, " "+a.folder+" ") || strings.HasPrefix(text, " DIR "); !named {
			b.WriteString(" " + folder)
		}
	}
}

// commandsOf finds the commands that take a folder, up to the place where it
// stands: after the verb, and after what the verb cannot do without. "where domctl runs"
// is no command.
func commandsOf(root *cobra.Command) *regexp.Regexp {
	var paths []string
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if before, _, ok := strings.Cut(c.Use, "[DIR"); ok && c.Name() != "runs" {
			path := regexp.QuoteMeta(c.CommandPath()) + `\b`
			if words := strings.Fields(before)[1:]; len(words) > 0 && !strings.ContainsAny(before, "[-") {
				path += strings.Repeat(` (?:'(?:[^']|'\\'')*'|\S+)`, len(words)) // a word, as schema.ShellWord writes it
			}
			paths = append(paths, path)
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
	slices.SortFunc(paths, func(x, y string) int { return cmp.Compare(len(y), len(x)) })
	return regexp.MustCompile(`\b(?:` + strings.Join(paths, "|") + `)`)
}
