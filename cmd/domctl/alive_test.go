package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestAlive: a holder that ended need not be waited for, also where its parent
// has not asked for it; one of another machine is not known.
func TestAlive(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("processes are looked up in /proc: run it on Linux")
	}
	me, _, _ := strings.Cut(holder(), " pid ")
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	its := fmt.Sprintf("%s pid %d", me, child.Process.Pid)
	want := func(of string, isAlive, isKnown bool) {
		t.Helper()
		if a, k := alive(of); a != isAlive || k != isKnown {
			t.Errorf("%q: alive %v, known %v", of, a, k)
		}
	}
	want(holder(), true, true)
	want(its, true, true)
	want("ada@elsewhere pid 1", false, false)
	want("nonsense", false, false)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for a, _ := alive(its); a; a, _ = alive(its) { // until it is a zombie: nobody waits for it
	}
	if err := child.Wait(); err == nil {
		t.Error("sleep was not killed")
	}
	want(its, false, true)
}
