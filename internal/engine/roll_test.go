package engine_test

import (
	"os"
	"strings"
	"testing"

	"domctl.dev/planner"
)

func rollingFixture(t *testing.T) fixture {
	t.Helper()
	f := fixture{name: "rolling", before: compiled(t, "rolling-before"), after: compiled(t, "rolling")}
	var err error
	if f.content, err = os.ReadFile("../sim/testdata/rolling/sandbox.json"); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRoll(t *testing.T) {
	f := rollingFixture(t)
	r := f.start(t)
	p := r.plan(f.after)
	var b strings.Builder
	_ = p.Text(&b, planner.Style{})
	t.Log(b.String())
	whole := r.copy()
	t.Log(whole.count(f, p))
	for _, s := range p.Steps {
		t.Log(s.ID, s.After)
	}
	t.Log(strings.Join(whole.Told(), "\n"))
}
