package lint

import (
	"slices"
	"strings"

	"domctl.dev/schema"
)

// placed is an install and the instruction that holds it.
type placed struct {
	install
	by *instruction
}

// installs looks at what RUN installs.
func (e *environment) installs() {
	byTool := map[string][]placed{}
	for _, i := range e.docker.instructions {
		if i.shell == nil {
			continue
		}
		e.look(i)
		for _, c := range i.shell.calls {
			if got, ok := readInstall(c); ok {
				byTool[got.tool] = append(byTool[got.tool], placed{got, i})
				e.versions(i.shell, got)
				e.answers(i.shell, got)
			}
		}
		e.updates(i)
		e.caches(i)
	}
	for _, tool := range inOrder(byTool, func(p []placed) int { return p[0].by.shell.place(p[0].at) }) {
		e.several(tool, byTool[tool])
	}
	e.joinUpdates()
}

// several finds that one tool installs more than once. Within one RUN it counts for pip
// and conda alone, which solve each call by itself.
func (e *environment) several(tool string, all []placed) {
	var at []int
	var last *instruction
	for _, p := range all {
		alone := tool == "pip" || tool == "conda"
		if p.bootstraps() || p.by == last && !alone || !alone && tool != "apt-get" {
			continue
		}
		at, last = append(at, p.by.shell.place(p.at)), p.by
	}
	if len(at) < 2 {
		return
	}
	hint := "one RUN " + tool + " install with all of them: versions are solved together, and it is one layer"
	if tool == "apt-get" {
		hint = "one RUN apt-get update && apt-get install with all of them: one layer, and one list of packages"
	}
	e.add("DC705", schema.Warning, e.in(at...), hint, "dockerfile has %d times %s install", len(at), tool)
}

// versions finds packages whose version is not stated: those of the system by a code of
// their own, since mirrors keep no old ones.
func (e *environment) versions(s *script, i install) {
	loose := i.unpinned()
	if len(loose) == 0 || i.bootstraps() {
		return
	}
	var names []string
	var at []int
	for _, w := range loose {
		names, at = append(names, shown(w.text)), append(at, s.place(w.at))
	}
	code, severity := "DC707", schema.Warning
	if i.tool == "apt-get" || i.tool == "apk" || i.tool == "yum" || i.tool == "zypper" {
		code, severity = "DC708", schema.Info
	}
	e.add(code, severity, e.in(at...), "state it: "+example(i.tool, shown(loose[0].text)), "%s install without a version: %s", i.tool, some(names))
}

func example(tool, name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("<>=!~;@ ", r) })
	if len(words) == 0 {
		return "NAME and VERSION"
	}
	name = strings.TrimRight(words[0], "/")
	switch tool {
	case "pip":
		if strings.Contains(name, "/") {
			return name + "@COMMIT"
		}
		return name + "==VERSION"
	case "npm":
		return name + "@VERSION"
	case "gem":
		return name + ":VERSION"
	case "yum":
		return name + "-VERSION"
	}
	return name + "=VERSION"
}

// answers finds calls that ask, where nobody answers.
func (e *environment) answers(s *script, i install) {
	flag := "-y"
	switch i.tool {
	case "apt-get":
		if i.has("-y", "--yes", "--assume-yes", "-qq", "--force-yes") || i.name() == "aptitude" {
			return
		}
	case "conda":
		if i.has("-y", "--yes") || strings.Contains(strings.ToLower(e.docker.text), "always_yes") || strings.Contains(s.text, "yes |") {
			return
		}
	case "yum":
		if i.has("-y", "--assumeyes") {
			return
		}
	case "zypper":
		flag = "-n"
		if i.has("-n", "--non-interactive", "-y", "--no-confirm") {
			return
		}
		flag = "-y"
	default:
		return
	}
	at := s.place(i.verb.at)
	end := at + len(i.verb.text)
	found := e.add("DC719", schema.Warning, e.in(at), i.tool+" "+i.verb.text+" "+flag, "%s install asks before it installs, and nobody answers in a build", i.tool)
	if strings.HasPrefix(e.docker.text[at:], i.verb.text) {
		found.Fix = []Edit{{Place{e.address, "dockerfile", end}, end, " " + flag}}
	}
}

