// Command testlines reads `go test -json` and prints a line for each package,
// the output of what failed, and the reason of every skip.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

type event struct {
	Action, Package, Test, Output string
	ImportPath                    string
	Elapsed                       float64
}

func main() {
	failed, err := report(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testlines:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

// report answers whether anything failed: a test, a package, or its build.
func report(r io.Reader, w io.Writer) (failed bool, err error) {
	output := map[string]string{}
	in := bufio.NewScanner(r)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Fprintln(w, in.Text())
			failed = true
			continue
		}
		key := e.Package + " " + e.Test
		switch {
		case e.Action == "output" || e.Action == "build-output":
			output[key] += e.Output
			if e.Action == "build-output" {
				fmt.Fprint(w, e.Output)
			}
		case e.Action == "fail" || e.Action == "build-fail":
			failed = true
			fmt.Fprintf(w, "FAIL %s %s\n%s", e.Package, e.Test, output[key])
		case e.Action == "skip" && e.Test != "":
			fmt.Fprintf(w, "skip %s %s\n%s", e.Package, e.Test, output[key])
		case e.Action == "pass" && e.Test == "":
			fmt.Fprintf(w, "ok   %s %.1fs\n", e.Package, e.Elapsed)
		}
	}
	return failed, in.Err()
}
