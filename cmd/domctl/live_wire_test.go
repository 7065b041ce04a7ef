//go:build wire

package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"domctl.dev/internal/wiretest"
)

const canary = "wanted-canary-of-the-token"

// onWire lays the deployment's files down and points domctl's environment at it.
func onWire(t *testing.T) (a *wiretest.Acme, dir string) {
	t.Helper()
	a = wiretest.NewAcme(t)
	a.Account.Setenv()
	t.Setenv("DOMCTL_MONGO_URI", a.URI)
	t.Setenv("ACME_TOKEN", canary)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return a, filepath.Join(laid(t, a.Files()), "acme")
}

// laid is a folder with files.
func laid(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// domctl runs one command and holds that it exits as wanted and shows no secret.
func domctl(t *testing.T, want int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := run(args, strings.NewReader(""), &stdout, &stderr); got != want {
		t.Fatalf("domctl %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, want, &stdout, &stderr)
	}
	for _, secret := range []string{canary, "live-canary-of-the-token"} {
		if strings.Contains(stdout.String()+stderr.String(), secret) {
			t.Fatalf("domctl %s shows the secret %s", strings.Join(args, " "), secret)
		}
	}
	return stdout.String() + stderr.String()
}

// database is every document, in canonical Extended JSON with sorted keys.
func database(t *testing.T, a *wiretest.Acme) string {
	t.Helper()
	var b strings.Builder
	for _, c := range []string{"hardware_tier", "config", "environments_v2"} {
		cursor, err := a.DB.Collection(c).Find(context.Background(), bson.D{})
		if err != nil {
			t.Fatal(err)
		}
		var docs []bson.M
		if err := cursor.All(context.Background(), &docs); err != nil {
			t.Fatal(err)
		}
		for _, d := range docs {
			text, err := bson.MarshalExtJSON(sorted(d), true, false)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(text, '\n'))
		}
	}
	return b.String()
}

func sorted(v any) any {
	switch v := v.(type) {
	case bson.M:
		return sorted(bson.D(elements(v)))
	case bson.D:
		m := map[string]any{}
		for _, e := range v {
			m[e.Key] = e.Value
		}
		return elements(m)
	}
	return v
}

func elements(m map[string]any) bson.D {
	d := bson.D{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		d = append(d, bson.E{Key: k, Value: sorted(m[k])})
	}
	return d
}

func TestLive(t *testing.T) {
	a, dir := onWire(t)
	before := database(t, a)
	domctl(t, 2, "plan", dir, "--detailed-exitcode")
	out := domctl(t, 0, "apply", dir, "--auto-approve")
	if !strings.Contains(out, "Applied: ") {
		t.Error(out)
	}
	if out := domctl(t, 0, "plan", dir, "--detailed-exitcode"); !strings.Contains(out, "nothing to do") {
		t.Errorf("the second plan is not empty:\n%s", out)
	}
	drift(t, a)
	if out := domctl(t, 2, "plan", dir, "--detailed-exitcode"); !strings.Contains(out, "hardwareTiers.small  drift") {
		t.Errorf("drift is not told:\n%s", out)
	}
	domctl(t, 0, "apply", dir, "--auto-approve")
	domctl(t, 0, "rollback", dir, "--auto-approve")
	undrift(t, a)
	domctl(t, 0, "rollback", dir, "--before", "1h", "--auto-approve")
	if after := database(t, a); after != before {
		t.Errorf("the database is not as it was:\n%s\nwant:\n%s", after, before)
	}
	t.Setenv("DOMCTL_MONGO_URI", "") // who needs the records alone asks no database
	for _, args := range [][]string{{"history", dir}, {"snapshots", "list", dir}, {"lock", "show", dir}, {"lock", "break", dir}} {
		domctl(t, 0, args...)
	}
	domctl(t, 1, "rollback", dir, "--before", "1h")
}

func drift(t *testing.T, a *wiretest.Acme) { setLive(t, a, "resources.cores", 3.0) }

// undrift puts back what the first apply wrote, so that its rollback finds it.
func undrift(t *testing.T, a *wiretest.Acme) { setLive(t, a, "resources.cores", 2.0) }