// cleaned is what in the text of a RUN shows that a tool's cache is not kept.
var cleaned = map[string][]string{
	"pip":     {"--no-cache-dir", ".cache", "cache purge", "PIP_NO_CACHE_DIR"},
	"conda":   {" clean"},
	"apt-get": {"/var/lib/apt/lists"},
	"apk":     {"--no-cache", "/var/cache/apk"},
	"yum":     {"clean all", "/var/cache/yum", "/var/cache/dnf"},
	"zypper":  {"zypper clean", "zypper cc", "/var/cache/zypp"},
	"yarn":    {"yarn cache clean", ".cache"},
}

// caches finds what an install leaves in its layer, and nodes pull. For pip it is safe to
// keep none.
func (e *environment) caches(i *instruction) {
	if strings.Contains(strings.Join(i.node.Flags, " "), "type=cache") {
		return
	}
	told := map[string]bool{}
	for _, c := range i.shell.calls {
		got, ok := readInstall(c)
		marks := cleaned[got.tool]
		if !ok || marks == nil || told[got.tool] || slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(i.shell.text, m) }) {
			continue
		}
		if got.tool == "pip" && (e.declared("PIP_NO_CACHE_DIR") || strings.Contains(e.docker.text, "PIP_NO_CACHE_DIR")) {
			continue
		}
		told[got.tool] = true
		at := i.shell.place(got.verb.at)
		f := e.add("DC720", schema.Info, e.in(at), "in the same RUN: "+cleaning(got.tool), "%s install leaves its cache in the layer", got.tool)
		if end := at + len(got.verb.text); got.tool == "pip" && strings.HasPrefix(e.docker.text[at:], got.verb.text) {
			f.Fix = []Edit{{Place{e.address, "dockerfile", end}, end, " --no-cache-dir"}}
		}
	}
}

func cleaning(tool string) string {
	return map[string]string{"pip": "pip install --no-cache-dir", "conda": "conda clean -afy", "apt-get": "rm -rf /var/lib/apt/lists/*", "apk": "apk add --no-cache",
		"yum": "yum clean all", "zypper": "zypper clean -a", "yarn": "yarn cache clean"}[tool]
}

// updates finds an update of the lists of packages apart from what needs it: the layer
// of the update is kept, and its lists grow old.
func (e *environment) updates(i *instruction) {
	update, installed := i.aptCalls()
	switch {
	case update != nil && installed == nil:
		e.add("DC706", schema.Warning, e.in(i.shell.place(update.at)), "RUN apt-get update && apt-get install -y …", "apt-get update stands apart from apt-get install: its layer stays cached, and its lists grow old")
	case update == nil && installed != nil && !installed.local():
		e.add("DC706", schema.Warning, e.in(i.shell.place(installed.at)), "RUN apt-get update && apt-get install -y …", "apt-get install without apt-get update in the same RUN: it goes by whatever lists are cached")
	}
}

// local says that only files are installed.
func (i install) local() bool {
	for _, w := range i.packages {
		if !strings.HasSuffix(w.text, ".deb") {
			return false
		}
	}
	return len(i.packages) > 0
}

// aptCalls are the first update and the first install by APT of a RUN.
func (i *instruction) aptCalls() (update *call, installed *install) {
	if i.shell == nil {
		return nil, nil
	}
	for _, c := range i.shell.calls {
		c = c.started()
		if got, ok := readInstall(c); ok && got.tool == "apt-get" {
			if installed == nil {
				installed = &got
			}
			continue
		}
		if tool, words, ok := installerOf(c); ok && tool.tool == "apt-get" && update == nil {
			for _, w := range words {
				if w.text == "update" {
					update = &c
				}
			}
		}
	}
	return update, installed
}

// joinUpdates offers to put RUN apt-get update before the install that comes next.
func (e *environment) joinUpdates() {
	all := e.docker.instructions
	for n := range len(all) - 1 {
		first, next := all[n], all[n+1]
		update, installed := first.aptCalls()
		none, wants := next.aptCalls()
		if update == nil || installed != nil || none != nil || wants == nil || len(first.shell.calls) != 1 || next.shell.calls[0].at != wants.at || len(next.node.Flags) > 0 {
			continue
		}
		from, to := first.shell.place(len(first.shell.text)), next.shell.place(0)
		for f := range e.found {
			if e.found[f].Code == "DC706" && len(e.found[f].At) > 0 && e.found[f].At[0].Offset == first.shell.place(update.at) && from < to && strings.TrimSpace(e.docker.text[from:next.at]) == "" {
				e.found[f].Fix = []Edit{{Place{e.address, "dockerfile", from}, to, " && "}}
			}
		}
	}
}
