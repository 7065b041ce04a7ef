package lint

import (
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
)

// Step is one instruction of a Dockerfile. Two builds share the layers of the steps that
// they have in common from the first on.
type Step struct {
	Text  string // on one line, with the texts of its heredocs
	Layer bool   // it makes a layer
}

// Steps are the instructions of a text in order; what Docker refuses is left out. No shell
// is asked: the text may be Domino's, and a deep one is more than its parser survives.
func Steps(text string) (steps []Step) {
	d := readDockerfile(nil, text, func(string) bool { return false }, true)
	for _, i := range d.instructions {
		s := Step{Text: strings.TrimSpace(i.node.Original), Layer: i.layer()}
		for _, h := range i.node.Heredocs {
			s.Text += "\n" + h.Content
		}
		steps = append(steps, s)
	}
	return steps
}

// layer says that an instruction makes one.
func (i *instruction) layer() bool {
	switch i.name {
	case command.Run, command.Copy, command.Add, command.Workdir:
		return true
	}
	return false
}

// Shared says how many layers two texts have in common from the first on, and how many
// each makes.
func Shared(before, after string) (kept, was, own int) {
	one, two := Steps(before), Steps(after)
	same := true
	for n, s := range two {
		same = same && n < len(one) && one[n] == s
		if s.Layer {
			own++
			if same {
				kept++
			}
		}
	}
	for _, s := range one {
		if s.Layer {
			was++
		}
	}
	return kept, was, own
}
