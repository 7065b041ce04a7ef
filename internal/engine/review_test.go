package engine_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"testing"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/sim"
)

// TestReviewGoesByTheClock: the same world at the same moment is reviewed the same,
// to the byte, and writes nothing.
func TestReviewGoesByTheClock(t *testing.T) {
	f := bakingFixture(t)
	r := f.start(t)
	stood := r.managed()
	review := func() []byte {
		t.Helper()
		c := r.copy()
		c.Clock = sim.NewJump()
		review, err := c.engine(f.after).Review(t.Context(), engine.ReviewOptions{Window: 24 * time.Hour, Resolved: "resolved.cue",
			Read: func(string) ([]byte, error) { return nil, fs.ErrNotExist }, Name: func(file string) string { return file }})
		if err != nil || len(review.AMIs) == 0 || c.managed() != stood {
			t.Fatalf("%+v, %v", review, err)
		}
		text, err := json.Marshal(review)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if first, second := review(), review(); !bytes.Equal(first, second) {
		t.Errorf("%s\n%s", first, second)
	}
}
