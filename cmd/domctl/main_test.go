package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"domctl.dev/compiler"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == compiler.Verb {
		main() // commands that tests run in this process compile in a child
	}
	testscript.Main(m, map[string]func(){"domctl": main, "domctl-watched": watched})
}
