package lint

import (
	"errors"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

func scriptPaths() []string {
	return []string{"scripts.preSetup", "scripts.postSetup", "scripts.preRun", "scripts.postRun"}
}

// script is a text for a shell: one of an environment, or what RUN holds.
type script struct {
	path     string // field that holds it
	text     string
	places   []int // for each byte, and the end; nil where each stands at its own offset, or nowhere
	fault    string
	faulty   int // where the fault is
	calls    []call
	assigned []assignment
	piped    int // where the first pipe is that hides a failure, -1
}

// assignment is NAME=value, by itself or before a command.
type assignment struct {
	name string
	word
}

// call is a simple command.
type call struct {
	words []word
	at    int
}

// word is one argument. text is what of it can be told; whole says that this is all.
type word struct {
	text  string
	whole bool
	at    int
}

// readScript reads a script of an environment; one that names another interpreter is
// left alone.
func readScript(path, text string) script {
	if strings.HasPrefix(text, "#!") && !shebang.MatchString(text) {
		return script{path: path, text: text, piped: -1}
	}
	return readShell(path, text, nil)
}

// readShell parses a text as bash does, of which sh is a part.
func readShell(path, text string, places []int) script {
	s := script{path: path, text: text, places: places, piped: -1}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		s.fault, s.faulty = "it does not parse", s.place(0)
		var parse syntax.ParseError
		if errors.As(err, &parse) {
			s.fault, s.faulty = parse.Text, s.place(int(parse.Pos.Offset()))
		}
		var lang syntax.LangError
		if errors.As(err, &lang) {
			s.fault, s.faulty = lang.Feature+" is no part of the shell", s.place(int(lang.Pos.Offset()))
		}
		return s
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			if c := s.call(n); len(c.words) > 0 {
				s.calls = append(s.calls, c)
			}
		case *syntax.Assign:
			if n.Name != nil && n.Value != nil {
				text, whole := literalOf(n.Value.Parts)
				s.assigned = append(s.assigned, assignment{n.Name.Value, word{text, whole, s.place(int(n.Pos().Offset()))}})
			}
		case *syntax.BinaryCmd:
			if (n.Op == syntax.Pipe || n.Op == syntax.PipeAll) && s.piped < 0 {
				s.piped = s.place(int(n.OpPos.Offset()))
			}
		}
		return true
	})
	return s
}

func (s *script) place(of int) int {
	switch {
	case s.places == nil:
		return min(of, len(s.text))
	case of < len(s.places):
		return s.places[of]
	}
	return s.places[len(s.places)-1]
}

// call reads a command without what only starts it: sudo, env, time, exec.
func (s *script) call(n *syntax.CallExpr) call {
	var c call
	for _, a := range n.Args {
		text, whole := literalOf(a.Parts)
		c.words = append(c.words, word{text, whole, s.place(int(a.Pos().Offset()))})
	}
	if len(c.words) == 0 {
		return c
	}
	c.at = c.words[0].at
	return c
}

// started is the command that sudo, env and the like start, or the call itself.
func (c call) started() call {
	for len(c.words) > 1 {
		switch path.Base(c.words[0].text) {
		case "sudo", "env", "time", "exec", "nice", "command", "then", "nohup":
		default:
			return c
		}
		c.words = c.words[1:]
		for len(c.words) > 1 && (strings.HasPrefix(c.words[0].text, "-") || strings.Contains(c.words[0].text, "=")) {
			c.words = c.words[1:]
		}
	}
	return c
}

// name of the command, without its folder.
func (c call) name() string { return path.Base(c.words[0].text) }

// has says whether one of some flags is given.
func (c call) has(flags ...string) bool {
	for _, w := range c.words[1:] {
		for _, f := range flags {
			if w.text == f || strings.HasPrefix(f, "--") && strings.HasPrefix(w.text, f+"=") {
				return true
			}
			// -yq holds -y
			if len(f) == 2 && f[0] == '-' && len(w.text) > 2 && w.text[0] == '-' && w.text[1] != '-' && strings.Contains(w.text[1:], f[1:]) {
				return true
			}
		}
	}
	return false
}

// literalOf is what is known of a word before a shell expands it.
func literalOf(parts []syntax.WordPart) (text string, whole bool) {
	var b strings.Builder
	whole = true
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(strings.ReplaceAll(p.Value, `\`, ""))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			inner, all := literalOf(p.Parts)
			b.WriteString(inner)
			whole = whole && all
		default:
			whole = false
			b.WriteString("$")
		}
	}
	return b.String(), whole
}
