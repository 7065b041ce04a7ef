package world

import (
	"testing"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// TestReviewsAreDue by the clock that is passed in: a day once it is over in UTC,
// an age once it is exceeded, and nothing where nobody says how old an image is.
func TestReviewsAreDue(t *testing.T) {
	at := func(text string) time.Time {
		now, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	pinned := map[string]schema.Value{"pin.id": schema.JSON("ami-1"), "pin.reason": schema.JSON("CUDA 9"), "pin.reviewBy": schema.JSON("2026-03-31"), "image": schema.JSON("ami-1")}
	aging := map[string]schema.Value{"reviewAfter": schema.JSON("90d"), "image": schema.JSON("ami-1")}
	for _, c := range []struct {
		now, created string
		fields       map[string]schema.Value
		code         string
		days         int
	}{
		{"2026-03-31T23:59:59Z", "2026-03-30T00:00:00Z", pinned, "", 1},
		{"2026-04-01T00:00:00Z", "", pinned, "DC281", -1},
		{"2026-03-31T23:00:00-05:00", "", pinned, "DC281", -1},
		{"2026-04-01T00:00:00Z", "2026-01-01T00:00:00Z", aging, "", 90},
		{"2026-04-01T00:00:01Z", "2026-01-01T00:00:00.000Z", aging, "DC282", 90},
		{"2026-04-01T00:00:01Z", "", aging, "", -1},
		{"2026-04-01T00:00:01Z", "last summer", aging, "", -1},
	} {
		a := schema.Address{Kind: "amis", Name: "x"}
		w := &World{Now: func() time.Time { return at(c.now) }}
		v := w.newView(schema.Desired{Objects: map[schema.Address]schema.Object{a: {Fields: c.fields}}}, schema.Applied{})
		v.Objects[a] = schema.Observed{ID: "ami-1"}
		v.raw[imageRef("ami-1")] = planner.Raw{"created": schema.JSON(c.created)}
		v.overdue()
		code := ""
		if len(v.Findings) == 1 {
			code = v.Findings[0].Code
		}
		if aged := v.Aged(); code != c.code || len(v.Findings) > 1 || aged[0].Due != (code != "") || aged[0].Days != c.days {
			t.Errorf("%s, made %q: %v, %+v", c.now, c.created, v.Findings, aged)
		}
	}
}
