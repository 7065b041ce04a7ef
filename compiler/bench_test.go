package compiler

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"domctl.dev/internal/gen"
)

// sizes are the numbers of objects that are timed; hack/bench times whole
// processes beside cue export.
var sizes = []int{10, 100, 1000, 10000}

func benchSource(b *testing.B, n int) Source {
	b.Helper()
	dir := b.TempDir()
	if err := gen.Write(dir, withVendored(gen.Tree(n))); err != nil {
		b.Fatal(err)
	}
	return Source{Root: dir, Dir: "prod", Program: "bench"}
}

func benchCompile(b *testing.B, prepare func(*testing.B, Source) Source) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			src := prepare(b, benchSource(b, n))
			b.ReportAllocs()
			for b.Loop() {
				r, err := Compile(context.Background(), src)
				if err != nil || len(r.Desired.Objects) != n+3 {
					b.Fatal(err, len(r.Desired.Objects))
				}
			}
		})
	}
}

func BenchmarkCold(b *testing.B) {
	benchCompile(b, func(_ *testing.B, src Source) Source { return src })
}

// BenchmarkMixed has a pattern on every kind, so that CUE evaluates all.
func BenchmarkMixed(b *testing.B) {
	benchCompile(b, func(b *testing.B, src Source) Source {
		text := "package domino\n\nhardwareTiers: [string]: archived: false\nenvironments: [string]: archived: false\n"
		if err := os.WriteFile(filepath.Join(src.Root, "shared.cue"), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
		return src
	})
}

func BenchmarkWarm(b *testing.B) {
	benchCompile(b, func(b *testing.B, src Source) Source {
		src.Cache = b.TempDir()
		if _, err := Compile(context.Background(), src); err != nil {
			b.Fatal(err)
		}
		return src
	})
}
