// Package statetest is the contract of applier.Store. Every store passes it:
// memory, file, S3, and each of them sealed.
package statetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"domctl.dev/applier"
)

// Run tests fresh stores from open. Keys is how many keys the list case makes:
// more than one page of the store.
func Run(t *testing.T, keys int, open func(t *testing.T) applier.Store) {
	for _, c := range cases(keys) {
		t.Run(c.name, func(t *testing.T) {
			c.run(test{t, t.Context(), open(t)})
		})
	}
}

type contractCase struct {
	name string
	run  func(test)
}

func cases(keys int) []contractCase {
	return []contractCase{
		{"get of an absent key is ErrNoKey", getAbsent},
		{"bodies come back byte for byte", bodies},
		{"bodies are copies", copies},
		{"put if none loses against an existing key", putIfNoneLoses},
		{"put if match loses against a moved etag", putIfMatchLoses},
		{"put if match loses against an absent key", putIfMatchAbsent},
		{"an etag does not come back with its key", etagOfFormerLife},
		{"one of 20 wins a put if none", oneCreates},
		{"one of 20 wins a put if match", oneReplaces},
		{"no increment is lost", increments},
		{"list is complete and in order", func(t test) { listAll(t, keys) }},
		{"list narrows by prefix", listPrefix},
		{"a key may begin with another", nestedKeys},
		{"delete is idempotent", deletes},
		{"unusual keys are keys", unusualKeys},
		{"bad keys are refused by every call", badKeys},
		{"an unclear answer is settled by reading", unclear},
		{"a cancelled call writes nothing", cancelled},
	}
}

// test is one case's store and what it needs to call it.
type test struct {
	*testing.T
	ctx   context.Context
	store applier.Store
}

func (t test) put(key, body string) (etag string) {
	t.Helper()
	etag, err := t.store.PutIfNone(t.ctx, key, []byte(body))
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
	return etag
}

func (t test) want(key, body string) (etag string) {
	t.Helper()
	got, etag, err := t.store.Get(t.ctx, key)
	if err != nil || string(got) != body {
		t.Fatalf("get %q = %.80q, %v; want %.80q", key, got, err, body)
	}
	return etag
}

func (t test) wantErr(err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error %v; want %v", err, target)
	}
}

func (t test) wantList(prefix string, want ...string) {
	t.Helper()
	got, err := t.store.List(t.ctx, prefix)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("list %q = %q, %v; want %q", prefix, got, err, want)
	}
}

func getAbsent(t test) {
	body, etag, err := t.store.Get(t.ctx, "lock")
	t.wantErr(err, applier.ErrNoKey)
	if body != nil || etag != "" {
		t.Fatalf("an absent key has body %q and etag %q", body, etag)
	}
	t.put("applies/a/0", "x")
	_, _, err = t.store.Get(t.ctx, "applies/a")
	t.wantErr(err, applier.ErrNoKey)
}

func bodies(t test) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for i, body := range []string{"", "\n", "{}\n{}", string(all), string(bytes.Repeat(all, 8192))} {
		key := fmt.Sprintf("bodies/%d", i)
		etag := t.put(key, body)
		if got := t.want(key, body); got != etag || etag == "" {
			t.Fatalf("get answers etag %q, put answered %q", got, etag)
		}
		next, err := t.store.PutIfMatch(t.ctx, key, []byte("next "+body), etag)
		if err != nil || next == etag {
			t.Fatalf("put if match = %q, %v after etag %q", next, err, etag)
		}
		t.want(key, "next "+body)
	}
}

func copies(t test) {
	body := []byte("stored")
	if _, err := t.store.PutIfNone(t.ctx, "k", body); err != nil {
		t.Fatal(err)
	}
	body[0] = 'X'
	got, _, err := t.store.Get(t.ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	got[0] = 'Y'
	t.want("k", "stored")
}

func putIfNoneLoses(t test) {
	etag := t.put("lock", "first")
	_, err := t.store.PutIfNone(t.ctx, "lock", []byte("second"))
	t.wantErr(err, applier.ErrExists)
	if got := t.want("lock", "first"); got != etag {
		t.Fatalf("the loser moved the etag from %q to %q", etag, got)
	}
}

func putIfMatchLoses(t test) {
	old := t.put("lock", "first")
	held, err := t.store.PutIfMatch(t.ctx, "lock", []byte("second"), old)
	if err != nil {
		t.Fatal(err)
	}
	for _, stale := range []string{old, "", "nonsense"} {
		_, err = t.store.PutIfMatch(t.ctx, "lock", []byte("third"), stale)
		t.wantErr(err, applier.ErrMoved)
	}
	if got := t.want("lock", "second"); got != held {
		t.Fatalf("a loser moved the etag from %q to %q", held, got)
	}
}

func putIfMatchAbsent(t test) {
	etag := t.put("gone", "x")
	if err := t.store.Delete(t.ctx, "gone"); err != nil {
		t.Fatal(err)
	}
	_, err := t.store.PutIfMatch(t.ctx, "gone", []byte("y"), etag)
	t.wantErr(err, applier.ErrMoved)
	for _, stale := range []string{etag, "", "nonsense"} {
		_, err = t.store.PutIfMatch(t.ctx, "never", []byte("y"), stale)
		t.wantErr(err, applier.ErrMoved)
	}
	t.wantList("")
}

func etagOfFormerLife(t test) {
	etag := t.put("k", "nonce 1")
	if err := t.store.Delete(t.ctx, "k"); err != nil {
		t.Fatal(err)
	}
	t.put("k", "nonce 2")
	_, err := t.store.PutIfMatch(t.ctx, "k", []byte("nonce 3"), etag)
	t.wantErr(err, applier.ErrMoved)
	t.want("k", "nonce 2")
}

// race lets 20 callers go at once and answers the bodies of those that won;
// any error but lost fails the test.
func (t test) race(lost error, call func(body []byte) error) (won []string) {
	var mu sync.Mutex
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range 20 {
		group.Go(func() {
			<-start
			body := fmt.Sprintf("caller %d", i)
			err := call([]byte(body))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won = append(won, body)
			} else if !errors.Is(err, lost) {
				t.Errorf("%s: %v; a loser is told %v", body, err, lost)
			}
		})
	}
	close(start)
	group.Wait()
	return won
}

func oneCreates(t test) {
	won := t.race(applier.ErrExists, func(body []byte) error {
		_, err := t.store.PutIfNone(t.ctx, "applies/a/7", body)
		return err
	})
	if len(won) != 1 {
		t.Fatalf("%d callers won: %q", len(won), won)
	}
	t.want("applies/a/7", won[0])
}

func oneReplaces(t test) {
	etag := t.put("lock", "free")
	won := t.race(applier.ErrMoved, func(body []byte) error {
		_, err := t.store.PutIfMatch(t.ctx, "lock", body, etag)
		return err
	})
	if len(won) != 1 {
		t.Fatalf("%d callers won: %q", len(won), won)
	}
	t.want("lock", won[0])
}

func increments(t test) {
	t.put("count", "0")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 5 {
				if err := Increment(t.ctx, t.store, "count"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	t.want("count", "20")
}

// Increment adds one to the decimal number under key, again and again until its
// own put wins.
func Increment(ctx context.Context, s applier.Store, key string) error {
	for {
		body, etag, err := s.Get(ctx, key)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(body))
		if err != nil {
			return err
		}
		_, err = s.PutIfMatch(ctx, key, []byte(strconv.Itoa(n+1)), etag)
		if !errors.Is(err, applier.ErrMoved) {
			return err
		}
	}
}
