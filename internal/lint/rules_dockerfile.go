package lint

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"domctl.dev/schema"
)

// instructions looks at each instruction by itself, and at those that stand twice.
func (e *environment) instructions() {
	for _, m := range e.docker.wrong {
		e.add("DC703", schema.Error, e.in(m.at), readable(m.why), "%s", e.reason(m.at, m.why))
	}
	last := map[string]*instruction{}
	known := map[string]bool{} // variables that have a value by then
	pipefail := false
	for _, i := range e.docker.instructions {
		e.look(i)
		e.instruction(i)
		e.variables(i, known)
		pipefail = i.pipefail(pipefail)
		if i.shell != nil && !pipefail {
			e.pipes(i.shell)
		}
		if before := last[i.name]; before != nil && (i.name == command.Cmd || i.name == command.Entrypoint || i.name == command.Healthcheck) {
			e.add("DC721", schema.Warning, e.in(before.at, i.at), "keep the last", "%s is stated twice, and only the last counts", strings.ToUpper(i.name))
		}
		last[i.name] = i
	}
}

func (e *environment) instruction(i *instruction) {
	if i.shell != nil {
		e.shell(i)
	}
	switch _, known := command.Commands[i.name]; {
	case !known:
		e.unknown(i)
		return
	case i.name == command.From:
		e.add("DC701", schema.Error, e.in(i.at), "state it as base: {uri: …}, {image: …} or {environment: …}, and take the line out", "dockerfile holds FROM, which Domino writes itself, from base")
		return
	case i.fault != nil:
		e.add("DC703", schema.Error, e.in(i.at), readable(i.fault.Error()), "%s", e.reason(i.at, i.fault.Error()))
		return
	}
	args := i.args()
	switch i.name {
	case command.Add:
		e.urls(i, args)
	case command.Maintainer:
		f := e.add("DC725", schema.Info, e.in(i.at), `write LABEL maintainer="…"`, "MAINTAINER is deprecated")
		if i.placed() != nil && len(args) == 1 && !strings.ContainsAny(args[0], "\"\\\n$") {
			f.Fix = []Edit{{Place{e.address, "dockerfile", i.at}, i.place(len(strings.TrimRight(i.node.Original, " \t"))), `LABEL maintainer="` + args[0] + `"`}}
		}
	case command.Workdir:
		if dir := strings.Trim(i.node.Next.Value, `"'`); !strings.HasPrefix(dir, "/") && !strings.HasPrefix(dir, "$") && !strings.Contains(dir, `:\`) {
			e.add("DC722", schema.Warning, e.in(i.find(dir)), "begin it with /", "WORKDIR %s is relative: where it leads is up to the base", dir)
		}
	}
}

// unknown finds words that are no instruction.
func (e *environment) unknown(i *instruction) {
	var all []string
	for name := range command.Commands {
		all = append(all, strings.ToUpper(name))
	}
	word := i.node.Value
	near := schema.AllNearest(word, all)
	if len(word) > 24 {
		word = word[:24] + "…"
	}
	hint := "a line that goes on ends with \\"
	switch {
	case slices.Contains(near, "FROM"):
		hint = "did you mean FROM? Domino writes it itself, from base: then take the line out; else a line that goes on ends with \\"
	case len(near) > 0:
		hint = "did you mean " + schema.Listed(near, "or") + "?"
	}
	f := e.add("DC702", schema.Error, e.in(i.at), hint, "%q is no Dockerfile instruction", word)
	if len(near) == 1 && near[0] != "FROM" && i.placed() != nil {
		f.Fix = []Edit{{Place{e.address, "dockerfile", i.at}, i.at + len(i.node.Value), near[0]}}
	}
}

// reason is what the parser says, without what it cites of lines that hold values.
func (e *environment) reason(at int, why string) string {
	if strings.HasPrefix(why, notRead) {
		return why
	}
	name, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(e.docker.text[at:])), " ")
	why, _, _ = strings.Cut(why, "\n")
	if name == "ENV" || name == "ARG" || name == "LABEL" {
		if from, to := strings.Index(why, `"`), strings.LastIndex(why, `"`); from >= 0 && to > from {
			why = why[:from] + "(not shown)" + why[to+1:]
		}
	}
	if len(why) > 1 && why[1] >= 'a' {
		why = strings.ToLower(why[:1]) + why[1:]
	}
	return "Docker cannot read it: " + why
}

// readable is a hint of what would be read, "" where nothing is known.
func readable(why string) string {
	switch {
	case strings.HasPrefix(why, "ENV must have two arguments"):
		return "declare it under variables, or write ENV NAME=VALUE"
	case strings.HasPrefix(why, notRead):
		return "write it as several; nothing else is said of the text until then"
	case strings.HasPrefix(why, "a line of "):
		return "write it on several lines that end with \\; nothing else is said of its instruction until then"
	}
	return ""
}

// urls finds what ADD downloads: nobody checks it, and it is downloaded each time.
func (e *environment) urls(i *instruction, args []string) {
	if a, ok := i.parsed.(*instructions.AddCommand); !ok || a.Checksum != "" {
		return
	}
	for _, source := range args[:max(0, len(args)-1)] {
		if scheme, _, ok := strings.Cut(source, "://"); ok && slices.Contains([]string{"http", "https", "ftp"}, strings.ToLower(scheme)) {
			e.add("DC709", schema.Warning, e.in(i.find(source)), "RUN curl -fsSL … | sha256sum -c, or ADD --checksum=sha256:…", "ADD of a URL: what it brings is not checked")
		}
	}
}

// shell looks at how RUN is written.
func (e *environment) shell(i *instruction) {
	s := i.shell
	if e.unread("RUN", s) {
		return
	}
	if s.fault != "" {
		e.add("DC714", schema.Warning, e.in(s.place(s.faulty)), "", "RUN is no shell script: %s", s.fault)
		return
	}
	for _, c := range s.calls {
		switch c.name() {
		case "sudo":
			e.add("DC723", schema.Info, e.in(s.place(c.at)), "leave it out, or change users by USER", "sudo in a build, which runs as root unless USER says otherwise")
		case "cd":
			if len(s.calls) == 1 {
				e.add("DC722", schema.Warning, e.in(s.place(c.at)), "WORKDIR", "cd ends with its RUN: the next begins where this one did")
			}
		}
		e.system(s, c.started())
		e.users(s, c.started())
	}
}

// system finds apt, which is for people, and upgrades of the whole system.
func (e *environment) system(s *script, c call) {
	i, words, ok := installerOf(c)
	if !ok || i.tool != "apt-get" && i.tool != "zypper" {
		return
	}
	if c.name() == "apt" {
		at := c.words[0]
		from := s.place(at.at)
		f := e.add("DC724", schema.Info, e.in(from), "apt-get", "apt is for terminals, and says so in each build")
		if strings.HasPrefix(e.docker.text[from:], "apt") {
			f.Fix = []Edit{{Place{e.address, "dockerfile", from}, from + len("apt"), "apt-get"}}
		}
	}
	for _, w := range words {
		if w.text == "dist-upgrade" || w.text == "dup" || w.text == "full-upgrade" || w.text == "upgrade" {
			e.add("DC726", schema.Info, e.in(s.place(w.at)), "take a newer base image", "%s %s: what it brings differs with each build, and the base's files are in the image twice", i.tool, w.text)
		}
	}
}
