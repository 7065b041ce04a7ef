package lint

import (
	"errors"
	"fmt"
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
	place    func(of int) int // where a byte of text, or its end, stands in the field
	fault    string
	unread   string // why it was not read
	faulty   int    // where the fault is, or what is not read
	calls    []call
	piped    []call // those whose output goes into another
	assigned []assignment
}

// assignment is NAME=value, by itself or before a command.
type assignment struct {
	name string
	word
}

// call is a simple command.
type call struct {
	words []word
	at    int // in the script's text
}

// word is one argument. text is what of it can be told; whole says that this is all.
type word struct {
	text  string
	whole bool
	at    int
}

// readScript reads a script of an environment; one that names another interpreter is
// left alone.
func readScript(p *syntax.Parser, path, text string) *script {
	if strings.HasPrefix(text, "#!") && !shebang.MatchString(text) {
		return &script{path: path, text: text}
	}
	return readShell(p, path, text)
}

// shellParser parses as bash does, of which sh is a part.
func shellParser() *syntax.Parser { return syntax.NewParser(syntax.Variant(syntax.LangBash)) }

func readShell(p *syntax.Parser, path, text string) *script {
	s := &script{path: path, text: text, place: func(of int) int { return of }}
	if len(text) > mostScript {
		s.unread = fmt.Sprintf("it has %d KiB, and there may be %d", len(text)>>10, mostScript>>10)
		return s
	}
	from := shallow{strings.NewReader(text)}
	file, err := p.Parse(from, "")
	if errors.Is(err, errDeep) {
		s.unread, s.faulty = err.Error(), len(text)-from.Len()
		return s
	}
	if err != nil {
		s.fault = "it does not parse"
		var parse syntax.ParseError
		if errors.As(err, &parse) {
			s.fault, s.faulty = parse.Text, offset(parse.Pos, text)
		}
		var lang syntax.LangError
		if errors.As(err, &lang) {
			s.fault, s.faulty = lang.Feature+" is no part of the shell", offset(lang.Pos, text)
		}
		return s
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			if len(n.Args) > 0 {
				s.calls = append(s.calls, callOf(n, text))
			}
		case *syntax.BinaryCmd:
			if left, is := n.X.Cmd.(*syntax.CallExpr); is && len(left.Args) > 0 && (n.Op == syntax.Pipe || n.Op == syntax.PipeAll) {
				s.piped = append(s.piped, callOf(left, text))
			}
		case *syntax.Assign:
			if n.Name != nil && n.Value != nil {
				value, whole := literalOf(n.Value.Parts)
				s.assigned = append(s.assigned, assignment{n.Name.Value, word{value, whole, offset(n.Pos(), text)}})
			}
		}
		return true
	})
	return s
}

// offset of a position, within the text whatever the parser says.
func offset(p syntax.Pos, text string) int { return min(int(p.Offset()), len(text)) }

func callOf(n *syntax.CallExpr, text string) call {
	c := call{words: make([]word, len(n.Args))}
	for i, a := range n.Args {
		value, whole := literalOf(a.Parts)
		c.words[i] = word{value, whole, offset(a.Pos(), text)}
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
	if len(parts) == 1 {
		if lit, ok := parts[0].(*syntax.Lit); ok && !strings.Contains(lit.Value, `\`) {
			return lit.Value, true
		}
	}
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
