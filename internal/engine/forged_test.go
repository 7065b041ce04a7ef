package engine_test

import (
	"errors"
	"strings"
	"testing"

	"domctl.dev/planner"
)

// TestAForgedPlanIsRefused: its hash is recomputed, and a reader is shown the
// changes alone.
func TestAForgedPlanIsRefused(t *testing.T) {
	f := fixtures(t)[0]
	for name, c := range map[string]struct {
		change func(*planner.Step)
		says   string
	}{
		"as made":         {func(*planner.Step) {}, ""},
		"another place":   {func(s *planner.Step) { s.Object = "mongo/users#admin" }, "is on collection users, which nothing of hardwareTiers is written to"},
		"no condition":    {func(s *planner.Step) { s.Guard = planner.Absolute }, "changes a document without a condition"},
		"no operation":    {func(s *planner.Step) { s.Op = "mongo.drop" }, "is of no operation"},
		"another outside": {func(s *planner.Step) { s.Object = "ec2/template#lt-1" }, "has an operation for other objects"},
	} {
		r := f.start(t)
		p := r.saved(f)
		for i, s := range p.Steps {
			if s.Op == "mongo.update" && s.Address.Kind == "hardwareTiers" {
				c.change(&p.Steps[i])
				break
			}
		}
		err := r.engine(f.after).Fits(p.Sealed())
		if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, planner.ErrAltered) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
