package planner

import (
	"fmt"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestForetold: what is not known is never nothing, most runs come first, and what
// an image is called moves no cursor and closes no block.
func TestForetold(t *testing.T) {
	none, some := int64(0), int64(3<<20)
	f := Foretold{AMI: addr("amis.gpu"), Users: []schema.Address{addr("nodePools.gpu")}, Pulls: []Pull{{Image: "rare", Runs: 1, Empty: &some}, {Image: "````\x1b[2J", Runs: 9, Empty: &some, Planned: &none}}}
	for i := range 9 {
		f.Pulls = append(f.Pulls, Pull{Image: fmt.Sprint("old ", i)})
	}
	p := Plan{Deployment: "prod", Forecast: []Foretold{f}}
	var text, markdown strings.Builder
	if p.Text(&text, Style{}) != nil || p.Markdown(&markdown) != nil {
		t.Fatal("nothing was written")
	}
	want := "New nodes pull, from today's image → from amis.gpu as planned (nodePools.gpu):\n" +
		"    ````\\u001b[2J  unknown → 0 B, 3.0 MiB uncached, 9 runs in 30 days\n" +
		"    rare           unknown → unknown, 3.0 MiB uncached, 1 run in 30 days\n"
	if !strings.HasPrefix(text.String(), want) || !strings.Contains(text.String(), "    … 3 more images; --format json has all\n") {
		t.Errorf("%s", text.String())
	}
	if !strings.Contains(markdown.String(), "`````\n"+want) {
		t.Errorf("%s", markdown.String())
	}
}
