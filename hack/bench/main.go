// Command bench times domctl beside `cue export` on the same files, in one run,
// and writes docs/benchmarks.md. All commands take turns, A B A B …; figures are
// medians of whole processes. It sends nothing over a network.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	sizes := flag.String("sizes", "10,100,1000,10000", "numbers of objects")
	runs := flag.Int("runs", 5, "runs of each command")
	out := flag.String("out", "docs/benchmarks.md", "file to write")
	world := flag.String("world", "", "only write the sandbox of the deployment in this folder")
	flag.Parse()
	if *world != "" {
		return sandboxFor(context.Background(), *world, filepath.Join(*world, "prod"))
	}
	work, err := os.MkdirTemp("", "domctl-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b := bench{work: work, runs: *runs}
	if err := b.build(); err != nil {
		return err
	}
	var rows []row
	for _, s := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		r, err := b.size(n)
		if err != nil {
			return fmt.Errorf("%d objects: %w", n, err)
		}
		rows = append(rows, r)
		fmt.Fprintf(os.Stderr, "bench: %d objects done\n", n)
	}
	return os.WriteFile(*out, []byte(page(rows, *runs)), 0o644)
}

type bench struct {
	work, domctl, cue string
	runs              int
}

// build makes the two programs: domctl as it is released, cue at the version
// that domctl is built with.
func (b *bench) build() error {
	b.domctl, b.cue = filepath.Join(b.work, "domctl"), filepath.Join(b.work, "cue")
	version, err := output("go", "list", "-m", "-f", "{{.Version}}", "cuelang.org/go")
	if err != nil {
		return err
	}
	if _, err := output("go", "build", "-o", b.domctl, "./cmd/domctl"); err != nil {
		return err
	}
	cmd := exec.Command("go", "install", "cuelang.org/go/cmd/cue@"+version)
	cmd.Env = append(os.Environ(), "GOBIN="+b.work, "GOFLAGS=")
	if msg, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cue: %w: %s", err, msg)
	}
	return nil
}

func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w: %s", name, err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}
