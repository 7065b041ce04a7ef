//go:build wire && bake

package main

import (
	"os"
	"path/filepath"
	"testing"

	"domctl.dev/internal/wiretest"
)

// beside is a deployment on real instances, and domctl there as processes with an
// environment of their own, so that tests may run side by side. What a test adds to
// the deployment's files stands in text.
func beside(t *testing.T, text func(*wiretest.Bakery) string) (*wiretest.Bakery, *faulty) {
	t.Helper()
	t.Parallel()
	b := wiretest.NewBakery(t)
	files := b.Files()
	files["acme/more.cue"] = "package domino\n\n" + text(b)
	f := &faulty{Acme: b.Acme, t: t, dir: filepath.Join(laid(t, files), "acme"), env: append(os.Environ(), "DOMCTL_MONGO_URI="+b.URI, "XDG_CACHE_HOME="+t.TempDir())}
	for name, value := range b.Account.Env() {
		f.env = append(f.env, name+"="+value)
	}
	return b, f
}

// runs runs domctl to its end, and holds how it ends.
func (f *faulty) runs(want int, args ...string) string {
	f.t.Helper()
	code, said := f.start(args...).end()
	if code != want {
		f.t.Fatalf("domctl %v: exit code %d, want %d\n%s", args, code, want, said)
	}
	return said
}
