package examples

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestExamples: each has a world for every deployment, a past or none at all,
// and a script that runs it.
func TestExamples(t *testing.T) {
	if len(Names()) < 6 {
		t.Fatalf("only %q were found", Names())
	}
	for _, name := range Names() {
		e, err := Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Deployments) == 0 {
			t.Errorf("%s has no deployment with a world", name)
		}
		before, applied := e.Before()
		for p := range e.Files {
			if strings.Contains(p, beforeDir+"/") {
				t.Errorf("%s: %s is of the past", name, p)
			}
			if before[p] == nil {
				t.Errorf("%s: its past lacks %s", name, p)
			}
		}
		if applied == (name == "empty") {
			t.Errorf("%s: applied before is %v", name, applied)
		}
		if _, err := os.Stat("../cmd/domctl/testdata/script/example_" + name + ".txtar"); err != nil {
			t.Errorf("%s is run by no script: %v", name, err)
		}
	}
	if _, err := Get("karpenter"); err == nil || !strings.Contains(err.Error(), "choose one of classic, ") {
		t.Errorf("an example that is not there: %v", err)
	}
	if !slices.IsSorted(Names()) {
		t.Errorf("%q are not in order", Names())
	}
}
