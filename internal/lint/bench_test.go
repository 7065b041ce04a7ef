package lint

import (
	"fmt"
	"testing"
)

// BenchmarkCheck looks at 1,000 environments of 31 instructions.
func BenchmarkCheck(b *testing.B) {
	envs := map[string]map[string]any{}
	for n := range 1000 {
		text := "RUN pip install --no-cache-dir \\\n"
		for i := range 30 {
			text += fmt.Sprintf("    package-%d-%d==1.%d \\\n", n, i, i)
		}
		text += "    last==1.0\n"
		for i := range 30 {
			text += fmt.Sprintf("RUN tar -xzf \"/build/package-%d-%d.tgz\" -C /opt --no-same-owner && rm -rf /tmp/build-%d\n", n, i, i)
		}
		envs[fmt.Sprint("env-", n)] = map[string]any{"dockerfile": text, "scripts.preRun": "mkdir -p \"$HOME\" && chown domino \"$HOME\"\necho ready\n"}
	}
	d := desired(envs)
	b.ReportAllocs()
	for b.Loop() {
		if found := Check(d); len(found) != 0 {
			b.Fatal(len(found), found[0])
		}
	}
}
