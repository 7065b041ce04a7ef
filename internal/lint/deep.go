package lint

import (
	"fmt"
	"strings"
)

// The parsers call themselves for what lies within something else, and nothing recovers a
// stack that is full. mostWithin is how often an instruction may open ${, at any depth, and
// mostTriggers how often it may say ONBUILD, of which Docker takes one.
const (
	mostWithin   = 10_000
	mostTriggers = 100
)

// notRead begins what is said of an instruction that Docker may read.
const notRead = "domctl reads no instruction "

// tooDeep finds the first instruction that BuildKit's parser must not be given.
func tooDeep(text string) (m mistake, found bool) {
	const trigger = "onbuild"
	within, triggers, at := 0, 0, 0
	for line := range strings.Lines(text) {
		within += strings.Count(line, "${")
		triggers += strings.Count(strings.ToLower(line), trigger)
		switch {
		case within > mostWithin:
			return mistake{at, fmt.Sprintf("%sthat says ${ more than %d times", notRead, mostWithin)}, true
		case triggers > mostTriggers:
			return mistake{at, fmt.Sprintf("%sthat says ONBUILD more than %d times", notRead, mostTriggers)}, true
		}
		at += len(line)
		bare := strings.TrimSpace(line)
		if bare != "" && bare[0] != '#' && !strings.HasSuffix(bare, `\`) && !strings.HasSuffix(bare, "`") { // the next line begins another
			within, triggers = 0, 0
		}
	}
	return m, false
}
