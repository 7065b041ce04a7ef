package schema

import (
	"slices"
	"strings"
)

// arguments looks at what docker run gets: what takes a container's walls down, and what
// the environments that one is built on bring along.
func (c *checker) arguments(a Address, o Object) {
	for _, arg := range o.Fields["dockerArguments"].Strings() {
		name, value, _ := strings.Cut(arg, "=")
		if strings.TrimSpace(name) == "--privileged" && value != "false" {
			c.add("DC126", Warning, a, o.Nearest("dockerArguments"), "state the one thing that is needed: --cap-add=…, --device=…",
				"dockerArguments holds --privileged: whoever runs code in it is root on the node")
		}
	}
	seen := map[Address]bool{a: true}
	for at := o; ; {
		base, _, ok := at.Fields["base.environment"].Target()
		if below, declared := c.Objects[base]; !ok || !declared || seen[base] {
			return
		} else if args := below.Fields["dockerArguments"].Strings(); len(args) > 0 {
			c.add("DC125", Info, a, slices.Concat(o.Positions("base.environment"), below.Positions("dockerArguments")), "",
				"inherits the docker arguments of %s: %s", base, clipped(strings.Join(args, " ")))
		}
		seen[base], at = true, c.Objects[base]
	}
}

// clipped is a text as a message has room for.
func clipped(text string) string {
	const most = 200
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
