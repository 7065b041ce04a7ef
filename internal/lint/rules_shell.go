package lint

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"domctl.dev/schema"
)

// variables finds ENV that gives one variable the value of another which the same line
// sets: it gets what that one held before, which is nothing unless the base knows it.
func (e *environment) variables(i *instruction, known map[string]bool) {
	switch c := i.parsed.(type) {
	case *instructions.ArgCommand:
		for _, kv := range c.Args {
			known[kv.Key] = true
		}
	case *instructions.EnvCommand:
		sets := map[string][]int{} // what has no value by then → which of the line set it
		for at, kv := range c.Env {
			if !known[kv.Key] && !e.declared(kv.Key) {
				sets[kv.Key] = append(sets[kv.Key], at)
			}
		}
		for at, kv := range c.Env {
			for _, name := range references(kv.Value) {
				if others := sets[name]; (len(others) > 1 || len(others) == 1 && others[0] != at) && !e.full(schema.Warning) {
					e.add("DC729", schema.Warning, e.in(i.find(kv.Key)), "set "+name+" in an ENV of its own before",
						"ENV %s uses %s, which the same ENV sets: it gets the value from before", kv.Key, name)
				}
			}
		}
		for _, kv := range c.Env {
			known[kv.Key] = true
		}
	}
}

// references are the names that a value holds as $NAME or ${NAME…}, each once.
func references(value string) (names []string) {
	for rest := value; ; {
		_, after, ok := strings.Cut(rest, "$")
		if !ok {
			return unique(names)
		}
		rest = after
		bare, braced := strings.CutPrefix(after, "{")
		end := strings.IndexFunc(bare, func(r rune) bool {
			return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		})
		if end < 0 {
			end = len(bare)
		}
		if end > 0 && (!braced || end < len(bare)) {
			names = append(names, bare[:end])
		}
	}
}

// pipefail says whether a pipe fails where one of its commands does, as far as SHELL says.
func (i *instruction) pipefail(before bool) bool {
	if i.name != command.Shell {
		return before
	}
	return slices.Contains(i.args(), "pipefail")
}

// pipes finds downloads whose failure a pipe hides.
func (e *environment) pipes(s *script) {
	if strings.Contains(s.text, "pipefail") {
		return
	}
	for _, c := range s.piped {
		if c = c.started(); c.name() == "curl" || c.name() == "wget" {
			e.add("DC731", schema.Info, e.in(s.place(c.words[0].at)), `SHELL ["/bin/bash", "-o", "pipefail", "-c"] before it, where the base has bash; or download into a file first`,
				"%s before a pipe: when the download fails, the build goes on", c.name())
		}
	}
}

// users finds useradd with a number so high that its logs of logins fill the layer.
func (e *environment) users(s *script, c call) {
	const digits = 5 // of the numbers that take no space worth naming
	if c.name() != "useradd" || c.has("-l", "--no-log-init") {
		return
	}
	for n, w := range c.words {
		uid, ok := strings.CutPrefix(w.text, "--uid=")
		if (w.text == "-u" || w.text == "--uid") && n+1 < len(c.words) {
			uid, ok = c.words[n+1].text, true
		}
		if ok && len(uid) > digits && strings.Trim(uid, "0123456789") == "" {
			e.add("DC730", schema.Warning, e.in(s.place(c.words[0].at)), "useradd -l", "useradd with the number %s and without -l: its log of logins, sparse on a disk, fills the layer", uid)
		}
	}
}
