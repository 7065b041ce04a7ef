package lint

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// TestLong: a RUN of 100 KB on many lines is read as any other, and one on a single line,
// which BuildKit refuses, is told of where it stands. What comes after is read.
func TestLong(t *testing.T) {
	long := strings.Repeat("numpy ", 20000)
	var lines strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&lines, " \\\n    numpy%d package%d", i, i)
	}
	refused := func(where string, n int) string {
		return fmt.Sprintf("DC703 error %s Docker cannot read it: a line of %d bytes, and there may be 65535", where, n)
	}
	many := func(line int) string {
		return fmt.Sprintf("DC707 warning %d:5 %d:12 %d:5 %d:12 %d:5 pip install without a version: numpy0, package0, numpy1, package1, numpy2 and 9995 more", line, line, line+1, line+1, line+2)
	}
	const cache, loose = " pip install leaves its cache in the layer", " pip install without a version: numpy"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"many lines":     {"RUN pip install" + lines.String(), []string{many(2), "DC720 info 1:9" + cache}},
		"lines below":    {"RUN <<EOF\npip install" + lines.String() + "\nEOF\n", []string{many(3), "DC720 info 2:5" + cache}},
		"one line":       {"RUN pip install " + long, []string{refused("1:1", 16+len(long))}},
		"one that ends":  {"RUN true\nRUN pip install " + long + "\nRUN pip install numpy\n", []string{refused("2:1", 16+len(long)), "DC707 warning 3:17" + loose, "DC720 info 3:9" + cache}},
		"plain":          {"RUN echo " + long + "\nRUN pip install numpy\n", []string{refused("1:1", 9+len(long)), "DC707 warning 2:17" + loose, "DC720 info 2:9" + cache}},
		"a comment":      {"RUN true\n # " + long + "\nRUN pip install numpy\n", []string{refused("2:2", 3+len(long)), "DC707 warning 3:17" + loose, "DC720 info 3:9" + cache}},
		"a line of more": {"RUN pip install a \\\n  " + long + "\\\n b\nRUN pip install numpy\n", []string{refused("2:3", 3+len(long)), "DC707 warning 4:17" + loose, "DC720 info 4:9" + cache}},
		"in a heredoc":   {"RUN <<EOF\npip install " + long + "\nEOF\nRUN pip install numpy\n", []string{refused("2:1", 12+len(long)), "DC707 warning 4:17" + loose, "DC720 info 4:9" + cache}},
		"two":            {"ENV A=" + long + "\n\nENV B=" + long + "\r\n", []string{refused("1:1", 6+len(long)), refused("3:1", 7+len(long))}},
		"one word":       {"RUN true\n" + strings.Repeat("x", 70000), []string{refused("2:1", 70000)}},
	} {
		d := desired(map[string]map[string]any{"e": {"dockerfile": c.text}})
		if got := told(d, Check(d)); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n  %.2000s\nwant\n  %s", name, strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
		}
	}
}

// TestLongest: what is told to be too long is what BuildKit refuses.
func TestLongest(t *testing.T) {
	for _, end := range []string{"", "\n", "\r\n", "\nRUN true\n"} {
		for n := bufio.MaxScanTokenSize - 4; n < bufio.MaxScanTokenSize+4; n++ {
			text := "RUN true\nRUN " + strings.Repeat("x", n-4) + end
			_, err := parser.Parse(strings.NewReader(text))
			var place *parser.LocationError
			if err != nil && !errors.As(err, &place) {
				t.Fatal(err)
			}
			d := readDockerfile(shellParser(), text, func(string) bool { return false }, true)
			if (err != nil) != (len(d.wrong) > 0) {
				t.Errorf("%d bytes and %q: BuildKit says %v, and here %v", n, end, err, d.wrong)
			}
		}
	}
}
