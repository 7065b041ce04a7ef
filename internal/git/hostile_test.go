package git

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // git's own
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync/atomic"
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
	for what, commit := range map[string]string{"many": r.bomb(base, 12, ""), "long": r.bomb(base, 12, strings.Repeat("n", 200)), "huge": r.bomb(base, 2, strings.Repeat("n", 1<<20))} {
		most, stop := watch()
		_, err := r.open().Differ(t.Context(), base, commit)
		stop()
		var why Unreadable
		if !errors.As(err, &why) || !strings.Contains(why.Why, "64 MiB of names") || len(err.Error()) > 1000 {
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

// TestPackMemory: what is held is what is counted, of objects that were let go of and of
// differences while they are applied, too.
func TestPackMemory(t *testing.T) {
	const m = 1 << 20
	p := newPacking(t, 0)
	base := p.object("blob", 3, m, io.LimitReader(nothings{}, m))
	uvar := binary.AppendUvarint
	add := func(base []byte, from, to int, does []byte) {
		delta := append(uvar(uvar(nil, uint64(from)*m), uint64(to)*m), does...)
		p.header(7, int64(len(delta)))
		p.Write(base)
		p.deflate(io.Discard, bytes.NewReader(delta))
	}
	zeros := func(size int64) []byte { // its id
		id := sha1.New() //nolint:gosec // git's own
		fmt.Fprintf(id, "blob %d\x00", size)
		_, _ = io.Copy(id, io.LimitReader(nothings{}, size))
		return id.Sum(nil)
	}
	copied := func(times int) []byte { return bytes.Repeat([]byte{0xc0, 0x10}, times) } // 1 MiB from 0
	literal := func(size int) (does []byte) {                                           // of bytes, as large as what it makes
		for left := size * m; left > 0; left -= min(left, 127) {
			does = append(append(does, byte(min(left, 127))), make([]byte, min(left, 127))...)
		}
		return does
	}
	add(base, 1, 120, copied(120))
	add(zeros(120*m), 120, 119, copied(119))
	add(zeros(120*m), 120, 1, copied(1))
	add(base, 1, 118, literal(118))
	p.count(5)
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	most, stop := watchLive()
	_, err := kept(t.Context(), t, p.Bytes())
	stop()
	if held := most.Load(); err != nil || held > mostHeld+64*m {
		t.Errorf("%v; %d MiB are held", err, held>>20)
	}

	p = newPacking(t, 0)
	base = p.object("blob", 3, m, io.LimitReader(nothings{}, m))
	add(base, 1, 130, literal(130))
	p.count(2)
	if _, err := kept(t.Context(), t, p.Bytes()); err == nil || !strings.Contains(err.Error(), "at most 256 MiB of such are read") {
		t.Errorf("%v", err)
	}
}

// watchLive watches how much the collector finds to be in use at most.
func watchLive() (most *atomic.Uint64, stop func()) {
	runtime.GC()
	most, end, ended := new(atomic.Uint64), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for {
			metrics.Read(live)
			most.Store(max(most.Load(), live[0].Value.Uint64()))
			select {
			case <-end:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return most, func() { close(end); <-ended }
}

// TestEntriesThatGitWouldNotMake are refused where they would be compared or merged: not
// everybody who reads them finds the same.
func TestEntriesThatGitWouldNotMake(t *testing.T) {
	r := newRepo(t)
	base := r.commit(map[string]string{"prod/a.cue": "1", "prod/b.cue": "2"})
	a, b, prod := r.git("rev-parse", base+":prod/a.cue"), r.git("rev-parse", base+":prod/b.cue"), r.git("rev-parse", base+":prod")
	ours := r.commit(map[string]string{"prod/c.cue": "3"})
	for name, c := range map[string]struct{ entries, want string }{
		"twice":             {entry("100644", "a.cue", b) + entry("100644", "a.cue", a) + entry("100644", "b.cue", b), "its folder holds prod/a.cue twice"},
		"a file and folder": {entry("100644", "a.cue", a) + entry("100644", "a.cue-", a) + entry("40000", "a.cue", prod), "its folder holds prod/a.cue twice"},
		"unsorted":          {entry("100644", "b.cue", b) + entry("100644", "a.cue", a), "prod/a.cue is not where git looks for it in its folder"},
		"elsewhere":         {entry("100644", "../else.cue", a), `"../else.cue" in prod is no name that a file may have`},
		"within":            {entry("100644", "x/y.cue", a), `"x/y.cue" in prod is no name that a file may have`},
		"itself":            {entry("100644", ".", a), `"." in prod is no name that a file may have`},
		"nothing":           {entry("100644", "a.cue", strings.Repeat("0", 40)), "prod/a.cue is nothing, and in its folder"},
	} {
		commit := r.git("commit-tree", "-p", base, "-m", "x", r.object("tree", entry("40000", "prod", r.object("tree", c.entries))))
		var why Unreadable
		if _, err := r.open().Differ(t.Context(), base, commit); !errors.As(err, &why) || why.Why != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.open().Merge(t.Context(), ours, commit); !errors.As(err, &why) || why.Why != c.want {
			t.Errorf("%s, merged: %v", name, err)
		}
	}
}
