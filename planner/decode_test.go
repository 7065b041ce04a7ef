package planner

import (
	"testing"

	"domctl.dev/schema"
)

// TestAPlanIsTheSameOnceItWasSaved: nil and empty are one in JSON, and must be
// one in effect and hash.
func TestAPlanIsTheSameOnceItWasSaved(t *testing.T) {
	for _, s := range []Snapshot{{Apply: "a"}, {Apply: "a", Latch: map[schema.Address]string{}}, {Apply: "a", Former: map[schema.Address]*schema.Entry{addr(tier): nil}}} {
		p, _, err := Restore(s, past{}, Source{}, "r")
		if err != nil {
			t.Fatal(err)
		}
		if q, err := Decode(Encode(p)); err != nil || q.Verify() != nil {
			t.Errorf("%s: %v, %v", Encode(p), err, q.Verify())
		}
	}
}
