package lint

import (
	"path"
	"slices"
	"strings"
)

// Most instructions are plain: RUN on one line, commands joined by &&, words of letters
// and the like, and no command that any rule is about. To read them by a parser and a
// shell takes most of a check. They are counted, and made comments before the rest is
// read.
//
// Nothing here finds fault. A line that is not surely plain stays, and what is found in
// it counts; a test compares.

// takePlain answers a text without its plain instructions, each line in its place.
func (d *dockerfile) takePlain() string {
	folded := strings.ToLower(d.text)
	if d.readAll || strings.Contains(folded, "<<") || strings.Contains(folded, "escape") || strings.Contains(folded, "shell") {
		return d.text
	}
	var rest strings.Builder
	rest.Grow(len(d.text))
	d.escape = '\\'
	within := false // an instruction that goes on
	for i := range len(d.lines) - 1 {
		line := d.text[d.lines[i]:d.lines[i+1]]
		bare := strings.TrimSuffix(line, "\n")
		if !within && plainRun(bare) {
			d.plain = append(d.plain, d.lines[i])
			rest.WriteString("#")
			rest.WriteString(newline(line))
			continue
		}
		rest.WriteString(line)
		if bare = strings.TrimSpace(bare); bare != "" && bare[0] != '#' {
			_, within = d.continued(bare)
		}
	}
	return rest.String()
}

// remarkable are commands that a rule is about, that start others, or that belong to the
// shell's syntax.
var remarkable = []string{"sudo", "env", "time", "exec", "nice", "command", "then", "nohup", "cd", "apt", "aptitude", "apt-get", "uv", "R", "Rscript", "conda", "mamba", "micromamba", "apk", "yum", "dnf", "microdnf",
	"zypper", "npm", "yarn", "useradd", "gem", "go", "curl", "wget", "make", "cargo", "git", "if", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "in", "select", "function", "coproc",
	"declare", "local", "export", "readonly", "typeset", "nameref", "let", "eval", "trap", "."}

// plainRun says that a line surely is RUN with plain commands.
func plainRun(line string) bool {
	rest, ok := strings.CutPrefix(line, "RUN ")
	if !ok {
		return false
	}
	for more := true; more; {
		var one string
		one, rest, more = strings.Cut(rest, " && ")
		if !plainCommand(one) {
			return false
		}
	}
	return true
}

func plainCommand(text string) bool {
	name, _, _ := strings.Cut(text, " ")
	if name == "" || name[0] == '-' || strings.ContainsAny(name, "\"=") || strings.HasSuffix(name, "/") {
		return false
	}
	name = path.Base(name)
	if slices.Contains(remarkable, name) || strings.HasPrefix(name, "pip") || strings.HasPrefix(name, "python") {
		return false
	}
	quoted := false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(" ./:=,+@%_-", c) >= 0:
		default:
			return false
		}
	}
	return !quoted
}
