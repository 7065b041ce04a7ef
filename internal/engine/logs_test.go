package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
)

// TestLogs: pieces are put together before secrets are hidden, control characters are
// harmless, the file is its owner's alone, and another process begins it anew.
func TestLogs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	open := func() *engine.Logs {
		return &engine.Logs{Dir: dir, Shown: ".domctl/logs", Hide: func(s string) string { return strings.ReplaceAll(s, "canary", "(secret)") }}
	}
	const step = "amis.a/bake.image/0123"
	l := open()
	if l.Place("apply", step) != "" || l.From("work") != 0 {
		t.Error("a log is there before anything was said")
	}
	for _, piece := range []string{"one\ntoken can", "ary\n\x1b[2Jtwo\r10 %\r20 %\n"} {
		l.Keep("apply", step, "work", int64(len(piece)), piece)
	}
	file := filepath.Join(dir, "apply", "amis.a_bake.image_0123.log")
	want := "one\ntoken (secret)\n\\u001b[2Jtwo\n10 %\n20 %\n"
	if got, err := os.ReadFile(file); string(got) != want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if at, err := os.Stat(file); err != nil || at.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", at.Mode(), err)
	}
	if l.From("work") != 35 || l.Place("apply", step) != ".domctl/logs/apply/amis.a_bake.image_0123.log" || len(l.End(step)) != 5 {
		t.Error(l.From("work"), l.Place("apply", step), l.End(step))
	}
	l = open()
	l.Keep("apply", step, "work", 16, "anew\n::error::x\n")
	if got, _ := os.ReadFile(file); string(got) != "anew\n: :error::x\n" {
		t.Errorf("%q", got)
	}
}

// TestALogThatCannotBeWritten keeps no bake from its end; the message says so.
func TestALogThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	must(t, os.WriteFile(dir, nil, 0o600))
	l := &engine.Logs{Dir: dir, Shown: ".domctl/logs"}
	l.Keep("apply", "step", "work", 4, "one\n")
	if at := l.Place("apply", "step"); !strings.Contains(at, "which could not be written") || len(l.End("step")) != 1 {
		t.Errorf("%q, %q", at, l.End("step"))
	}
}
