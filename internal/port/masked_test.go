package port

import "testing"

// TestMasked: what hides a value is told from one, whatever it is made of.
func TestMasked(t *testing.T) {
	for value, want := range map[string]bool{
		Mask: true, "***": true, "**": true, "********\n": true, " **** ": true, "••••1234": true, "AKIA••••••••": true, "●●●●": true, "∗∗∗∗∗": true, "*** ***": true,
		"<hidden>": true, "[REDACTED]": true, "redacted": true, "(sensitive value)": true, "xxxxxxxx": true, "…": true,
		"": false, " ": false, "*": false, "a*b": false, "**/x": false, "*.*": false, "hidden": false, "secret": false, "xxx": false, "xxxy": false, "hunter2": false, "<hunter2>": false, "SELECT * FROM t": false,
	} {
		if Masked(value) != want {
			t.Errorf("%q: %v", value, !want)
		}
	}
}
