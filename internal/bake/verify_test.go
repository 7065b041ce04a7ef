package bake

import (
	"maps"
	"testing"

	"domctl.dev/schema"
)

// TestFigures: seconds are counted from the launch; what an instance says besides
// is left out.
func TestFigures(t *testing.T) {
	const launched = "2026-03-01T10:00:00Z" // 1772359200
	for said, want := range map[string]string{
		"ready=1772359231 container=1772359233": " ready=31s container=33s",
		"ready=1772359199":                      " ready=0s", // its clock is behind
		"ready=$(reboot) other=1 container=":    "",
		"":                                      "",
	} {
		if got := figures(said, launched); got != want {
			t.Errorf("%q gives %q", said, got)
		}
	}
	if got := figures("ready=1772359231", "soon"); got != "" {
		t.Error(got)
	}
}

func TestVerdictTags(t *testing.T) {
	for verdict, want := range map[string]map[string]string{
		"passed ready=31s container=33s": {schema.TagVerified: "passed", schema.TagReady: "31s", schema.TagContainer: "33s"},
		"passed":                         {schema.TagVerified: "passed"},
		"the driver: it is \"old\"":      {schema.TagVerified: "the driver: it is  old "},
	} {
		if got := verdictTags(verdict); !maps.Equal(got, want) {
			t.Errorf("%q gives %v", verdict, got)
		}
	}
}
