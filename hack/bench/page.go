package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
)

// page renders docs/benchmarks.md.
func page(rows []row, runs int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Benchmarks

Written by `+"`make bench`"+`; do not edit. Whole processes, medians of %d runs on
%s (%d CPUs, %s). Machines are noisy: read the ratios. N objects are four
fifths environments of about 4 KB of source and one fifth hardware tiers, twenty
a file; the world is the sandbox, so that no network is in the figures. A
program that does nothing (`+"`domctl version`"+`) takes %.0f ms. What a bake gains on real
engines stands in [bake-figures.md](bake-figures.md), what a controller takes under load in
[serve-figures.md](serve-figures.md).

These objects state literals, which domctl reads without CUE's evaluator. Objects that
refer to something, or fall under a pattern rule that does (`+"`hardwareTiers: [string]:\n{cores: number, coresLimit: cores}`"+`, as in the classic example), are left to it: check
and plan of those are not faster than `+"`cue export`"+` and take more memory, and ten
thousand of them need a larger `+"`--eval-memory`"+` than the default.

## Wall time in ms / peak memory in MiB

| N | cue export | cue vet -c | check, cold | check, warm | plan, cold | plan, warm | plan, one file changed |
|---|---|---|---|---|---|---|---|
`, runs, machine(), runtime.NumCPU(), runtime.Version(), rows[len(rows)-1].startup.ms)
	for _, r := range rows {
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s | %s | %s | %s |\n", r.n, r.export, r.vet, r.checkCold, r.checkWarm, r.planCold, r.planWarm, r.changed)
	}
	b.WriteString("\n## As ratios to cue export (wall / memory)\n\n| N | check, cold | plan, cold | plan, warm | plan, warm, above start-up |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		check, cold, warm := r.checkCold.over(r.export), r.planCold.over(r.export), r.planWarm.over(r.export)
		fmt.Fprintf(&b, "| %d | %.2f / %.2f | %.2f / %.2f | %.2f / %.2f | %.0f ms |\n", r.n, check.ms, check.mib, cold.ms, cold.mib, warm.ms, warm.mib, r.planWarm.ms-r.startup.ms)
	}
	if len(rows) > 1 {
		a, z := rows[len(rows)-2], rows[len(rows)-1]
		fmt.Fprintf(&b, "\nFrom %d to %d objects a cold plan grows with exponent %.2f, `cue export` with %.2f.\n",
			a.n, z.n, exponent(a, z, a.planCold, z.planCold), exponent(a, z, a.export, z.export))
	}
	return b.String()
}

func (f figure) String() string { return fmt.Sprintf("%.0f / %.0f", f.ms, f.mib) }

// exponent of growth between two sizes: 1 is linear.
func exponent(a, z row, fa, fz figure) float64 {
	return math.Log(fz.ms/fa.ms) / math.Log(float64(z.n)/float64(a.n))
}

// machine names the processor.
func machine() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOOS + "/" + runtime.GOARCH
	}
	for _, line := range strings.Split(string(text), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOOS + "/" + runtime.GOARCH
}
