package statetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/applier"
)

func listAll(t test, n int) {
	var want []string
	for i := range n {
		key := fmt.Sprintf("applies/%03d/%d", i/10, i%10)
		t.put(key, key)
		want = append(want, key)
	}
	slices.Sort(want)
	t.wantList("applies/", want...)
	t.wantList("", want...)
}

func listPrefix(t test) {
	for _, k := range []string{"applied", "applies/a/0", "applies/a/1", "applies/ab/0", "open/a"} {
		t.put(k, k)
	}
	t.wantList("applies/a/", "applies/a/0", "applies/a/1")
	t.wantList("applies/a", "applies/a/0", "applies/a/1", "applies/ab/0")
	t.wantList("appli", "applied", "applies/a/0", "applies/a/1", "applies/ab/0")
	t.wantList("open/a", "open/a")
	t.wantList("open/b")
	t.wantList("none/at/all/")
}

func nestedKeys(t test) {
	for _, k := range []string{"a", "a/b", "a/b/c", "a.record", "a.record/b"} {
		t.put(k, "body of "+k)
	}
	t.wantList("", "a", "a.record", "a.record/b", "a/b", "a/b/c")
	if err := t.store.Delete(t.ctx, "a"); err != nil {
		t.Fatal(err)
	}
	t.want("a/b", "body of a/b")
	t.wantList("a/", "a/b", "a/b/c")
}

func deletes(t test) {
	for range 2 {
		if err := t.store.Delete(t.ctx, "open/a"); err != nil {
			t.Fatalf("delete of an absent key: %v", err)
		}
	}
	t.put("open/a", "x")
	t.put("open/b", "y")
	for range 2 {
		if err := t.store.Delete(t.ctx, "open/a"); err != nil {
			t.Fatal(err)
		}
		t.wantList("open/", "open/b")
	}
	t.put("open/a", "again")
}

func unusualKeys(t test) {
	keys := []string{
		".hidden/.lock", ".lock", ".writing", "Upper", "a b", "hardwareTiers.GPU (large)", "per%2Fcent", "per%cent",
		"settings.com.cerebro.domino.x", "tilde~", "upper", "é/ü", "日本",
	}
	slices.Sort(keys)
	for _, k := range keys {
		t.put(k, "body of "+k)
	}
	for _, k := range keys {
		t.want(k, "body of "+k)
	}
	t.wantList("", keys...)
}

// BadKeys are refused by every store.
func BadKeys() []string {
	return []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "./a", "a/./b", `a\b`, `..\a`,
		"a\x00b", "a\nb", "a\x7fb", "\xff", strings.Repeat("a", 241), strings.Repeat("é", 41), strings.Repeat("a/", 256) + "a",
	}
}

func badKeys(t test) {
	for _, k := range BadKeys() {
		_, _, getErr := t.store.Get(t.ctx, k)
		_, noneErr := t.store.PutIfNone(t.ctx, k, []byte("x"))
		_, matchErr := t.store.PutIfMatch(t.ctx, k, []byte("x"), "e")
		delErr := t.store.Delete(t.ctx, k)
		for call, err := range map[string]error{"get": getErr, "put if none": noneErr, "put if match": matchErr, "delete": delErr} {
			if err == nil || errors.Is(err, applier.ErrNoKey) || errors.Is(err, applier.ErrMoved) {
				t.Errorf("%s of %.30q answers %v", call, k, err)
			}
		}
	}
	for _, p := range []string{"../", "a/../", "../.", "/", "//", "a//", `a\`} {
		if got, err := t.store.List(t.ctx, p); err == nil {
			t.Errorf("list of %q answers %q", p, got)
		}
	}
	t.wantList("")
}

// errLost is the answer that lossy gives instead of the store's.
var errLost = errors.New("the connection died after the call")

// lossy makes every write and loses its answer.
type lossy struct{ applier.Store }

func (l lossy) PutIfNone(ctx context.Context, key string, body []byte) (string, error) {
	_, _ = l.Store.PutIfNone(ctx, key, body)
	return "", errLost
}

func (l lossy) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (string, error) {
	_, _ = l.Store.PutIfMatch(ctx, key, body, etag)
	return "", errLost
}

func unclear(t test) {
	_, err := lossy{t.store}.PutIfNone(t.ctx, "lock", []byte("owner a, nonce 1"))
	t.wantErr(err, errLost)
	etag := t.want("lock", "owner a, nonce 1")
	_, err = t.store.PutIfNone(t.ctx, "lock", []byte("owner a, nonce 1"))
	t.wantErr(err, applier.ErrExists)

	_, err = lossy{t.store}.PutIfMatch(t.ctx, "lock", []byte("owner a, nonce 2"), etag)
	t.wantErr(err, errLost)
	_, err = t.store.PutIfMatch(t.ctx, "lock", []byte("owner a, nonce 2"), etag)
	t.wantErr(err, applier.ErrMoved)
	t.want("lock", "owner a, nonce 2")
}

func cancelled(t test) {
	etag := t.put("k", "kept")
	ctx, cancel := context.WithCancel(t.ctx)
	cancel()
	_, _, getErr := t.store.Get(ctx, "k")
	_, noneErr := t.store.PutIfNone(ctx, "new", []byte("x"))
	_, matchErr := t.store.PutIfMatch(ctx, "k", []byte("x"), etag)
	_, listErr := t.store.List(ctx, "")
	for call, err := range map[string]error{"get": getErr, "put if none": noneErr, "put if match": matchErr,
		"list": listErr, "delete": t.store.Delete(ctx, "k")} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s answers %v", call, err)
		}
	}
	if got := t.want("k", "kept"); got != etag {
		t.Errorf("a cancelled put moved the etag")
	}
	t.wantList("", "k")
}
