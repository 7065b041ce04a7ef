package engine_test

import (
	"encoding/json"
	"testing"

	"domctl.dev/schema"
)

// TestCopiesAreListed by what records say and EC2 shows: one that somebody removed is
// gone.
func TestCopiesAreListed(t *testing.T) {
	f := spreading(t)
	r := f.start(t)
	r.applyAll(f.after)
	states := func() (all []string) {
		t.Helper()
		found, err := r.engine(f.after).AMIs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range found {
			for _, c := range i.Copies {
				if i.Entry != "executor" || c.Region == "" || c.Image == i.ID {
					t.Errorf("%+v of %s", c, i.Entry)
				}
				all = append(all, c.State)
			}
		}
		return all
	}
	there := states()
	var content map[string]map[string]any
	if err := json.Unmarshal(r.Box.Content(), &content); err != nil {
		t.Fatal(err)
	}
	delete(content["aws"], "regions")
	if err := r.Box.Replace([]byte(schema.JSON(content).Text)); err != nil {
		t.Fatal(err)
	}
	gone := states()
	if len(there) == 0 || len(gone) != len(there) {
		t.Fatalf("%v, then %v", there, gone)
	}
	for i := range there {
		if there[i] != "available" || gone[i] != "gone" {
			t.Errorf("%v, then %v", there, gone)
		}
	}
}
