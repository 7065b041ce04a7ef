package lint

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"domctl.dev/schema"
)

// The parsers call themselves for what lies within something else, and nothing recovers a
// stack that is full. mostText is how many bytes of a Dockerfile are read, which takes
// about 250 times the memory; mostWithin is how often an instruction may open ${, at any depth, and
// mostTriggers how often it may say ONBUILD, of which Docker takes one.
const (
	mostText     = 1 << 20
	mostWithin   = 10_000
	mostTriggers = 100
)

// notRead begins what is said of what Docker may read.
const notRead = "domctl reads no "

// tooDeep finds the first instruction that BuildKit's parser must not be given.
func tooDeep(text string) (m mistake, found bool) {
	const trigger = "onbuild"
	if len(text) > mostText {
		return mistake{0, fmt.Sprintf("%sDockerfile of more than %d KiB", notRead, mostText>>10)}, true
	}
	within, triggers, at := 0, 0, 0
	for line := range strings.Lines(text) {
		within += strings.Count(line, "${")
		triggers += strings.Count(strings.ToLower(line), trigger)
		switch {
		case within > mostWithin:
			return mistake{at, fmt.Sprintf("%sinstruction that says ${ more than %d times", notRead, mostWithin)}, true
		case triggers > mostTriggers:
			return mistake{at, fmt.Sprintf("%sinstruction that says ONBUILD more than %d times", notRead, mostTriggers)}, true
		}
		at += len(line)
		bare := strings.TrimSpace(line)
		if bare != "" && bare[0] != '#' && !strings.HasSuffix(bare, `\`) && !strings.HasSuffix(bare, "`") { // the next line begins another
			within, triggers = 0, 0
		}
	}
	return m, false
}

// mostScript is how many bytes of one script are read, of which a command of RUN may hold
// half (MAX_ARG_STRLEN of Linux); mostFrames how many calls its parser may be in.
const (
	mostScript = 256 << 10
	mostFrames = 10_000
)

var errDeep = errors.New("it lies too deep within itself")

// shallow is the text that a shell's parser reads, which counts nothing itself: it comes
// back for each KiB, and gets no more once it is too deep.
type shallow struct{ *strings.Reader }

func (s shallow) Read(into []byte) (int, error) {
	if runtime.Callers(mostFrames, make([]uintptr, 1)) > 0 {
		return 0, errDeep
	}
	return s.Reader.Read(into)
}

// unread tells of a script that was not read, and why.
func (e *environment) unread(what string, s *script) bool {
	if s.unread == "" {
		return false
	}
	e.add("DC703", schema.Error, []Place{{e.address, s.path, s.place(s.faulty)}}, "write it as several, or as a file of its own that it starts", "domctl does not look at %s: %s", what, s.unread)
	return true
}
