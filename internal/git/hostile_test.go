package git

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// object writes one as git alone would not, and answers its id.
func (r repo) object(kind, text string) string {
	r.t.Helper()
	cmd := r.command("hash-object", "-w", "-t", kind, "--literally", "--stdin")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func entry(mode, name, id string) string {
	raw, _ := hex.DecodeString(id)
	return mode + " " + name + "\x00" + string(raw)
}

// bomb commits a tree that names 10^levels files.
func (r repo) bomb(parent string, levels int, name string) string {
	id, mode := r.object("blob", "x"), "100644"
	for range levels {
		var b strings.Builder
		for n := range 10 {
			b.WriteString(entry(mode, fmt.Sprint(n, name), id))
		}
		id, mode = r.object("tree", b.String()), "40000"
	}
	return r.git("commit-tree", "-p", parent, "-m", "x", r.object("tree", entry(mode, "bomb", id)))
}

// TestDifferIsBounded: a few objects name more files than any machine has room for.
func TestDifferIsBounded(t *testing.T) {
	r := newRepo(t)
	base := r.commit(map[string]string{"prod/a.cue": "1"})
	few := r.bomb(base, 4, "")
	if names, err := r.open().Differ(t.Context(), base, few); err != nil || len(names) != 10_001 {
		t.Errorf("%d names, %v", len(names), err)
	}
	for what, commit := range map[string]string{"many": r.bomb(base, 12, ""), "long": r.bomb(base, 12, strings.Repeat("n", 200)), "huge": r.bomb(base, 2, strings.Repeat("n", 8<<20))} {
		most, stop := watch()
		_, err := r.open().Differ(t.Context(), base, commit)
		stop()
		if !errors.Is(err, ErrTooMuch) || len(err.Error()) > 1000 {
			t.Errorf("%s: %.1000v", what, err)
		}
		if held := most.Load(); held > 512<<20 {
			t.Errorf("%s: %d MiB are held", what, held>>20)
		}
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := r.open().Differ(short, base, r.bomb(base, 5, "")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
