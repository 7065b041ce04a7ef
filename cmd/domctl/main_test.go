package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"domctl.dev/compiler"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == compiler.Verb {
		main() // commands that tests run in this process compile in a child
	}
	testscript.Main(m, map[string]func(){"domctl": main, "domctl-hasty": hasty, "domctl-watched": watched})
}

// hasty is domctl with a lock that is free twenty seconds after its holder stood still.
func hasty() {
	if len(os.Args) == 2 && os.Args[1] == compiler.Verb {
		main()
	}
	a := newApp(os.Stdin, os.Stdout, os.Stderr)
	a.lease = 20 * time.Second
	os.Exit(a.main(os.Args[1:]))
}
