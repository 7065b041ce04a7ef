package tfvars

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// scanner reads the body of a file of variables: attributes, one a line.
// https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
type scanner struct {
	text  []byte
	at    int
	above int // lines that stand above the text
}

func (s *scanner) fail(format string, args ...any) error {
	return fmt.Errorf("line %d: %s", 1+s.above+bytes.Count(s.text[:min(s.at, len(s.text))], []byte("\n")), fmt.Sprintf(format, args...))
}

func (s *scanner) has(prefix string) bool { return bytes.HasPrefix(s.text[s.at:], []byte(prefix)) }

func (s *scanner) end() bool { return s.at >= len(s.text) }

func readHCL(text []byte) ([]span, error) {
	s := &scanner{text: text}
	if s.has("\ufeff") {
		s.at = len("\ufeff")
	}
	var all []span
	seen := map[string]bool{}
	for {
		if err := s.space(true); err != nil {
			return nil, err
		}
		if s.end() {
			return all, nil
		}
		a, err := s.attribute()
		if err != nil {
			return nil, err
		}
		if seen[a.name] {
			return nil, s.fail("variable %s stands twice", a.name)
		}
		seen[a.name], all = true, append(all, a)
	}
}

// space goes over spaces and comments, over line ends where lines is said.
func (s *scanner) space(lines bool) error {
	for !s.end() {
		switch c := s.text[s.at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' && lines:
			s.at++
		case lines && (c == '#' || s.has("//")):
			s.toLineEnd()
		case s.has("/*"):
			i := bytes.Index(s.text[s.at+2:], []byte("*/"))
			if i < 0 {
				return s.fail("a comment has no end")
			}
			s.at += i + 4
		default:
			return nil
		}
	}
	return nil
}

func (s *scanner) toLineEnd() {
	if i := bytes.IndexByte(s.text[s.at:], '\n'); i >= 0 {
		s.at += i
	} else {
		s.at = len(s.text)
	}
}

func (s *scanner) attribute() (a span, err error) {
	from := s.at
	for !s.end() && IsName(string(s.text[from:s.at+1])) {
		s.at++
	}
	if a.name = string(s.text[from:s.at]); a.name == "" {
		return a, s.fail("no name of a variable stands here")
	}
	if err := s.space(false); err != nil {
		return a, err
	}
	if s.end() || s.text[s.at] != '=' || s.has("==") {
		return a, s.fail("no = follows %s", a.name)
	}
	s.at++
	if err := s.space(false); err != nil {
		return a, err
	}
	a.from = s.at
	if err := s.expression(); err != nil {
		return a, err
	}
	a.to = a.from + len(bytes.TrimRight(s.text[a.from:s.at], " \t\r"))
	value := string(s.text[a.from:a.to])
	if value == "" {
		return a, s.fail("variable %s has no value", a.name)
	}
	a.plain = plain.MatchString(value) && !templated(value)
	return a, nil
}

// templated says that a text holds a template.
func templated(text string) bool {
	bare := strings.NewReplacer("$${", "", "%%{", "").Replace(text)
	return strings.Contains(bare, "${") || strings.Contains(bare, "%{")
}

var plain = regexp.MustCompile(`^(?:"(?:[^"\\\n]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?|null)$`)

// expression goes to the end of a value: of its line, outside brackets, texts and comments.
func (s *scanner) expression() error {
	depth := 0
	for !s.end() {
		switch c := s.text[s.at]; {
		case c == '\n' && depth == 0, (c == '#' || s.has("//")) && depth == 0, s.has("/*") && depth == 0:
			return nil
		case c == '#' || s.has("//"):
			s.toLineEnd()
		case s.has("/*"):
			if err := s.space(true); err != nil {
				return err
			}
		case c == '"':
			if err := s.quoted(); err != nil {
				return err
			}
		case s.has("<<"):
			if err := s.heredoc(); err != nil {
				return err
			}
		case strings.IndexByte("([{", c) >= 0:
			depth++
			s.at++
		case strings.IndexByte(")]}", c) >= 0:
			if depth--; depth < 0 {
				return s.fail("%q closes nothing", c)
			}
			s.at++
		default:
			s.at++
		}
	}
	if depth > 0 {
		return s.fail("a bracket is not closed")
	}
	return nil
}

// quoted goes over a text; what a template in it holds is an expression again.
func (s *scanner) quoted() error {
	for s.at++; !s.end(); {
		switch {
		case s.has(`\`):
			s.at = min(s.at+2, len(s.text))
		case s.has("$${"), s.has("%%{"):
			s.at += 3
		case s.has("${"), s.has("%{"):
			s.at += 2
			if err := s.template(); err != nil {
				return err
			}
		case s.has(`"`):
			s.at++
			return nil
		case s.has("\n"):
			return s.fail("a text does not end on its line")
		default:
			s.at++
		}
	}
	return s.fail("a text has no end")
}

func (s *scanner) template() error {
	for depth := 1; !s.end(); {
		switch c := s.text[s.at]; c {
		case '"':
			if err := s.quoted(); err != nil {
				return err
			}
			continue
		case '{':
			depth++
		case '}':
			depth--
		}
		if s.at++; depth == 0 {
			return nil
		}
	}
	return s.fail("a template has no end")
}

var heredoc = regexp.MustCompile(`^<<-?([A-Za-z_][A-Za-z0-9_-]*)\r?\n`)

// heredoc goes to the line that ends it, and leaves the line end.
func (s *scanner) heredoc() error {
	m := heredoc.FindSubmatch(s.text[s.at:])
	if m == nil {
		return s.fail("no heredoc begins here")
	}
	s.at += len(m[0])
	for !s.end() {
		from := s.at
		s.toLineEnd()
		if strings.TrimSpace(string(s.text[from:s.at])) == string(m[1]) {
			return nil
		}
		s.at++
	}
	return s.fail("a heredoc has no end")
}

// writeHCL is a value as HCL has it: a template's beginning is escaped.
func writeHCL(v Value) []byte {
	return []byte(strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(v)))
}

func addHCL(text []byte, name string, value []byte) ([]byte, error) {
	line := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		line = "\r\n"
	}
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, line...)
	}
	return append(text, name+" = "+string(value)+line...), nil
}
