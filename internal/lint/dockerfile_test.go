package lint

import "testing"

// FuzzJoined: each byte of an instruction as BuildKit joins it stands where it is said to.
func FuzzJoined(f *testing.F) {
	for _, s := range []string{"RUN a \\\n  b\n", "RUN a \\ \t\n\n# c\n  b \\\\\nENV a b", "# escape=`\nRUN a `\r\n b\\\n", "\ufeff  RUN a\\\n\\\nb", "RUN <<A cat\nx\nA\nRUN y", "\\\nRUN x", "RUN a\\", "RUN \u00a0a \\\n\u00e4 b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := readDockerfile(shellParser(), text, func(string) bool { return false }, true)
		for _, i := range d.instructions {
			line := i.node.Original
			if i.placed() == nil {
				t.Fatalf("%q: no places of %q", text, line)
			}
			for n := range line {
				if at := i.place(n); at >= len(text) || text[at] != line[n] {
					t.Fatalf("%q: byte %d of %q is said to stand at %d", text, n, line, at)
				}
			}
		}
	})
}
