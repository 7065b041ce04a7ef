package sim

import (
	"os"
	"testing"
)

// Modern is the machine that testdata/modern stands on, for tests of packages beside this
// one.
func Modern(t testing.TB) *Machine {
	t.Helper()
	content, err := os.ReadFile("../sim/testdata/modern/sandbox.json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMachine(content, NewJump())
	if err != nil {
		t.Fatal(err)
	}
	m.Secrets = map[string]string{"env:SIM_TOKEN": "canary-token-new", "env:SIM_FRESH": "canary-fresh-new"}
	return m
}
