package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"

	"domctl.dev/applier"
	"domctl.dev/internal/state/statetest"
)

// countingKeeper wraps keys with a fixed pad and counts its calls.
type countingKeeper struct {
	made, opened int
	fail         error
	slow         time.Duration // of OpenKey
}

func (*countingKeeper) Name() string { return "test" }

func (k *countingKeeper) NewKey(context.Context) (key, wrapped []byte, err error) {
	k.made++
	key = bytes.Repeat([]byte{byte(k.made)}, 32)
	return key, append([]byte("wrapped"), key...), k.fail
}

func (k *countingKeeper) OpenKey(_ context.Context, wrapped []byte) ([]byte, error) {
	k.opened++
	time.Sleep(k.slow)
	key, ok := bytes.CutPrefix(wrapped, []byte("wrapped"))
	if !ok {
		return nil, ErrOpaque
	}
	return key, k.fail
}

func ageIdentity(t *testing.T) string {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return "# created for a test\n" + id.String() + "\n"
}

func mustAge(t *testing.T, text string) Keeper {
	t.Helper()
	k, err := Age(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedContract(t *testing.T) {
	keeper := mustAge(t, ageIdentity(t))
	statetest.Run(t, 120, func(t *testing.T) applier.Store { return Sealed(File(t.TempDir()), keeper, "acme-prod") })
}

func TestSealedBodiesHideWhatTheyHold(t *testing.T) {
	m := Memory()
	s := Sealed(m, mustAge(t, ageIdentity(t)), "acme-prod")
	for _, key := range []string{"applies/a/0", "applied", "snapshots/a", "anything/new", "lock", "open/a"} {
		if _, err := s.PutIfNone(t.Context(), key, []byte("canary")); err != nil {
			t.Fatal(err)
		}
		stored := m.Bodies()[key]
		if clear := bytes.Contains(stored, []byte("canary")); clear != Clear(key) {
			t.Errorf("%s is stored as %q", key, stored)
		}
		body, _, err := s.Get(t.Context(), key)
		if err != nil || string(body) != "canary" {
			t.Errorf("%s comes back as %q, %v", key, body, err)
		}
	}
}

func TestAnotherProcessOpensWithOneCallAKey(t *testing.T) {
	m, k := Memory(), &countingKeeper{}
	for range 2 { // two writing processes
		s := Sealed(m, k, "d")
		for _, key := range []string{"applies/a/0", "applies/a/1"} {
			if _, err := s.PutIfNone(t.Context(), key, nil); err != nil && !errors.Is(err, applier.ErrExists) {
				t.Fatal(err)
			}
		}
		if _, err := s.PutIfNone(t.Context(), "applied", nil); err != nil && !errors.Is(err, applier.ErrExists) {
			t.Fatal(err)
		}
	}
	reader := Sealed(m, k, "d")
	for range 3 {
		for key := range m.Bodies() {
			if _, _, err := reader.Get(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
	}
	if k.made != 2 || k.opened != 1 {
		t.Fatalf("%d keys made and %d opened; want 2 and 1", k.made, k.opened)
	}
}

// TestReadersSideBySideOpenAKeyOnce, also while it is being opened.
func TestReadersSideBySideOpenAKeyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, k := Memory(), &countingKeeper{slow: time.Second}
		writer := Sealed(m, k, "d")
		for i := range 20 {
			if _, err := writer.PutIfNone(t.Context(), fmt.Sprintf("applies/a/%d", i), nil); err != nil {
				t.Fatal(err)
			}
		}
		reader := Sealed(m, k, "d")
		var group sync.WaitGroup
		for key := range m.Bodies() {
			group.Go(func() {
				if _, _, err := reader.Get(t.Context(), key); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if k.opened != 1 {
			t.Errorf("the key is opened %d times", k.opened)
		}
	})
}

// TestADataKeyServesSoManyBodies, and the next one is sealed with another.
func TestADataKeyServesSoManyBodies(t *testing.T) {
	m, k := Memory(), &countingKeeper{}
	s := Sealed(m, k, "d").(*sealed)
	put := func(key string) {
		if _, err := s.PutIfNone(t.Context(), key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	put("applies/a/0")
	s.uses = maxUses - 1
	put("applies/a/1")
	if k.made != 1 || s.uses != maxUses {
		t.Fatalf("%d keys made for %d bodies", k.made, s.uses)
	}
	put("applies/a/2")
	put("applies/a/3")
	if k.made != 2 || s.uses != 2 {
		t.Fatalf("%d keys made; want another after %d bodies", k.made, maxUses)
	}
	for key := range m.Bodies() {
		if body, _, err := Sealed(m, k, "d").Get(t.Context(), key); err != nil || string(body) != key {
			t.Errorf("%s comes back as %q, %v", key, body, err)
		}
	}
}

// putSealed stores a sealed "the body" under key and answers what the store holds.
func putSealed(t *testing.T, k Keeper, deployment, key string) []byte {
	t.Helper()
	m := Memory()
	if _, err := Sealed(m, k, deployment).PutIfNone(t.Context(), key, []byte("the body")); err != nil {
		t.Fatal(err)
	}
	return m.Bodies()[key]
}

// openRaw reads raw, found under key, as deployment d.
func openRaw(t *testing.T, k Keeper, key string, raw []byte) ([]byte, error) {
	t.Helper()
	m := Memory()
	if _, err := m.PutIfNone(t.Context(), key, raw); err != nil {
		t.Fatal(err)
	}
	body, _, err := Sealed(m, k, "d").Get(t.Context(), key)
	return body, err
}

// stranger knows whom records are for, and not the identity: a public key is no secret.
type stranger struct{ to age.Recipient }

func (stranger) Name() string { return "age" }

func (s stranger) NewKey(context.Context) (key, wrapped []byte, err error) {
	var b bytes.Buffer
	key = bytes.Repeat([]byte{7}, 32)
	w, err := age.Encrypt(&b, s.to)
	if err == nil {
		_, err = w.Write(key)
	}
	if err == nil {
		err = w.Close()
	}
	return key, b.Bytes(), err
}

func (stranger) OpenKey(context.Context, []byte) ([]byte, error) { return nil, ErrOpaque }

func TestBodiesOpenOnlyWhereTheyWerePut(t *testing.T) {
	k, other := mustAge(t, ageIdentity(t)), mustAge(t, ageIdentity(t))
	for name, c := range map[string]struct {
		raw  []byte
		want error
	}{
		"in place":           {putSealed(t, k, "d", "applied"), nil},
		"of another key":     {putSealed(t, k, "d", "applies/a/0"), ErrOpaque},
		"of another house":   {putSealed(t, k, "other", "applied"), ErrOpaque},
		"for someone else":   {putSealed(t, other, "d", "applied"), ErrOpaque},
		"by a stranger":      {putSealed(t, stranger{k.(ageKeeper).recipient}, "d", "applied"), ErrOpaque},
		"by another keeper":  {putSealed(t, &countingKeeper{}, "d", "applied"), ErrOpaque},
		"never sealed":       {[]byte("the body"), ErrUnsealed},
		"empty":              {nil, ErrUnsealed},
		"of a later version": {[]byte("domctl-sealed\x02…"), ErrCorrupt},
	} {
		body, err := openRaw(t, k, "applied", c.raw)
		switch {
		case !errors.Is(err, c.want):
			t.Errorf("%s: %v; want %v", name, err, c.want)
		case err == nil && string(body) != "the body", err != nil && (body != nil || !strings.Contains(err.Error(), `"applied"`)):
			t.Errorf("%s: %q, %v", name, body, err)
		}
	}
}

func TestEveryFlippedOrMissingByteIsSeen(t *testing.T) {
	k := &countingKeeper{}
	raw := putSealed(t, k, "d", "applied")
	if body, err := openRaw(t, k, "applied", raw); err != nil || string(body) != "the body" {
		t.Fatal(err)
	}
	for i := range raw {
		flipped := slices.Clone(raw)
		flipped[i] ^= 1
		for what, b := range map[string][]byte{"flipped": flipped, "cut": raw[:i]} {
			if body, err := openRaw(t, k, "applied", b); err == nil {
				t.Errorf("byte %d %s: opens as %q", i, what, body)
			}
		}
	}
}

func TestAKeeperThatFailsStopsTheWrite(t *testing.T) {
	m, down := Memory(), errors.New("the key service is down")
	_, err := Sealed(m, &countingKeeper{fail: down}, "d").PutIfNone(t.Context(), "applied", nil)
	if !errors.Is(err, down) || !strings.Contains(err.Error(), "was not written") || len(m.Calls()) != 0 {
		t.Fatalf("%v after %v", err, m.Calls())
	}
}

func TestAgeIdentities(t *testing.T) {
	before, after := ageIdentity(t), ageIdentity(t)
	raw := putSealed(t, mustAge(t, before), "d", "applied")
	if body, err := openRaw(t, mustAge(t, after+before), "applied", raw); err != nil || string(body) != "the body" {
		t.Errorf("after a change of identity: %q, %v", body, err)
	}
	for _, text := range []string{"", "# nothing", "AGE-SECRET-KEY-1CANARY", "canary", before + "canary"} {
		if _, err := Age(text); err == nil || strings.Contains(strings.ToLower(err.Error()), "canary") {
			t.Errorf("identity %q: %v", text, err)
		}
	}
}

func FuzzDecodeEnvelope(f *testing.F) {
	f.Add(envelope{"age", []byte("wrapped"), []byte("sealed")}.encode())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEnvelope(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsealed) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(e.encode(), b) {
			t.Fatalf("%q is read as %+v", b, e)
		}
	})
}
