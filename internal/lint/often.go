package lint

import (
	"fmt"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// fewChanges is how many say that a line changes often.
const fewChanges = 3

// Often finds instructions that change often and stand above one that takes long and
// seldom changes. changes says how often the line of a place was changed, and how
// often its file was.
func Often(d schema.Desired, changes func(Place) (n, commits int)) (found []Found) {
	shell := shellParser()
	for _, a := range schema.Addresses(d.Objects) {
		text := d.Objects[a].Fields["dockerfile"].Str()
		if a.Kind != "environments" || text == "" || d.Objects[a].Fields["archived"].Bool() {
			continue
		}
		e := &environment{address: a, object: d.Objects[a], all: true}
		e.phase("dockerfile", func() {
			e.docker = readDockerfile(shell, text, e.declared, true)
			e.often(changes)
		})
		found = append(found, e.found...)
	}
	return found
}

func (e *environment) often(changes func(Place) (n, commits int)) {
	all := e.docker.instructions
	counts, commits := make([]int, len(all)), 0
	for n, i := range all {
		for line := i.node.StartLine; line <= i.node.EndLine && line < len(e.docker.lines); line++ {
			count, of := changes(Place{e.address, "dockerfile", e.docker.lines[line-1]})
			counts[n], commits = max(counts[n], count), max(commits, of)
		}
	}
	for n, i := range all {
		if counts[n] < fewChanges {
			continue
		}
		for m := n + 1; m < len(all); m++ {
			if 2*counts[m] > counts[n] || all[m].shell == nil || !slices.ContainsFunc(all[m].shell.calls, call.fetches) {
				continue
			}
			e.add("DC718", schema.Info, e.in(i.at, all[m].at), "move it below, where nothing between needs it",
				"%s was changed in %d of the last %d changes of its file, and each time %s below is built again, which was changed in %d", strings.ToUpper(i.name), counts[n], commits, brief(all[m]), counts[m])
			break
		}
	}
}

// brief is the first command of RUN that takes long, in short.
func brief(i *instruction) string {
	for _, c := range i.shell.calls {
		if c.fetches() {
			c = c.started()
			words := []string{c.name()}
			if len(c.words) > 1 && c.words[1].whole {
				words = append(words, c.words[1].text)
			}
			return fmt.Sprintf("RUN %.40s", strings.Join(words, " "))
		}
	}
	return "RUN"
}
